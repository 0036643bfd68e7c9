/** Which elements do not do what they are told, by the states that were measured of them. */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { offsetsOf } from './nominal-grid.ts';

/** dead: radiates next to nothing; stuck: the same whatever it is told; dead-or-stuck: one of both; weak: much less than the others. */
export const ELEMENT_FLAWS = ['dead', 'stuck', 'dead-or-stuck', 'weak'] as const;
export type ElementFlaw = (typeof ELEMENT_FLAWS)[number];

/** Of the median power: −20 dB. */
export const DEAD_SHARE = 0.01;
/** −6 dB. */
export const WEAK_SHARE = 0.25;
/** Of an element's power, what its states have of the nominal grid: a stuck one has none, one whose states miss by 30° RMS has three quarters. */
export const STUCK_SHARE = 0.25;

/**
 * @param states c, N×2^Q
 * @param variance of a state, as the readings leave it: what lies within it is not told from nothing
 * @param readStates whether states were read one by one; where only offsets were, nobody can be seen to be stuck
 * @param heardConstants whether what an element shows in all states alike was heard; default true
 * @returns element → flaw, for those that have one
 */
export function elementFlaws(
  states: CMatrix,
  variance: number,
  readStates: boolean,
  heardConstants = true,
): Map<number, ElementFlaw> {
  const { rows: elements, cols: count } = states;
  const offsets = offsetsOf(states, count);
  const powers = Float64Array.from({ length: elements }, (_, n) => {
    let sum = 0;
    for (let at = n * count; at < (n + 1) * count; at++) sum += states.re[at] ** 2 + states.im[at] ** 2;
    return sum / count;
  });
  const usual = powers.slice().sort()[elements >> 1];
  const flaws = new Map<number, ElementFlaw>();
  powers.forEach((power, n) => {
    const own = power - variance;
    if (own < DEAD_SHARE * usual) flaws.set(n, heardConstants ? 'dead' : 'dead-or-stuck');
    else if (readStates && offsets.re[n] ** 2 + offsets.im[n] ** 2 < STUCK_SHARE * own) flaws.set(n, 'stuck');
    else if (own < WEAK_SHARE * usual) flaws.set(n, 'weak');
  });
  return flaws;
}
