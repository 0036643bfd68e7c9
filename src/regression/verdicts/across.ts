/**
 * Seeds to a verdict about all of them, for each check of a case.
 *
 *   SeedResult … ─► readings of a check ─► limits at each look ─► shown | shown to fail | not yet ─► AcrossResult …
 *
 * The first look that decides is the verdict: what was shown then stays shown (looks.ts has paid for it). A check of two bounds has to be shown
 * on both sides, each with its own one-sided limit, which together are missed no more often than one of them.
 */
import { counted } from '../../../core/errors/counted.ts';
import type { Across, Check } from '../check-schema.ts';
import { checkName } from '../checks/check-name.ts';
import { boundsOf } from '../checks/found.ts';
import type { AcrossResult, SeedResult } from '../results.ts';
import { figureText, percent } from './figures.ts';
import { looksOf, type Look } from './looks.ts';
import { readingOf, type Reading } from './readings.ts';
import { meanLimits, quantileLimits, shareLimits, type Limits } from './statistics.ts';

/** What was meant to be played, and what is to be said of it. */
export interface CasePlan {
  checks: readonly Check[];
  /** In the order in which they count. */
  seeds: readonly number[];
  confidence: number;
  stopEarly: boolean;
}

/** The name of the check that is of every run. */
export const SOUND = 'sound';

/** What is said of seeds together: that every run is sound, and the checks of the scenario. */
export interface Rule {
  name: string;
  across: Across;
  quantile: number;
  mostFailures: number;
  atLeast?: number | undefined;
  atMost?: number | undefined;
}

export const rulesOf = (checks: readonly Check[]): Rule[] => [
  { name: SOUND, across: 'every', quantile: NaN, mostFailures: NaN },
  ...checks.map((check) => ({
    name: checkName(check),
    across: 'across' in check ? check.across : 'every',
    quantile: 'quantile' in check ? check.quantile : NaN,
    mostFailures: 'mostFailures' in check ? check.mostFailures : NaN,
    ...boundsOf(check),
  })),
];

/** @param seeds in the order of the plan, without a gap. A verdict 'error': it is not decided, for seeds are missing. */
export function acrossSeeds(plan: CasePlan, seeds: readonly SeedResult[]): AcrossResult[] {
  return rulesOf(plan.checks).map((rule) =>
    judge(
      rule,
      seeds.map((seed) => readingOf(rule.name, seed)),
      plan,
    ),
  );
}

function judge(rule: Rule, readings: readonly Reading[], plan: CasePlan): AcrossResult {
  const bound = readings.find(({ result }) => result !== undefined)?.result;
  const blank: AcrossResult = {
    ...{ name: rule.name, across: rule.across, verdict: 'error', estimate: null, lower: null, upper: null },
    unit: rule.across === 'failure-rate' ? '' : (bound?.unit ?? ''),
    atLeast: rule.across === 'failure-rate' ? null : (bound?.atLeast ?? rule.atLeast ?? null),
    atMost: rule.across === 'failure-rate' ? rule.mostFailures : (bound?.atMost ?? rule.atMost ?? null),
    seeds: readings.length,
    says: '',
  };
  if (rule.across === 'every') return judgeEvery(blank, readings, plan);
  let found: AcrossResult | undefined;
  const looks = looksOf(plan.seeds.length, plan.confidence, plan.stopEarly);
  for (const look of looks) {
    if (look.seeds > readings.length) break;
    const last = look === looks.at(-1);
    found = judgeLook(blank, rule, readings.slice(0, look.seeds), look, last);
    if (found.verdict !== 'error') return found;
  }
  const played = `not decided: ${readings.length} of ${counted(plan.seeds.length, 'seed')} played`;
  return { ...(found ?? blank), seeds: readings.length, says: found === undefined ? played : `${played}; ${found.says}` };
}

/** It may be said to have failed with the first that fails, and to have passed once all have. */
function judgeEvery(blank: AcrossResult, readings: readonly Reading[], plan: CasePlan): AcrossResult {
  const known = readings.filter(({ verdict }) => verdict !== 'skipped');
  const failed = known.filter(({ verdict }) => verdict === 'failed');
  if (failed.length > 0) {
    const which = failed.length === 1 && readings.length === 1 ? '' : `${failed.length} of ${known.length} seeds failed; `;
    return { ...blank, verdict: 'failed', says: `${which}seed ${failed[0].seed}: ${failed[0].says}` };
  }
  if (readings.length > 0 && known.length === 0) return { ...blank, verdict: 'skipped', says: readings[0].says };
  const whole = readings.length === plan.seeds.length || (plan.stopEarly && looksEnd(plan, readings.length));
  if (!whole) return { ...blank, says: `not decided: ${readings.length} of ${counted(plan.seeds.length, 'seed')} played` };
  if (known.length === 1) return { ...blank, verdict: 'passed', says: `${known[0].says}${leftOut(readings, known)}` };
  const values = known.flatMap(({ value }) => (value === null ? [] : [value]));
  const span =
    values.length === 0 ? '' : `, from ${figureText(Math.min(...values))} to ${figureText(Math.max(...values), blank.unit)}`;
  return { ...blank, verdict: 'passed', says: `all ${known.length} seeds passed${span}${leftOut(readings, known)}` };
}

/** Whether seeds may end after so many. */
const looksEnd = ({ checks, seeds, confidence }: CasePlan, played: number): boolean =>
  checks.some((check) => 'across' in check && check.across !== 'every') &&
  looksOf(seeds.length, confidence, true).some((look) => look.seeds === played);

const leftOut = (all: readonly Reading[], known: readonly Reading[]): string =>
  all.length === known.length ? '' : `; ${counted(all.length - known.length, 'seed')} left out: ${firstSkipped(all)}`;

const firstSkipped = (all: readonly Reading[]): string => all.find(({ verdict }) => verdict === 'skipped')?.says ?? '';

/** A verdict 'error': not yet. */
function judgeLook(blank: AcrossResult, rule: Rule, all: readonly Reading[], look: Look, last: boolean): AcrossResult {
  const known = all.filter(({ verdict }) => verdict !== 'skipped');
  if (known.length === 0) return { ...blank, verdict: last ? 'skipped' : 'error', seeds: all.length, says: firstSkipped(all) };
  const without = known.find(({ value }) => value === null);
  if (rule.across === 'mean' && without !== undefined) {
    const says = `there is no mean: seed ${without.seed} has no value: ${without.says}`;
    return { ...blank, verdict: 'failed', seeds: all.length, says };
  }
  const { estimate, lower, upper } = limitsOf(rule, known, blank, look.error);
  const { atLeast, atMost } = blank;
  // Nothing is well without a bound.
  const shown =
    (atLeast !== null || atMost !== null) &&
    (atLeast === null || (lower !== null && lower >= atLeast)) &&
    (atMost === null || (upper !== null && upper <= atMost));
  const fails = (atLeast !== null && upper !== null && upper < atLeast) || (atMost !== null && lower !== null && lower > atMost);
  const figures = { estimate: finite(estimate), lower: finite(lower), upper: finite(upper) };
  const about = inWords(rule, known, { ...blank, ...figures }, look);
  const verdict = shown ? 'passed' : fails || last ? 'failed' : 'error';
  const says = `${shown ? '' : fails ? 'shown to fail: ' : 'not shown: '}${about}${leftOut(all, known)}`;
  return { ...blank, ...figures, verdict, seeds: all.length, says };
}

const finite = (value: number | null): number | null => (value !== null && Number.isFinite(value) ? value : null);

function limitsOf(rule: Rule, known: readonly Reading[], { atLeast, atMost }: AcrossResult, error: number): Limits {
  if (rule.across === 'failure-rate') {
    return shareLimits(known.filter(({ verdict }) => verdict === 'failed').length, known.length, error);
  }
  if (rule.across === 'mean')
    return meanLimits(
      known.map(({ value }) => value ?? NaN),
      error,
    );
  // A seed without a value is worse than any other, on either side.
  const values = (worst: number): number[] => known.map(({ value }) => value ?? worst);
  if (atLeast === null) return quantileLimits(values(Infinity), rule.quantile, error);
  const low = quantileLimits(values(-Infinity), 1 - rule.quantile, error);
  if (atMost === null) return low;
  // Of two bounds, the quantile at either end has its own; what is told are the limits that the bounds are held against.
  const high = quantileLimits(values(Infinity), rule.quantile, error);
  return { estimate: NaN, lower: low.lower, upper: high.upper };
}

function inWords(rule: Rule, known: readonly Reading[], found: AcrossResult, { error }: Look): string {
  const { estimate, lower, upper, atLeast, atMost, unit } = found;
  const sure = `at ${percent(1 - error)}`;
  const of = counted(known.length, 'seed');
  if (rule.across === 'failure-rate') {
    const failures = known.filter(({ verdict }) => verdict === 'failed').length;
    const limits = `from ${percent(lower ?? 0)} to ${percent(upper ?? 1)}`;
    return `${failures} of ${of} failed, so ${limits} do, each limit ${sure}; at most ${percent(rule.mostFailures)} may`;
  }
  const wanted = [
    ...(atLeast === null ? [] : [`at least ${figureText(atLeast, unit)}`]),
    ...(atMost === null ? [] : [`at most ${figureText(atMost, unit)}`]),
  ].join(' and ');
  const without = known.filter(({ value }) => value === null).length;
  const missing = without === 0 ? '' : `; ${counted(without, 'seed')} without a value`;
  const at = estimate === null ? '' : ` ${figureText(estimate, unit)}`;
  const limits = `from ${limitText(lower, unit)} to ${limitText(upper, unit)}`;
  const tooFew = (atLeast !== null && lower === null) || (atMost !== null && upper === null);
  return `${nameOf(rule, found)}${at} of ${of}, ${limits}, each limit ${sure}; wanted ${wanted}${missing}${tooFew ? `; ${of} may be too few` : ''}`;
}

function nameOf({ across, quantile }: Rule, { atLeast, atMost }: AcrossResult): string {
  if (across === 'mean') return 'mean';
  const [low, high] = [percent(1 - quantile), percent(quantile)];
  if (atLeast === null) return `${high} quantile`;
  return atMost === null ? `${low} quantile` : `${low} and ${high} quantiles`;
}

const limitText = (value: number | null, unit: string): string => (value === null ? 'anywhere' : figureText(value, unit));
