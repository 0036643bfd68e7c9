/** A run as a table that opens in a spreadsheet: one row a cycle, units in the column names, ISO time. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { stringify } from 'csv-stringify';
import { STAGES } from './cycle-record.ts';
import { parseLine, type FieldValue, type Point } from './line-protocol.ts';
import type { StoredRun } from './run-folder.ts';
import { isoTime } from './run-summary.ts';

/**
 * Writes the table; the stream is left open.
 * @returns rows written, and lines that were damaged (a run that was cut off may end in half a line)
 */
export async function exportCsv(run: StoredRun, out: Writable): Promise<{ rows: number; damagedLines: number }> {
  const columns = columnsOf(run.manifest.users);
  const table = stringify({ header: true, columns, record_delimiter: '\r\n' });
  table.pipe(out, { end: false });
  const finished = once(table, 'end');
  const count = { rows: 0, damagedLines: 0 };
  let row: Record<string, string | number> | undefined;
  const emit = async (): Promise<void> => {
    if (!row) return;
    count.rows += 1;
    if (!table.write(row)) await once(table, 'drain');
    row = undefined;
  };
  for await (const line of createInterface({ input: createReadStream(run.recordsPath), crlfDelay: Infinity })) {
    const point = parseLine(line);
    if (!point) count.damagedLines += line === '' ? 0 : 1;
    else if (point.measurement === 'cycle') {
      await emit();
      row = cycleCells(point);
    } // A cycle whose own line is damaged or was lost leaves users behind that belong to no row.
    else if (point.measurement === 'user_snr' && row?.time_ns === String(point.timeNs)) Object.assign(row, userCells(point));
  }
  await emit();
  table.end();
  await finished;
  return count;
}

const CYCLE_COLUMNS: [column: string, field: string][] = [
  ['phase_bits', 'phase_bits'],
  ['beam_id', 'beam_id'],
  ['failure', 'failure'],
  ['doubt', 'doubt'],
  ['predicted_sum_rate_bit_per_s_per_hz', 'predicted_sum_rate'],
  ['measured_sum_rate_bit_per_s_per_hz', 'measured_sum_rate'],
  ['zf_sum_rate_bit_per_s_per_hz', 'zf_sum_rate'],
  ...STAGES.map((stage): [string, string] => [`${stage}_ms`, `${stage}_ms`]),
  ['cycle_ms', 'cycle_ms'],
  ['link_retries', 'link_retries'],
  ['link_timeouts', 'link_timeouts'],
  ['link_discarded', 'link_discarded'],
  ['link_round_trip_ms', 'link_round_trip_ms'],
];

function columnsOf(users: number): string[] {
  const perUser = Array.from({ length: users }, (_, user) => [`user_${user}_predicted_snr_db`, `user_${user}_measured_snr_db`]);
  return [
    'time_utc',
    'time_ns',
    'cycle',
    'source',
    'channels',
    'panels',
    'model',
    'outcome',
    ...perUser.flat(),
    ...CYCLE_COLUMNS.map(([column]) => column),
  ];
}

function cycleCells(point: Point): Record<string, string | number> {
  const cells: Record<string, string | number> = {
    time_utc: isoTime(point.timeNs),
    time_ns: String(point.timeNs),
    cycle: cell(point.fields.cycle),
    source: cell(point.tags.source),
    channels: cell(point.tags.channels),
    panels: cell(point.fields.panels),
    model: cell(point.tags.model),
    outcome: cell(point.tags.outcome),
  };
  for (const [column, field] of CYCLE_COLUMNS) cells[column] = cell(point.fields[field]);
  return cells;
}

const userCells = (point: Point): Record<string, string | number> => ({
  [`user_${point.tags.user ?? ''}_predicted_snr_db`]: cell(point.fields.predicted_db),
  [`user_${point.tags.user ?? ''}_measured_snr_db`]: cell(point.fields.measured_db),
});

function cell(value: FieldValue | undefined): string | number {
  if (value === undefined) return '';
  if (typeof value === 'number') return value;
  const text = String(value);
  // A spreadsheet would run a text that starts like a formula.
  return typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
