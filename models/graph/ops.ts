/**
 * The ops of the tensor graph: each checks its shapes, adds one ONNX node, and says how a gradient goes back through it. All of them work on
 * float32 and float64 alike, except where noted. Broadcasting follows ONNX (NumPy): shapes are aligned at the right, 1 stretches.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { sameShape, shapeText } from './graph.ts';
import type { Dim, GradientRule, Tensor } from './graph.ts';

/** a + b, broadcast. */
export function add(a: Tensor, b: Tensor): Tensor {
  const rules: GradientRule[] = [(g) => unbroadcast(g, a), (g) => unbroadcast(g, b)];
  return a.graph.emit('Add', [a, b], broadcastShape('Add', a, b), rules);
}

/** a − b, broadcast. */
export function subtract(a: Tensor, b: Tensor): Tensor {
  const rules: GradientRule[] = [(g) => unbroadcast(g, a), (g) => unbroadcast(negate(g), b)];
  return a.graph.emit('Sub', [a, b], broadcastShape('Sub', a, b), rules);
}

/** a ∘ b, broadcast. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  const rules: GradientRule[] = [(g) => unbroadcast(multiply(g, b), a), (g) => unbroadcast(multiply(g, a), b)];
  return a.graph.emit('Mul', [a, b], broadcastShape('Mul', a, b), rules);
}

/** a ∕ b, broadcast. */
export function divide(a: Tensor, b: Tensor): Tensor {
  const result: Tensor = a.graph.emit('Div', [a, b], broadcastShape('Div', a, b), [
    (g) => unbroadcast(divide(g, b), a),
    (g) => unbroadcast(negate(divide(multiply(g, result), b)), b),
  ]);
  return result;
}

export function negate(a: Tensor): Tensor {
  return a.graph.emit('Neg', [a], a.shape, [(g) => negate(g)]);
}

export function sqrt(a: Tensor): Tensor {
  const result: Tensor = a.graph.emit('Sqrt', [a], a.shape, [(g) => divide(g, add(result, result))]);
  return result;
}

export function exp(a: Tensor): Tensor {
  const result: Tensor = a.graph.emit('Exp', [a], a.shape, [(g) => multiply(g, result)]);
  return result;
}

/** Natural logarithm. */
export function log(a: Tensor): Tensor {
  return a.graph.emit('Log', [a], a.shape, [(g) => divide(g, a)]);
}

/** |a|; its gradient at 0 is 0. */
export function abs(a: Tensor): Tensor {
  return a.graph.emit('Abs', [a], a.shape, [(g) => multiply(g, a.graph.emit('Sign', [a], a.shape, [null]))]);
}

/** Inverse tangent. onnxruntime has it on the CPU in float32 only. */
export function atan(a: Tensor): Tensor {
  return a.graph.emit('Atan', [a], a.shape, [(g) => divide(g, add(multiply(a, a), a.graph.constant(1)))]);
}

/** The larger of two, broadcast; where they are equal the gradient goes to `a`. */
export function maximum(a: Tensor, b: Tensor): Tensor {
  return select(greaterOrEqual(a, b), a, b);
}

/** The smaller of two, broadcast; where they are equal the gradient goes to `b`. */
export function minimum(a: Tensor, b: Tensor): Tensor {
  return select(greaterOrEqual(a, b), b, a);
}

export function greaterOrEqual(a: Tensor, b: Tensor): Tensor {
  return a.graph.emit('GreaterOrEqual', [a, b], broadcastShape('GreaterOrEqual', a, b), [null, null], { type: 'bool' });
}

/** `condition ? yes : no`, entry by entry, broadcast. */
export function select(condition: Tensor, yes: Tensor, no: Tensor): Tensor {
  if (condition.type !== 'bool')
    throw new BeamrigError('shape', `Where: the condition ${condition.name} is ${condition.type}, not bool`);
  const shape = broadcast('Where', broadcastShape('Where', yes, no), condition.shape);
  const zero = yes.graph.constant(0, [], yes.type);
  return yes.graph.emit(
    'Where',
    [condition, yes, no],
    shape,
    [null, (g) => unbroadcast(select(condition, g, zero), yes), (g) => unbroadcast(select(condition, zero, g), no)],
    { type: yes.type },
  );
}

/** Matrix product over the last two axes; leading axes are a batch and broadcast. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const fits = a.shape.length >= 2 && b.shape.length >= 2 && a.shape.at(-1) === b.shape.at(-2);
  if (!fits) throw mismatch('MatMul', a, b, 'the last axis of the first must equal the last but one of the second');
  const batch = broadcast('MatMul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  return a.graph.emit(
    'MatMul',
    [a, b],
    [...batch, a.shape.at(-2) as Dim, b.shape.at(-1) as Dim],
    [(g) => unbroadcast(matmul(g, swapLast(b)), a), (g) => unbroadcast(matmul(swapLast(a), g), b)],
  );
}

/** The domain of ops that a file carries a body for, in ops of ONNX: see `functions.ts`. */
export const OWN_DOMAIN = 'beamrig';

/**
 * A⁻¹·B over the last two axes for a symmetric positive definite A (or the embedding of a Hermitian one), by Cholesky where the graph is compiled.
 */
export function solvePositiveDefinite(a: Tensor, b: Tensor): Tensor {
  const shape = systemShape('SolvePositiveDefinite', a, b);
  const result: Tensor = a.graph.emit(
    'SolvePositiveDefinite',
    [a, b],
    shape,
    [
      (g) => unbroadcast(negate(matmul(solvePositiveDefinite(a, g), swapLast(result))), a),
      (g) => unbroadcast(solvePositiveDefinite(a, g), b),
    ],
    { domain: OWN_DOMAIN },
  );
  return result;
}

/** L, lower triangular, of A = L·Lᵀ over the last two axes: A symmetric positive definite, or NaN comes out. */
export function cholesky(a: Tensor): Tensor {
  const size = a.shape.at(-1);
  if (typeof size !== 'number' || a.shape.length < 2 || a.shape.at(-2) !== size) {
    throw new BeamrigError('shape', `Cholesky: ${shapeText(a.shape)} is not square in its last two axes`);
  }
  // Source: I. Murray, Differentiation of the Cholesky decomposition, arXiv:1602.07527 (2016), eq. (10).
  const rule: GradientRule = (g) => {
    const inner = multiply(matmul(swapLast(result), g), lowerPart(a, 0.5)); // Φ(Lᵀ·L̄)
    const upper = swapLast(result);
    const s = swapLast(solveUpperTriangular(upper, swapLast(solveUpperTriangular(upper, inner)))); // L⁻ᵀ·Φ·L⁻¹
    return multiply(add(s, swapLast(s)), a.graph.constant(0.5, [], a.type));
  };
  const result: Tensor = a.graph.emit('Cholesky', [a], a.shape, [rule], { domain: OWN_DOMAIN });
  return result;
}

/** L⁻¹·B over the last two axes; what L has above its diagonal is not read. */
export const solveLowerTriangular = (l: Tensor, b: Tensor): Tensor => solveTriangular('Lower', l, b);

/** U⁻¹·B over the last two axes; what U has below its diagonal is not read. */
export const solveUpperTriangular = (u: Tensor, b: Tensor): Tensor => solveTriangular('Upper', u, b);

function solveTriangular(side: 'Lower' | 'Upper', t: Tensor, b: Tensor): Tensor {
  const op = `Solve${side}Triangular`;
  const shape = systemShape(op, t, b);
  const back = (g: Tensor): Tensor => solveTriangular(side === 'Lower' ? 'Upper' : 'Lower', swapLast(t), g);
  const part = side === 'Lower' ? lowerPart(t) : swapLast(lowerPart(t));
  const result: Tensor = t.graph.emit(
    op,
    [t, b],
    shape,
    [(g) => unbroadcast(multiply(negate(matmul(back(g), swapLast(result))), part), t), (g) => unbroadcast(back(g), b)],
    { domain: OWN_DOMAIN },
  );
  return result;
}

/** Ones below the diagonal of a square matrix and `onDiagonal` on it. */
function lowerPart({ graph, shape, type }: Tensor, onDiagonal = 1): Tensor {
  const size = shape.at(-1) as number;
  const entry = (row: number, col: number): number => (row > col ? 1 : row === col ? onDiagonal : 0);
  return graph.constant(
    Float64Array.from({ length: size * size }, (_, i) => entry(Math.floor(i / size), i % size)),
    [size, size],
    type,
  );
}

/** Of the solution of a system of equations, whose sides may be stretched over a batch. */
function systemShape(op: string, a: Tensor, b: Tensor): Dim[] {
  const fits =
    a.shape.length >= 2 && b.shape.length >= 2 && a.shape.at(-1) === a.shape.at(-2) && a.shape.at(-1) === b.shape.at(-2);
  if (!fits) throw mismatch(op, a, b, 'the first must be square, with as many rows as the second');
  return [...broadcast(op, a.shape.slice(0, -2), b.shape.slice(0, -2)), ...b.shape.slice(-2)];
}

/** Axis i of the result is axis order[i] of `a`. */
export function transpose(a: Tensor, order: readonly number[]): Tensor {
  const sorted = [...order].sort((x, y) => x - y);
  if (sorted.length !== a.shape.length || sorted.some((axis, i) => axis !== i)) {
    throw new BeamrigError('shape', `Transpose: [${order.join(', ')}] does not order the axes of ${shapeText(a.shape)}`);
  }
  const back = order.map((_, axis) => order.indexOf(axis));
  const shape = order.map((axis) => a.shape[axis]);
  return a.graph.emit('Transpose', [a], shape, [(g) => transpose(g, back)], { attributes: { perm: { ints: [...order] } } });
}

/** Transposes the last two axes. */
export function swapLast(a: Tensor): Tensor {
  const rank = a.shape.length;
  const order = a.shape.map((_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
  return transpose(a, order);
}

/** New lengths; at most one of them may be a name, and that axis takes what is left. */
export function reshape(a: Tensor, shape: readonly Dim[]): Tensor {
  const known = (dims: readonly Dim[]) =>
    dims.reduce<number>((product, dim) => (typeof dim === 'number' ? product * dim : product), 1);
  const names = (dims: readonly Dim[]) => dims.filter((dim) => typeof dim === 'string').join();
  if (known(a.shape) !== known(shape) || names(a.shape) !== names(shape) || names(shape).includes(',')) {
    throw new BeamrigError('shape', `Reshape: ${shapeText(a.shape)} does not fit ${shapeText(shape)}`);
  }
  const target = a.graph.integers(shape.map((dim) => (typeof dim === 'number' ? dim : -1)));
  return a.graph.emit('Reshape', [a, target], shape, [(g) => reshape(g, a.shape), null]);
}

/** Puts axes of length 1 where the result shall have them. */
export function unsqueeze(a: Tensor, axes: readonly number[]): Tensor {
  const shape: Dim[] = [...a.shape];
  for (const axis of [...axes].sort((x, y) => x - y)) shape.splice(axis, 0, 1);
  return a.graph.emit('Unsqueeze', [a, a.graph.integers(axes)], shape, [(g) => squeeze(g, axes), null]);
}

/** Takes axes of length 1 away. */
export function squeeze(a: Tensor, axes: readonly number[]): Tensor {
  if (axes.some((axis) => a.shape[axis] !== 1)) {
    throw new BeamrigError('shape', `Squeeze: axes [${axes.join(', ')}] of ${shapeText(a.shape)} are not all 1`);
  }
  const shape = a.shape.filter((_, axis) => !axes.includes(axis));
  return a.graph.emit('Squeeze', [a, a.graph.integers(axes)], shape, [(g) => unsqueeze(g, axes), null]);
}

/** Puts tensors one after the other along an axis. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0];
  let total = 0;
  const rules: GradientRule[] = [];
  for (const part of parts) {
    const length = part.shape[axis];
    const others = part.shape.length === first.shape.length && part.shape.every((dim, i) => i === axis || dim === first.shape[i]);
    if (!others || typeof length !== 'number') throw mismatch('Concat', first, part, `all axes but ${axis} must be equal`);
    const start = total;
    rules.push((g) => slice(g, axis, start, start + length));
    total += length;
  }
  const shape = first.shape.map((dim, i) => (i === axis ? total : dim));
  return first.graph.emit('Concat', parts, shape, rules, { attributes: { axis: { int: axis } } });
}

/** Entries start … end − 1 along one axis. */
export function slice(a: Tensor, axis: number, start: number, end: number): Tensor {
  const length = a.shape[axis];
  if (typeof length !== 'number' || start < 0 || end > length || start >= end) {
    throw new BeamrigError('shape', `Slice: ${start}…${end} is not inside axis ${axis} of ${shapeText(a.shape)}`);
  }
  const shape = a.shape.map((dim, i) => (i === axis ? end - start : dim));
  const place: GradientRule = (g) => {
    const gap = (from: number, to: number) => (from < to ? [zerosLike(slice(a, axis, from, to))] : []);
    const parts = [...gap(0, start), g, ...gap(end, length)];
    return parts.length === 1 ? g : concat(parts, axis);
  };
  const { graph } = a;
  const bounds = [graph.integers([start]), graph.integers([end]), graph.integers([axis])];
  return graph.emit('Slice', [a, ...bounds], shape, [place, null, null, null]);
}

/** Sum over axes, which stay with length 1. */
export function reduceSum(a: Tensor, axes: readonly number[]): Tensor {
  return a.graph.emit('ReduceSum', [a, a.graph.integers(axes)], reducedShape('ReduceSum', a, axes), [
    (g) => expandLike(g, a),
    null,
  ]);
}

/** Sum of squares over axes, which stay with length 1. */
export function reduceSumSquare(a: Tensor, axes: readonly number[]): Tensor {
  const rule: GradientRule = (g) => multiply(add(g, g), a);
  return a.graph.emit('ReduceSumSquare', [a, a.graph.integers(axes)], reducedShape('ReduceSumSquare', a, axes), [rule, null]);
}

/** Stretches axes of length 1 to the shape of `like`. */
export function expandLike(a: Tensor, like: Tensor): Tensor {
  if (sameShape(a.shape, like.shape)) return a;
  if (!sameShape(broadcast('Expand', a.shape, like.shape), like.shape))
    throw mismatch('Expand', a, like, 'the first must stretch to the second');
  return a.graph.emit('Expand', [a, shapeOf(like)], like.shape, [(g) => unbroadcast(g, a), null]);
}

/** Zeros of the shape of `like`. */
export function zerosLike(like: Tensor): Tensor {
  return expandLike(like.graph.constant(0, [], like.type), like);
}

export function identity(a: Tensor): Tensor {
  return a.graph.emit('Identity', [a], a.shape, [(g) => g]);
}

/** Sums a gradient over the axes along which the input had been stretched. */
function unbroadcast(gradient: Tensor, input: Tensor): Tensor {
  const extra = gradient.shape.length - input.shape.length;
  const leading = Array.from({ length: extra }, (_, axis) => axis);
  const stretched = input.shape.flatMap((dim, axis) => (dim === 1 && gradient.shape[axis + extra] !== 1 ? [axis + extra] : []));
  const axes = [...leading, ...stretched];
  if (axes.length === 0) return gradient;
  const summed = reduceSum(gradient, axes);
  return extra > 0 ? squeeze(summed, leading) : summed;
}

const shapeOf = (a: Tensor): Tensor => a.graph.emit('Shape', [a], [a.shape.length], [null], { type: 'int64' });

function reducedShape(op: string, a: Tensor, axes: readonly number[]): Dim[] {
  if (axes.some((axis) => axis < 0 || axis >= a.shape.length)) {
    throw new BeamrigError('shape', `${op}: axes [${axes.join(', ')}] are not all axes of ${shapeText(a.shape)}`);
  }
  return a.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
}

function broadcastShape(op: string, a: Tensor, b: Tensor): Dim[] {
  if (a.type !== b.type) throw new BeamrigError('shape', `${op}: ${a.name} is ${a.type} and ${b.name} is ${b.type}`);
  return broadcast(op, a.shape, b.shape);
}

function broadcast(op: string, a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new BeamrigError(
      'shape',
      `${op}: shapes ${shapeText(a)} and ${shapeText(b)} do not fit together (${left} against ${right})`,
    );
  });
}

const mismatch = (op: string, a: Tensor, b: Tensor, rule: string): BeamrigError =>
  new BeamrigError('shape', `${op}: shapes ${shapeText(a.shape)} and ${shapeText(b.shape)} do not fit together; ${rule}`);
