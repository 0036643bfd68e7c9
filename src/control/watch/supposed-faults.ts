/** What is supposed to happen to an array now and then: what the watch looks for. */
import type { SupposedFault } from '../../../core/signal/fault-losses.ts';

export interface WatchedArray {
  elements: number;
  rfChains: number;
  users: number;
  /** How many boards, each with elements that hang together; one alone turns with the whole array, and nobody hears that. */
  boards: number;
}

const TURNS_DEG = [-40, -20, -10, -5, 5, 10, 20, 40];
const SPREADS_DEG = [3, 6, 12];
const POWER_LOSSES_DB = [0.5, 1.5, 5];
const USER_LOSSES_DB = [1, 3, 9];

export function supposedFaults({ elements, rfChains, users, boards }: WatchedArray): SupposedFault[] {
  const each = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  return [
    ...each(elements).map((index) => ({ what: 'element', index }) as const),
    ...(boards < 2
      ? []
      : each(boards).flatMap((index) => [...TURNS_DEG, null].map((turnDeg) => ({ what: 'board', index, turnDeg }) as const))),
    ...(rfChains < 2 ? [] : each(rfChains).map((index) => ({ what: 'chain', index }) as const)),
    ...SPREADS_DEG.map((spreadDeg) => ({ what: 'elements', spreadDeg }) as const),
    ...POWER_LOSSES_DB.map((lossDb) => ({ what: 'power', lossDb }) as const),
    ...each(users).flatMap((index) => USER_LOSSES_DB.map((lossDb) => ({ what: 'user', index, lossDb }) as const)),
  ];
}
