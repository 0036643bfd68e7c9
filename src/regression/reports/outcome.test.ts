import { expect, it } from 'vitest';
import { caseOf, madeUpCases } from '../../../test/doubles/regression-report.ts';
import type { AcrossResult, CaseResult } from '../results.ts';
import { findingsOf, outcomeOf, totalsOf, valueText } from './outcome.ts';

const [failed, , flaky] = madeUpCases();
const seedThatFails = failed.seeds[1];
const [{ checks }] = seedThatFails.attempts;
const rate = checks.find(({ verdict }) => verdict === 'failed');
const about = (across: string, verdict: AcrossResult['verdict']): AcrossResult => ({
  ...{ name: rate?.name ?? '', across, verdict, estimate: null, lower: null, upper: null },
  ...{ unit: '', atLeast: null, atMost: null, seeds: 3, says: 'so it is' },
});

it('counts each case once, whatever else is true of it', () => {
  const cases = madeUpCases();
  expect(totalsOf(cases)).toEqual({ failed: 2, error: 1, flaky: 1, quarantined: 1, skipped: 1, passed: 6 });
  expect(Object.values(totalsOf(cases)).reduce((sum, count) => sum + count, 0)).toBe(cases.length);
});

it('is flaky only where nothing failed for good', () => {
  const every: CaseResult = { ...flaky, across: [about('every', 'failed')] };
  expect(outcomeOf(every)).toBe('flaky');
  expect(outcomeOf({ ...every, seeds: [...every.seeds, seedThatFails] })).toBe('failed');
  expect(outcomeOf({ ...every, baseline: failed.baseline })).toBe('failed');
  expect(outcomeOf({ ...every, across: [about('mean', 'failed')] })).toBe('failed');
  expect(outcomeOf({ ...every, verdict: 'error' })).toBe('error');
});

it('lets a seed fail what is judged for all of them together', () => {
  const allowed = caseOf('some-fail', { seeds: [seedThatFails], across: [about('failure-rate', 'passed')] });
  expect([outcomeOf(allowed), findingsOf(allowed)]).toEqual(['passed', []]);
  const tooMany = caseOf('many-fail', { verdict: 'failed', seeds: [seedThatFails], across: [about('failure-rate', 'failed')] });
  expect(findingsOf(tooMany)).toEqual([{ name: rate?.name, says: 'so it is', figures: '' }]);
});

it('says what was not played to its end', () => {
  const undecided = caseOf('undecided', { verdict: 'error', across: [about('every', 'error')] });
  expect([outcomeOf(undecided), findingsOf(undecided)]).toEqual(['error', [expect.objectContaining({ says: 'so it is' })]]);
});

it('never rounds a value to a bound that it is not', () => {
  const bounds = { atLeast: 10, atMost: null };
  expect(valueText(9.9999999, 'dB', bounds)).toBe('9.9999999 dB');
  expect(valueText(9.1234567, 'dB', bounds)).toBe('9.1235 dB');
  expect(valueText(10, 'dB', bounds)).toBe('10 dB');
});
