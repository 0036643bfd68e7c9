/** A complex matrix as a list of real numbers, [Re | Im], as climb.ts takes it. */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';

export function asList({ re, im }: CMatrix): Float64Array {
  const list = new Float64Array(2 * re.length);
  list.set(re);
  list.set(im, re.length);
  return list;
}

/** Its parts are views of the list. */
export const asMatrix = (list: Float64Array, rows: number, cols: number): CMatrix =>
  fromParts(rows, cols, list.subarray(0, rows * cols), list.subarray(rows * cols));
