/** How far two measurements of the same states are apart, but for the factor that they have in common: receiver, path and reference cancel. */
import type { CMatrix } from '../core/signal/complex-matrix.ts';

export interface StateDifference {
  /** RMS over the states. */
  readonly phaseDeg: number;
  readonly gainDb: number;
}

const DEG = 180 / Math.PI;
/** Below this share of the mean power a state has no phase to speak of. */
const LEAST_SHARE = 1e-6;

/**
 * @param at which states count, as n·2^Q + s; default: all
 * @returns NaN where none is left
 */
export function stateDifference(a: CMatrix, b: CMatrix, at: (index: number) => boolean = () => true): StateDifference {
  const size = (m: CMatrix, i: number): number => m.re[i] ** 2 + m.im[i] ** 2;
  let [meanA, meanB] = [0, 0];
  for (let i = 0; i < a.re.length; i++) {
    meanA += size(a, i) / a.re.length;
    meanB += size(b, i) / a.re.length;
  }
  const counted = Array.from(a.re.keys()).filter(
    (i) => at(i) && size(a, i) > LEAST_SHARE * meanA && size(b, i) > LEAST_SHARE * meanB,
  );
  let [re, im, gain] = [0, 0, 0];
  for (const i of counted) {
    re += a.re[i] * b.re[i] + a.im[i] * b.im[i];
    im += a.im[i] * b.re[i] - a.re[i] * b.im[i];
    gain += Math.log10(size(a, i) / size(b, i)) / counted.length;
  }
  const common = Math.atan2(im, re);
  let [phases, gains] = [0, 0];
  for (const i of counted) {
    const turn = Math.atan2(a.im[i] * b.re[i] - a.re[i] * b.im[i], a.re[i] * b.re[i] + a.im[i] * b.im[i]) - common;
    phases += Math.atan2(Math.sin(turn), Math.cos(turn)) ** 2;
    gains += (Math.log10(size(a, i) / size(b, i)) - gain) ** 2;
  }
  return { phaseDeg: DEG * Math.sqrt(phases / counted.length), gainDb: 10 * Math.sqrt(gains / counted.length) };
}
