/** The nominal grid, p_s = e^{j·2πs/2^Q}, which the states of an element lie near, but for a factor of its own. */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { zeros } from '../core/signal/complex-matrix.ts';
import { idealOf } from '../core/signal/quantise.ts';

/** o_n = pᴴc_n/2^Q of every element: what turns and scales the grid to lie nearest to its states. N×1 */
export function offsetsOf({ re, im }: CMatrix, states: number): CMatrix {
  const grid = idealOf(Math.log2(states));
  const elements = re.length / states;
  const out = zeros(elements, 1);
  for (let n = 0, at = 0; n < elements; n++) {
    for (let s = 0; s < states; s++, at++) {
      out.re[n] += (grid.re[s] * re[at] + grid.im[s] * im[at]) / states;
      out.im[n] += (grid.re[s] * im[at] - grid.im[s] * re[at]) / states;
    }
  }
  return out;
}

/** (I − p·pᴴ/2^Q)·c_n of every element: what the grid does not explain. */
export function offGrid(c: CMatrix, states: number): CMatrix {
  const grid = idealOf(Math.log2(states));
  const offsets = offsetsOf(c, states);
  const out = zeros(c.rows, c.cols);
  for (let at = 0; at < c.re.length; at++) {
    const s = at % states;
    const n = (at - s) / states;
    out.re[at] = c.re[at] - (offsets.re[n] * grid.re[s] - offsets.im[n] * grid.im[s]);
    out.im[at] = c.im[at] - (offsets.re[n] * grid.im[s] + offsets.im[n] * grid.re[s]);
  }
  return out;
}
