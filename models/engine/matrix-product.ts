/** Products of matrices, in tiles whose sums stay in registers. */
import type { Emitter } from './emitter.ts';
import { fixed, plus, type Affine } from './expression.ts';
import { broadcast, hasFewTerms, indexAt, stretched, withLastTwoSwapped, type LazyTensor, type View } from './lazy-tensor.ts';
import { loops, tiles, type Piece, type Workspace } from './workspace.ts';

/**
 * Eight sums. V8 moves all loads of a block before its arithmetic: with more rows or columns, or two steps of the inner loop at once, registers
 * run out, and a product that makes 44 Gflop/s makes 19.
 */
const TILE = { rows: 4, vectors: 2 };

/** a·b over the last two axes; leading axes are a batch and broadcast. */
export function matrixProduct(workspace: Workspace, a: LazyTensor, b: LazyTensor): View {
  const { width } = workspace.kind;
  const [rows, columns] = [a.shape.at(-2) as number, b.shape.at(-1) as number];
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  // Vectors lie along the columns. Where there are few of them and many rows, it is worked out as (bᵀ·aᵀ)ᵀ.
  const isTurned = columns < width && rows >= width;
  // Columns of few terms are told by their number on the last axis.
  const turned = (tensor: LazyTensor) => withLastTwoSwapped(hasFewTerms(tensor) ? workspace.kept(tensor) : tensor);
  const [first, second] = isTurned ? [turned(b), turned(a)] : [a, b];
  const across = (view: View): View => stretched(view, [...batch, ...view.shape.slice(-2)]);
  const left = across(workspace.kept(first));
  const right = across(workspace.packed(second));
  const to = workspace.allocate([...batch, left.shape.at(-2) as number, right.shape.at(-1) as number]);
  workspace.step([left, right, to], (code) =>
    loops(code, batch, (outer) => writeProduct(code, workspace, { left, right, to, outer })),
  );
  return isTurned ? withLastTwoSwapped(to) : to;
}

interface Product {
  left: View;
  right: View;
  to: View;
  /** Which one of the batch. */
  outer: readonly Affine[];
}

function writeProduct(code: Emitter, workspace: Workspace, product: Product): void {
  const { width } = workspace.kind;
  const [rows, columns] = product.to.shape.slice(-2);
  const wide = columns >= width;
  const vectors = rows < TILE.rows ? Math.floor((TILE.rows * TILE.vectors) / rows) : TILE.vectors;
  tiles(code, rows, TILE.rows, (row, height) => {
    tiles(code, columns, vectors * (wide ? width : 1), (column, count) => {
      writeTile(code, workspace, product, { row, height, column, pieces: workspace.pieces(count, wide) });
    });
  });
}

interface Tile {
  row: Affine;
  height: number;
  column: Affine;
  pieces: readonly Piece[];
}

function writeTile(
  code: Emitter,
  workspace: Workspace,
  { left, right, to, outer }: Product,
  { row, height, column, pieces }: Tile,
): void {
  const depth = left.shape.at(-1) as number;
  const entries = Array.from({ length: height }, (_, r) =>
    pieces.map(({ offset, whole }) => ({ row: plus(row, fixed(r)), column: plus(column, fixed(offset)), whole })),
  ).flat();
  const sums = code.hold(entries.length);
  const takeStep = (k: Affine, isFirst: boolean): void => {
    const { math, at } = workspace.stretch();
    const roots = entries.map((entry, i) => {
      const term = math.multiply(at(left, [...outer, entry.row, k], false), at(right, [...outer, k, entry.column], entry.whole));
      return code.into(sums[i], isFirst ? term : math.add(sums[i], term));
    });
    code.evaluate(roots);
  };
  takeStep(fixed(0), true);
  code.loop(1, depth, 1, (k) => takeStep(k, false));
  const stores = entries.map((entry, i) => {
    const index = indexAt(to, [...outer, entry.row, entry.column]);
    return code.store({ buffer: to.buffer, index }, entry.whole, sums[i]);
  });
  code.evaluate(stores);
}
