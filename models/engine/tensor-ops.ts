/** ONNX ops that are more than arithmetic on each element: shapes, sums, products, systems of equations. */
import type { NodeProto } from 'onnx-buf';
import type { Expression } from './expression.ts';
import {
  broadcast,
  costOf,
  denseStrides,
  hasFewTerms,
  rearranged,
  sizeOf,
  sliced,
  stretched,
  withLastTwoSwapped,
  withoutAxes,
  type FewTerms,
  type LazyTensor,
  type Shape,
  type Term,
  type View,
} from './lazy-tensor.ts';
import { inversePositiveDefinite, solvePositiveDefinite } from './linear-algebra.ts';
import { matrixProduct } from './matrix-product.ts';
import { attributeOf, integerAttribute, integersAttribute, NotCompiled, numbersOf } from './onnx-graph.ts';
import { reduce, type Reduction } from './reduction.ts';
import type { KnownIntegers, Meaning, Scope } from './scope.ts';
import type { VectorMath } from './vector-math.ts';

type TensorOp = (scope: Scope, node: NodeProto) => Meaning | Meaning[];

const first = (scope: Scope, node: NodeProto): LazyTensor => scope.tensor(node.input[0]);
const has = (node: NodeProto, input: number): boolean => node.input[input] !== undefined && node.input[input] !== '';
const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Axes as an input (opset 13 on) or as an attribute. */
function axesOf(scope: Scope, node: NodeProto, rank: number): number[] {
  const given = has(node, 1) ? scope.integers(node.input[1]) : integersAttribute(node, 'axes');
  if (given === undefined || (given.length === 0 && integerAttribute(node, 'noop_with_empty_axes', 0) === 0)) {
    return [...Array(rank).keys()];
  }
  return given.map((axis) => axisOf(axis, rank));
}

export const TENSOR_OPS: Readonly<Record<string, TensorOp>> = {
  Identity: (scope, node) => scope.meaning(node.input[0]),
  Constant: (scope, node) => {
    const value = attributeOf(node, 'value')?.t;
    if (value === undefined) throw new NotCompiled('a Constant without a tensor');
    const numbers = numbersOf(value);
    return numbers.type === 'integers' ? { integers: numbers.values, shape: numbers.shape } : scope.constant(numbers);
  },
  Shape: (scope, node): KnownIntegers => {
    const { shape } = first(scope, node);
    return { integers: shape, shape: [shape.length] };
  },
  Expand: (scope, node) => {
    const source = first(scope, node);
    return stretched(scope.workspace.kept(source), broadcast(source.shape, scope.integers(node.input[1])));
  },
  Transpose: (scope, node) => {
    const source = movable(scope, first(scope, node));
    return rearranged(source, integersAttribute(node, 'perm') ?? [...source.shape.keys()].reverse());
  },
  Squeeze: (scope, node) => {
    const source = first(scope, node);
    const named = has(node, 1) || integersAttribute(node, 'axes') !== undefined;
    const ones = [...source.shape.keys()].filter((axis) => source.shape[axis] === 1);
    return withoutAxes(movable(scope, source), named ? axesOf(scope, node, source.shape.length) : ones);
  },
  Unsqueeze: (scope, node) => {
    const source = movable(scope, first(scope, node));
    const given = has(node, 1) ? scope.integers(node.input[1]) : (integersAttribute(node, 'axes') ?? []);
    const rank = source.shape.length + given.length;
    const order: (number | 'new')[] = [...source.shape.keys()];
    for (const axis of given.map((each) => axisOf(each, rank)).sort((a, b) => a - b)) order.splice(axis, 0, 'new');
    return rearranged(source, order);
  },
  Slice: (scope, node) => {
    const source = movable(scope, first(scope, node));
    const [starts, ends] = [scope.integers(node.input[1]), scope.integers(node.input[2])];
    const axes = has(node, 3) ? scope.integers(node.input[3]) : [...starts.keys()];
    return axes.reduce<LazyTensor>((part, given, i) => {
      const axis = axisOf(given, part.shape.length);
      const step = has(node, 4) ? scope.integers(node.input[4])[i] : 1;
      const length = part.shape[axis];
      const inside = (at: number): number => Math.min(Math.max(at < 0 ? at + length : at, 0), length);
      const [start, end] = [inside(starts[i]), inside(ends[i])];
      if (step < 1 || start >= end) throw new NotCompiled('a Slice that goes backwards, or is empty');
      return sliced(part, axis, start, end, step);
    }, source);
  },
  Split: (scope, node) => {
    const source = movable(scope, first(scope, node));
    const axis = axisOf(integerAttribute(node, 'axis', 0), source.shape.length);
    const even = Math.ceil(source.shape[axis] / node.output.length);
    const lengths = has(node, 1) ? scope.integers(node.input[1]) : node.output.map(() => even);
    let start = 0;
    return lengths.map((length) => sliced(source, axis, start, Math.min((start += length), source.shape[axis])));
  },
  Gather: (scope, node) => {
    const source = movable(scope, first(scope, node));
    const { integers, shape } = scope.meaning(node.input[1]) as KnownIntegers;
    const axis = axisOf(integerAttribute(node, 'axis', 0), source.shape.length);
    if (integers === undefined || shape.length > 0) throw new NotCompiled('a Gather of more than one entry');
    const at = integers[0] < 0 ? integers[0] + source.shape[axis] : integers[0];
    return withoutAxes(sliced(source, axis, at, at + 1), [axis]);
  },
  Concat: (scope, node) => {
    const meanings = node.input.map((name) => scope.meaning(name));
    const known = meanings.flatMap((meaning) => ('integers' in meaning ? [meaning] : []));
    if (known.length > 0) {
      if (known.length < meanings.length) throw new NotCompiled('a Concat of integers and numbers');
      const integers = known.flatMap((each) => each.integers);
      return { integers, shape: [integers.length] };
    }
    const parts = meanings as LazyTensor[];
    return concatenated(scope, parts, axisOf(integerAttribute(node, 'axis', 0), parts[0].shape.length));
  },
  Reshape: (scope, node) => {
    const source = first(scope, node);
    const target = scope.integers(node.input[1]).map((length, axis) => (length === 0 ? source.shape[axis] : length));
    const rest = sizeOf(source.shape) / Math.abs(sizeOf(target));
    return reshaped(
      scope,
      source,
      target.map((length) => (length === -1 ? rest : length)),
    );
  },
  Flatten: (scope, node) => {
    const source = first(scope, node);
    const axis = axisOf(integerAttribute(node, 'axis', 1), source.shape.length);
    return reshaped(scope, source, [sizeOf(source.shape.slice(0, axis)), sizeOf(source.shape.slice(axis))]);
  },
  ReduceSum: reducing(sum((_, x) => x)),
  ReduceSumSquare: reducing(sum((m, x) => m.multiply(x, x))),
  ReduceMean: reducing(
    sum((_, x) => x),
    (m, total, count) => m.multiply(total, m.constant(1 / count)),
  ),
  ReduceL2: reducing(
    sum((m, x) => m.multiply(x, x)),
    (m, total) => m.op('sqrt', total),
  ),
  ReduceMax: reducing({ start: -Infinity, term: (_, x) => x, combine: (m, a, b) => m.op('max', a, b) }),
  ReduceMin: reducing({ start: Infinity, term: (_, x) => x, combine: (m, a, b) => m.op('min', a, b) }),
  MatMul: (scope, node) => product(scope, first(scope, node), scope.tensor(node.input[1])),
  Gemm: (scope, node) => {
    const turned = (input: number, name: string): LazyTensor => {
      const tensor = scope.tensor(node.input[input]);
      return integerAttribute(node, name, 0) === 1 ? withLastTwoSwapped(movable(scope, tensor)) : tensor;
    };
    for (const name of ['alpha', 'beta']) {
      if ((attributeOf(node, name)?.f ?? 1) !== 1) throw new NotCompiled(`a Gemm whose ${name} is not 1`);
    }
    const result = product(scope, turned(0, 'transA'), turned(1, 'transB'));
    return has(node, 2) ? mapped([result, scope.tensor(node.input[2])], 1, (m, [a, b]) => m.add(a, b)) : result;
  },
  SolvePositiveDefinite: (scope, node) => solvePositiveDefinite(scope.workspace, first(scope, node), scope.tensor(node.input[1])),
  Inverse: (scope, node) => inversePositiveDefinite(scope.workspace, first(scope, node)),
};

/** Axes of few terms stay where they are. */
const movable = (scope: Scope, tensor: LazyTensor): LazyTensor => (hasFewTerms(tensor) ? scope.workspace.kept(tensor) : tensor);

function mapped(
  tensors: readonly LazyTensor[],
  cost: number,
  make: (math: VectorMath, args: readonly Expression[]) => Expression,
): LazyTensor {
  const shape = tensors.map((tensor) => tensor.shape).reduce<Shape>(broadcast, []);
  const args = tensors.map((tensor) => stretched(tensor, shape));
  return { kind: 'mapped', shape, args, make, cost: args.reduce((total, arg) => total + costOf(arg), cost) };
}

function sum(term: Reduction['term']): Reduction {
  return { start: 0, term, combine: (m, a, b) => m.add(a, b) };
}

function reducing(reduction: Reduction, finish?: (math: VectorMath, total: Expression, count: number) => Expression): TensorOp {
  return (scope, node) => {
    const source = first(scope, node);
    const axes = axesOf(scope, node, source.shape.length);
    const total = reduce(scope.workspace, source, axes, reduction);
    const count = axes.reduce((all, axis) => all * source.shape[axis], 1);
    const finished = finish === undefined ? total : mapped([total], 1, (m, [x]) => finish(m, x, count));
    return integerAttribute(node, 'keepdims', 1) === 1 ? finished : withoutAxes(finished, axes);
  };
}

function concatenated({ workspace }: Scope, parts: readonly LazyTensor[], axis: number): View {
  const total = parts.reduce((length, { shape }) => length + shape[axis], 0);
  const whole = workspace.allocate(parts[0].shape.with(axis, total));
  let start = 0;
  for (const part of parts) workspace.assign(sliced(whole, axis, start, (start += part.shape[axis])), part);
  return whole;
}

function reshaped({ workspace }: Scope, source: LazyTensor, shape: Shape): View {
  const view = workspace.kept(source);
  const dense = denseStrides(view.shape);
  const inOrder = dense.every((stride, axis) => stride === view.strides[axis]);
  return { ...(inOrder ? view : workspace.copied(view)), shape, strides: denseStrides(shape) };
}

function product(scope: Scope, a: LazyTensor, b: LazyTensor): LazyTensor {
  if (a.shape.length < 2 || b.shape.length < 2) throw new NotCompiled('a product with a vector');
  return productOfFewTerms(scope, a, b) ?? matrixProduct(scope.workspace, a, b);
}

/** Wider rows would make too much straight-line code. */
const WIDEST = 64;

/** A product with a constant of few diagonals (sums of pairs, a turn by j) is an addition or two, and joins the arithmetic around it. */
function productOfFewTerms(scope: Scope, source: LazyTensor, right: LazyTensor): FewTerms | undefined {
  const values = right.kind === 'view' ? scope.workspace.valuesOf(right) : undefined;
  const [rows, columns] = right.shape;
  if (values === undefined || right.shape.length !== 2 || columns > WIDEST || hasFewTerms(source)) return undefined;
  const terms = Array.from({ length: columns }, (_, column) =>
    Array.from({ length: rows }, (__, row): Term => ({ row, factor: values[row * columns + column] })).filter(
      ({ factor }) => factor !== 0,
    ),
  );
  const most = Math.max(...terms.map((column) => column.length));
  const areFew = terms.every((column) => column.length > 0) && most <= Math.max(2, rows / 4);
  if (!areFew || !likeTheirVector(terms, scope.workspace.kind.width)) return undefined;
  const shape = source.shape.with(-1, columns);
  return { kind: 'few-terms', shape, source, columns: terms, cost: most * (1 + costOf(source)) };
}

/** All columns of a vector read with the same factors, each from its own place in a row of the source. */
function likeTheirVector(columns: readonly (readonly Term[])[], width: number): boolean {
  const pattern = (column: number, from: number): string =>
    columns[column].map(({ row, factor }) => `${row - from}:${factor}`).join();
  return columns.every((_, column) => {
    const start = column - (column % width);
    const isWhole = start + width <= columns.length;
    return !isWhole || pattern(column, column) === pattern(start, start);
  });
}
