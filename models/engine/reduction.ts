/** Sums and extrema over axes. */
import type { Emitter } from './emitter.ts';
import { fixed, plus, type Affine, type Expression } from './expression.ts';
import { hasFewTerms, indexAt, leavesOf, mergedAxes, rearranged, type LazyTensor, type Shape, type View } from './lazy-tensor.ts';
import type { VectorMath } from './vector-math.ts';
import { loops, tiles, type Workspace } from './workspace.ts';

export interface Reduction {
  /** What nothing amounts to. */
  readonly start: number;
  /** What an element is before it is combined. */
  readonly term: (math: VectorMath, element: Expression) => Expression;
  readonly combine: (math: VectorMath, a: Expression, b: Expression) => Expression;
}

/** Terms of straight-line code, and sums that are kept in registers at once. */
const UNROLLED = 8;
const SUMS_AT_ONCE = 4;

/** Over axes, which stay with length 1. */
export function reduce(workspace: Workspace, tensor: LazyTensor, axes: readonly number[], reduction: Reduction): View {
  const answer = workspace.allocate(tensor.shape.map((length, axis) => (axes.includes(axis) ? 1 : length)));
  const long = [...tensor.shape.keys()].filter((axis) => tensor.shape[axis] > 1);
  const staying = long.filter((axis) => !axes.includes(axis));
  const summed = long.filter((axis) => axes.includes(axis));
  // Columns of few terms are told by their number: they cannot be walked over.
  const source = hasFewTerms(tensor) ? workspace.kept(tensor) : tensor;
  let from = rearranged(source, [...staying, ...summed]);
  for (let axis = from.shape.length - 2; axis >= staying.length; axis--) [from] = mergedAxes([from], axis) ?? [from];
  const sum: Sum = { workspace, reduction, from, to: rearranged(answer, staying), staying: staying.length };
  const isVector = (axis: number): boolean =>
    axis >= 0 && from.shape[axis] >= workspace.kind.width && leavesOf(from).every(({ strides }) => strides[axis] <= 1);
  const alongSum = summed.length > 0 && isVector(from.shape.length - 1);
  const acrossSum = !alongSum && summed.length > 0 && isVector(staying.length - 1);
  workspace.step([source, answer], (code) => {
    if (acrossSum) sumManyAtOnce(code, sum);
    else sumOneByOne(code, sum, alongSum ? workspace.kind.width : 1);
  });
  return answer;
}

interface Sum {
  workspace: Workspace;
  reduction: Reduction;
  /** Axes that stay, then those that are summed over. */
  from: LazyTensor;
  to: View;
  /** How many axes stay. */
  staying: number;
}

/** Each sum by itself, over vectors of so many lanes, the rest of a row element by element. */
function sumOneByOne(code: Emitter, { workspace, reduction, from, to, staying }: Sum, lanes: number): void {
  const { start, term, combine } = reduction;
  const lengths = from.shape.slice(staying);
  const last = lengths.at(-1) ?? 1;
  const inLanes = last - (last % lanes);
  loops(code, to.shape, (outer) => {
    const [whole, rest] = code.hold(2);
    begin(code, workspace, [whole, rest], start);
    const take = (into: Expression, inner: readonly Affine[], from0: number, length: number, width: number): void =>
      tiles(code, length, UNROLLED * width, (at, count) => {
        const { math, at: element } = workspace.stretch();
        const terms = Array.from({ length: count / width }, (_, i) => {
          const position = [...outer, ...inner, plus(at, fixed(from0 + i * width))].slice(0, from.shape.length);
          return term(math, element(from, position, width > 1));
        });
        const together = terms.reduce((a, b) => combine(math, a, b));
        code.evaluate([code.into(into, combine(math, into, together))]);
      });
    loops(code, lengths.slice(0, -1), (inner) => {
      take(whole, inner, 0, inLanes, lanes);
      if (inLanes < last) take(rest, inner, inLanes, last - inLanes, 1);
    });
    const { math } = workspace.stretch();
    const total = lanes > 1 ? math.acrossLanes(whole, (a, b) => combine(math, a, b)) : whole;
    const value = inLanes < last ? combine(math, total, rest) : total;
    code.evaluate([code.store({ buffer: to.buffer, index: indexAt(to, outer) }, false, value)]);
  });
}

/** Neighbouring sums in the lanes of vectors. */
function sumManyAtOnce(code: Emitter, { workspace, reduction, from, to, staying }: Sum): void {
  const { start, term, combine } = reduction;
  const summed: Shape = from.shape.slice(staying);
  loops(code, to.shape.slice(0, -1), (outer) => {
    tiles(code, to.shape[staying - 1], SUMS_AT_ONCE * workspace.kind.width, (column, count) => {
      const pieces = workspace.pieces(count, true);
      const sums = code.hold(pieces.length);
      begin(code, workspace, sums, start);
      loops(code, summed, (inner) => {
        const { math, at } = workspace.stretch();
        const roots = pieces.map(({ offset, whole }, i) => {
          const element = at(rearrangedBack(from, staying), [...outer, ...inner, plus(column, fixed(offset))], whole);
          return code.into(sums[i], combine(math, sums[i], term(math, element)));
        });
        code.evaluate(roots);
      });
      const places = pieces.map(({ offset }) => indexAt(to, [...outer, plus(column, fixed(offset))]));
      code.evaluate(pieces.map(({ whole }, i) => code.store({ buffer: to.buffer, index: places[i] }, whole, sums[i])));
    });
  });
}

/** The last of the axes that stay behind those that are summed over: vectors lie along the last one. */
function rearrangedBack(from: LazyTensor, staying: number): LazyTensor {
  const axes = [...from.shape.keys()];
  return rearranged(from, [...axes.slice(0, staying - 1), ...axes.slice(staying), staying - 1]);
}

function begin(code: Emitter, workspace: Workspace, sums: readonly Expression[], start: number): void {
  const { math } = workspace.stretch();
  code.evaluate(sums.map((sum) => code.into(sum, math.constant(start))));
}
