/**
 * When seeds are looked at, and what each look costs. A limit that is looked at again and again until it says what one would like is missed
 * more often than it says: so the error that the scenario allows (1 − confidence) is spent over the looks, to each in proportion to the seeds
 * that are new in it. That is the spending function α·t of Kim and DeMets (Biometrika 74, 1987; Lan and DeMets, Biometrika 70, 1983). The parts
 * add up to the whole error, so that by Boole's inequality it holds at whatever look seeds end, for any kind of limit and any distribution; no
 * use is made of how looks hang together, which would give a little more.
 */
import { atMost } from './statistics.ts';

export interface Look {
  /** After how many seeds, in the order that was planned. */
  seeds: number;
  /** How often, at most, a limit of this look may be missed. */
  error: number;
}

const FIRST_LOOK = 4;

/** The last look has half of the error or more: those after more than half of the seeds are left to it. */
export function looksOf(seeds: number, confidence: number, stopEarly: boolean): Look[] {
  const at: number[] = [];
  if (stopEarly) for (let n = FIRST_LOOK; 2 * n <= seeds; n *= 2) at.push(n);
  at.push(seeds);
  return at.map((n, i) => ({ seeds: n, error: ((1 - confidence) * (n - (at[i - 1] ?? 0))) / seeds }));
}

const MOST_SEEDS = 10_000;

/**
 * How many seeds it takes until a share can be shown to hold at all: when every one of them holds.
 * @returns undefined where more would be needed than a scenario may have
 */
export function seedsNeeded(share: number, confidence: number, stopEarly: boolean): number | undefined {
  for (let n = 1; n <= MOST_SEEDS; n++) if (canShow(n, share, confidence, stopEarly)) return n;
  return undefined;
}

export const canShow = (seeds: number, share: number, confidence: number, stopEarly: boolean): boolean =>
  looksOf(seeds, confidence, stopEarly).some((look) => atMost(0, look.seeds, 1 - share) <= look.error);

/**
 * What may be spent on a limit that is looked at once, when seeds ended after so many of those planned: when that was hung on what was found,
 * so that the share of that look is all that is left of it.
 */
export function errorAfter(
  played: number,
  { seeds, confidence, stopEarly }: { seeds: readonly number[]; confidence: number; stopEarly: boolean },
): number {
  const looks = looksOf(seeds.length, confidence, stopEarly);
  return (looks.find((look) => look.seeds >= played) ?? looks[looks.length - 1]).error;
}
