/**
 * That the stated confidence holds, on seeds drawn at random. Each limit is a count that a right program goes beyond with a probability of 10⁻⁴
 * at most, of a rate of exactly 5 % the smallest: of the 24 expectations here (four methods, with and without an early end, three each) it would
 * fail one with a probability below 0.0024 for a new seed; with the seed as it is, every time the same.
 */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../core/signal/random.ts';
import { METHODS, playTrial, type Outcome, type Trial } from '../../../test/regression-trials.ts';
import { looksOf } from './looks.ts';
import { atMost } from './statistics.ts';

const TIMES = 200;
const LIMIT = Array.from({ length: TIMES }, (_, k) => k).findIndex((k) => 1 - atMost(k, TIMES, 0.05) <= 1e-4);

const outcomes = (trial: Trial): Outcome[] => {
  const random = createRandom(20261130).stream(JSON.stringify(trial));
  return Array.from({ length: TIMES }, () => playTrial(trial, random));
};
const count = (all: readonly Outcome[], what: (one: Outcome) => boolean): number => all.filter(what).length;

/** Of 64 seeds, each failing with Φ(−1.2816 − 1): so many may fail that the limit of 10 % still is shown, at the last look alone. */
const ofShare = (stopEarly: boolean): number => {
  const error = looksOf(64, 0.95, stopEarly).at(-1)?.error ?? NaN;
  const most = Array.from({ length: 64 }, (_, k) => k).findLast((k) => atMost(k, 64, 0.1) <= error) ?? -1;
  return atMost(most, 64, 0.01126);
};
/** Means of 64 lie eight deviations of theirs beyond the bound. */
const POWER = { mean: () => 0.9999, baseline: () => 0.9999, quantile: ofShare, 'failure-rate': ofShare };

describe.each(METHODS)('at 95 %%, %s', (method) => {
  it.each([false, true])(
    'says what is false in 5 %% of 200 cases at most, at the bound itself; seeds end early: %s',
    (stopEarly) => {
      const all = outcomes({ method, seeds: 64, stopEarly, effect: 0 });
      expect(LIMIT).toBe(23);
      expect(count(all, ({ passed }) => passed)).toBeLessThanOrEqual(LIMIT);
      expect(count(all, ({ shownToFail }) => shownToFail)).toBeLessThanOrEqual(LIMIT);
    },
  );

  it.each([false, true])('shows what is well by a deviation as often as the binomial says; seeds end early: %s', (stopEarly) => {
    const all = outcomes({ method, seeds: 64, stopEarly, effect: 1 });
    const power = POWER[method](stopEarly);
    const least = Array.from({ length: TIMES }, (_, k) => k).findLast((k) => atMost(k - 1, TIMES, power) <= 1e-4) ?? 0;
    expect(count(all, ({ passed }) => passed)).toBeGreaterThanOrEqual(least);
  });
});
