/**
 * The report for people, as one HTML file: totals, then the matrix of cases, then each case with what its checks found and how its seeds went.
 * It opens anywhere, is read on a phone and by keyboard, and says no verdict by colour alone.
 */
import { relative } from 'node:path';
import { counted } from '../../../core/errors/counted.ts';
import { htmlPage } from '../../../models/report/html-page.ts';
import type { Report } from '../results.ts';
import { caseHtml } from './case-html.ts';
import { HTML_STYLE } from './html-style.ts';
import { clean, MARKS, table } from './html-words.ts';
import { matrixHtml } from './matrix-html.ts';
import { joined, OUTCOMES, outcomeOf, titleOf, totalsText, whyOf } from './outcome.ts';

/** @param folder where the file will be, so that links to kept run folders lead there from it */
export function regressionHtml(report: Report, folder: string): string {
  const { cases, totals } = report;
  const linkTo = (path: string): string => encodeURI(relative(folder, path).replaceAll('\\', '/')) || '.';
  const tiles = OUTCOMES.map((outcome) => {
    const count = `<b>${totals[outcome]}</b> ${MARKS[outcome].word}`;
    return `<li class="tile ${outcome}${totals[outcome] === 0 ? ' none' : ''}"><span class="sign" aria-hidden="true">${MARKS[outcome].sign}</span> ${count}</li>`;
  });
  return htmlPage(
    `Regression: ${totalsText(totals)}`,
    [
      '<h1>Regression</h1>',
      `<ul class="tiles">${tiles.join('')}</ul>`,
      `<p class="about">${clean(aboutText(report))}</p>`,
      attention(report),
      matrixHtml(cases),
      `<h2>The cases</h2>\n<p class="dim">${READING}</p>`,
      ...cases.map((one, index) => caseHtml(one, index, linkTo)),
      underTest(report),
    ].join('\n'),
    HTML_STYLE,
  );
}

const READING =
  'Beside a check: what its bound does not allow is shaded; ● a seed that kept to it, ✗ one that did not; ◆ what is estimated from all seeds, with the limits that it is within at the confidence of the scenario. On a line of time: bands and strokes are entries of the timeline; below it ▲ an error, ◆ a warning, | what was only said; a full bar is a panel that is dark, a hollow one its fixed beam.';

export const caseId = (index: number): string => `case-${index}`;

function aboutText({ underTest: { program, baseline }, times, cases }: Report): string {
  const { version, commit, modified } = program;
  const seeds = cases.reduce((sum, one) => sum + one.seeds.length, 0);
  const built = joined([`beamrig ${version}`, commit !== null && commit.slice(0, 10), modified === true && 'with changes']);
  const when = times.startedAt.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');
  const beside =
    baseline === undefined
      ? ''
      : ` Compared with ${baseline.file}${baseline.commit === null ? '' : `, ${baseline.commit.slice(0, 10)}`}.`;
  return `${built}. ${counted(cases.length, 'case')}, ${counted(seeds, 'seed')}, from ${when}, in ${times.seconds.toFixed(1)} s with ${counted(times.workers, 'worker')}.${beside}`;
}

/** What somebody has to look at, with a way to it. */
function attention({ cases }: Report): string {
  const rows = OUTCOMES.filter((outcome) => outcome !== 'passed').flatMap((outcome) =>
    cases.flatMap((one, index) => {
      if (outcomeOf(one) !== outcome) return [];
      const { sign, word } = MARKS[outcome];
      const verdict = `<span class="outcome ${outcome}"><span class="sign" aria-hidden="true">${sign}</span> ${word}</span>`;
      return `<li>${verdict} <a href="#${caseId(index)}">${clean(titleOf(one))}</a> <span class="why">${clean(whyOf(one))}</span></li>`;
    }),
  );
  return rows.length === 0 ? '' : `<h2>To look at</h2>\n<ul class="attention">\n${rows.join('\n')}\n</ul>`;
}

function underTest({ underTest: { program, parts, scenarios, node, host, baseline } }: Report): string {
  const rows: [string, string][] = [
    ['beamrig', joined([program.version, program.commit ?? 'commit not known', program.modified === true && 'with changes'])],
    ...Object.entries(parts),
    ['Node', node],
    ...Object.entries(host).map(([name, value]): [string, string] => [name, String(value)]),
    ...Object.entries(scenarios),
    ...(baseline === undefined ? [] : [[`baseline ${baseline.file}`, baseline.sha256] as [string, string]]),
  ];
  return `<h2>What was under test</h2>\n<details><summary>Builds, models, tables and scenarios, by their hashes</summary>\n${table(
    'What was under test',
    ['', ''],
    rows.map((row) => row.map(clean)),
  )}\n</details>`;
}
