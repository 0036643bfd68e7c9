/** A made-up report of a regression, as one of a lab may be, with every kind of verdict in it. */
import { createRandom } from '../../core/signal/random.ts';
import {
  REPORT_FORMAT,
  type AcrossResult,
  type Attempt,
  type CaseResult,
  type CheckResult,
  type Report,
  type SeedResult,
  type StorySummary,
  type Verdict,
} from '../../src/regression/results.ts';
import { totalsOf } from '../../src/regression/reports/outcome.ts';

const POINTS = 400;
const ABOUT = 'The cable of the panel is pulled for three seconds; the rig says so, and is back by itself.';

/** Ten seconds of a rig whose cable is pulled from 3 to 6 s. */
export function madeUpStory(seed: number, rate = 14): StorySummary {
  const random = createRandom(seed);
  const atS = Array.from({ length: POINTS }, (_, i) => (10 * i) / POINTS);
  const dark = (at: number): boolean => at >= 3 && at < 6.2;
  const figure = (noise: number) => (at: number) => (dark(at) ? null : rounded(rate + Math.sin(at) + noise * random.normal()));
  return {
    cycles: 1000,
    voidCycles: 320,
    sumRate: {
      atS,
      measured: atS.map(figure(0.3)),
      predicted: atS.map(figure(0.05)),
      true: atS.map(figure(0.02)),
      worstDb: atS.map(figure(0.5)),
    },
    events: [
      { atS: 0.01, level: 'info', code: 'uncalibrated', message: 'no table was measured for this panel' },
      { atS: 3.02, level: 'error', code: 'panel-lost', message: 'panel 0 does not answer', action: 'the link is opened again' },
      { atS: 6.18, level: 'info', code: 'panel-back', message: 'panel 0 is back after 3.2 s' },
      { atS: 8.5, level: 'warning', code: 'rate-low', message: 'user 2 gets <6 dB & less than "planned"' },
    ],
    actions: [
      { label: 'unplug', beganS: 3, endedS: 6 },
      { label: 'set-phase-bits', beganS: 8, answer: 'done' },
      { label: 'database-down', beganS: 9, skipped: true },
    ],
    shown: [
      { atS: 0, panel: 0, what: 'beam' },
      { atS: 3.05, panel: 0, what: 'dark' },
      { atS: 6.2, panel: 0, what: 'beam' },
      { atS: 9.4, panel: 0, what: 'codeword' },
      { atS: 10, panel: 0, what: 'dark' },
    ],
    end: { as: 'stopped' },
  };
}

const rounded = (value: number): number => Number(value.toFixed(3));

export const check = (name: string, verdict: Verdict, more: Partial<CheckResult> = {}): CheckResult => ({
  ...{ name, verdict, value: null, unit: '', atLeast: null, atMost: null, says: 'as it should be' },
  ...more,
});

const rateCheck = (value: number): CheckResult =>
  check('sum-rate measured mean from 7 s', value >= 10 ? 'passed' : 'failed', {
    ...{ value, unit: 'bit/s/Hz', atLeast: 10, says: `${value.toFixed(3)} bit/s/Hz over 300 cycles` },
  });

export const attempt = (verdict: Verdict, checks: CheckResult[], seed: number, more: Partial<Attempt> = {}): Attempt => ({
  ...{ verdict, checks, story: madeUpStory(seed), digest: `${seed}`.padStart(8, 'ab').repeat(8).slice(0, 64) },
  facts: { model: 'phase-net 3fa9c1d2', calibration: 'none', firmware: 'reference 1.4' },
  runFolder: `/lab/regress/runs/seed-${seed}`,
  times: { seconds: 1.25, worker: '0' },
  ...more,
});

function seed(number: number, value = 14): SeedResult {
  const checks = [
    check('sound', 'passed', { value: 0, atMost: 0 }),
    check('event panel-lost from 3 s', 'passed', { value: 1, unit: 'events', atLeast: 1, atMost: 1, says: '1 times' }),
    check('recovery after unplug', 'passed', { value: 0.2 + number / 100, unit: 's', atMost: 1, says: 'good again' }),
    check('ends stopped', 'passed', { says: 'it ended stopped' }),
    rateCheck(value),
  ];
  const verdict = value >= 10 ? 'passed' : 'failed';
  return { seed: number, verdict, flaky: false, attempts: [attempt(verdict, checks, number)] };
}

const across = (estimate: number, more: Partial<AcrossResult> = {}): AcrossResult => ({
  ...{ name: 'sum-rate measured mean from 7 s mean over seeds', across: 'mean', verdict: 'passed', estimate },
  ...{ lower: estimate - 0.8, upper: estimate + 0.8, unit: 'bit/s/Hz', atLeast: 10, atMost: null, seeds: 3 },
  says: `${estimate} bit/s/Hz, with 95 % confidence within 0.8`,
  ...more,
});

export const caseOf = (scenario: string, more: Partial<CaseResult> = {}): CaseResult => ({
  ...{ scenario, case: '', file: `scenarios/${scenario}.yaml`, about: ABOUT, tags: ['faults', 'link'], coordinates: {} },
  ...{ time: 'virtual', confidence: 0.95, verdict: 'passed', flaky: false, seeds: [1, 2, 3].map((each) => seed(each)) },
  ...{ across: [], baseline: [] },
  ...more,
});

/** One of each outcome, then a matrix of two axes. */
export function madeUpCases(): CaseResult[] {
  const flaky: SeedResult = { ...seed(2, 9.5), verdict: 'failed', flaky: true };
  flaky.attempts.push(seed(2).attempts[0]);
  const axes = ['array', 'rounded'].flatMap((quantiser) => [0, 10, 20].map((snrDb) => ({ quantiser, snrDb })));
  return [
    caseOf('cable-pulled', {
      verdict: 'failed',
      seeds: [seed(1, 14.1), seed(2, 9.2), seed(3, 9.9999999)],
      across: [across(10.3, { lower: 9.1, upper: 11.5, verdict: 'failed' })],
      baseline: [
        {
          ...{ name: 'sum-rate measured mean from 7 s', verdict: 'failed', unit: 'bit/s/Hz', baseline: 14, now: 11.07 },
          ...{ worseBy: 2.93, worseByAtMost: 4.1, margin: 0.14, seeds: 3, says: 'worse than the margin allows' },
        },
        {
          ...{ name: 'recovery after unplug', verdict: 'passed', unit: 's', baseline: 0.22, now: 0.22 },
          ...{ worseBy: 0, worseByAtMost: 0.001, margin: 0.0022, seeds: 3, says: 'as it was' },
        },
      ],
      why: 'sum-rate measured mean from 7 s: 9.2 bit/s/Hz, bound 10 bit/s/Hz (seed 2)',
    }),
    caseOf('panel-hangs', {
      verdict: 'error',
      seeds: [
        {
          ...{ seed: 1, verdict: 'error', flaky: false },
          attempts: [
            {
              ...{ verdict: 'error', checks: [], digest: null, facts: {}, times: { seconds: 120 } },
              error: { code: 'limit', message: 'it took longer than 120 s and was killed', wayOut: 'Raise limitS, or look why.' },
            },
          ],
        },
      ],
    }),
    caseOf('users-walk', { verdict: 'failed', flaky: true, seeds: [seed(1), flaky, seed(3)] }),
    caseOf('late-commit', {
      verdict: 'failed',
      seeds: [seed(1, 8.4), seed(2)],
      quarantined: { reason: 'the firmware of board B answers late; a new one is ordered', until: '2026-12-24' },
    }),
    caseOf('real-firmware', {
      ...{ verdict: 'skipped', time: 'real', why: 'arm-none-eabi-gcc is not installed' },
      seeds: [
        {
          ...{ seed: 1, verdict: 'skipped', flaky: false },
          attempts: [
            {
              ...{ verdict: 'skipped', checks: [], digest: null, facts: {}, times: { seconds: 0 } },
              skipped: 'arm-none-eabi-gcc is not installed',
            },
          ],
        },
      ],
    }),
    caseOf('noise', {
      tags: [],
      seeds: [seed(1), seed(2, 9.9), seed(3)],
      across: [
        across(14.1),
        across(0.33, {
          ...{ name: 'sum-rate measured mean from 7 s', across: 'failure-rate', lower: 0.02, upper: 0.4, unit: '' },
          ...{ atLeast: null, atMost: 0.45, says: '1 of 3 seeds failed' },
        }),
        across(NaN, {
          ...{ name: 'recovery after unplug', across: 'quantile', estimate: null, lower: 0.1, upper: 0.4, unit: 's' },
          ...{ atLeast: 0, atMost: 1, says: '5 % and 95 % quantiles of 3 seeds' },
        }),
      ],
    }),
    ...axes.map((coordinates) => {
      const low = coordinates.snrDb === 0 && coordinates.quantiser === 'rounded';
      return caseOf('quantisers', {
        ...{ case: `quantiser=${coordinates.quantiser} snrDb=${coordinates.snrDb}`, coordinates },
        ...(low ? { verdict: 'failed', seeds: [seed(1, 7), seed(2, 7.5), seed(3, 6.9)] } : {}),
      });
    }),
  ];
}

export function madeUpReport(cases = madeUpCases()): Report {
  return {
    format: REPORT_FORMAT,
    underTest: {
      program: { version: '0.2.0', commit: '4e8d1c09aa', modified: true },
      parts: { 'model phase-net': '3fa9c1d2e4b5', 'firmware reference': '77aa01c4' },
      scenarios: Object.fromEntries(cases.map(({ file }) => [file, 'c0ffee'.repeat(10)])),
      node: 'v20.19.0',
      host: { cpus: 2, platform: 'linux' },
      baseline: { file: 'baseline/report.json', sha256: 'beef'.repeat(16), commit: '1234567' },
    },
    cases,
    totals: totalsOf(cases),
    times: { startedAt: '2026-11-30T18:00:00.000Z', seconds: 93.4, workers: 2 },
  };
}
