/**
 * A case beside the same of an earlier report: is any value worse than it was, by more than its margin? Seeds are paired, so that what differs
 * from seed to seed is the same on both sides. The mean of the differences has a one-sided limit (Student's t): where that lies within the
 * margin, it is shown not to be worse; all else has failed, and says whether it is shown to be worse or merely not shown not to be.
 *
 * What cannot be compared is told, as skipped, and is never a failure.
 */
import { counted } from '../../../core/errors/counted.ts';
import type { Check } from '../check-schema.ts';
import { checkName } from '../checks/check-name.ts';
import type { CaseResult, CheckResult, Comparison, Report } from '../results.ts';
import type { CasePlan } from './across.ts';
import { figureText, percent } from './figures.ts';
import { errorAfter } from './looks.ts';
import { meanLimits } from './statistics.ts';

const DEFAULT_MARGIN = 0.01;

/** @param scenarioSha256 of the scenario file as it is now */
export function compareCase(baseline: Report, now: CaseResult, plan: CasePlan, scenarioSha256: string): Comparison[] {
  const before = baseline.cases.find((one) => one.scenario === now.scenario && one.case === now.case);
  if (before === undefined) {
    const known = baseline.cases.some(({ scenario }) => scenario === now.scenario);
    return [
      told('baseline', known ? 'the baseline has its scenario, and not this case' : 'the baseline does not have its scenario'),
    ];
  }
  const comparisons: Comparison[] = [];
  const hash = baseline.underTest.scenarios[now.scenario] as string | undefined;
  if (hash !== scenarioSha256) {
    comparisons.push(
      told('baseline', 'the scenario file is another than when the baseline was made: values may differ for that'),
    );
  }
  const names = [...namesIn(now), ...namesIn(before)];
  for (const name of new Set(names)) comparisons.push(...compareCheck(name, before, now, plan));
  return comparisons;
}

/** Cases of the baseline that were not played now; whoever chose some of all cases knows why. */
export const missingNow = (baseline: Report, now: readonly CaseResult[]): string[] =>
  baseline.cases
    .filter((before) => !now.some((one) => one.scenario === before.scenario && one.case === before.case))
    .map(({ scenario, case: id }) => `${[scenario, id].filter(Boolean).join(' ')} stands in the baseline, and was not played`);

const told = (name: string, says: string): Comparison => ({
  ...{ name, verdict: 'skipped', unit: '', baseline: null, now: null, worseBy: null, worseByAtMost: null, margin: null },
  ...{ seeds: 0, says },
});

const namesIn = ({ seeds }: CaseResult): string[] => [
  ...new Set(seeds.flatMap(({ attempts }) => attempts[0].checks.map(({ name }) => name))),
];

const resultsOf = ({ seeds }: CaseResult, name: string): Map<number, CheckResult> =>
  new Map(
    seeds.flatMap(({ seed, attempts }) => {
      const found = attempts[0].checks.find((check) => check.name === name);
      return found === undefined ? [] : [[seed, found]];
    }),
  );

function compareCheck(name: string, before: CaseResult, after: CaseResult, plan: CasePlan): Comparison[] {
  const [then, now] = [resultsOf(before, name), resultsOf(after, name)];
  if (then.size === 0) return [told(name, 'the baseline has no check of this name: it is new, or had another')];
  if (now.size === 0) return [told(name, 'only the baseline has a check of this name: it was taken out, or has another')];
  const seeds = [...new Set([...now.keys(), ...then.keys()])];
  const valued = (seed: number): boolean => isFigure(then.get(seed)?.value) || isFigure(now.get(seed)?.value);
  if (!seeds.some(valued)) return []; // it is of no number
  const pairs = seeds.flatMap((seed) => {
    const [a, b] = [then.get(seed)?.value, now.get(seed)?.value];
    return isFigure(a) && isFigure(b) ? [{ then: a, now: b }] : [];
  });
  const alone = aloneText(seeds, then, now);
  if (pairs.length === 0) return [told(name, `no seed has a value on both sides${alone}`)];
  const [{ unit, atLeast, atMost }] = now.values();
  const worse = worseness(atLeast, atMost);
  if (worse === undefined) return [told(name, 'it has no bound, so that nobody knows which way is worse')];
  const check = plan.checks.find((one) => checkName(one) === name);
  return [comparisonOf(name, unit, pairs, worse, check, errorAfter(after.seeds.length, plan), alone)];
}

const isFigure = (value: number | null | undefined): value is number => typeof value === 'number' && Number.isFinite(value);

/** How bad a value is; of two bounds, how far outside of them: anything between is well. */
function worseness(atLeast: number | null, atMost: number | null): ((value: number) => number) | undefined {
  if (atLeast !== null && atMost !== null) return (value) => Math.max(atLeast - value, value - atMost, 0);
  if (atLeast !== null) return (value) => -value;
  return atMost === null ? undefined : (value) => value;
}

function aloneText(seeds: readonly number[], then: Map<number, CheckResult>, now: Map<number, CheckResult>): string {
  const without = (side: Map<number, CheckResult>): number => seeds.filter((seed) => !isFigure(side.get(seed)?.value)).length;
  const parts = [
    ...(without(then) === 0 ? [] : [`${counted(without(then), 'seed')} without a value in the baseline`]),
    ...(without(now) === 0 ? [] : [`${counted(without(now), 'seed')} without a value now`]),
  ];
  return parts.length === 0 ? '' : `; left out: ${parts.join(', ')}`;
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function comparisonOf(
  name: string,
  unit: string,
  pairs: readonly { then: number; now: number }[],
  worse: (value: number) => number,
  check: Check | undefined,
  error: number,
  alone: string,
): Comparison {
  const baseline = meanOf(pairs.map(({ then }) => then));
  const now = meanOf(pairs.map((pair) => pair.now));
  const margin = (check !== undefined && 'margin' in check ? check.margin : undefined) ?? DEFAULT_MARGIN * Math.abs(baseline);
  const limits = meanLimits(
    pairs.map((pair) => worse(pair.now) - worse(pair.then)),
    error,
  );
  const one = pairs.length === 1;
  const [worseBy, lower, upper] = [limits.estimate, limits.lower ?? limits.estimate, limits.upper ?? limits.estimate];
  const same = pairs.every((pair) => pair.now === pair.then);
  const passed = upper <= margin;
  const by = worseBy === 0 ? 'as good' : `${worseBy > 0 ? 'worse' : 'better'} by ${figureText(Math.abs(worseBy), unit)}`;
  const reach = one
    ? 'of one seed alone, so this is the difference itself'
    : `at most ${figureText(upper, unit)} worse at ${percent(1 - error)}, of ${counted(pairs.length, 'seed')}`;
  const verdict = passed ? '' : lower > margin ? 'worse: ' : 'not shown to be as good: ';
  const about = same
    ? `the same, of ${counted(pairs.length, 'seed')}`
    : `${by}, ${reach}; ${figureText(margin, unit)} is allowed`;
  return {
    ...{ name, verdict: passed ? 'passed' : 'failed', unit, baseline, now, worseBy, worseByAtMost: upper, margin },
    ...{ seeds: pairs.length, says: `${verdict}${about}${alone}` },
  };
}
