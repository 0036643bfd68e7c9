/** Seeds as a regression would have played them, with a check or two and the values that a test wishes for. */
import { checkSchema, type Check } from '../src/regression/check-schema.ts';
import { checkName } from '../src/regression/checks/check-name.ts';
import { boundsOf, within } from '../src/regression/checks/found.ts';
import {
  REPORT_FORMAT,
  type Attempt,
  type CaseResult,
  type CheckResult,
  type Report,
  type SeedResult,
} from '../src/regression/results.ts';
import { SOUND } from '../src/regression/verdicts/across.ts';

/** A check as it is written in a scenario. */
export const checkOf = (written: Record<string, unknown>): Check => checkSchema.parse(written);

export const soundResult: CheckResult = {
  ...{ name: SOUND, verdict: 'passed', value: 0, unit: '', atLeast: null, atMost: 0, says: 'as it should be' },
};

/** @param value null: none was found, so that it fails; 'skipped': it cannot be known */
export function checkResultOf(check: Check, value: number | null | 'skipped'): CheckResult {
  const { atLeast = null, atMost = null } = boundsOf(check);
  const common = { name: checkName(check), unit: 'bit/s/Hz', atLeast, atMost };
  if (value === 'skipped') return { ...common, verdict: 'skipped', value: null, says: 'nobody knows' };
  const holds = value !== null && within(value, boundsOf(check));
  return { ...common, verdict: holds ? 'passed' : 'failed', value, says: value === null ? 'no reading' : `${value}` };
}

const playedOf = (checks: CheckResult[]): Attempt => ({
  ...{ verdict: checks.some(({ verdict }) => verdict === 'failed') ? 'failed' : 'passed', checks, digest: null, facts: {} },
  times: { seconds: 1 },
});

export const seedOf = (seed: number, checks: CheckResult[]): SeedResult => {
  const attempt = playedOf([soundResult, ...checks]);
  return { seed, verdict: attempt.verdict, flaky: false, attempts: [attempt] };
};

/** Seeds 0, 1, … */
export const seedsOf = (check: Check, values: readonly (number | null | 'skipped')[]): SeedResult[] =>
  values.map((value, seed) => seedOf(seed, [checkResultOf(check, value)]));

/** A seed that did not come to an end. */
export const brokenSeed = (seed: number, message = 'it took longer than 120 s'): SeedResult => ({
  ...{ seed, verdict: 'error', flaky: false },
  attempts: [
    { verdict: 'error', checks: [], error: { code: 'internal', message }, digest: null, facts: {}, times: { seconds: 120 } },
  ],
});

export const caseOf = (seeds: SeedResult[], more: Partial<CaseResult> = {}): CaseResult => ({
  ...{ scenario: 'cable', case: '', file: 'cable.yaml', about: '', tags: [], coordinates: {}, time: 'virtual', confidence: 0.95 },
  ...{ verdict: 'passed', flaky: false, seeds, across: [], baseline: [] },
  ...more,
});

export const reportOf = (cases: CaseResult[], scenarios: Record<string, string>): Report => ({
  format: REPORT_FORMAT,
  underTest: {
    program: { version: '0', commit: null, modified: null },
    ...{ parts: {}, scenarios, node: '20', host: {} },
  },
  cases,
  totals: { passed: 0, failed: 0, error: 0, skipped: 0, flaky: 0, quarantined: 0 },
  times: { startedAt: '', seconds: 0, workers: 1 },
});
