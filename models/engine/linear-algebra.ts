/**
 * Small systems of equations. Elimination goes down the rows of [A | B], for Hermitian positive definite matrices without looking for a better
 * pivot: it is a Cholesky factorisation then, A = Uᵀ·D⁻¹·U. For others a row whose entry is much larger changes places with the pivot's.
 *
 * Source: Golub and Van Loan, Matrix Computations, 4th ed., §4.1 and §4.2.
 */
import type { Emitter } from './emitter.ts';
import { fixed, plus, type Affine, type Expression } from './expression.ts';
import { broadcast, indexAt, stretched, withLastTwoSwapped, type LazyTensor, type View } from './lazy-tensor.ts';
import { loops, type Workspace } from './workspace.ts';

/** X of A·X = B. @param matrix [..., n, n], Hermitian positive definite @param right [..., n, m] */
export function solvePositiveDefinite(workspace: Workspace, matrix: LazyTensor, right: LazyTensor): View {
  return solve(workspace, matrix, right, false);
}

/** A⁻¹, with rows exchanged where a pivot is small. */
export function inverse(workspace: Workspace, matrix: LazyTensor): View {
  const n = matrix.shape.at(-1) as number;
  const identity = workspace.constant(
    Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
    [n, n],
  );
  return solve(workspace, matrix, identity, true);
}

function solve(workspace: Workspace, matrix: LazyTensor, right: LazyTensor, exchangesRows: boolean): View {
  const across = acrossBatch(matrix, right);
  const rows = workspace.copied(across(matrix));
  const answer = workspace.copied(across(right));
  const n = rows.shape.at(-1) as number;
  workspace.step([rows, answer], (code) =>
    loops(code, rows.shape.slice(0, -2), (outer) => {
      for (let pivot = 0; pivot < n; pivot++) eliminateBelow(code, { workspace, outer, rows, answer, exchangesRows }, pivot);
      for (let pivot = n - 1; pivot >= 0; pivot--) substitute(code, { workspace, outer, rows, answer }, pivot, [pivot + 1, n]);
    }),
  );
  return answer;
}

/** X of T·X = B for a triangular T, whose other triangle is not read. @param matrix [..., n, n] @param right [..., n, m] */
export function solveTriangular(workspace: Workspace, matrix: LazyTensor, right: LazyTensor, side: 'lower' | 'upper'): View {
  const across = acrossBatch(matrix, right);
  const rows = across(workspace.kept(matrix)) as View;
  const answer = workspace.copied(across(right));
  const n = rows.shape.at(-1) as number;
  workspace.step([rows, answer], (code) =>
    loops(code, rows.shape.slice(0, -2), (outer) => {
      const equations = { workspace, outer, rows, answer };
      if (side === 'lower') for (let row = 0; row < n; row++) substitute(code, equations, row, [0, row]);
      else for (let row = n - 1; row >= 0; row--) substitute(code, equations, row, [row + 1, n]);
    }),
  );
  return answer;
}

/** L of A = L·Lᵀ with L lower triangular; NaN where A is not positive definite. @param matrix [..., n, n], symmetric */
export function lowerCholesky(workspace: Workspace, matrix: LazyTensor): View {
  const rows = workspace.copied(matrix); // becomes U, then Lᵀ = D^(−½)·U
  const n = rows.shape.at(-1) as number;
  workspace.step([rows], (code) =>
    loops(code, rows.shape.slice(0, -2), (outer) => {
      for (let pivot = 0; pivot < n; pivot++) eliminateBelow(code, { workspace, outer, rows }, pivot);
      for (let row = 0; row < n; row++) {
        const { math, at } = workspace.stretch();
        const [perRoot] = code.hold(1);
        const root = math.op('sqrt', at(rows, [...outer, fixed(row), fixed(row)], false));
        code.evaluate([code.into(perRoot, math.divide(math.constant(1), root))]);
        inChunks(workspace, rows, 0, (pieces) => {
          const stretch = workspace.stretch();
          const roots = pieces.map(({ column, whole }) => {
            const here = [...outer, fixed(row), column];
            const value = stretch.math.multiply(stretch.at(rows, here, whole), perRoot);
            return code.store({ buffer: rows.buffer, index: indexAt(rows, here) }, whole, value);
          });
          code.evaluate(roots);
        });
        const zero = workspace.stretch().math.constant(0);
        const before = Array.from({ length: row }, (_, column) => indexAt(rows, [...outer, fixed(row), fixed(column)]));
        code.evaluate(before.map((index) => code.store({ buffer: rows.buffer, index }, false, zero)));
      }
    }),
  );
  return withLastTwoSwapped(rows);
}

/** Stretches a matrix or a right side over the batch of both. */
function acrossBatch(matrix: LazyTensor, right: LazyTensor): (tensor: LazyTensor) => LazyTensor {
  const batch = broadcast(matrix.shape.slice(0, -2), right.shape.slice(0, -2));
  return (tensor) => stretched(tensor, [...batch, ...tensor.shape.slice(-2)]);
}

interface Equations {
  workspace: Workspace;
  /** Which one of the batch. */
  outer: readonly Affine[];
  /** The matrix, which elimination makes upper triangular. */
  rows: View;
  /** B, which becomes X. */
  answer: View;
}

interface Elimination extends Omit<Equations, 'answer'> {
  answer?: View;
  exchangesRows?: boolean;
}

/** A row is taken for the pivot's where its entry is so many times as large: matrices that need no exchange have none. */
const MUCH_LARGER = 4;

/** Takes multiples of the pivot's row from all rows below it. */
function eliminateBelow(code: Emitter, elimination: Elimination, pivot: number): void {
  const { workspace, outer, rows, answer, exchangesRows = false } = elimination;
  const n = rows.shape.at(-1) as number;
  if (pivot === n - 1) return;
  // Columns before the pivot's are not read any more, so vectors may begin among them.
  const from = pivot + 1 - ((pivot + 1) % workspace.kind.width);
  const parts = [{ view: rows, start: from }, ...(answer === undefined ? [] : [{ view: answer, start: 0 }])];
  const [perPivot, factor] = code.hold(2);
  const takePivot = (): void => {
    const { math, at } = workspace.stretch();
    const onDiagonal = at(rows, [...outer, fixed(pivot), fixed(pivot)], false);
    code.evaluate([code.into(perPivot, math.divide(math.constant(1), onDiagonal))]);
  };
  takePivot();
  code.loop(pivot + 1, n, 1, (row) => {
    if (exchangesRows) {
      const { math, at } = workspace.stretch();
      const size = (here: Affine): Expression => math.op('abs', at(rows, [...outer, here, fixed(pivot)], false));
      const isLarger = math.op('gt', size(row), math.multiply(math.constant(MUCH_LARGER), size(fixed(pivot))));
      code.when(isLarger, () => {
        // The pivot's own column, too, which may lie before the first vector.
        exchangeRows(code, elimination, { view: rows, start: pivot - (pivot % workspace.kind.width) }, [fixed(pivot), row]);
        if (answer !== undefined) exchangeRows(code, elimination, { view: answer, start: 0 }, [fixed(pivot), row]);
        takePivot();
      });
    }
    const { math, at } = workspace.stretch();
    const below = at(rows, [...outer, row, fixed(pivot)], false);
    code.evaluate([code.into(factor, math.multiply(below, perPivot))]);
    for (const { view, start } of parts) {
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

function exchangeRows(
  code: Emitter,
  { workspace, outer }: Pick<Elimination, 'workspace' | 'outer'>,
  { view, start }: { view: View; start: number },
  [one, other]: readonly [Affine, Affine],
): void {
  inChunks(workspace, view, start, (pieces) => {
    const { at } = workspace.stretch();
    const holders = code.hold(2 * pieces.length);
    const places = [one, other].flatMap((row) => pieces.map(({ column, whole }) => ({ at: [...outer, row, column], whole })));
    code.evaluate(places.map((place, i) => code.into(holders[i], at(view, place.at, place.whole))));
    code.evaluate(
      places.map((place, i) => {
        const index = indexAt(view, place.at);
        return code.store({ buffer: view.buffer, index }, place.whole, holders[(i + pieces.length) % holders.length]);
      }),
    );
  });
}

/** x_r = (b_r − Σ t_rj·x_j)∕t_rr over the columns j from … to − 1 of a triangular matrix. */
function substitute(code: Emitter, equations: Equations, row: number, [from, to]: readonly [number, number]): void {
  const { workspace, outer, rows, answer } = equations;
  inChunks(workspace, answer, 0, (pieces) => {
    const sums = code.hold(pieces.length);
    const start = workspace.stretch();
    code.evaluate(
      pieces.map(({ column, whole }, i) => code.into(sums[i], start.at(answer, [...outer, fixed(row), column], whole))),
    );
    code.loop(from, to, 1, (j) => {
      const { math, at } = workspace.stretch();
      const factor = at(rows, [...outer, fixed(row), j], false);
      code.evaluate(
        pieces.map(({ column, whole }, i) => {
          const term = math.multiply(factor, at(answer, [...outer, j, column], whole));
          return code.into(sums[i], math.subtract(sums[i], term));
        }),
      );
    });
    const { math, at } = workspace.stretch();
    const perPivot = math.divide(math.constant(1), at(rows, [...outer, fixed(row), fixed(row)], false));
    code.evaluate(
      pieces.map(({ column, whole }, i) => {
        const index = indexAt(answer, [...outer, fixed(row), column]);
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
