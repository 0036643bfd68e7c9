/**
 * Small systems of equations. Elimination goes down the rows of [A | B] without looking for a better pivot, which for Hermitian positive definite
 * matrices needs none: it is a Cholesky factorisation, A = Uᵀ·D⁻¹·U.
 *
 * Source: Golub and Van Loan, Matrix Computations, 4th ed., §4.1 and §4.2.
 */
import type { Emitter } from './emitter.ts';
import { fixed, plus, type Affine } from './expression.ts';
import { broadcast, indexAt, stretched, type LazyTensor, type View } from './lazy-tensor.ts';
import { loops, type Workspace } from './workspace.ts';

/** X of A·X = B. @param matrix [..., n, n], Hermitian positive definite @param right [..., n, m] */
export function solvePositiveDefinite(workspace: Workspace, matrix: LazyTensor, right: LazyTensor): View {
  const batch = broadcast(matrix.shape.slice(0, -2), right.shape.slice(0, -2));
  const across = (tensor: LazyTensor): LazyTensor => stretched(tensor, [...batch, ...tensor.shape.slice(-2)]);
  const rows = workspace.copied(across(matrix));
  const answer = workspace.copied(across(right));
  workspace.step([rows, answer], (code) =>
    loops(code, batch, (outer) => {
      const system: System = { workspace, outer, rows, answer };
      const n = rows.shape.at(-1) as number;
      for (let pivot = 0; pivot < n; pivot++) eliminateBelow(code, system, pivot);
      for (let pivot = n - 1; pivot >= 0; pivot--) substituteBack(code, system, pivot);
    }),
  );
  return answer;
}

/** A⁻¹ of a positive definite A. */
export function inversePositiveDefinite(workspace: Workspace, matrix: LazyTensor): View {
  const n = matrix.shape.at(-1) as number;
  const identity = workspace.constant(
    Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
    [n, n],
  );
  return solvePositiveDefinite(workspace, matrix, identity);
}

interface System {
  workspace: Workspace;
  /** Which one of the batch. */
  outer: readonly Affine[];
  /** A, which becomes U. */
  rows: View;
  /** B, which becomes X. */
  answer: View;
}

/** Takes multiples of the pivot's row from all rows below it. */
function eliminateBelow(code: Emitter, system: System, pivot: number): void {
  const { workspace, outer, rows, answer } = system;
  const n = rows.shape.at(-1) as number;
  if (pivot === n - 1) return;
  const [perPivot, factor] = code.hold(2);
  const first = workspace.stretch();
  const onDiagonal = first.at(rows, [...outer, fixed(pivot), fixed(pivot)], false);
  code.evaluate([code.into(perPivot, first.math.divide(first.math.constant(1), onDiagonal))]);
  code.loop(pivot + 1, n, 1, (row) => {
    const { math, at } = workspace.stretch();
    const below = at(rows, [...outer, row, fixed(pivot)], false);
    code.evaluate([code.into(factor, math.multiply(below, perPivot))]);
    // Columns before the pivot's are not read any more, so vectors may begin among them.
    const from = pivot + 1 - ((pivot + 1) % workspace.kind.width);
    for (const [view, start] of [
      [rows, from],
      [answer, 0],
    ] as const) {
      inChunks(workspace, view, start, (pieces) => {
        const { math: m, at: element } = workspace.stretch();
        const roots = pieces.map(({ column, whole }) => {
          const here = [...outer, row, column];
          const above = element(view, [...outer, fixed(pivot), column], whole);
          const value = m.subtract(element(view, here, whole), m.multiply(factor, above));
          return code.store({ buffer: view.buffer, index: indexAt(view, here) }, whole, value);
        });
        code.evaluate(roots);
      });
    }
  });
}

/** xₚ = (bₚ − Σ_{j>p} uₚⱼ·xⱼ)∕uₚₚ */
function substituteBack(code: Emitter, { workspace, outer, rows, answer }: System, pivot: number): void {
  const n = rows.shape.at(-1) as number;
  inChunks(workspace, answer, 0, (pieces) => {
    const sums = code.hold(pieces.length);
    const start = workspace.stretch();
    code.evaluate(
      pieces.map(({ column, whole }, i) => code.into(sums[i], start.at(answer, [...outer, fixed(pivot), column], whole))),
    );
    code.loop(pivot + 1, n, 1, (j) => {
      const { math, at } = workspace.stretch();
      const factor = at(rows, [...outer, fixed(pivot), j], false);
      code.evaluate(
        pieces.map(({ column, whole }, i) => {
          const term = math.multiply(factor, at(answer, [...outer, j, column], whole));
          return code.into(sums[i], math.subtract(sums[i], term));
        }),
      );
    });
    const { math, at } = workspace.stretch();
    const perPivot = math.divide(math.constant(1), at(rows, [...outer, fixed(pivot), fixed(pivot)], false));
    code.evaluate(
      pieces.map(({ column, whole }, i) => {
        const index = indexAt(answer, [...outer, fixed(pivot), column]);
        return code.store({ buffer: answer.buffer, index }, whole, math.multiply(sums[i], perPivot));
      }),
    );
  });
}

/** Vectors of a row that are worked on at once. */
const CHUNK = 4;

function inChunks(
  workspace: Workspace,
  view: View,
  start: number,
  body: (pieces: readonly { column: Affine; whole: boolean }[]) => void,
): void {
  const columns = (view.shape.at(-1) as number) - start;
  const pieces = workspace.pieces(columns, columns >= workspace.kind.width);
  for (let at = 0; at < pieces.length; at += CHUNK) {
    body(pieces.slice(at, at + CHUNK).map(({ offset, whole }) => ({ column: plus(fixed(start), fixed(offset)), whole })));
  }
}
