/** Writes docs/records.md from the columns of a cycle. Run it after adding a column, a metric or a stage: `npx tsx scripts/records-doc.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../core/files/package-root.ts';
import { CYCLE_COLUMNS, csvName, FIGURES, USER_COLUMNS } from '../src/telemetry/cycle-columns.ts';
import { SETTING_COLUMNS } from '../src/telemetry/export-csv.ts';

export const RECORDS_PAGE = join(packageRoot(), 'docs', 'records.md');

export function recordsPage(): string {
  const rows = CYCLE_COLUMNS.map((column) => {
    const { name, tag, type, unit = '', page, meaning } = column;
    const drawn = { every: 'yes', ok: 'of cycles that are ok' }[page ?? 'every'];
    return `| \`${name}\` | ${tag === true ? 'tag' : 'field'}, ${type} | ${unit} | \`${csvName(column)}\` | ${page === undefined ? '' : drawn} | ${meaning} |`;
  });
  const users = USER_COLUMNS.map(
    ({ name, csv, unit, meaning }) => `| \`${name}\` | ${unit} | \`user_0_${csv}\`, … | ${meaning} |`,
  );
  return `# Records

<!-- Written by scripts/records-doc.ts from src/telemetry/cycle-columns.ts and what that is made of (core/signal/metrics.ts, the stages of cycle-record.ts); change those and run it again. -->

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

| in records | unit | in the table | meaning |
|---|---|---|---|
${users.join('\n')}

## Measurement \`event\`: what a person should know

Tags \`level\` (info, warning, error) and \`code\` (short and stable, for scripts); fields \`message\` and \`action\`. \`events.jsonl\` of the run folder has the same.

## The summary

\`summary.json\` of the run folder, and the last line of \`beamrig run --json\`, say what a run came to. \`means\` has, by the names above and in their units,
${FIGURES.map(({ name }) => `\`${name}\``).join(', ')};
\`users\` has ${USER_COLUMNS.map(({ name }) => `\`${name}\``).join(' and ')} of each user. What was measured counts where the cycle was ok and nobody doubts the reading. \`parts\` has the same for each model, Q,
objective, source and origin of channels by itself; a run of several parts has no means over all.

## Kept beams

\`telemetry.keep\` of the rig file has a run keep the beam of every cycle that got as far as words, in \`beams.bin\` of its folder: \`words\` (phase words, Q bits each, and the
digital weights D), \`channels\` (H), or \`all\`. Numbers are the float64 that were computed with. The format is in \`src/telemetry/kept-beams.ts\`: each cycle is compressed by itself,
has a checksum and ends in a newline, and is with the system when the cycle ends, as records are. \`kill -9\` takes nothing of a cycle whose record is there; a power cut at most
what \`telemetry.syncSeconds\` says. A disk that takes nothing leaves 16 MiB of it waiting in memory; what comes then is dropped, and told.

\`\`\`sh
npx beamrig beam runs/20261122T073000Z-demo --cycle 17                  # words, D, and whether they give the rate of the record
npx beamrig beam runs/20261122T073000Z-demo --cycle 17 --json           # all of it, with H
npx beamrig beam runs/20261122T073000Z-demo --cycle 17 --send rig.yaml  # radiates it again and reads SNR back; ends in the safe state
\`\`\`

\`--send\` sends words and D as they were kept, with the power that they have, ‖A·D‖²; a beam that has more than \`snrDb\` of the rig file allows is refused.

The check works SINR and sum rate out anew from H, words and D, by the arithmetic that the loop uses, and compares them with the record: on a machine of the same kind and
version of Node they are equal to the last digit, or the command says what differs and fails. At N = 64, M = K = 4, Q = 6 a cycle takes 4.3 kB (\`words\`: 0.5 kB) and about
0.13 ms of the loop (\`words\`: 0.06 ms) on one of two busy cores (AMD EPYC, \`npx tsx bench/kept-beams.ts\`); both grow with N·K. Channels hardly compress: most of their digits are noise.

## The table for a spreadsheet

One row a cycle. Before the columns above stand \`time_utc\` (ISO 8601, ms) and \`elapsed_s\` (since the first row); after those of the users, the same in every row,
${SETTING_COLUMNS.map((name) => `\`${name}\``).join(', ')}, so that rows of several runs can lie in one table. No whole number has more digits than a spreadsheet keeps; in a text that a
spreadsheet would run as a formula \`'\` stands before it. \`-o\` writes over no file that is there, unless \`--force\` is given, and over none of the run's own files.
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(RECORDS_PAGE, recordsPage());
  console.log(`wrote ${RECORDS_PAGE}`);
}
