/** How far what a rig believes its array to show is from what a simulated one shows in truth. */
import { stateDifference } from '../../calibration/state-difference.ts';
import { zeros, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { idealOf } from '../../core/signal/quantise.ts';
import type { SimulatedArray } from '../../hil-sim/simulated-array.ts';
import type { ArrayCalibration } from '../control/array-calibration.ts';

/** What each place shows of each word, so long after the array was switched on: N·M×2^Q. */
export function statesOf(array: SimulatedArray, timeS: number): CMatrix {
  const places = array.elements * array.rfChains;
  const out = zeros(places, 2 ** array.phaseBits);
  for (let word = 0; word < out.cols; word++) {
    const shown = array.radiatedAnalog(new Uint16Array(places).fill(word), timeS);
    for (let place = 0; place < places; place++) {
      out.re[place * out.cols + word] = shown.re[place];
      out.im[place * out.cols + word] = shown.im[place];
    }
  }
  return out;
}

/**
 * RMS over elements and states, degrees, but for one factor that all have in common. Elements that are known not to do what they are told do not
 * count: no table says what they show.
 */
export function calibrationErrorDeg(truth: CMatrix, believed: ArrayCalibration, phaseBits: number, rfChains: number): number {
  const states = believed.states(phaseBits);
  const ideal = idealOf(phaseBits);
  const belief = zeros(truth.rows, truth.cols);
  for (let place = 0; place < truth.rows; place++) {
    const { re, im } = states.of?.(place) ?? ideal;
    belief.re.set(re, place * truth.cols);
    belief.im.set(im, place * truth.cols);
  }
  const flawed = new Set(believed.flaws.map(({ element }) => element));
  return stateDifference(belief, truth, (index) => !flawed.has(Math.floor(index / truth.cols / rfChains))).phaseDeg;
}
