import { describe, expect, it } from 'vitest';
import { caseOf, checkOf, checkResultOf, reportOf, seedOf, seedsOf } from '../../../test/seed-results.ts';
import type { Check } from '../check-schema.ts';
import { compareCase, missingNow } from './baseline.ts';

const HASH = 'aa';
const rate = (more: Record<string, unknown> = { atLeast: 10 }): Check => checkOf({ check: 'sum-rate', name: 'rate', ...more });
const compared = (check: Check, then: (number | null)[], now: (number | null)[], hash = HASH) =>
  compareCase(
    reportOf([caseOf(seedsOf(check, then))], { cable: HASH }),
    caseOf(seedsOf(check, now)),
    { checks: [check], seeds: now.map((_, i) => i), confidence: 0.95, stopEarly: false },
    hash,
  );

describe('beside its baseline', () => {
  it('a value that is the same passes, and says so', () => {
    expect(compared(rate(), [11, 12], [11, 12])).toMatchObject([
      { name: 'sound', verdict: 'passed' },
      { name: 'rate', verdict: 'passed', worseBy: 0, worseByAtMost: 0, seeds: 2, says: 'the same, of 2 seeds' },
    ]);
  });

  it('is worse when smaller, for at least; when larger, for at most; when further outside, for both', () => {
    const worseBy = (more: Record<string, unknown>, now: number) => compared(rate(more), [11, 11], [now, now])[1].worseBy;
    expect([worseBy({ atLeast: 10 }, 10), worseBy({ atLeast: 10 }, 12)]).toEqual([1, -1]);
    expect([worseBy({ atMost: 20 }, 10), worseBy({ atMost: 20 }, 12)]).toEqual([-1, 1]);
    const both = { atLeast: 10, atMost: 12 };
    expect([worseBy(both, 10), worseBy(both, 9), worseBy(both, 14)]).toEqual([0, 1, 2]);
  });

  it('has a limit at the confidence of the scenario: d + t · s / √n', () => {
    // Differences 0 and 0.2: mean 0.1, s = 0.1414, t(1, 5 %) = 6.3137515.
    const [, found] = compared(rate({ atLeast: 10, margin: 1 }), [11, 11], [11, 10.8]);
    expect(found.worseByAtMost).toBeCloseTo(0.1 + 6.3137515 * 0.1, 6);
    expect(found.verdict).toBe('passed');
    const [, narrow] = compared(rate({ atLeast: 10, margin: 0.5 }), [11, 11], [11, 10.8]);
    expect(narrow).toMatchObject({
      verdict: 'failed',
      says: 'not shown to be as good: worse by 0.1 bit/s/Hz, at most 0.7314 bit/s/Hz worse at 95 %, of 2 seeds; 0.5 bit/s/Hz is allowed',
    });
  });

  it('may be worse by 1 % of what it was unless the check says otherwise', () => {
    expect(compared(rate(), [20, 20], [19.81, 19.81])[1]).toMatchObject({ verdict: 'passed', margin: 0.2 });
    expect(compared(rate(), [20, 20], [19.79, 19.79])[1]).toMatchObject({
      verdict: 'failed',
      says: expect.stringMatching(/^worse: worse by 0.21 /) as string,
    });
  });

  it('of one seed is held as it is, and says so', () => {
    const [, found] = compared(rate({ atLeast: 10, margin: 0.5 }), [11], [10.8]);
    expect(found).toMatchObject({ verdict: 'passed', seeds: 1, says: expect.stringContaining('of one seed alone') as string });
    expect(compared(rate({ atLeast: 10, margin: 0.1 }), [11], [10.8])[1].verdict).toBe('failed');
  });
});

describe('what cannot be compared is told and does not fail', () => {
  it('seeds that are, or have a value, on one side only', () => {
    expect(compared(rate(), [11, 12, 13], [11, null])[1]).toMatchObject({
      ...{ verdict: 'passed', seeds: 1 },
      says: 'the same, of 1 seed; left out: 2 seeds without a value now',
    });
    const fewer = compared(rate(), [11], [null]);
    expect(fewer[1]).toMatchObject({ verdict: 'skipped', says: expect.stringMatching(/^no seed has a value on both/) as string });
  });

  it('scenarios and cases that are new, and those that are gone', () => {
    const plan = { checks: [rate()], seeds: [0], confidence: 0.95, stopEarly: false };
    const baseline = reportOf([caseOf(seedsOf(rate(), [11]), { case: 'panels=2' })], { cable: HASH });
    const now = caseOf(seedsOf(rate(), [11]));
    expect(compareCase(baseline, now, plan, HASH)).toMatchObject([
      { verdict: 'skipped', says: 'the baseline has its scenario, and not this case' },
    ]);
    expect(compareCase(reportOf([], {}), now, plan, HASH)).toMatchObject([
      { verdict: 'skipped', says: 'the baseline does not have its scenario' },
    ]);
    expect(missingNow(baseline, [now])).toEqual(['cable panels=2 stands in the baseline, and was not played']);
  });

  it('checks that have another name', () => {
    const other = checkOf({ check: 'sum-rate', name: 'other', atLeast: 10 });
    const found = compareCase(
      reportOf([caseOf([seedOf(0, [checkResultOf(rate(), 11)])])], { cable: HASH }),
      caseOf([seedOf(0, [checkResultOf(other, 11)])]),
      { checks: [other], seeds: [0], confidence: 0.95, stopEarly: false },
      HASH,
    );
    expect(found.map(({ name, verdict }) => ({ name, verdict }))).toEqual([
      { name: 'sound', verdict: 'passed' },
      { name: 'other', verdict: 'skipped' },
      { name: 'rate', verdict: 'skipped' },
    ]);
  });

  it('a scenario file that is another', () => {
    expect(compared(rate(), [11], [11], 'bb')[0]).toMatchObject({
      verdict: 'skipped',
      says: expect.stringMatching(/^the scenario file is another/) as string,
    });
  });
});
