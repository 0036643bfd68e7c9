/** How wrong states are expected to be, by what the readings and the grid leave of their variance. */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import type { StateDifference } from './state-difference.ts';
import type { StateEstimate } from './estimate-states.ts';

/** Of what states miss the grid by, the share that turns them: 3° beside 0.3 dB, as USUAL_SPREAD has it. Noise turns as much as it changes sizes. */
const TURNING_SHARE = 0.7;

export type ExpectedFrom = Pick<StateEstimate, 'states' | 'variance' | 'spread' | 'excess'>;

/** RMS over all states of all these estimates. */
export function expectedError(estimates: readonly ExpectedFrom[]): StateDifference {
  let [turns, sizes] = [0, 0];
  for (const { states, variance, spread, excess } of estimates) {
    // What the readings have beyond their noise is an error of the states, too.
    const share = (Math.max(excess, 1) * variance) / usualPower([states]) / estimates.length;
    // What was not read is as wrong as the grid is, and no noise.
    const byGrid = Math.min((share * estimates.length) / spread, 1);
    const turning = 0.5 + (TURNING_SHARE - 0.5) * byGrid;
    turns += turning * share;
    sizes += (1 - turning) * share;
  }
  return { phaseDeg: (180 / Math.PI) * Math.sqrt(turns), gainDb: (20 / Math.LN10) * Math.sqrt(sizes) };
}

/** Median over the elements of the mean power of a state. */
export function usualPower(all: readonly CMatrix[]): number {
  const powers = all.flatMap(({ rows, cols, re, im }) =>
    Array.from({ length: rows }, (_, n) => {
      let sum = 0;
      for (let at = n * cols; at < (n + 1) * cols; at++) sum += re[at] ** 2 + im[at] ** 2;
      return sum / cols;
    }),
  );
  return powers.sort((a, b) => a - b)[powers.length >> 1];
}
