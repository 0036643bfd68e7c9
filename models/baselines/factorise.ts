/**
 * A digital precoder factored into A·D afterwards: min ‖X − A·D‖_F over unit-modulus A and any D, alternating D = A⁺X with a sweep over the
 * phases, each set to its best value while the others stay. It is the second half of the two-step designs (first the best digital precoder,
 * then its factors) that joint methods are compared with; same objective as manifold optimisation, no step size, never a step up.
 *
 * Source: the objective is eq. (10) of Yu et al., IEEE J. Sel. Topics Signal Process. 10(3), 2016.
 */
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, frobeniusNorm, matmul, scale, subtract } from '../../core/signal/complex-matrix.ts';
import { leastSquares } from './aligned.ts';

/**
 * @param target X, N×K
 * @param start A₀, N×M; entries that are zero are not wired and stay zero
 * @param iterations alternations of D and a sweep over A
 * @returns A and D with ‖A·D‖²_F = power
 */
export function factorise(target: CMatrix, start: CMatrix, power: number, iterations = 100): HybridPrecoder {
  const analog = clone(start);
  for (let iteration = 0; iteration < iterations; iteration++) sweepPhases(target, analog, leastSquares(analog, target));
  const digital = leastSquares(analog, target);
  return { analog, digital: scale(digital, Math.sqrt(power) / frobeniusNorm(matmul(analog, digital))) };
}

/** Each phase in turn, in place: with E the error without entry (n, m), a = exp(j·angle(E_n·D_mᴴ)). */
function sweepPhases(target: CMatrix, analog: CMatrix, digital: CMatrix): void {
  const error = subtract(target, matmul(analog, digital));
  const { rows: elements, cols: users } = target;
  const chains = analog.cols;
  for (let n = 0; n < elements; n++) {
    for (let m = 0; m < chains; m++) {
      const at = n * chains + m;
      const re = analog.re[at];
      const im = analog.im[at];
      if (re === 0 && im === 0) continue;
      let sumRe = 0;
      let sumIm = 0;
      for (let k = 0; k < users; k++) {
        const [dr, di] = [digital.re[m * users + k], digital.im[m * users + k]];
        const er = error.re[n * users + k] + re * dr - im * di;
        const ei = error.im[n * users + k] + re * di + im * dr;
        error.re[n * users + k] = er;
        error.im[n * users + k] = ei;
        sumRe += er * dr + ei * di;
        sumIm += ei * dr - er * di;
      }
      const size = Math.hypot(sumRe, sumIm);
      const newRe = size === 0 ? re : sumRe / size;
      const newIm = size === 0 ? im : sumIm / size;
      analog.re[at] = newRe;
      analog.im[at] = newIm;
      for (let k = 0; k < users; k++) {
        const [dr, di] = [digital.re[m * users + k], digital.im[m * users + k]];
        error.re[n * users + k] -= newRe * dr - newIm * di;
        error.im[n * users + k] -= newRe * di + newIm * dr;
      }
    }
  }
}
