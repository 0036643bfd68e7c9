/**
 * The report as JUnit XML, as the test reporters of CI servers read it: a suite for each scenario, a test for each case. There is no standard;
 * this keeps to the strictest schema in use, that of Jenkins' xUnit plugin (junit-10.xsd). It knows no properties of a test: they stand among
 * those of its suite, under the name of the case, and at the head of its output.
 */
import type { CaseResult, Report, SeedResult } from '../results.ts';
import { casesByScenario, deciding, findingsOf, joined, outcomeOf, secondsOf, titleOf, whyOf } from './outcome.ts';

export function junitXml(report: Report): string {
  const suites = casesByScenario(report.cases);
  const { startedAt } = report.times;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="beamrig regress"${countsOf(report.cases, false)}>`,
    ...Array.from(suites, ([name, cases]) => suiteXml(name, cases, startedAt)),
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteXml(name: string, cases: readonly CaseResult[], startedAt: string): string {
  // A time without its zone, as the schema of Ant has it: it is UTC.
  const attributes = attributesOf({ name, file: cases[0].file, timestamp: startedAt.slice(0, 19) });
  return [
    `<testsuite${attributes}${countsOf(cases, true)}>`,
    '<properties>',
    ...cases.flatMap((one) =>
      propertiesOf(one).map(([key, value]) => {
        return `<property${attributesOf({ name: one.case === '' ? key : `${one.case}: ${key}`, value })}/>`;
      }),
    ),
    '</properties>',
    ...cases.map(caseXml),
    '</testsuite>',
  ].join('\n');
}

function countsOf(cases: readonly CaseResult[], skipped: boolean): string {
  const elements = cases.map(elementOf);
  const count = (element: string): number => elements.filter((each) => each === element).length;
  return attributesOf({
    ...{ tests: cases.length, failures: count('failure'), errors: count('error') },
    ...(skipped ? { skipped: count('skipped') } : {}),
    time: cases.reduce((sum, one) => sum + secondsOf(one), 0).toFixed(3),
  });
}

/** Quarantined ones do not fail a build. */
function elementOf(one: CaseResult): 'failure' | 'error' | 'skipped' | undefined {
  switch (outcomeOf(one)) {
    case 'failed':
    case 'flaky':
      return 'failure';
    case 'error':
      return 'error';
    case 'quarantined':
    case 'skipped':
      return 'skipped';
    case 'passed':
      return undefined;
  }
}

function caseXml(one: CaseResult): string {
  const element = elementOf(one);
  const attributes = { classname: one.scenario, name: one.case || one.scenario, time: secondsOf(one).toFixed(3) };
  return [
    `<testcase${attributesOf(attributes)}>`,
    // One of them: readers show the first and drop the rest.
    ...(element === undefined
      ? []
      : [
          `<${element}${attributesOf({ type: outcomeOf(one), message: messageOf(one) })}>${content(detailsOf(one))}</${element}>`,
        ]),
    `<system-out>${content(outputOf(one))}</system-out>`,
    '</testcase>',
  ].join('\n');
}

function messageOf(one: CaseResult): string {
  const { quarantined } = one;
  switch (outcomeOf(one)) {
    case 'quarantined':
      return `quarantined until ${quarantined?.until}: ${quarantined?.reason}; ${joined([one.verdict, whyOf(one)], ': ')}`;
    case 'flaky':
      return `flaky, it failed and did not when it was played again: ${whyOf(one)}`;
    default:
      return whyOf(one) || one.verdict;
  }
}

const detailsOf = (one: CaseResult): string =>
  findingsOf(one)
    .map(
      ({ seed, name, figures, says }) =>
        `${seed === undefined ? 'all seeds' : `seed ${seed}`}: ${joined([name, figures, says], ': ')}`,
    )
    .join('\n');

function propertiesOf(one: CaseResult): [string, string][] {
  const { seeds, tags, flaky, quarantined, file } = one;
  return [
    ['outcome', outcomeOf(one)],
    ['file', file],
    ['seeds', seeds.map(({ seed }) => seed).join(' ')],
    ...(tags.length === 0 ? [] : [['tags', tags.join(' ')] as [string, string]]),
    ['flaky', String(flaky)],
    ['quarantined', quarantined === undefined ? 'false' : `until ${quarantined.until}: ${quarantined.reason}`],
    ...factsOf(seeds).map(([fact, value]): [string, string] => [`fact ${fact}`, value]),
    ...seeds.flatMap((seed): [string, string][] => {
      const { digest } = deciding(seed);
      return digest === null ? [] : [[`digest of seed ${seed.seed}`, digest]];
    }),
  ];
}

/** Of all seeds; those on which they differ have each value once. */
export function factsOf(seeds: readonly SeedResult[]): [string, string][] {
  const all = new Map<string, Set<string>>();
  for (const seed of seeds)
    for (const [fact, value] of Object.entries(deciding(seed).facts)) all.set(fact, (all.get(fact) ?? new Set()).add(value));
  return Array.from(all, ([fact, values]) => [fact, [...values].join(', ')]);
}

function outputOf(one: CaseResult): string {
  const lines = [titleOf(one), one.about, ...propertiesOf(one).map(([key, value]) => `${key}: ${value}`)];
  for (const { seed, attempts } of one.seeds) {
    for (const [i, { story, verdict, runFolder }] of attempts.entries()) {
      lines.push('', joined([`seed ${seed}`, attempts.length > 1 && `played the ${i + 1}. time`, verdict, runFolder]));
      for (const { atS, level, code, message, action } of story?.events ?? [])
        lines.push(`${atS.toFixed(3)} s ${level} ${code}: ${joined([message, action], ' ')}`);
    }
  }
  return lines.join('\n');
}

/** A character that XML 1.0 has no way to write, not even escaped (its section 2.2). */
// eslint-disable-next-line no-control-regex -- these are what it is about
const IMPOSSIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu;
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' };

const content = (text: string): string =>
  text
    .replace(IMPOSSIBLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(/[&<>"\r]/g, (character) => ESCAPES[character]);

/** Parsers make blanks of line ends in attributes that are not escaped. */
const attributesOf = (attributes: Record<string, string | number>): string =>
  Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${content(String(value)).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')}"`)
    .join('');
