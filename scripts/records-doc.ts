/** Writes docs/records.md from the columns of a cycle. Run it after changing src/telemetry/cycle-columns.ts: `npx tsx scripts/records-doc.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../core/files/package-root.ts';
import { CYCLE_COLUMNS, USER_COLUMNS } from '../src/telemetry/cycle-columns.ts';
import { SETTING_COLUMNS } from '../src/telemetry/export-csv.ts';

export const RECORDS_PAGE = join(packageRoot(), 'docs', 'records.md');

export function recordsPage(): string {
  const rows = CYCLE_COLUMNS.map(({ name, csv = name, tag, type, unit = '', page, meaning }) => {
    const drawn = { every: 'yes', ok: 'of cycles that are ok' }[page ?? 'every'];
    return `| \`${name}\` | ${tag === true ? 'tag' : 'field'}, ${type} | ${unit} | \`${csv}\` | ${page === undefined ? '' : drawn} | ${meaning} |`;
  });
  const users = USER_COLUMNS.map(({ name, csv, meaning }) => `| \`${name}\` | \`user_0_${csv}\`, … | ${meaning} |`);
  return `# Records

<!-- Written by scripts/records-doc.ts from src/telemetry/cycle-columns.ts; change the columns and run it again. -->

A run keeps every cycle in \`records.lp\` of its folder as lines of InfluxDB's line protocol; InfluxDB gets the same lines. \`beamrig export RUN --csv\` makes a table
of them. What is not known is left out of a line, and is an empty cell of the table.

## Measurement \`cycle\`: one line a cycle

Tags besides those below: \`rig\` and \`run\`.

| in records | kind | unit | in the table | on the page | meaning |
|---|---|---|---|---|---|
${rows.join('\n')}

## Measurement \`user_snr\`: one line a user and cycle

Tags: those of the cycle but \`outcome\`, then \`user\` (from 0), and \`doubtful\` (yes) where the reading cannot be what it says. Fields besides those below: \`cycle\`,
and \`doubt\` with the reason.

| in records | in the table | meaning |
|---|---|---|
${users.join('\n')}

## Measurement \`event\`: what a person should know

Tags \`level\` (info, warning, error) and \`code\` (short and stable, for scripts); fields \`message\` and \`action\`. \`events.jsonl\` of the run folder has the same.

## The table for a spreadsheet

One row a cycle. Before the columns above stand \`time_utc\` (ISO 8601, ms) and \`elapsed_s\` (since the first row); after those of the users, the same in every row,
${SETTING_COLUMNS.map((name) => `\`${name}\``).join(', ')}, so that rows of several runs can lie in one table. No whole number has more digits than a spreadsheet keeps; a text that a
spreadsheet would run as a formula begins with \`'\`.
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(RECORDS_PAGE, recordsPage());
  console.log(`wrote ${RECORDS_PAGE}`);
}
