/**
 * Tensors while a model is compiled: places in memory, and elementwise arithmetic over them that nothing has worked out yet. Transposes, slices
 * and broadcasts move no data: they change where the leaves are read.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { fixed, plus, type Affine, type Buffer, type Expression } from './expression.ts';
import type { VectorMath } from './vector-math.ts';

export type Shape = readonly number[];
export type LazyTensor = View | Mapped | FewTerms;

/** Elements that lie in a buffer. */
export interface View {
  readonly kind: 'view';
  readonly shape: Shape;
  readonly buffer: Buffer;
  /** Of the first element. */
  readonly index: Affine;
  /** In elements; 0 along axes of length 1 and along stretched ones. */
  readonly strides: Shape;
}

/** An elementwise function of arguments that have its own shape. */
export interface Mapped {
  readonly kind: 'mapped';
  readonly shape: Shape;
  readonly args: readonly LazyTensor[];
  readonly make: (math: VectorMath, args: readonly Expression[]) => Expression;
  /** Of an element, in additions. */
  readonly cost: number;
  /** Elements are all ones or all zeros, bit by bit. */
  readonly conditions?: boolean;
}

/** A product with a constant matrix that is nearly all zeros: column j is Σ factor·source[…, row]. */
export interface FewTerms {
  readonly kind: 'few-terms';
  readonly shape: Shape;
  readonly source: LazyTensor;
  readonly columns: readonly (readonly Term[])[];
  readonly cost: number;
}

export interface Term {
  readonly row: number;
  readonly factor: number;
}

export const sizeOf = (shape: Shape): number => shape.reduce((product, length) => product * length, 1);
export const costOf = (tensor: LazyTensor): number => (tensor.kind === 'view' ? 0 : tensor.cost);

function partsOf(tensor: LazyTensor): readonly LazyTensor[] {
  if (tensor.kind === 'view') return [];
  return tensor.kind === 'mapped' ? tensor.args : [tensor.source];
}

/** All views that it reads, each once. */
export function leavesOf(tensor: LazyTensor): View[] {
  if (tensor.kind === 'view') return [tensor];
  const leaves = new Set<View>();
  const seen = new Set<LazyTensor>();
  const visit = (part: LazyTensor): void => {
    if (seen.has(part)) return;
    seen.add(part);
    if (part.kind === 'view') leaves.add(part);
    else partsOf(part).forEach(visit);
  };
  visit(tensor);
  return [...leaves];
}

export const hasFewTerms = (tensor: LazyTensor): boolean => tensor.kind === 'few-terms' || partsOf(tensor).some(hasFewTerms);

/** Of elements that lie one after the other. */
export const denseStrides = (shape: Shape): number[] =>
  shape.map((length, axis) => (length === 1 ? 0 : sizeOf(shape.slice(axis + 1))));

export const indexAt = ({ index, strides }: View, at: readonly Affine[]): Affine =>
  at.reduce((sum, position, axis) => plus(sum, position, strides[axis]), index);

/** Changes shapes everywhere and the views; parts that are shared stay shared. */
function onViews<T extends LazyTensor>(tensor: T, shapeOf: (shape: Shape) => Shape, change: (view: View) => View): T {
  const done = new Map<LazyTensor, LazyTensor>();
  const visit = (part: LazyTensor): LazyTensor => {
    const known = done.get(part);
    if (known !== undefined) return known;
    let changed: LazyTensor;
    if (part.kind === 'view') changed = { ...change(part), shape: shapeOf(part.shape) };
    else if (part.kind === 'mapped') changed = { ...part, shape: shapeOf(part.shape), args: part.args.map(visit) };
    else changed = { ...part, shape: shapeOf(part.shape), source: visit(part.source) };
    done.set(part, changed);
    return changed;
  };
  return visit(tensor) as T;
}

/** Axis i of the result is axis order[i], or a new one of length 1. */
export function rearranged<T extends LazyTensor>(tensor: T, order: readonly (number | 'new')[]): T {
  const picked = (list: Shape, fresh: number): number[] => order.map((axis) => (axis === 'new' ? fresh : list[axis]));
  return onViews(
    tensor,
    (shape) => picked(shape, 1),
    (view) => ({ ...view, strides: picked(view.strides, 0) }),
  );
}

export const withoutAxes = <T extends LazyTensor>(tensor: T, axes: readonly number[]): T =>
  rearranged(
    tensor,
    [...tensor.shape.keys()].filter((axis) => !axes.includes(axis)),
  );

export function withLastTwoSwapped<T extends LazyTensor>(tensor: T): T {
  const rank = tensor.shape.length;
  return rearranged(tensor, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}

/** Elements start … end − 1 along an axis, every `step`-th of them. */
export function sliced<T extends LazyTensor>(tensor: T, axis: number, start: number, end: number, step = 1): T {
  const length = Math.ceil((end - start) / step);
  return onViews(
    tensor,
    (shape) => shape.with(axis, length),
    (view) => ({
      ...view,
      index: plus(view.index, fixed(start), view.strides[axis]),
      strides: view.strides.with(axis, length === 1 ? 0 : view.strides[axis] * step),
    }),
  );
}

/** Stretches axes of length 1, and puts new ones in front. */
export function stretched<T extends LazyTensor>(tensor: T, shape: Shape): T {
  const missing = shape.length - tensor.shape.length;
  return onViews(
    tensor,
    () => shape,
    (view) => ({ ...view, strides: shape.map((_, axis) => view.strides[axis - missing] ?? 0) }),
  );
}

/** Axis and the one after it as one, where all views allow it. */
export function mergedAxes<T extends readonly LazyTensor[]>(tensors: T, axis: number): T | undefined {
  const inner = tensors[0].shape[axis + 1];
  const fits = tensors.every((tensor) => leavesOf(tensor).every(({ strides }) => strides[axis] === strides[axis + 1] * inner));
  if (!fits) return undefined;
  const joined = (list: Shape, item: number): number[] => list.toSpliced(axis, 2, item);
  const merge = (tensor: LazyTensor): LazyTensor =>
    onViews(
      tensor,
      (shape) => joined(shape, shape[axis] * inner),
      (view) => ({ ...view, strides: joined(view.strides, view.strides[axis + 1]) }),
    );
  return tensors.map(merge) as unknown as T;
}

/** As ONNX and NumPy do it: aligned at the right, 1 stretches. @throws BeamrigError 'shape' */
export function broadcast(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new BeamrigError('shape', `shapes that do not fit together, [${a.join(', ')}] and [${b.join(', ')}]`);
    }
    return left === 1 ? right : left;
  });
}
