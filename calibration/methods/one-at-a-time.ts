/**
 * One element at a time, all others off: the plainest way. With readings enough in each of its states, with fewer in state 0 alone.
 *
 * Source: the definition of what is looked for.
 */
import { estimateStates } from '../estimate-states.ts';
import type { CalibrationMethod, MethodSetup } from '../method.ts';
import type { ReadingPlan } from '../reading-plan.ts';
import { planOf } from '../reading-plan.ts';

export const oneAtATime: CalibrationMethod = {
  name: 'complex',
  about: 'one element at a time in each state, or in state 0 alone where there are fewer readings',
  source: 'the definition of what is looked for',
  hears: 'complex',
  needsElementEnable: true,
  hearsConstants: () => true,
  finds: 'states',
  readings: (setup) => shareOf(setup).states * setup.elements * shareOf(setup).rounds,
  *run(setup) {
    const plan = singlesPlan(setup, shareOf(setup));
    return estimateStates(plan, yield plan, setup);
  },
};

function shareOf({ elements, phaseBits, readings }: MethodSetup): { states: number; rounds: number } {
  const all = elements * 2 ** phaseBits;
  const asked = readings ?? all;
  return asked < all
    ? { states: 1, rounds: Math.max(1, Math.round(asked / elements)) }
    : { states: 2 ** phaseBits, rounds: Math.round(asked / all) };
}

/** Reading i is of element ⌊i/states⌋ in state i mod `states`, all again in each round. */
export function singlesPlan(
  { elements, phaseBits }: Pick<MethodSetup, 'elements' | 'phaseBits'>,
  { states, rounds }: { states: number; rounds: number },
): ReadingPlan {
  return planOf({ elements, phaseBits, readings: rounds * elements * states }, (i, n) =>
    Math.floor(i / states) % elements === n ? i % states : undefined,
  );
}
