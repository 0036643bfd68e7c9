/**
 * A digital precoder taken apart, min ‖V − A·D‖_F, by turns: D = A⁺V, then a sweep over the phases, each set to its best value while the others
 * stay. The same distance as in altmin-manifold.ts, without a step size, and never a step up.
 *
 * Source: the distance is eq. (10) of Yu et al., IEEE J. Sel. Topics Signal Process. 10(3), 2016.
 */
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, matmul, subtract } from '../../core/signal/complex-matrix.ts';
import { leastSquares } from './aligned.ts';
import type { Baseline } from './baseline.ts';
import { factored, rzfTarget, wmmseTarget, zfTarget } from './digital-targets.ts';

export const zfFactored: Baseline = {
  title: 'digital zero-forcing first, then factored into phases and D by sweeps over the phases',
  source: 'the distance of Yu et al., IEEE JSTSP 10(3), 2016, (10); the sweeps are ours',
  run: factored(zfTarget, sweptFactors),
};

export const rzfFactored: Baseline = {
  title: 'digital regularised zero-forcing first, then factored by sweeps over the phases',
  source: 'the distance of Yu et al., IEEE JSTSP 10(3), 2016, (10); the sweeps are ours',
  run: factored(rzfTarget, sweptFactors),
};

export const wmmseFactored: Baseline = {
  title: 'digital WMMSE first, then factored by sweeps over the phases',
  source: 'the distance of Yu et al., IEEE JSTSP 10(3), 2016, (10); the sweeps are ours',
  run: factored(wmmseTarget, sweptFactors),
};

/**
 * @param target V, N×K
 * @param start A₀, N×M; entries that are zero are not connected and stay zero
 * @param turns of D and a sweep over A
 * @returns A, and D = A⁺V
 */
export function sweptFactors(target: CMatrix, start: CMatrix, turns = 100): HybridPrecoder {
  const analog = clone(start);
  for (let turn = 0; turn < turns; turn++) sweepPhases(target, analog, leastSquares(analog, target));
  return { analog, digital: leastSquares(analog, target) };
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
