/**
 * A smaller array that no digital precoder can tell from the one at hand: H' (K×M) and A' (M×M) with H'A' = HA and A'ᴴA' = AᴴA, so that gains
 * and power are the same. With AᴴA = LLᴴ they are A' = Lᴴ and H' = HA·L⁻ᴴ. The elements are summed over once instead of in every step of
 * what follows.
 */
import type { CMatrix } from './complex-matrix.ts';
import { matmul, multiplyAhB, zeros } from './complex-matrix.ts';

/** Below this share of its diagonal a pivot of AᴴA has lost half its digits, and A is taken for rank-deficient. */
const SMALLEST_PIVOT = 1e-8;

/**
 * @param channel H, K×N
 * @param analog A, N×M
 * @returns H and A themselves when columns of A coincide, which few bits can do
 */
export function equivalentArray(channel: CMatrix, analog: CMatrix): { channel: CMatrix; analog: CMatrix } {
  const effective = matmul(channel, analog); // K×M
  const { re, im } = multiplyAhB(analog, analog); // becomes L in its lower triangle
  const size = analog.cols;
  for (let j = 0; j < size; j++) {
    const jj = j * size + j;
    const full = re[jj];
    for (let k = j * size; k < jj; k++) re[jj] -= re[k] * re[k] + im[k] * im[k];
    if (!(re[jj] > SMALLEST_PIVOT * full)) return { channel, analog };
    re[jj] = Math.sqrt(re[jj]);
    for (let i = j + 1; i < size; i++) eliminate(re, im, i * size, re, im, j, size);
  }
  const upper = zeros(size, size);
  for (let i = 0; i < size; i++) {
    upper.re[i * size + i] = re[i * size + i];
    for (let j = 0; j < i; j++) {
      upper.re[j * size + i] = re[i * size + j];
      upper.im[j * size + i] = -im[i * size + j];
    }
  }
  for (let row = 0; row < effective.re.length; row += size) {
    for (let j = 0; j < size; j++) eliminate(effective.re, effective.im, row, re, im, j, size);
  }
  return { channel: effective, analog: upper };
}

/** One step of solving x·Lᴴ = y in place, for the row that starts at `row`: x_j = (y_j − Σ_{i<j} x_i·L*_ji)/L_jj. */
function eliminate(
  rowRe: Float64Array,
  rowIm: Float64Array,
  row: number,
  factorRe: Float64Array,
  factorIm: Float64Array,
  j: number,
  size: number,
): void {
  const pivot = j * size;
  let re = rowRe[row + j];
  let im = rowIm[row + j];
  for (let i = 0; i < j; i++) {
    re -= rowRe[row + i] * factorRe[pivot + i] + rowIm[row + i] * factorIm[pivot + i];
    im -= rowIm[row + i] * factorRe[pivot + i] - rowRe[row + i] * factorIm[pivot + i];
  }
  rowRe[row + j] = re / factorRe[pivot + j];
  rowIm[row + j] = im / factorRe[pivot + j];
}
