/**
 * Small systems of equations. Elimination goes down the rows of [A | B], for Hermitian positive definite matrices without looking for a better
 * pivot: it is a Cholesky factorisation then, A = Uᵀ·D⁻¹·U. For others a row whose entry is much larger changes places with the pivot's.
 *
 * Small systems have code of their own for each row, which knows where the row begins. That grows with the square of the rows: of larger ones a loop
 * serves a block of rows, whose columns begin where the block does. Still larger ones are left to onnxruntime, which solves them several times faster.
 *
 * Source: Golub and Van Loan, Matrix Computations, 4th ed., §4.1 and §4.2.
 */
import type { Emitter } from './emitter.ts';
import { fixed, plus, type Affine, type Expression } from './expression.ts';
import { broadcast, indexAt, stretched, withLastTwoSwapped, type LazyTensor, type View } from './lazy-tensor.ts';
import { NotCompiled } from './onnx-graph.ts';
import { loops, type Piece, type Workspace } from './workspace.ts';

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
  requireFew(matrix);
  const across = acrossBatch(matrix, right);
  const rows = workspace.copied(across(matrix));
  const answer = workspace.copied(across(right));
  workspace.step([rows, answer], (code) =>
    loops(code, rows.shape.slice(0, -2), (outer) => {
      forPivots(code, { workspace, outer, rows, answer, exchangesRows });
      substituteUpwards(code, { workspace, outer, rows, answer });
    }),
  );
  return answer;
}

/** X of T·X = B for a triangular T, whose other triangle is not read. @param matrix [..., n, n] @param right [..., n, m] */
export function solveTriangular(workspace: Workspace, matrix: LazyTensor, right: LazyTensor, side: 'lower' | 'upper'): View {
  requireFew(matrix);
  const across = acrossBatch(matrix, right);
  const rows = across(workspace.kept(matrix)) as View;
  const answer = workspace.copied(across(right));
  const n = rows.shape.at(-1) as number;
  workspace.step([rows, answer], (code) =>
    loops(code, rows.shape.slice(0, -2), (outer) => {
      const equations = { workspace, outer, rows, answer };
      if (side === 'upper') substituteUpwards(code, equations);
      else forRows(code, rows, n, (row) => substitute(code, equations, row, [fixed(0), row]));
    }),
  );
  return answer;
}

/** L of A = L·Lᵀ with L lower triangular; NaN where A is not positive definite. @param matrix [..., n, n], symmetric */
export function lowerCholesky(workspace: Workspace, matrix: LazyTensor): View {
  requireFew(matrix);
  const rows = workspace.copied(matrix); // becomes U, then Lᵀ = D^(−½)·U
  const n = rows.shape.at(-1) as number;
  workspace.step([rows], (code) =>
    loops(code, rows.shape.slice(0, -2), (outer) => {
      forPivots(code, { workspace, outer, rows });
      forRows(code, rows, n, (row) => {
        const { math, at } = workspace.stretch();
        const [perRoot] = code.hold(1);
        const root = math.op('sqrt', at(rows, [...outer, row, row], false));
        code.evaluate([code.into(perRoot, math.divide(math.constant(1), root))]);
        inChunks(code, workspace, rows, 0, (pieces) => {
          const stretch = workspace.stretch();
          const roots = pieces.map(({ column, whole }) => {
            const here = [...outer, row, column];
            const value = stretch.math.multiply(stretch.at(rows, here, whole), perRoot);
            return code.store({ buffer: rows.buffer, index: indexAt(rows, here) }, whole, value);
          });
          code.evaluate(roots);
        });
        code.span(fixed(0), row, (column) => {
          const zero = workspace.stretch().math.constant(0);
          code.evaluate([code.store({ buffer: rows.buffer, index: indexAt(rows, [...outer, row, column]) }, false, zero)]);
        });
      });
    }),
  );
  return withLastTwoSwapped(rows);
}

/** @throws NotCompiled */
function requireFew({ shape }: LazyTensor): void {
  const n = shape.at(-1) as number;
  if (n > MOST_ROWS) throw new NotCompiled(`a system of ${n} equations, which onnxruntime solves faster`);
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

/** Beyond what phase-net asks for where it senses (64 columns): code takes a minute to write, and onnxruntime a quarter of the time. */
const MOST_ROWS = 160;
/** Up to so many rows each has code of its own. */
const UNROLLED_ROWS = 32;
/** Of larger systems; the more, the fewer columns are worked on in vain. */
const BLOCKS = 16;

/** The first `count` rows in turn. @param body is told of a row, and of one at or before it that is known when the code is written */
function forRows(code: Emitter, { shape }: View, count: number, body: (row: Affine, begin: number) => void): void {
  const n = shape.at(-1) as number;
  const size = n <= UNROLLED_ROWS ? 1 : Math.ceil(n / BLOCKS);
  for (let begin = 0; begin < count; begin += size) code.loop(begin, Math.min(begin + size, count), 1, (row) => body(row, begin));
}

/** Below the last there is nothing to eliminate. */
function forPivots(code: Emitter, elimination: Elimination): void {
  const { rows } = elimination;
  forRows(code, rows, (rows.shape.at(-1) as number) - 1, (pivot, begin) => eliminateBelow(code, elimination, pivot, begin));
}

/** X of U·X = B, from the last row up. */
function substituteUpwards(code: Emitter, equations: Equations): void {
  const n = equations.rows.shape.at(-1) as number;
  forRows(code, equations.rows, n, (turn) => {
    const row = plus(fixed(n - 1), turn, -1);
    substitute(code, equations, row, [plus(row, fixed(1)), fixed(n)]);
  });
}

/** Takes multiples of the pivot's row from all rows below it. @param begin a row at or before the pivot */
function eliminateBelow(code: Emitter, elimination: Elimination, pivot: Affine, begin: number): void {
  const { workspace, outer, rows, answer, exchangesRows = false } = elimination;
  const n = rows.shape.at(-1) as number;
  const { width } = workspace.kind;
  // Columns before the pivot's are not read any more, so vectors may begin among them.
  const from = begin + 1 - ((begin + 1) % width);
  const parts = [{ view: rows, start: from }, ...(answer === undefined ? [] : [{ view: answer, start: 0 }])];
  const [perPivot, factor] = code.hold(2);
  const takePivot = (): void => {
    const { math, at } = workspace.stretch();
    const onDiagonal = at(rows, [...outer, pivot, pivot], false);
    code.evaluate([code.into(perPivot, math.divide(math.constant(1), onDiagonal))]);
  };
  takePivot();
  code.span(plus(pivot, fixed(1)), fixed(n), (row) => {
    if (exchangesRows) {
      const { math, at } = workspace.stretch();
      const size = (here: Affine): Expression => math.op('abs', at(rows, [...outer, here, pivot], false));
      const isLarger = math.op('gt', size(row), math.multiply(math.constant(MUCH_LARGER), size(pivot)));
      code.when(isLarger, () => {
        // The pivot's own column, too, which may lie before the first vector.
        exchangeRows(code, elimination, { view: rows, start: begin - (begin % width) }, [pivot, row]);
        if (answer !== undefined) exchangeRows(code, elimination, { view: answer, start: 0 }, [pivot, row]);
        takePivot();
      });
    }
    const { math, at } = workspace.stretch();
    const below = at(rows, [...outer, row, pivot], false);
    code.evaluate([code.into(factor, math.multiply(below, perPivot))]);
    for (const { view, start } of parts) {
      inChunks(code, workspace, view, start, (pieces) => {
        const { math: m, at: element } = workspace.stretch();
        const roots = pieces.map(({ column, whole }) => {
          const here = [...outer, row, column];
          const above = element(view, [...outer, pivot, column], whole);
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
  inChunks(code, workspace, view, start, (pieces) => {
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
function substitute(code: Emitter, equations: Equations, row: Affine, [from, to]: readonly [Affine, Affine]): void {
  const { workspace, outer, rows, answer } = equations;
  inChunks(code, workspace, answer, 0, (pieces) => {
    const sums = code.hold(pieces.length);
    const start = workspace.stretch();
    code.evaluate(pieces.map(({ column, whole }, i) => code.into(sums[i], start.at(answer, [...outer, row, column], whole))));
    code.span(from, to, (j) => {
      const { math, at } = workspace.stretch();
      const factor = at(rows, [...outer, row, j], false);
      code.evaluate(
        pieces.map(({ column, whole }, i) => {
          const term = math.multiply(factor, at(answer, [...outer, j, column], whole));
          return code.into(sums[i], math.subtract(sums[i], term));
        }),
      );
    });
    const { math, at } = workspace.stretch();
    const perPivot = math.divide(math.constant(1), at(rows, [...outer, row, row], false));
    code.evaluate(
      pieces.map(({ column, whole }, i) => {
        const index = indexAt(answer, [...outer, row, column]);
        return code.store({ buffer: answer.buffer, index }, whole, math.multiply(sums[i], perPivot));
      }),
    );
  });
}

/** Vectors of a row that are worked on at once. */
const CHUNK = 4;
/** Up to so many vectors of a row each has code of its own. */
const UNROLLED_VECTORS = 16;

function inChunks(
  code: Emitter,
  workspace: Workspace,
  view: View,
  start: number,
  body: (pieces: readonly { column: Affine; whole: boolean }[]) => void,
): void {
  const { width } = workspace.kind;
  const columns = (view.shape.at(-1) as number) - start;
  const chunk = (at: Affine, pieces: readonly Piece[]): void =>
    body(pieces.map(({ offset, whole }) => ({ column: plus(plus(fixed(start), at), fixed(offset)), whole })));
  const step = CHUNK * width;
  const inLoop = columns > UNROLLED_VECTORS * width ? columns - (columns % step) : 0;
  code.loop(0, inLoop, step, (at) => chunk(at, workspace.pieces(step, true)));
  const pieces = workspace.pieces(columns - inLoop, columns >= width);
  for (let at = 0; at < pieces.length; at += CHUNK) chunk(fixed(inLoop), pieces.slice(at, at + CHUNK));
}
