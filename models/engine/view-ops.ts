/** ONNX ops that say where numbers lie and compute none: shapes, parts, and parts put together. */
import type { NodeProto } from 'onnx-buf';
import {
  broadcast,
  denseStrides,
  hasFewTerms,
  rearranged,
  sizeOf,
  sliced,
  stretched,
  withoutAxes,
  type LazyTensor,
  type Shape,
  type View,
} from './lazy-tensor.ts';
import { attributeOf, integerAttribute, integersAttribute, NotCompiled, numbersOf, singles } from './onnx-graph.ts';
import { knownIntegers, type KnownIntegers, type Meaning, type Names } from './meaning.ts';

export type TensorOp = (scope: Names, node: NodeProto) => Meaning | Meaning[];

export const has = (node: NodeProto, input: number): boolean => node.input[input] !== undefined && node.input[input] !== '';
const source = (scope: Names, node: NodeProto): LazyTensor => movable(scope, scope.tensor(node.input[0]));

/** Axes of few terms stay where they are. */
export const movable = ({ workspace }: Names, tensor: LazyTensor): LazyTensor =>
  hasFewTerms(tensor) ? workspace.kept(tensor) : tensor;

/** @param places axes that there are, or one more where it names a place between them */
export function axisOf(axis: number, rank: number, places = rank): number {
  const from0 = axis < 0 ? axis + rank : axis;
  if (from0 < 0 || from0 >= places || !Number.isInteger(from0)) throw new NotCompiled(`the axis ${axis} of a tensor of ${rank}`);
  return from0;
}

/** Integers as an input (later versions of ONNX) or as an attribute (earlier ones). */
export function integersOf(scope: Names, node: NodeProto, input: number, attribute: string): readonly number[] | undefined {
  return has(node, input) ? scope.integers(node.input[input]) : integersAttribute(node, attribute);
}

export const VIEW_OPS: Readonly<Record<string, TensorOp>> = {
  Identity: (scope, node) => scope.meaning(node.input[0]),
  Constant: (scope, node) => constant(scope, node),
  Shape: (scope, node): KnownIntegers => {
    const { shape } = scope.meaning(node.input[0]);
    const end = attributeOf(node, 'end') === undefined ? shape.length : integerAttribute(node, 'end', 0);
    return knownIntegers(shape.slice(integerAttribute(node, 'start', 0), end));
  },
  Expand: (scope, node) => {
    const tensor = scope.workspace.kept(scope.tensor(node.input[0]));
    return stretched(tensor, broadcast(tensor.shape, scope.integers(node.input[1])));
  },
  Transpose: (scope, node) => {
    const tensor = source(scope, node);
    const axes = [...tensor.shape.keys()];
    const order = integersAttribute(node, 'perm') ?? axes.toReversed();
    if (order.toSorted((a, b) => a - b).join() !== axes.join())
      throw new NotCompiled(`a Transpose of ${axes.length} axes by [${order.join(', ')}]`);
    return rearranged(tensor, order);
  },
  Squeeze: (scope, node) => {
    const tensor = source(scope, node);
    return withoutAxes(tensor, squeezedAxes(tensor.shape, integersOf(scope, node, 1, 'axes')));
  },
  Unsqueeze: (scope, node) => {
    const tensor = source(scope, node);
    return rearranged(tensor, unsqueezedOrder(tensor.shape, integersOf(scope, node, 1, 'axes') ?? []));
  },
  Slice: (scope, node) => {
    const tensor = source(scope, node);
    const { starts, ends, axes, steps } = sliceBounds(scope, node);
    return axes.reduce<LazyTensor>((part, given, i) => {
      const axis = axisOf(given, part.shape.length);
      const [start, end] = bounds(starts[i], ends[i], steps[i], part.shape[axis]);
      return sliced(part, axis, start, end, steps[i]);
    }, tensor);
  },
  Split: (scope, node) => {
    const tensor = source(scope, node);
    const axis = axisOf(integerAttribute(node, 'axis', 0), tensor.shape.length);
    const whole = tensor.shape[axis];
    const even = Math.ceil(whole / node.output.length);
    const lengths =
      integersOf(scope, node, 1, 'split') ?? node.output.map((_, i) => Math.min(even, Math.max(0, whole - i * even)));
    if (lengths.some((length) => length < 1) || sumOf(lengths) !== whole)
      throw new NotCompiled(`a Split of ${whole} into [${lengths.join(', ')}]`);
    let start = 0;
    return lengths.map((length) => sliced(tensor, axis, start, (start += length)));
  },
  Gather: (scope, node) => {
    const tensor = source(scope, node);
    const axis = axisOf(integerAttribute(node, 'axis', 0), tensor.shape.length);
    const at = scope.meaning(node.input[1]);
    if (!('integers' in at) || at.shape.length > 0) throw new NotCompiled('a Gather of more than one entry');
    const entry = entryAt(at.integers[0], tensor.shape[axis]);
    return withoutAxes(sliced(tensor, axis, entry, entry + 1), [axis]);
  },
  Concat: (scope, node) => {
    const parts = node.input.map((name) => scope.tensor(name));
    return concatenated(scope, parts, axisOf(integerAttribute(node, 'axis', 0), parts[0].shape.length));
  },
  Reshape: (scope, node) => {
    const tensor = scope.tensor(node.input[0]);
    return reshaped(scope, tensor, reshapedTo(scope, node, tensor.shape));
  },
  Flatten: (scope, node) => {
    const tensor = scope.tensor(node.input[0]);
    const rank = tensor.shape.length;
    const axis = axisOf(integerAttribute(node, 'axis', 1), rank, rank + 1);
    return reshaped(scope, tensor, [sizeOf(tensor.shape.slice(0, axis)), sizeOf(tensor.shape.slice(axis))]);
  },
};

/** The same of integers that are known: how exporters write the lengths of a Reshape. */
export const INTEGER_OPS: Readonly<Record<string, (scope: Names, node: NodeProto, integers: KnownIntegers) => KnownIntegers>> = {
  Squeeze: (scope, node, { integers, shape }) => {
    const axes = squeezedAxes(shape, integersOf(scope, node, 1, 'axes'));
    return knownIntegers(
      integers,
      shape.filter((_, axis) => !axes.includes(axis)),
    );
  },
  Unsqueeze: (scope, node, { integers, shape }) => {
    const order = unsqueezedOrder(shape, integersOf(scope, node, 1, 'axes') ?? []);
    return knownIntegers(
      integers,
      order.map((axis) => (axis === 'new' ? 1 : shape[axis])),
    );
  },
  Slice: (scope, node, { integers, shape }) => {
    const { starts, ends, steps } = sliceBounds(scope, node);
    if (shape.length !== 1 || starts.length !== 1) throw new NotCompiled('a Slice of a matrix of integers');
    const [start, end] = bounds(starts[0], ends[0], steps[0], integers.length);
    return knownIntegers(integers.slice(start, end).filter((_, i) => i % steps[0] === 0));
  },
  Gather: (scope, node, { integers, shape }) => {
    const at = scope.meaning(node.input[1]);
    if (!('integers' in at) || shape.length !== 1) throw new NotCompiled('a Gather from a matrix of integers');
    return knownIntegers(
      at.integers.map((index) => integers[entryAt(index, integers.length)]),
      at.shape,
    );
  },
  Concat: (scope, node) => {
    const parts = node.input.map((name) => scope.meaning(name));
    const joined = parts.flatMap((part) => {
      if (!('integers' in part)) throw new NotCompiled('a Concat of integers and numbers');
      if (part.shape.length !== 1) throw new NotCompiled('a Concat of integers that are no list');
      return part.integers;
    });
    return knownIntegers(joined);
  },
  Reshape: (scope, node, { integers, shape }) => knownIntegers(integers, reshapedTo(scope, node, shape)),
};

function constant(scope: Names, node: NodeProto): Meaning {
  const [given] = node.attribute;
  if (given?.name === 'value' && given.t !== undefined) return scope.constant(numbersOf(given.t));
  if (given?.name === 'value_float') return scope.constant(singles([given.f], []));
  if (given?.name === 'value_floats') return scope.constant(singles(given.floats, [given.floats.length]));
  if (given?.name === 'value_int') return knownIntegers([Number(given.i)], []);
  if (given?.name === 'value_ints') return knownIntegers(given.ints.map(Number));
  throw new NotCompiled(`a Constant by its attribute ${given?.name ?? 'of no name'}`);
}

function squeezedAxes(shape: Shape, given: readonly number[] = []): number[] {
  if (given.length === 0) return [...shape.keys()].filter((axis) => shape[axis] === 1);
  const axes = given.map((axis) => axisOf(axis, shape.length));
  if (axes.some((axis) => shape[axis] !== 1)) throw new NotCompiled(`a Squeeze of [${shape.join(', ')}] where it is not 1`);
  return axes;
}

function unsqueezedOrder(shape: Shape, given: readonly number[]): (number | 'new')[] {
  const rank = shape.length + given.length;
  const places = given.map((axis) => axisOf(axis, rank)).sort((a, b) => a - b);
  if (new Set(places).size < places.length) throw new NotCompiled(`an Unsqueeze with the axes [${given.join(', ')}]`);
  const order: (number | 'new')[] = [...shape.keys()];
  for (const axis of places) order.splice(axis, 0, 'new');
  return order;
}

interface SliceBounds {
  starts: readonly number[];
  ends: readonly number[];
  axes: readonly number[];
  steps: readonly number[];
}

function sliceBounds(scope: Names, node: NodeProto): SliceBounds {
  const starts = integersOf(scope, node, 1, 'starts') ?? [];
  const ends = integersOf(scope, node, 2, 'ends') ?? [];
  const axes = integersOf(scope, node, 3, 'axes') ?? [...starts.keys()];
  const steps = has(node, 4) ? scope.integers(node.input[4]) : starts.map(() => 1);
  if ([ends, axes, steps].some((list) => list.length !== starts.length))
    throw new NotCompiled(`a Slice of ${starts.length} starts, and of another number of ends, axes or steps`);
  return { starts, ends, axes, steps };
}

/** First and last but one, from 0. */
function bounds(start: number, end: number, step: number, length: number): [number, number] {
  const inside = (at: number): number => Math.min(Math.max(at < 0 ? at + length : at, 0), length);
  if (step < 1 || inside(start) >= inside(end)) throw new NotCompiled('a Slice that goes backwards, or is empty');
  return [inside(start), inside(end)];
}

function entryAt(index: number, length: number): number {
  if (index < -length || index >= length) throw new NotCompiled(`a Gather of entry ${index} of ${length}`);
  return index < 0 ? index + length : index;
}

function reshapedTo(scope: Names, node: NodeProto, from: Shape): Shape {
  const copiesLengths = integerAttribute(node, 'allowzero', 0) === 0;
  const given = scope.integers(node.input[1]);
  const target = given.map((length, axis) => (length === 0 && copiesLengths ? from[axis] : length));
  const rest = sizeOf(from) / sizeOf(target.filter((length) => length !== -1));
  const shape = target.map((length) => (length === -1 ? rest : length));
  const isShape = shape.every((length) => Number.isInteger(length) && length > 0);
  if (!isShape || sizeOf(shape) !== sizeOf(from))
    throw new NotCompiled(`a Reshape of [${from.join(', ')}] to [${given.join(', ')}]`);
  return shape;
}

function concatenated({ workspace }: Names, parts: readonly LazyTensor[], axis: number): View {
  const [{ shape }] = parts;
  const fits = parts.every((part) => part.shape.with(axis, 0).join() === shape.with(axis, 0).join());
  if (!fits || parts.some((part) => workspace.holdsConditions(part) !== workspace.holdsConditions(parts[0])))
    throw new NotCompiled(`a Concat of ${parts.map((part) => `[${part.shape.join(', ')}]`).join(', ')}`);
  const whole = workspace.allocate(shape.with(axis, sumOf(parts.map((part) => part.shape[axis]))));
  let start = 0;
  for (const part of parts) workspace.assign(sliced(whole, axis, start, (start += part.shape[axis])), part);
  return whole;
}

function reshaped({ workspace }: Names, tensor: LazyTensor, shape: Shape): View {
  const view = workspace.kept(tensor);
  const dense = denseStrides(view.shape);
  const inOrder = dense.every((stride, axis) => stride === view.strides[axis]);
  return { ...(inOrder ? view : workspace.copied(view)), shape, strides: denseStrides(shape) };
}

const sumOf = (lengths: readonly number[]): number => lengths.reduce((total, length) => total + length, 0);
