import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';

/**
 * exp(j∠): each entry at modulus 1, which is the nearest that a phase shifter can show.
 * @param target N×M
 * @param otherwise N×M, what stands where the target is zero; where this is zero there is no connection, and the result is zero, too
 */
export function unitModulus(target: CMatrix, otherwise: CMatrix): CMatrix {
  const out = zeros(target.rows, target.cols);
  for (let i = 0; i < target.re.length; i++) {
    if (otherwise.re[i] === 0 && otherwise.im[i] === 0) continue;
    const size = Math.hypot(target.re[i], target.im[i]);
    out.re[i] = size > 0 ? target.re[i] / size : otherwise.re[i];
    out.im[i] = size > 0 ? target.im[i] / size : otherwise.im[i];
  }
  return out;
}
