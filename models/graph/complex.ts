/**
 * Complex matrices in the tensor graph, so that a network reads like its paper: `product(product(h, a), d)` is H·A·D.
 *
 * A complex matrix is one real tensor [Re | Im], the two parts side by side: [..., R, 2·C], and leading axes are a batch. Other forms of the same
 * matrix serve its products:
 *
 * - `stackedParts(A)`, [..., 2·R, C], has the two parts of a row one under the other: the same numbers in the same order. Times [Re B | Im B] it
 *   gives the four real products of A·B, with nothing copied but what is as small as A·B itself.
 * - `rightFactor(B)` = [B; jB] = [[Re, Im], [−Im, Re]]: [Re A | Im A]·[B; jB] = [Re AB | Im AB], one real product with a copy of B.
 * - `embed(A)` = [[Re, −Im], [Im, Re]], for chains of small algebra: products, transposes (Hermitian ones here) and inverses of embeddings are
 *   plain ones. It holds each number twice, and in float32 the two copies drift apart over hundreds of steps, so nothing lives in it for long.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { shapeText } from './graph.ts';
import type { Graph, Tensor } from './graph.ts';
import * as ops from './ops.ts';

export interface Complex {
  /** [Re | Im], [..., R, 2·C] */
  readonly parts: Tensor;
  /** R */
  readonly rows: number;
  /** C */
  readonly cols: number;
}

/** A tensor that is [Re | Im] already. @throws BeamrigError 'shape' when its last axis is not two halves */
export function complex(parts: Tensor): Complex {
  const [rows, width] = parts.shape.slice(-2);
  if (typeof rows !== 'number' || typeof width !== 'number' || width % 2 !== 0) {
    throw new BeamrigError('shape', `complex: ${shapeText(parts.shape)} is no matrix of [Re | Im]`);
  }
  return { parts, rows, cols: width / 2 };
}

/** Re + j·Im of two real matrices. */
export const fromParts = (re: Tensor, im: Tensor): Complex => complex(ops.concat([re, im], re.shape.length - 1));

/** The two parts of numbers kept as pairs [..., 2], as files and NumPy have them. */
export function partsOfPairs(pairs: Tensor): [re: Tensor, im: Tensor] {
  const axis = lastAxis(pairs);
  const part = (index: number) => ops.squeeze(ops.slice(pairs, axis, index, index + 1), [axis]);
  return [part(0), part(1)];
}

/** [..., R, C, 2] */
export function toPairs(a: Complex): Tensor {
  const axis = a.parts.shape.length;
  return ops.concat([ops.unsqueeze(real(a), [axis]), ops.unsqueeze(imaginary(a), [axis])], axis);
}

/** Re A, [..., R, C]. */
export const real = ({ parts, cols }: Complex): Tensor => ops.slice(parts, lastAxis(parts), 0, cols);

/** Im A, [..., R, C]. */
export const imaginary = ({ parts, cols }: Complex): Tensor => ops.slice(parts, lastAxis(parts), cols, 2 * cols);

/** Rows from … to − 1. */
export const rowsOf = ({ parts }: Complex, from: number, to: number): Complex =>
  complex(ops.slice(parts, lastAxis(parts) - 1, from, to));

/** Columns from … to − 1. */
export const columnsOf = (a: Complex, from: number, to: number): Complex =>
  fromParts(...([real(a), imaginary(a)].map((part) => ops.slice(part, lastAxis(part), from, to)) as [Tensor, Tensor]));

/** One under the other. */
export const stacked = (matrices: readonly Complex[]): Complex =>
  complex(
    ops.concat(
      matrices.map(({ parts }) => parts),
      lastAxis(matrices[0].parts) - 1,
    ),
  );

/** One beside the other. */
export function sideBySide(matrices: readonly Complex[]): Complex {
  const axis = lastAxis(matrices[0].parts);
  return fromParts(ops.concat(matrices.map(real), axis), ops.concat(matrices.map(imaginary), axis));
}

export const add = (a: Complex, b: Complex): Complex => complex(ops.add(a.parts, b.parts));

export const subtract = (a: Complex, b: Complex): Complex => complex(ops.subtract(a.parts, b.parts));

/** A∘s for a real s that both parts share: one number a matrix, [..., 1, 1], or a row, [..., R, 1]. */
export const scale = (a: Complex, s: Tensor): Complex => complex(ops.multiply(a.parts, s));

/** A·B */
export function product(a: Complex, b: Complex): Complex {
  // Of a tall A the four products would be larger than a copy of B.
  if (a.rows > b.rows) return complex(ops.matmul(a.parts, rightFactor(b)));
  const four = ops.matmul(stackedParts(a), b.parts); // (row, part of A) × [Re B | Im B]
  const width = 2 * b.cols;
  const sideBySide = ops.reshape(four, [...four.shape.slice(0, -2), a.rows, 2 * width]);
  const share = (index: number) => ops.slice(sideBySide, lastAxis(sideBySide), index * b.cols, (index + 1) * b.cols);
  const [reRe, reIm, imRe, imIm] = [share(0), share(1), share(2), share(3)];
  return fromParts(ops.subtract(reRe, imIm), ops.add(reIm, imRe));
}

/** Aᴴ·B, without forming Aᴴ. */
export function hermitianProduct(a: Complex, b: Complex): Complex {
  const axis = lastAxis(b.parts);
  const minusJ = ops.concat([imaginary(b), ops.negate(real(b))], axis); // −jB
  const both = ops.concat([b.parts, minusJ], axis);
  const stacked = ops.reshape(both, [...both.shape.slice(0, -2), 2 * b.rows, 2 * b.cols]); // B_k over −jB_k
  return complex(ops.matmul(ops.swapLast(stackedParts(a)), stacked));
}

/** Rows (row, part), [..., 2·R, C]: no number moves. */
export const stackedParts = ({ parts, rows, cols }: Complex): Tensor =>
  ops.reshape(parts, [...parts.shape.slice(0, -2), 2 * rows, cols]);

/** [B; jB], [..., 2·R, 2·C]: what stands at the right of a product. */
export const rightFactor = (b: Complex): Tensor => ops.concat([b.parts, timesJ(b).parts], b.parts.shape.length - 2);

/** j·A = [−Im | Re] */
export const timesJ = ({ parts, cols }: Complex): Complex => complex(ops.matmul(parts, turnByJ(parts.graph, cols)));

/** Aᴴ */
export const hermitian = (a: Complex): Complex => fromParts(ops.swapLast(real(a)), ops.negate(ops.swapLast(imaginary(a))));

/** |a|² of every entry, in the places of both its parts: [..., R, 2·C]. */
export const modulusSquared = ({ parts, cols }: Complex): Tensor =>
  ops.matmul(ops.multiply(parts, parts), pairSum(parts.graph, cols));

/** exp(j∠A): every entry to modulus one. An entry that is 0 has no phase: see `withPhase`. */
export const unitModulus = (a: Complex): Complex => scale(a, ops.divide(a.parts.graph.constant(1), ops.sqrt(modulusSquared(a))));

/** A with 1 in the place of entries that are 0, so that each has a phase; or exp(jφ) with the phases given, by row and column. */
export function withPhase(a: Complex, phaseRad?: (row: number, col: number) => number): Complex {
  const { parts, rows, cols } = a;
  const { graph } = parts;
  const height = phaseRad === undefined ? 1 : rows;
  const instead = (row: number, col: number): number => {
    const phase = phaseRad?.(row, col % cols) ?? 0;
    return col < cols ? Math.cos(phase) : Math.sin(phase);
  };
  const other = graph.constant(entries(height, 2 * cols, instead), [height, 2 * cols]);
  return complex(ops.select(ops.greaterOrEqual(modulusSquared(a), graph.constant(1e-20)), parts, other));
}

/** ∠A in (−π, π], [..., R, C]; the phase of 0 is 0. onnxruntime has Atan in float32 only. */
export function angle(a: Complex): Tensor {
  const { graph } = a.parts;
  const re = real(a);
  const im = imaginary(a);
  const zero = graph.constant(0);
  const quarter = ops.atan(ops.divide(im, ops.abs(re)));
  const halfTurn = ops.select(ops.greaterOrEqual(im, zero), graph.constant(Math.PI), graph.constant(-Math.PI));
  // Where both parts are 0 the quotient is no number.
  const known = ops.select(ops.greaterOrEqual(ops.add(ops.abs(re), ops.abs(im)), graph.constant(1e-6)), quarter, zero);
  return ops.select(ops.greaterOrEqual(re, zero), known, ops.subtract(halfTurn, known));
}

/** ‖A‖²_F, [..., 1, 1]. */
export const energy = ({ parts }: Complex): Tensor => ops.reduceSumSquare(parts, lastTwoAxes(parts));

/** D scaled so that ‖A·D‖_F = 1. */
export const unitPower = (a: Complex, d: Complex): Complex => complex(ops.divide(d.parts, ops.sqrt(energy(product(a, d)))));

/** [[Re, −Im], [Im, Re]], [..., 2·R, 2·C] */
export function embed(a: Complex): Tensor {
  const re = real(a);
  const im = imaginary(a);
  const across = lastAxis(a.parts);
  return ops.concat([ops.concat([re, ops.negate(im)], across), ops.concat([im, re], across)], across - 1);
}

/** Back from an embedding, whose upper half is [Re | −Im]. */
export function fromEmbedding(embedded: Tensor): Complex {
  const height = embedded.shape.at(-2) as number;
  const upper = ops.slice(embedded, embedded.shape.length - 2, 0, height / 2);
  return conjugate(complex(upper));
}

/**
 * The polar factor U of A = U·P (P Hermitian, positive): the nearest matrix with orthonormal columns. By Newton steps without an inverse,
 * X ← X·(3I − XᴴX)∕2 (Newton and Schulz), from X scaled so that its largest singular value σ is at most 1.2. A step raises a small σ by half of
 * it, and near 1 squares the distance: 5 steps serve condition numbers up to 3, 8 up to 10. A σ that is 0 stays 0, so nothing overflows where
 * columns coincide.
 */
export function polarFactor(a: Complex, steps: number): Complex {
  const target = newtonTarget(a.parts.graph, 2 * a.cols);
  return fromEmbedding(newtonSteps(embed(a), target, steps));
}

/** The same of a matrix that is embedded already. */
export const polarFactorOfEmbedding = (a: Tensor, steps: number): Tensor =>
  newtonSteps(a, newtonTarget(a.graph, a.shape.at(-1) as number), steps);

/** 3∕2·I: held as Y = X∕√2, a step is Y ← Y·(3∕2·I − YᵀY), which is an op less. */
const newtonTarget = (graph: Graph, size: number): Tensor =>
  graph.constant(
    entries(size, size, (row, col) => (row === col ? 1.5 : 0)),
    [size, size],
  );

function newtonSteps(whole: Tensor, target: Tensor, steps: number): Tensor {
  const { graph } = whole;
  // Σσ⁴ ≥ σ⁴ of the largest; an embedding has each σ twice.
  const gram = ops.matmul(ops.swapLast(whole), whole);
  const fourth = ops.multiply(ops.reduceSumSquare(gram, lastTwoAxes(gram)), graph.constant(0.5));
  const largest = ops.sqrt(ops.sqrt(ops.maximum(fourth, graph.constant(1e-30))));
  let y = ops.multiply(ops.divide(whole, largest), graph.constant(1.2 / Math.SQRT2));
  for (let step = 0; step < steps; step++) {
    y = ops.matmul(y, ops.subtract(target, ops.matmul(ops.swapLast(y), y)));
  }
  return ops.multiply(y, graph.constant(Math.SQRT2));
}

/**
 * An orthonormal basis of the columns of A (R ≥ C): the polar factor of A with its columns scaled to length 1, which spares Newton the steps
 * that users of different strength would cost.
 */
export function orthonormalBasis(a: Complex, steps = 8): Complex {
  const { graph } = a.parts;
  const lengths = ops.reduceSum(modulusSquared(a), [a.parts.shape.length - 2]); // [..., 1, 2C]
  return polarFactor(complex(ops.divide(a.parts, ops.sqrt(ops.maximum(lengths, graph.constant(1e-30))))), steps);
}

/**
 * Q of A = Q·R with R upper triangular and its diagonal positive (R ≥ C): orthonormal columns, the first k of which span what the first k of A
 * do, as Gram and Schmidt have them. By Cholesky factors, AᴴA = RᴴR and Q = A·R⁻¹, twice, since the first time leaves what rounding makes of the
 * squared condition number. NaN comes out where columns are dependent: `orthonormalBasis` bears that.
 *
 * Source: Yamamoto et al., Roundoff error analysis of the CholeskyQR2 algorithm, Electron. Trans. Numer. Anal. 44 (2015).
 * @public for networks to come; nothing that ships calls it yet
 */
export function gramSchmidt(a: Complex): Complex {
  return byCholesky(byCholesky(a));
}

function byCholesky(a: Complex): Complex {
  const { parts, rows, cols } = a;
  const lead = parts.shape.slice(0, -2);
  const axes = [...lead.keys()];
  const at = (...places: number[]): number[] => [...axes, ...places.map((place) => axes.length + place)];
  // Parts side by side in every entry, as 2×2 blocks [[Re, −Im], [Im, Re]]: so ordered, a triangular matrix stays triangular.
  const gram = embed(hermitianProduct(a, a));
  const blocks = ops.transpose(ops.reshape(gram, [...lead, 2, cols, 2, cols]), at(1, 0, 3, 2));
  const factor = ops.cholesky(ops.reshape(blocks, [...lead, 2 * cols, 2 * cols])); // Rᴴ
  const right = ops.transpose(ops.reshape(conjugate(a).parts, [...lead, rows, 2, cols]), at(2, 1, 0)); // Aᴴ
  const solved = ops.solveLowerTriangular(factor, ops.reshape(right, [...lead, 2 * cols, rows])); // Qᴴ = R⁻ᴴ·Aᴴ
  const back = ops.transpose(ops.reshape(solved, [...lead, cols, 2, rows]), at(2, 1, 0));
  return conjugate(complex(ops.reshape(back, parts.shape)));
}

/** The complex conjugate of every entry. */
const conjugate = ({ parts, cols }: Complex): Complex => complex(ops.multiply(parts, conjugation(parts.graph, cols)));

/** [1, 2C]: 1 for real parts, −1 for imaginary ones. */
const conjugation = (graph: Graph, cols: number): Tensor =>
  graph.constant(
    entries(1, 2 * cols, (_, col) => (col < cols ? 1 : -1)),
    [1, 2 * cols],
  );

/**
 * A layer of a network: x·W + b for each row x, [..., rows, features].
 * @param weight [features, outputs]: its column j is what makes output j
 * @param bias [1, outputs]
 * @public for networks to come; nothing that ships calls it yet
 */
export const dense = (rows: Complex, weight: Complex, bias: Complex): Complex => add(product(rows, weight), bias);

/**
 * max(0, ·) of the real part and of the imaginary part, each by itself (ℂReLU).
 *
 * Source: Trabelsi et al., Deep Complex Networks, ICLR 2018, §3.4.
 * @public for networks to come; nothing that ships calls it yet
 */
export const complexRelu = ({ parts }: Complex): Complex => complex(ops.maximum(parts, parts.graph.constant(0)));

/** [2C, 2C]: adds the squares of an entry's two parts and puts the sum in both places. */
export const pairSum = (graph: Graph, cols: number): Tensor =>
  graph.constant(
    entries(2 * cols, 2 * cols, (row, col) => (row % cols === col % cols ? 1 : 0)),
    [2 * cols, 2 * cols],
  );

/** [2C, 2C]: multiplies [Re | Im] by j from the right, [a | b]·J = [−b | a]. */
export const turnByJ = (graph: Graph, cols: number): Tensor =>
  graph.constant(
    entries(2 * cols, 2 * cols, (row, col) => (row % cols !== col % cols || row === col ? 0 : row < cols ? 1 : -1)),
    [2 * cols, 2 * cols],
  );

/** A real matrix, row-major, from its entries: constants of a graph. */
export const entries = (rows: number, cols: number, entry: (row: number, col: number) => number): Float64Array =>
  Float64Array.from({ length: rows * cols }, (_, i) => entry(Math.floor(i / cols), i % cols));

const lastAxis = (a: Tensor): number => a.shape.length - 1;
const lastTwoAxes = (a: Tensor): number[] => [a.shape.length - 2, a.shape.length - 1];
