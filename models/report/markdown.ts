/** A report as Markdown, for the pages of docs/results: what the plots show stands in the tables. */
import type { Claim, Report, ReportSection, ReportTable } from './report.ts';

export function reportMarkdown({ title, about, claims, sections }: Report): string {
  const blocks = [
    `# ${title}`,
    ...about,
    ...(claims.length === 0 ? [] : [claimsMarkdown(claims)]),
    ...sections.map(sectionMarkdown),
  ];
  return `${blocks.join('\n\n')}\n`;
}

const claimsMarkdown = (claims: readonly Claim[]): string => {
  const rows = claims.map(({ claim, theirs, ours, rule, holds }) => [
    claim,
    theirs,
    ours,
    rule,
    holds ? 'holds' : '**does not hold**',
  ]);
  return `## The claims\n\n${tableMarkdown({ head: ['claim', 'theirs', 'ours', 'holds if', ''], rows }, '---')}`;
};

function sectionMarkdown({ title, text = [], tables = [] }: ReportSection): string {
  const shown = tables.map((table) => [
    ...(table.caption === undefined ? [] : [`${table.caption}:`]),
    tableMarkdown(table, '---:'),
  ]);
  return [`## ${title}`, ...text, ...shown.flat()].join('\n\n');
}

/** @param alignment of all columns but the first */
function tableMarkdown({ head, rows }: ReportTable, alignment: string): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : alignment))), ...rows.map(line)].join('\n');
}
