/**
 * What sensing wishes for beside the users' rates: that the covariance of what is radiated, X·Xᴴ with X = A·D, be near a wanted one, Ψ. It is
 * kept as a factor, P·B·Bᴴ = Ψ, so that nothing of N×N is ever formed:
 *
 *   τ = ‖XXᴴ − Ψ‖²_F = ‖XᴴX‖² − 2P·‖BᴴX‖² + P²·‖BᴴB‖²
 *
 * Source: Nguyen et al. (paper 000), eqs. (3)-(5).
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import { counted } from '../errors/counted.ts';
import { powerSpectrum, summedOverRows } from './beampattern.ts';
import type { CMatrix } from './complex-matrix.ts';
import { frobeniusNorm, matmul, multiplyAhB, scale, zeros } from './complex-matrix.ts';
import { eigHermitian } from './decompositions.ts';
import type { MetricValues } from './metrics.ts';

export interface Sensing {
  /** B, N×r, ‖B‖²_F = 1: Ψ = P·B·Bᴴ for whatever power the problem has. */
  readonly factor: CMatrix;
  /** ω ≥ 0: bit/s/Hz that a unit of τ costs in R − ω·τ. */
  readonly weight: number;
  /** Where the beampattern is looked at; absent: its error is not told. */
  readonly grid?: PatternGrid;
}

/**
 * Where the power over azimuth is compared. As a function of ψ = 2πd·sin θ it is a Fourier series with as many terms as a row has elements, and the
 * square of a difference has twice as many: points 2πl/L, l = 0 … L − 1, with L ≥ 4C − 3 say all of it, and weights make their sum the mean over any
 * azimuths.
 */
export interface PatternGrid {
  /** Elements of a row, C. */
  readonly columns: number;
  /** L of them: Σ w·e² at the points is the mean of e² over the azimuths. */
  readonly weights: Float64Array;
  /** a(θ)ᴴ·B·Bᴴ·a(θ) at the points: what is wanted there at power 1. */
  readonly wanted: Float64Array;
}

/**
 * τ, paper 000 (3).
 * @param precoder X = A·D, N×K
 * @param power P
 */
export function covarianceError({ factor }: Sensing, precoder: CMatrix, power: number): number {
  const own = frobeniusNorm(multiplyAhB(precoder, precoder)) ** 2;
  const shared = frobeniusNorm(multiplyAhB(factor, precoder)) ** 2;
  // A square: where it is 0, rounding of the three may leave less.
  return Math.max(own - 2 * power * shared + power ** 2 * wantedEnergy(factor), 0);
}

/** ‖B·Bᴴ‖²_F */
export const wantedEnergy = (factor: CMatrix): number => frobeniusNorm(multiplyAhB(factor, factor)) ** 2;

/**
 * Mean over azimuth of |a(θ)ᴴ(XXᴴ − Ψ)a(θ)|², at power 1: paper 000's beampattern MSE, section IV, with P divided out.
 * @param precoder X = A·D, N×K
 * @param power P
 */
export function beampatternMse({ columns, weights, wanted }: PatternGrid, precoder: CMatrix, power: number): number {
  const line = precoder.rows === columns ? precoder : summedOverRows(precoder, precoder.rows / columns, columns);
  const radiated = powerSpectrum(line, weights.length);
  let sum = 0;
  for (let l = 0; l < weights.length; l++) sum += weights[l] * (radiated[l] / power - wanted[l]) ** 2;
  // Weights have either sign: of no difference rounding is left.
  return Math.max(sum, 0);
}

/**
 * Everything that metrics.ts has of sensing, for any objective.
 * @param precoder X = A·D, N×K
 * @param power P
 * @param sumRate R, bit/s/Hz
 * @throws {BeamrigError} 'shape' where it wishes for an array of another size
 */
export function sensingMetrics(sensing: Sensing, precoder: CMatrix, power: number, sumRate: number): MetricValues {
  requireSameElements(sensing, precoder.rows);
  const tau = covarianceError(sensing, precoder, power);
  const mse = sensing.grid === undefined ? {} : { beampattern_mse: beampatternMse(sensing.grid, precoder, power) };
  return { tau, rate_less_tau: sumRate - sensing.weight * tau, ...mse };
}

/** @throws {BeamrigError} 'shape' */
export function requireSameElements({ factor }: Sensing, elements: number): void {
  if (factor.rows === elements) return;
  throw new BeamrigError('shape', `the wanted covariance is for ${counted(factor.rows, 'element')}, the channel has ${elements}`);
}

/** Eigenvalues below this share of the trace are left out: together they are below what a beam can be told from. */
const LEAST_SHARE = 1e-4;
/** What rounding to float32 may make of a Hermitian, positive semidefinite matrix, of the trace. */
const ROUNDING_SHARE = 1e-3;

/**
 * B of a covariance: Ψ/tr Ψ = B·Bᴴ, columns by falling energy.
 * @param covariance Ψ, N×N, Hermitian, positive semidefinite, of any power
 * @throws {BeamrigError} 'argument' where it is none
 */
export function factorOfCovariance(covariance: CMatrix): CMatrix {
  const { rows: n, cols, re, im } = covariance;
  if (n !== cols) throw new BeamrigError('shape', `a covariance is square, got ${n}×${cols}`);
  let trace = 0;
  let skew = 0;
  for (let i = 0; i < n; i++) {
    trace += re[i * n + i];
    for (let j = 0; j <= i; j++) skew = Math.max(skew, Math.hypot(re[i * n + j] - re[j * n + i], im[i * n + j] + im[j * n + i]));
  }
  if (!(trace > 0 && Number.isFinite(trace))) {
    throw new BeamrigError('argument', `the trace of the covariance is ${trace}`, {
      wayOut: 'It is the radiated power, above 0.',
    });
  }
  if (!(skew <= ROUNDING_SHARE * trace)) {
    throw new BeamrigError(
      'argument',
      `the covariance is not Hermitian: entries differ by ${skew / trace} of its trace from their mirror`,
    );
  }
  const tall = choleskyColumns(scale(covariance, 1 / trace));
  // L·V with the eigenvectors of LᴴL has columns of the energies that the eigenvalues of Ψ are: no N×N is taken apart.
  const { values, vectors } = eigHermitian(multiplyAhB(tall, tall));
  const kept = [...values.keys()].filter((index) => values[index] >= LEAST_SHARE).sort((a, b) => values[b] - values[a]);
  const turns = zeros(tall.cols, kept.length);
  kept.forEach((from, to) => {
    for (let i = 0; i < tall.cols; i++) {
      turns.re[i * kept.length + to] = vectors.re[i * tall.cols + from];
      turns.im[i * kept.length + to] = vectors.im[i * tall.cols + from];
    }
  });
  const factor = matmul(tall, turns);
  return scale(factor, 1 / frobeniusNorm(factor));
}

/** Of ‖B·Bᴴ‖²: what is left out of a covariance that is written with fewer columns. τ cannot tell of less. */
const MOST_LEFT_OUT = 1e-3;

/**
 * B in at most so many columns: its strongest, where it has more.
 * @returns undefined where more than a thousandth of ‖B·Bᴴ‖²_F would be missing
 */
export function inColumns(factor: CMatrix, most: number): CMatrix | undefined {
  const { rows, cols } = factor;
  if (cols <= most) return factor;
  const { values, vectors } = eigHermitian(multiplyAhB(factor, factor));
  const order = [...values.keys()].sort((i, j) => values[j] - values[i]);
  const energyOf = (indices: readonly number[]): number => indices.reduce((sum, i) => sum + values[i] ** 2, 0);
  const kept = order.slice(0, most);
  if (energyOf(order.slice(most)) > MOST_LEFT_OUT * energyOf(order)) return undefined;
  const turned = matmul(factor, vectors);
  const out = zeros(rows, most);
  kept.forEach((from, to) => {
    for (let n = 0; n < rows; n++) {
      out.re[n * most + to] = turned.re[n * cols + from];
      out.im[n * most + to] = turned.im[n * cols + from];
    }
  });
  return out;
}

/**
 * L of A = L·Lᴴ by columns, the largest rest of the diagonal first, until less than a tenth of what is left out is left: as many columns as A has
 * rank, which is what it costs, O(N²·rank).
 * @param a N×N, Hermitian, trace 1
 * @throws {BeamrigError} 'argument' where what is left is no rounding
 */
function choleskyColumns({ rows: n, re, im }: CMatrix): CMatrix {
  const rest = Float64Array.from({ length: n }, (_, i) => re[i * n + i]);
  const columns: { re: Float64Array; im: Float64Array }[] = [];
  while (columns.length < n) {
    let pivot = 0;
    for (let i = 1; i < n; i++) if (rest[i] > rest[pivot]) pivot = i;
    if (!(rest[pivot] > LEAST_SHARE / (10 * n))) break;
    const root = Math.sqrt(rest[pivot]);
    const column = leftOf(pivot);
    for (let i = 0; i < n; i++) {
      column.re[i] /= root;
      column.im[i] /= root;
      rest[i] -= column.re[i] ** 2 + column.im[i] ** 2;
    }
    rest[pivot] = 0;
    columns.push(column);
  }
  let missed = 0;
  for (let j = 0; j < n; j++) {
    const left = leftOf(j);
    for (let i = 0; i < n; i++) missed += left.re[i] ** 2 + left.im[i] ** 2;
  }
  if (!(Math.sqrt(missed) <= ROUNDING_SHARE)) {
    throw new BeamrigError(
      'argument',
      `the covariance is not positive semidefinite: what is left of it has a norm of ${Number(Math.sqrt(missed).toPrecision(3))} of its trace`,
    );
  }
  const tall = zeros(n, columns.length);
  columns.forEach((column, j) => {
    for (let i = 0; i < n; i++) {
      tall.re[i * columns.length + j] = column.re[i];
      tall.im[i * columns.length + j] = column.im[i];
    }
  });
  return tall;

  /** Column j of A less what the columns of L so far have of it. */
  function leftOf(j: number): { re: Float64Array; im: Float64Array } {
    // Of a Hermitian matrix the row is its conjugate, and lies together.
    const left = { re: re.slice(j * n, (j + 1) * n), im: im.slice(j * n, (j + 1) * n).map((value) => -value) };
    for (const column of columns) {
      const [ar, ai] = [column.re[j], -column.im[j]];
      for (let i = 0; i < n; i++) {
        left.re[i] -= column.re[i] * ar - column.im[i] * ai;
        left.im[i] -= column.re[i] * ai + column.im[i] * ar;
      }
    }
    return left;
  }
}
