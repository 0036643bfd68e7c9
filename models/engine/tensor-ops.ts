/** ONNX ops that are more than arithmetic on each element: sums, products, systems of equations, and (view-ops.ts) what moves no numbers. */
import type { NodeProto } from 'onnx-buf';
import { OWN_DOMAIN } from '../graph/ops.ts';
import type { Expression } from './expression.ts';
import {
  broadcast,
  costOf,
  hasFewTerms,
  rearranged,
  stretched,
  withLastTwoSwapped,
  withoutAxes,
  type FewTerms,
  type LazyTensor,
  type Shape,
  type Term,
} from './lazy-tensor.ts';
import { inverse, lowerCholesky, solvePositiveDefinite, solveTriangular } from './linear-algebra.ts';
import { matrixProduct } from './matrix-product.ts';
import { attributeOf, integerAttribute, NotCompiled } from './onnx-graph.ts';
import { reduce, type Reduction } from './reduction.ts';
import type { Names } from './meaning.ts';
import type { VectorMath } from './vector-math.ts';
import { axisOf, has, integersOf, movable, VIEW_OPS, type TensorOp } from './view-ops.ts';
import type { Workspace } from './workspace.ts';

/** Of ops that are not ONNX's own. */
export const DOMAINS: Readonly<Record<string, string>> = {
  Inverse: 'com.microsoft',
  Cholesky: OWN_DOMAIN,
  SolvePositiveDefinite: OWN_DOMAIN,
  SolveLowerTriangular: OWN_DOMAIN,
  SolveUpperTriangular: OWN_DOMAIN,
};

/** Axes as an input (opset 18 on, for sums 13) or as an attribute: none means all, or none at all where the node says so. */
function axesOf(scope: Names, node: NodeProto, rank: number): number[] {
  const given = integersOf(scope, node, 1, 'axes') ?? [];
  if (given.length > 0) return [...new Set(given.map((axis) => axisOf(axis, rank)))];
  return integerAttribute(node, 'noop_with_empty_axes', 0) === 1 ? [] : [...Array(rank).keys()];
}

export const TENSOR_OPS: Readonly<Record<string, TensorOp>> = {
  ...VIEW_OPS,
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
  MatMul: (scope, node) => vectorProduct(scope, scope.numbers(node.input[0]), scope.numbers(node.input[1])),
  Gemm: (scope, node) => {
    const turned = (input: number, name: string): LazyTensor => {
      const tensor = scope.numbers(node.input[input]);
      if (tensor.shape.length !== 2) throw new NotCompiled(`a Gemm of a tensor [${tensor.shape.join(', ')}]`);
      return integerAttribute(node, name, 0) === 1 ? withLastTwoSwapped(movable(scope, tensor)) : tensor;
    };
    const times = (tensor: LazyTensor, name: string): LazyTensor => {
      const factor = attributeOf(node, name)?.f ?? 1;
      return factor === 1 ? tensor : mapped(scope, [tensor], 1, (m, [x]) => m.multiply(m.constant(factor), x));
    };
    const result = times(product(scope, turned(0, 'transA'), turned(1, 'transB')), 'alpha');
    if (!has(node, 2)) return result;
    const bias = times(scope.numbers(node.input[2]), 'beta');
    if (broadcast(result.shape, bias.shape).join() !== result.shape.join())
      throw new NotCompiled(`a Gemm [${result.shape.join(', ')}] with a bias [${bias.shape.join(', ')}]`);
    return mapped(scope, [result, bias], 1, (m, [a, b]) => m.add(a, b));
  },
  Cholesky: (scope, node) => lowerCholesky(scope.workspace, square(scope, node)),
  SolvePositiveDefinite: solving(solvePositiveDefinite),
  SolveLowerTriangular: solving((...system) => solveTriangular(...system, 'lower')),
  SolveUpperTriangular: solving((...system) => solveTriangular(...system, 'upper')),
  Inverse: (scope, node) => inverse(scope.workspace, square(scope, node)),
};

function square(scope: Names, node: NodeProto): LazyTensor {
  const matrix = scope.numbers(node.input[0]);
  const [rows, columns] = matrix.shape.slice(-2);
  if (columns === undefined || rows !== columns) throw new NotCompiled(`${node.opType} of a tensor [${matrix.shape.join(', ')}]`);
  return matrix;
}

function solving(solve: (workspace: Workspace, matrix: LazyTensor, right: LazyTensor) => LazyTensor): TensorOp {
  return (scope, node) => {
    const [matrix, right] = [square(scope, node), scope.numbers(node.input[1])];
    if (right.shape.at(-2) !== matrix.shape.at(-1)) throw doNotFit('a system of equations', matrix, right);
    return solve(scope.workspace, matrix, right);
  };
}

const doNotFit = (what: string, a: LazyTensor, b: LazyTensor): NotCompiled =>
  new NotCompiled(`${what} of shapes that do not fit together, [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`);

function mapped(
  { workspace }: Names,
  tensors: readonly LazyTensor[],
  cost: number,
  make: (math: VectorMath, args: readonly Expression[]) => Expression,
): LazyTensor {
  const shape = tensors.map((tensor) => tensor.shape).reduce<Shape>(broadcast, []);
  // An axis of few terms cannot be stretched.
  const fitting = (tensor: LazyTensor): LazyTensor =>
    hasFewTerms(tensor) && tensor.shape.join() !== shape.join() ? workspace.kept(tensor) : tensor;
  const args = tensors.map((tensor) => stretched(fitting(tensor), shape));
  return { kind: 'mapped', shape, args, make, cost: args.reduce((total, arg) => total + costOf(arg), cost) };
}

function sum(term: Reduction['term']): Reduction {
  return { start: 0, term, combine: (m, a, b) => m.add(a, b) };
}

function reducing(reduction: Reduction, finish?: (math: VectorMath, total: Expression, count: number) => Expression): TensorOp {
  return (scope, node) => {
    const source = scope.numbers(node.input[0]);
    const axes = axesOf(scope, node, source.shape.length);
    const total = reduce(scope.workspace, source, axes, reduction);
    const count = axes.reduce((all, axis) => all * source.shape[axis], 1);
    const finished = finish === undefined ? total : mapped(scope, [total], 1, (m, [x]) => finish(m, x, count));
    return integerAttribute(node, 'keepdims', 1) === 1 ? finished : withoutAxes(finished, axes);
  };
}

/** A vector at the left is a row, one at the right a column, and the axis that they got for it goes again. */
function vectorProduct(scope: Names, a: LazyTensor, b: LazyTensor): LazyTensor {
  if (a.shape.length === 0 || b.shape.length === 0) throw new NotCompiled('a product of matrices with a single number');
  const [isRow, isColumn] = [a.shape.length === 1, b.shape.length === 1];
  const left = isRow ? rearranged(movable(scope, a), ['new', 0]) : a;
  const right = isColumn ? rearranged(movable(scope, b), [0, 'new']) : b;
  const result = product(scope, left, right);
  const rank = result.shape.length;
  const axes = [...(isRow ? [rank - 2] : []), ...(isColumn ? [rank - 1] : [])];
  return axes.length === 0 ? result : withoutAxes(movable(scope, result), axes);
}

function product(scope: Names, a: LazyTensor, b: LazyTensor): LazyTensor {
  if (a.shape.at(-1) !== b.shape.at(-2)) throw doNotFit('a product', a, b);
  return productOfFewTerms(scope, a, b) ?? matrixProduct(scope.workspace, a, b);
}

/** Wider rows would make too much straight-line code. */
const WIDEST = 64;

/** A product with a constant of few diagonals (sums of pairs, a turn by j) is an addition or two, and joins the arithmetic around it. */
function productOfFewTerms(scope: Names, source: LazyTensor, right: LazyTensor): FewTerms | undefined {
  const values = right.kind === 'view' ? scope.workspace.valuesOf(right) : undefined;
  const [rows, columns] = right.shape;
  if (values === undefined || right.shape.length !== 2 || columns > WIDEST || hasFewTerms(source)) return undefined;
  const terms = Array.from({ length: columns }, (_, column) => {
    const list: Term[] = [];
    for (let row = 0; row < rows; row++) {
      const factor = values[row * columns + column];
      if (factor !== 0) list.push({ row, factor });
    }
    return list;
  });
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
