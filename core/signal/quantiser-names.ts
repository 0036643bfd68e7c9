/** How a rig file or a command may have phases made words, and what it means; in a file of its own because `--help` loads nothing else. */
import { counted } from '../errors/counted.ts';

export const QUANTISER_MEANINGS = {
  nearest: 'each phase to the nearest state of its element',
  array: 'each element, again and again, to the state that is best for the objective with the digital weights solved again',
} as const;

export type QuantiserName = keyof typeof QUANTISER_MEANINGS;

export const QUANTISER_NAMES = Object.keys(QUANTISER_MEANINGS) as [QuantiserName, ...QuantiserName[]];

/** Where the sweeps of `array` begin, and what it means. */
export const SWEEP_START_MEANINGS = {
  nearest: 'at the nearest states',
  'last-words': 'at the words of the cycle before where they are better for this one',
} as const;

export type SweepStart = keyof typeof SWEEP_START_MEANINGS;

export const SWEEP_STARTS = Object.keys(SWEEP_START_MEANINGS) as [SweepStart, ...SweepStart[]];

/** Sweeps of `array` over all elements: with these a beam of 64 elements and 4 chains takes 3 ms (docs/results/quantisers.md). */
export const DEFAULT_SWEEPS = 10;
export const MOST_SWEEPS = 10_000;

/** As plain data, so that it goes to threads and into files. */
export interface QuantiserChoice {
  readonly quantiser: QuantiserName;
  /** The budget of `array`. */
  readonly sweeps: number;
}

export const NEAREST: QuantiserChoice = { quantiser: 'nearest', sweeps: DEFAULT_SWEEPS };

/** ", words by array in 10 sweeps"; nothing of the nearest states, which need no saying. */
export const quantiserText = ({ quantiser, sweeps }: QuantiserChoice): string =>
  quantiser === 'nearest' ? '' : `, words by ${quantiser} in ${counted(sweeps, 'sweep')}`;
