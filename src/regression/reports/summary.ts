/** What the terminal says when a regression is over: what somebody has to look at, then the totals, then where the reports are. Plain text. */
import { counted } from '../../../core/errors/counted.ts';
import { printable } from '../../../core/errors/printable.ts';
import type { CaseResult, Report } from '../results.ts';
import { deciding, findingsOf, joined, outcomeOf, titleOf, totalsText, whyOf, type Outcome } from './outcome.ts';

export interface SummaryOptions {
  /** Width of the terminal. */
  columns: number;
  /** The command that plays this case alone, with these seeds; none where it is told otherwise. */
  rerun: (one: CaseResult, seeds: readonly number[]) => string;
  /** Reports that were written, by their kind: 'HTML', 'JUnit', 'JSON'. */
  written: Readonly<Record<string, string>>;
}

/** Checks of a case that are shown; the reports have all. */
const MOST_FINDINGS = 6;

/** @returns lines without a newline at the end */
export function summaryText(report: Report, options: SummaryOptions): string {
  const { cases, totals, times } = report;
  const of = (...outcomes: Outcome[]): CaseResult[] => cases.filter((one) => outcomes.includes(outcomeOf(one)));
  const blocks = [
    ...of('failed', 'error', 'flaky').map((one) => lookedAt(one, options)),
    listed('quarantined', of('quarantined'), ({ quarantined }) => `until ${quarantined?.until}: ${quarantined?.reason}`, options),
    listed('skipped', of('skipped'), whyOf, options),
    [
      ...wrapped(
        `${totalsText(totals)}: ${counted(cases.length, 'case')} in ${times.seconds.toFixed(1)} s`,
        options.columns,
        '',
        2,
      ),
      ...aligned(Object.entries(options.written), options.columns, ''),
    ],
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n');
}

/** Of one that failed, broke or is flaky: checks with value, bound and seed, and how to play just it. */
function lookedAt(one: CaseResult, { columns, rerun }: SummaryOptions): string[] {
  const findings = findingsOf(one);
  const outcome = outcomeOf(one);
  const lines = findings.slice(0, MOST_FINDINGS).flatMap(({ seed, name, figures, says }) => {
    const who = seed === undefined ? 'all seeds' : `seed ${seed}`;
    return wrapped(`${who}  ${joined([name, figures, says], ': ')}`, columns, '  ', 4 + who.length);
  });
  const more = findings.length - MOST_FINDINGS;
  const seeds = one.seeds.filter((seed) => seed.flaky || ['failed', 'error'].includes(deciding(seed).verdict));
  return [
    ...wrapped(`${outcome === 'error' ? 'BROKEN' : outcome.toUpperCase()}  ${titleOf(one)}`, columns, '', 2),
    ...(findings.length === 0 ? wrapped(whyOf(one), columns, '  ', 2) : lines),
    ...(more > 0 ? [`  and ${more} more`] : []),
    // In one piece, however long: it is copied.
    `  again: ${printable(
      rerun(
        one,
        seeds.map(({ seed }) => seed),
      ),
    )}`,
  ];
}

function listed(
  title: string,
  cases: readonly CaseResult[],
  why: (one: CaseResult) => string,
  { columns }: SummaryOptions,
): string[] {
  if (cases.length === 0) return [];
  return [
    `${title}:`,
    ...aligned(
      cases.map((one) => [titleOf(one), why(one)]),
      columns,
      '  ',
    ),
  ];
}

const WIDEST_NAME = 40;

/** Names, and beside them what is said of them; below them where there is no room. */
function aligned(rows: readonly (readonly [string, string])[], columns: number, indent: string): string[] {
  const width = Math.min(WIDEST_NAME, Math.floor(columns / 3), Math.max(0, ...rows.map(([name]) => printable(name).length)));
  return rows.flatMap(([name, text]) =>
    wrapped(`${printable(name).padEnd(width)}  ${text}`, columns, indent, indent.length + width + 2),
  );
}

/** @param hanging how far lines after the first are moved in */
function wrapped(text: string, columns: number, indent: string, hanging: number): string[] {
  const room = Math.max(columns, 40);
  const lines: string[] = [];
  let line = indent;
  // Blanks are kept: they align what stands in columns.
  for (const word of printable(text).match(/ *[^ ]+/g) ?? []) {
    const isFirst = line.trim() === '';
    if (!isFirst && line.length + word.length > room) {
      lines.push(line);
      line = ' '.repeat(Math.min(hanging, Math.floor(room / 2))) + word.trimStart();
    } else line += isFirst && lines.length > 0 ? word.trimStart() : word;
  }
  return [...lines, line];
}
