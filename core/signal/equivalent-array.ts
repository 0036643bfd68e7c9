/**
 * A smaller array that no digital precoder can tell from the one at hand: H' (K×M) and A' (M×M) with H'A' = HA and A'ᴴA' = AᴴA, so that gains
 * and power are the same. With AᴴA = LLᴴ they are A' = Lᴴ and H' = HA·L⁻ᴴ. The elements are summed over once instead of in every step of
 * what follows.
 */
import type { CMatrix } from './complex-matrix.ts';
import { matmul, multiplyAhB, zeros } from './complex-matrix.ts';
import { divideByFactor, factorInPlace } from './cholesky.ts';

/** Below this share of its diagonal a pivot of AᴴA has lost half its digits, and A is taken for rank-deficient. */
const SMALLEST_PIVOT = 1e-8;

/**
 * @param channel H, K×N
 * @param analog A, N×M
 * @returns H and A themselves when columns of A coincide, which few bits can do
 */
export function equivalentArray(channel: CMatrix, analog: CMatrix): { channel: CMatrix; analog: CMatrix } {
  const effective = matmul(channel, analog); // K×M
  const factor = multiplyAhB(analog, analog); // becomes L in its lower triangle
  if (!factorInPlace(factor, SMALLEST_PIVOT)) return { channel, analog };
  const { rows: size, re, im } = factor;
  const upper = zeros(size, size);
  for (let i = 0; i < size; i++) {
    upper.re[i * size + i] = re[i * size + i];
    for (let j = 0; j < i; j++) {
      upper.re[j * size + i] = re[i * size + j];
      upper.im[j * size + i] = -im[i * size + j];
    }
  }
  divideByFactor(effective, factor);
  return { channel: effective, analog: upper };
}
