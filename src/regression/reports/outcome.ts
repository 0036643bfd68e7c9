/** What all reports say of a case, so that they say the same: its outcome, what of it failed, and its figures in words. */
import type { AcrossResult, Attempt, CaseResult, SeedResult, Totals } from '../results.ts';

/** The verdict of a case; flaky and quarantined ones are told apart from those that failed. The first ask for somebody most. */
export const OUTCOMES = ['failed', 'error', 'flaky', 'quarantined', 'skipped', 'passed'] as const satisfies (keyof Totals)[];
export type Outcome = (typeof OUTCOMES)[number];

export function outcomeOf(one: CaseResult): Outcome {
  if (one.verdict === 'skipped' || one.verdict === 'passed') return one.verdict;
  if (one.quarantined !== undefined) return 'quarantined';
  return one.verdict === 'failed' && one.flaky && !failedForGood(one) ? 'flaky' : one.verdict;
}

/** Beside what failed once and did not when it was played again. */
const failedForGood = (one: CaseResult): boolean =>
  one.seeds.some((seed) => !seed.flaky && findingsOfSeed(seed, one).length > 0) ||
  [...together(one.across), ...one.baseline].some(({ verdict }) => isBad(verdict));

const isBad = (verdict: string): boolean => verdict === 'failed' || verdict === 'error';

/** What is not said of each seed by itself. */
const together = (across: readonly AcrossResult[]): AcrossResult[] => across.filter(({ across: kind }) => kind !== 'every');

/** Each case counts once. */
export function totalsOf(cases: readonly CaseResult[]): Totals {
  const totals: Totals = { passed: 0, failed: 0, error: 0, skipped: 0, flaky: 0, quarantined: 0 };
  for (const one of cases) totals[outcomeOf(one)]++;
  return totals;
}

/** What a merge is not for: a flaky case is no pass, either. */
export const hasFailures = ({ failed, error, flaky }: Totals): boolean => failed + error + flaky > 0;

/** '3 failed, 1 flaky, 56 passed' */
export const totalsText = (totals: Totals): string =>
  OUTCOMES.filter((outcome) => totals[outcome] > 0)
    .map((outcome) => `${totals[outcome]} ${outcome === 'error' ? 'broken' : outcome}`)
    .join(', ') || 'no case';

export const titleOf = ({ scenario, case: id }: Pick<CaseResult, 'scenario' | 'case'>): string =>
  id === '' ? scenario : `${scenario}, ${id}`;

export function casesByScenario(cases: readonly CaseResult[]): Map<string, CaseResult[]> {
  const all = new Map<string, CaseResult[]>();
  for (const one of cases) all.set(one.scenario, [...(all.get(one.scenario) ?? []), one]);
  return all;
}

/** Something that failed, or did not come to an end. */
export interface Finding {
  /** Absent of what is said about all seeds. */
  seed?: number;
  /** Of the check; of what did not come to an end the code of the error. */
  name: string;
  /** 'value 9.2 bit/s/Hz, bound ≥ 10 bit/s/Hz'; '' where there is no value. */
  figures: string;
  says: string;
}

/** Seeds first, then what is said about all of them, then beside the baseline. */
export function findingsOf(one: CaseResult): Finding[] {
  const { seeds, across, baseline } = one;
  // Of a check of every seed the seeds say it, but where some were never played.
  const said = across.filter(({ across: kind, verdict }) => isBad(verdict) && (kind !== 'every' || verdict === 'error'));
  return [
    ...seeds.flatMap((seed) => findingsOfSeed(seed, one)),
    ...said.map(({ name, says, estimate, lower, upper, unit, ...bounds }) => ({
      ...{ name, says },
      figures: joined([
        estimate !== null && `value ${valueText(estimate, unit, bounds)}`,
        lower !== null && upper !== null && `between ${figureText(lower)} and ${withUnit(figureText(upper), unit)}`,
        boundText({ ...bounds, unit }),
      ]),
    })),
    ...baseline
      .filter(({ verdict }) => isBad(verdict))
      .map(({ name, says, baseline: then, now, margin, worseBy, unit }) => ({
        name: `${name}, beside the baseline`,
        says,
        figures: joined([
          then !== null && now !== null && `${figureText(then)} then, ${withUnit(figureText(now), unit)} now`,
          worseBy !== null && `worse by ${figureText(worseBy)}`,
          margin !== null && `margin ${figureText(margin)}`,
        ]),
      })),
  ];
}

/** A check that is judged for all seeds together may fail for one of them. */
function findingsOfSeed(of: SeedResult, { across }: CaseResult): Finding[] {
  const { seed } = of;
  const { checks, error } = deciding(of);
  const elsewhere = new Set(together(across).map(({ name }) => name));
  const failed = checks
    .filter(({ name, verdict }) => isBad(verdict) && !elsewhere.has(name))
    .map(({ name, says, value, unit, ...bounds }) => ({
      ...{ seed, name, says },
      figures: joined([value !== null && `value ${valueText(value, unit, bounds)}`, boundText({ ...bounds, unit })]),
    }));
  if (error === undefined) return failed;
  return [{ seed, name: error.code, figures: '', says: joined([error.message, error.wayOut], '. ') }, ...failed];
}

/** The playing by which a seed is judged: its first. Others only tell whether it fails each time. */
export const deciding = ({ attempts }: Pick<SeedResult, 'attempts'>): Attempt => attempts[0];

interface Bounds {
  atLeast: number | null;
  atMost: number | null;
}

/** 'bound ≥ 10 dB', 'bounds 1 to 3 dB'; '' without any. */
export function boundText({ atLeast, atMost, unit }: Bounds & { unit: string }): string {
  if (atLeast === null) return atMost === null ? '' : `bound ≤ ${withUnit(figureText(atMost), unit)}`;
  if (atMost === null) return `bound ≥ ${withUnit(figureText(atLeast), unit)}`;
  if (atLeast === atMost) return `bound = ${withUnit(figureText(atMost), unit)}`;
  return `bounds ${figureText(atLeast)} to ${withUnit(figureText(atMost), unit)}`;
}

/** With as many digits as tell it from its bounds: no value of 10 is said to be below 10. */
export function valueText(value: number, unit: string, { atLeast, atMost }: Bounds): string {
  const bounds = [atLeast, atMost].filter((bound) => bound !== null && bound !== value).map((bound) => figureText(bound ?? 0));
  const digits = [5, 7, 9, 12, 17].find((many) => !bounds.includes(figureText(value, many))) ?? 17;
  return withUnit(figureText(value, digits), unit);
}

/** @param digits significant ones at most */
export const figureText = (value: number, digits = 5): string => String(Number(value.toPrecision(digits)));

export const withUnit = (figure: string, unit: string): string =>
  unit === '' ? figure : unit === '°' ? `${figure}°` : `${figure} ${unit}`;

/** What is there of the parts. */
export const joined = (parts: readonly (string | false | undefined)[], by = ', '): string =>
  parts.filter((part) => part !== false && part !== undefined && part !== '').join(by);

/** Of all playings of a case, s. */
export const secondsOf = ({ seeds }: CaseResult): number =>
  seeds.flatMap(({ attempts }) => attempts).reduce((sum, { times }) => sum + times.seconds, 0);

/** Why it is as it is, in a line. */
export function whyOf(one: CaseResult): string {
  const [first] = findingsOf(one);
  const found =
    one.why ?? (first === undefined ? undefined : joined([`${first.name}: ${joined([first.figures, first.says], '; ')}`]));
  const skipped = one.seeds.flatMap(({ attempts }) => attempts).find(({ skipped: why }) => why !== undefined)?.skipped;
  return found ?? skipped ?? '';
}
