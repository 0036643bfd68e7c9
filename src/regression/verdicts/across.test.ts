import { describe, expect, it } from 'vitest';
import { brokenSeed, checkOf, checkResultOf, seedOf, seedsOf } from '../../../test/seed-results.ts';
import type { Check } from '../check-schema.ts';
import type { SeedResult } from '../results.ts';
import { acrossSeeds, type CasePlan } from './across.ts';
import { judgeCase } from './case-verdict.ts';
import { decide } from './stopping.ts';

const planOf = (check: Check | Check[], seeds: number, more: Partial<CasePlan> = {}): CasePlan => ({
  ...{ checks: [check].flat(), seeds: Array.from({ length: seeds }, (_, i) => i), confidence: 0.95, stopEarly: false },
  ...more,
});
const rate = (across: string, more: Record<string, unknown> = { atLeast: 10 }) =>
  checkOf({ check: 'sum-rate', name: 'rate', across, ...more });
/** Around a mean, spread by ± 1. */
const around = (mean: number, count: number): number[] => Array.from({ length: count }, (_, i) => mean + (i % 2 === 0 ? -1 : 1));
const judged = (check: Check, values: Parameters<typeof seedsOf>[1], more: Partial<CasePlan> = {}) => {
  const plan = planOf(check, values.length, more);
  return { case: judgeCase(plan, seedsOf(check, values)), rate: acrossSeeds(plan, seedsOf(check, values))[1] };
};

describe('across: every', () => {
  const every = rate('every');

  it('passes when each seed does, and says between which values', () => {
    const found = judged(every, [10, 11, 12]);
    expect(found.case.verdict).toBe('passed');
    expect(found.rate).toMatchObject({ verdict: 'passed', seeds: 3, says: 'all 3 seeds passed, from 10 to 12 bit/s/Hz' });
  });

  it('fails with one seed, which it names', () => {
    const found = judged(every, [10, 9, 12]);
    expect(found.case).toMatchObject({ verdict: 'failed', why: 'rate: 1 of 3 seeds failed; seed 1: 9' });
  });

  it('fails with a seed that has no value', () => {
    expect(judged(every, [10, null]).rate).toMatchObject({ verdict: 'failed', says: '1 of 2 seeds failed; seed 1: no reading' });
  });

  it('leaves out, and tells, seeds for which it cannot be known; is skipped where that is all', () => {
    expect(judged(every, [10, 'skipped']).rate).toMatchObject({
      verdict: 'passed',
      says: '10; 1 seed left out: nobody knows',
    });
    expect(judged(every, ['skipped', 'skipped']).rate).toMatchObject({ verdict: 'skipped', says: 'nobody knows' });
    expect(judged(every, ['skipped', 'skipped']).case.verdict).toBe('passed'); // it was sound
  });

  it('counts the first attempt of a seed that was played again', () => {
    const [failed] = seedsOf(every, [9]);
    const [passed] = seedsOf(every, [11]);
    const flaky: SeedResult = { ...failed, flaky: true, attempts: [...failed.attempts, ...passed.attempts] };
    expect(judgeCase(planOf(every, 1), [flaky]).verdict).toBe('failed');
  });
});

describe('across: mean', () => {
  it('is shown by its lower limit: mean − t · s / √n', () => {
    // s² = 20 / 19, t(19, 5 %) = 1.7291328
    const { rate: found } = judged(rate('mean'), around(10.5, 20));
    expect(found).toMatchObject({ verdict: 'passed', estimate: 10.5, seeds: 20 });
    expect(found.lower).toBeCloseTo(10.5 - (1.7291328 * Math.sqrt(20 / 19)) / Math.sqrt(20), 6);
    expect(judged(rate('mean'), around(10.39, 20)).rate.verdict).toBe('failed');
  });

  it('is not shown where the limits lie on both sides, and says so with them', () => {
    const { case: one, rate: found } = judged(rate('mean'), around(10.1, 20));
    expect(one.verdict).toBe('failed');
    expect(found.says).toBe(
      'not shown: mean 10.1 bit/s/Hz of 20 seeds, from 9.703 bit/s/Hz to 10.5 bit/s/Hz, each limit at 95 %; wanted at least 10 bit/s/Hz',
    );
  });

  it('is shown to fail where both lie beyond', () => {
    expect(judged(rate('mean'), around(9, 20)).rate).toMatchObject({
      verdict: 'failed',
      says: expect.stringMatching(/^shown to fail: mean 9 /) as string,
    });
  });

  it('has to be shown on both sides of two bounds', () => {
    const both = rate('mean', { atLeast: 10, atMost: 12 });
    expect(judged(both, around(11, 20)).rate.verdict).toBe('passed');
    expect(judged(both, around(11.9, 20)).rate.verdict).toBe('failed');
    expect(judged(both, around(10.1, 20)).rate.verdict).toBe('failed');
  });

  it('is no more where one seed has no value', () => {
    expect(judged(rate('mean'), [20, 20, null, 20]).rate).toMatchObject({
      verdict: 'failed',
      says: 'there is no mean: seed 2 has no value: no reading',
    });
  });

  it('of values that are all the same is shown as it is', () => {
    expect(judged(rate('mean'), [10, 10, 10]).rate).toMatchObject({ verdict: 'passed', lower: 10, upper: 10 });
  });
});

describe('across: quantile', () => {
  const quantile = (more: Record<string, unknown>) => rate('quantile', more);

  it('of at least: nineteen of twenty seeds reach it, which 59 that all do show', () => {
    const values = Array.from({ length: 59 }, (_, i) => 10 + i);
    expect(judged(quantile({ atLeast: 10 }), values).rate).toMatchObject({ verdict: 'passed', lower: 10 });
    expect(judged(quantile({ atLeast: 10 }), [9, ...values.slice(1)]).rate).toMatchObject({ verdict: 'failed', lower: 9 });
  });

  it('of at most: the same on the other side', () => {
    const values = Array.from({ length: 59 }, (_, i) => i);
    expect(judged(quantile({ atMost: 58 }), values).rate).toMatchObject({ verdict: 'passed', upper: 58 });
    expect(judged(quantile({ atMost: 57.5 }), values).rate.verdict).toBe('failed');
  });

  it('takes a seed without a value for the worst, on either side', () => {
    const values = [...Array.from({ length: 58 }, () => 11), null];
    expect(judged(quantile({ atLeast: 10 }), values).rate).toMatchObject({ verdict: 'failed', lower: null });
    expect(judged(quantile({ atMost: 12 }), values).rate).toMatchObject({ verdict: 'failed', upper: null });
    expect(judged(quantile({ atLeast: 10, quantile: 0.9 }), values).rate).toMatchObject({ verdict: 'passed', lower: 11 });
  });

  it('is not shown by seeds that all broke', () => {
    const broken = Array.from({ length: 59 }, (_, i) => brokenSeed(i));
    for (const check of [quantile({ atLeast: 10 }), quantile({ atMost: 10 })]) {
      expect(acrossSeeds(planOf(check, 59), broken)[1].verdict).toBe('failed');
    }
  });

  it('of two bounds: either quantile within its own', () => {
    const both = quantile({ atLeast: 10, atMost: 68 });
    const values = Array.from({ length: 59 }, (_, i) => 10 + i);
    expect(judged(both, values).rate).toMatchObject({ verdict: 'passed', lower: 10, upper: 68 });
    expect(judged(both, [...values.slice(1), 69]).rate.verdict).toBe('failed');
  });
});

describe('across: failure-rate', () => {
  const often = rate('failure-rate', { atLeast: 10, mostFailures: 0.05 });

  it('passes where the upper limit of Clopper and Pearson is small enough: 0 of 59, 1 of 93, not 1 of 92', () => {
    const fails = (failures: number, n: number) =>
      judged(
        often,
        Array.from({ length: n }, (_, i) => (i < failures ? 9 : 11)),
      ).rate;
    expect(fails(0, 59).verdict).toBe('passed');
    expect(fails(1, 93).verdict).toBe('passed');
    expect(fails(1, 92)).toMatchObject({ verdict: 'failed', says: expect.stringMatching(/^not shown: 1 of 92 seeds/) as string });
    expect(fails(20, 60).says).toMatch(/^shown to fail: 20 of 60 seeds failed, so from 23.* % to 44.* % do/);
  });

  it('counts a seed without a value as one that fails', () => {
    const { rate: found } = judged(often, [...Array.from({ length: 58 }, () => 11), null]);
    expect(found).toMatchObject({ verdict: 'failed', estimate: 1 / 59 });
  });
});

describe('a case', () => {
  it('is broken where a seed did not come to an end, whatever else is', () => {
    const every = rate('every');
    const results = [...seedsOf(every, [11, 9]), brokenSeed(2)];
    expect(judgeCase(planOf(every, 3), results)).toMatchObject({ verdict: 'error', why: 'seed 2: it took longer than 120 s' });
  });

  it('is not decided where seeds are missing, and does not count those after a gap', () => {
    const mean = rate('mean');
    const results = seedsOf(mean, [20, 20, 20, 20, 20]).filter(({ seed }) => seed !== 2);
    const found = judgeCase(planOf(mean, 5), results);
    expect(found.verdict).toBe('error');
    expect(found.across.map(({ says }) => says)).toEqual([
      'not decided: 2 of 5 seeds played',
      'not decided: 2 of 5 seeds played',
    ]);
  });

  it('is skipped where no seed could be played', () => {
    const skipped = (seed: number): SeedResult => ({
      ...{ seed, verdict: 'skipped', flaky: false },
      attempts: [{ verdict: 'skipped', checks: [], skipped: 'no qemu here', digest: null, facts: {}, times: { seconds: 0 } }],
    });
    expect(judgeCase(planOf(rate('mean'), 2), [skipped(0), skipped(1)])).toMatchObject({
      verdict: 'skipped',
      why: 'no qemu here',
    });
  });
});

describe('seeds that end early', () => {
  const early = { stopEarly: true };
  const mean = rate('mean');

  it('end at the first look that decides: 4 of 64', () => {
    const plan = planOf(mean, 64, early);
    const results = seedsOf(mean, [20, 20.1, 20, 20.1]);
    expect(decide(plan, results.slice(0, 3))).toBe('go on');
    expect(decide(plan, results)).toBe('decided');
    expect(judgeCase(plan, results)).toMatchObject({ verdict: 'passed', across: [{ seeds: 4 }, { seeds: 4 }] });
  });

  it('end as well when it is shown to fail', () => {
    const plan = planOf(mean, 64, early);
    expect(decide(plan, seedsOf(mean, [1, 1.1, 1, 1.1]))).toBe('decided');
  });

  it('go on between looks, and where it is open', () => {
    const plan = planOf(mean, 64, early);
    expect(decide(plan, seedsOf(mean, [20, 20.1, 20, 20.1].slice(0, 2)))).toBe('go on');
    expect(decide(plan, seedsOf(mean, [9, 11, 9, 11, 20, 20]))).toBe('go on');
  });

  it('say the same whatever came to an end after it was decided', () => {
    const plan = planOf(mean, 64, early);
    const results = seedsOf(mean, [20, 20.1, 20, 20.1, -50, null, 3]);
    expect(judgeCase(plan, results)).toEqual(judgeCase(plan, results.slice(0, 4)));
    expect(judgeCase(plan, [...results].reverse())).toEqual(judgeCase(plan, results.slice(0, 4)));
  });

  it('keep what was shown at an earlier look while another check is still open', () => {
    const other = checkOf({ check: 'sum-rate', name: 'other', across: 'mean', atLeast: 0 });
    const values = [20, 20.1, 20, 20.1, -90, -90, -90, -90];
    const results = values.map((value, i) => seedOf(i, [checkResultOf(mean, value), checkResultOf(other, i % 2 === 0 ? 9 : -9)]));
    const plan = planOf([mean, other], 8, early);
    const found = judgeCase(plan, results);
    expect(found.across.map(({ seeds, verdict }) => ({ seeds, verdict }))).toEqual([
      { seeds: 8, verdict: 'passed' },
      { seeds: 4, verdict: 'passed' },
      { seeds: 8, verdict: 'failed' },
    ]);
  });

  it('end at once with what has to hold for every seed and does not; what is open is told', () => {
    const every = rate('every', { atLeast: 10 });
    const other = checkOf({ check: 'sum-rate', name: 'other', across: 'mean', atLeast: 0 });
    const results = [11, 9].map((value, i) => seedOf(i, [checkResultOf(every, value), checkResultOf(other, 5)]));
    const plan = planOf([every, other], 64, early);
    expect(decide(plan, results.slice(0, 1))).toBe('go on');
    expect(decide(plan, results)).toBe('decided');
    expect(judgeCase(plan, results)).toMatchObject({
      verdict: 'failed',
      why: 'rate: 1 of 2 seeds failed; seed 1: 9',
      across: [{}, { verdict: 'failed' }, { verdict: 'error', says: 'not decided: 2 of 64 seeds played' }],
    });
  });

  it('are all played where everything has to hold for every seed', () => {
    const every = rate('every');
    const plan = planOf(every, 8, early);
    const results = seedsOf(
      every,
      Array.from({ length: 8 }, () => 11),
    );
    expect(decide(plan, results.slice(0, 7))).toBe('go on');
    expect(judgeCase(plan, results.slice(0, 4)).verdict).toBe('error');
    expect(decide(plan, results)).toBe('decided');
    expect(judgeCase(plan, results).verdict).toBe('passed');
  });
});
