/** One case of the HTML report. */
import { counted } from '../../../core/errors/counted.ts';
import type { AcrossResult, Attempt, CaseResult, CheckResult, Comparison, SeedResult } from '../results.ts';
import { checkAxisSvg } from './check-axis.ts';
import { clean, details, MARKS, outcomeHtml, table } from './html-words.ts';
import { factsOf } from './junit.ts';
import { boundText, deciding, figureText, joined, outcomeOf, titleOf, valueText, whyOf, withUnit } from './outcome.ts';
import { ratePlotSvg } from './rate-plot.ts';

/** @param index of the case in the report */
export function caseHtml(one: CaseResult, index: number, linkTo: (path: string) => string): string {
  const outcome = outcomeOf(one);
  const { about, quarantined, baseline } = one;
  const why = outcome === 'passed' ? '' : whyOf(one);
  const head = `<h3>${clean(titleOf(one))}</h3> ${outcomeHtml(outcome)}${why === '' ? '' : `<span class="why">${clean(why)}</span>`}`;
  const body = [
    // A link to what lies inside opens it.
    `<p id="case-${index}" class="anchor">${clean(about)}</p>`,
    quarantined === undefined
      ? ''
      : `<p class="note">${MARKS.quarantined.sign} Quarantined until ${clean(quarantined.until)}: ${clean(quarantined.reason)}. Its verdict does not count till then; by itself it is: ${one.verdict}.</p>`,
    factsHtml(one),
    checksHtml(one, `case-${index}`),
    baseline.length === 0 ? '' : baselineHtml(baseline, titleOf(one)),
    ...one.seeds.map((seed, i) => seedHtml(seed, one, `case-${index}-${i}`, linkTo)),
  ];
  return details(head, body.join('\n'), isOpen(one)).replace('<details', `<details class="case ${outcome}"`);
}

/** What somebody has to look at. */
const isOpen = (one: CaseResult): boolean => ['failed', 'error', 'flaky'].includes(outcomeOf(one));

function factsHtml({ file, tags, coordinates, time, confidence, seeds }: CaseResult): string {
  const facts: [string, string][] = [
    ['file', file],
    ...(tags.length === 0 ? [] : [['tags', tags.join(', ')] as [string, string]]),
    ...Object.entries(coordinates).map(([axis, value]): [string, string] => [axis, String(value)]),
    ['time', `${time}; confidence ${figureText(confidence * 100)} %`],
    ...factsOf(seeds),
  ];
  return `<dl>${facts.map(([name, value]) => `<div><dt>${clean(name)}</dt><dd>${clean(value)}</dd></div>`).join('')}</dl>`;
}

/** A check of all seeds, in the order in which checks stand in the scenario. */
function checksHtml(one: CaseResult, id: string): string {
  const bySeed = new Map<string, { seed: number; result: CheckResult }[]>();
  for (const seed of one.seeds)
    for (const result of deciding(seed).checks)
      bySeed.set(result.name, [...(bySeed.get(result.name) ?? []), { seed: seed.seed, result }]);
  const acrossOf = new Map(one.across.map((each) => [each.name, each]));
  const names = [...new Set([...bySeed.keys(), ...acrossOf.keys()])];
  if (names.length === 0) return '';
  const rows = names.map((name, i) => checkHtml(name, bySeed.get(name) ?? [], acrossOf.get(name), `${id}-check-${i}`));
  return `<h4>Checks</h4>\n<ul class="checks">\n${rows.join('\n')}\n</ul>`;
}

function checkHtml(
  name: string,
  seeds: readonly { seed: number; result: CheckResult }[],
  across: AcrossResult | undefined,
  id: string,
): string {
  const verdict = across?.verdict ?? worst(seeds.map(({ result }) => result.verdict));
  const failed = seeds.filter(({ result }) => result.verdict === 'failed');
  const [first] = seeds.map(({ result }) => result);
  const says =
    across?.says ??
    (failed.length === 0 ? first.says : failed.map(({ seed, result }) => `seed ${seed}: ${result.says}`).join('; '));
  const found = seeds.map(({ seed, result }) => ({ seed, value: result.value, verdict: result.verdict }));
  // How many fail is no value of any seed: it has an axis of its own.
  const ofShare = across?.across === 'failure-rate';
  const bounds = ofShare ? (first ?? NO_BOUNDS) : (across ?? first);
  const axes = [
    checkAxisSvg(name, found, bounds, ofShare ? undefined : across, id),
    ofShare ? checkAxisSvg(`${name}: share of seeds that fail`, [], across, across, `${id}-share`) : '',
  ];
  const told = joined([boundText(bounds), ofShare && `share of seeds that fail: ${boundText(across)}`, says], '; ');
  return [
    `<li class="check"><div>${outcomeHtml(verdict)} <span class="name">${clean(name)}</span>`,
    `<div class="dim">${clean(told)}</div></div><div>${axes.join('')}</div></li>`,
  ].join('');
}

const NO_BOUNDS = { unit: '', atLeast: null, atMost: null };

const worst = (verdicts: readonly CheckResult['verdict'][]): CheckResult['verdict'] =>
  (['error', 'failed', 'skipped'] as const).find((verdict) => verdicts.includes(verdict)) ?? 'passed';

function baselineHtml(comparisons: readonly Comparison[], title: string): string {
  const figure = (value: number | null, unit: string): string => (value === null ? '' : clean(withUnit(figureText(value), unit)));
  const [figures, remarks] = [true, false].map((hasFigures) =>
    comparisons.filter(({ baseline, now }) => (baseline !== null || now !== null) === hasFigures),
  );
  const rows = figures.map(({ name, verdict, unit, baseline, now, worseBy, worseByAtMost, margin, says }) => [
    `${clean(name)}<div class="dim">${clean(says)}</div>`,
    outcomeHtml(verdict),
    ...[baseline, now, worseBy, worseByAtMost, margin].map((value) => figure(value, unit)),
  ]);
  const head = ['check', '', 'then', 'now', 'worse by', 'at most', 'margin'];
  return [
    '<h4>Beside the baseline</h4>',
    ...remarks.map(({ name, verdict, says }) => `<p class="dim">${outcomeHtml(verdict)} ${clean(name)}: ${clean(says)}</p>`),
    ...(rows.length === 0 ? [] : [table(`Beside the baseline: ${title}`, head, rows)]),
  ].join('\n');
}

function seedHtml(seed: SeedResult, one: CaseResult, id: string, linkTo: (path: string) => string): string {
  const outcome = seed.flaky ? 'flaky' : seed.verdict;
  const head = `${outcomeHtml(outcome)} seed ${seed.seed}${seed.attempts.length > 1 ? `, played ${counted(seed.attempts.length, 'time')}` : ''}`;
  const body = seed.attempts.map((attempt, i) => {
    const title = seed.attempts.length > 1 ? `<h4>${outcomeHtml(attempt.verdict)} playing ${i + 1}</h4>` : '';
    return `${title}${attemptHtml(attempt, joined([titleOf(one), `seed ${seed.seed}`, seed.attempts.length > 1 && `playing ${i + 1}`]), `${id}-${i}`, linkTo)}`;
  });
  return details(head, body.join('\n'), outcome !== 'passed' && outcome !== 'skipped' && isOpen(one));
}

function attemptHtml(
  { checks, story, error, skipped, digest, runFolder, times }: Attempt,
  title: string,
  id: string,
  linkTo: (path: string) => string,
): string {
  const failed = checks.filter(({ verdict }) => verdict === 'failed');
  const lines = [
    ...(error === undefined ? [] : [clean(joined([`${error.code}: ${error.message}`, error.wayOut], '. '))]),
    ...(skipped === undefined ? [] : [clean(skipped)]),
    ...failed.map(({ name, value, unit, says, ...bounds }) =>
      clean(joined([`✗ ${name}`, value !== null && valueText(value, unit, bounds), boundText({ ...bounds, unit }), says])),
    ),
  ];
  const facts = joined([
    story && `${counted(story.cycles, 'cycle')}, ${story.voidCycles} void; ${clean(endText(story.end))}`,
    `took ${figureText(times.seconds, 3)} s`,
    runFolder !== undefined && `<a href="${clean(linkTo(runFolder))}">its run folder</a>`,
    digest !== null && `digest <code>${clean(digest.slice(0, 16))}</code>`,
  ]);
  return [
    lines.length === 0 ? '' : `<ul class="found">${lines.map((line) => `<li>${line}</li>`).join('')}</ul>`,
    `<p class="dim">${facts}</p>`,
    story === undefined ? '' : ratePlotSvg(story, title, id),
    story === undefined || story.events.length === 0 ? '' : eventsHtml(story.events),
  ].join('\n');
}

const endText = ({ as, code, reason }: { as: string; code?: string | undefined; reason?: string | undefined }): string =>
  joined([`it ended ${as}`, code, reason], ': ');

const MOST_EVENTS = 12;

function eventsHtml(
  events: readonly { atS: number; level: string; code: string; message: string; action?: string | undefined }[],
): string {
  const rows = events.slice(0, MOST_EVENTS).map(({ atS, level, code, message, action }) => {
    return `<li class="${clean(level)}"><span class="at">${atS.toFixed(2)} s</span> ${clean(level)} <code>${clean(code)}</code> ${clean(joined([message, action], '; '))}</li>`;
  });
  const more = events.length - rows.length;
  if (more > 0) rows.push(`<li>and ${more} more</li>`);
  return details(counted(events.length, 'event'), `<ol class="events">${rows.join('\n')}</ol>`);
}
