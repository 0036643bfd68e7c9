/** A run as a table that opens in a spreadsheet: one row a cycle, units in the column names, ISO time and seconds since the first row, and
 * what the run was set to. No whole number has more digits than a spreadsheet keeps. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { stringify } from 'csv-stringify';
import { CYCLE_COLUMNS, csvName, USER_COLUMNS } from './cycle-columns.ts';
import type { FieldValue, Point } from './influx/line-protocol.ts';
import { allLines, readRecord } from './record-reader.ts';
import type { StoredRun } from './run-folder.ts';
import { isoTime } from './run-summary.ts';

export interface CsvCount {
  rows: number;
  /** No whole records: a run that was cut off may end in half a line. */
  damagedLines: number;
  /** Cycles that were there already, or are older than rows that are written. */
  repeatedCycles?: number;
  /** Rows that were ok and lack the line of a user. */
  incompleteRows?: number;
}

/** What is known of one cycle so far, its own line and those of its users, in whatever order they lie in the file. */
interface Gathered {
  cycle: Record<string, string | number> | undefined;
  users: Map<string, Record<string, string | number>>;
}

/** Cycles that are gathered at a time: lines that lie further apart than that do not find each other. */
const GATHERED = 64;
const PIECE = { bytes: 1 << 20, lines: 5000 };

/** Writes the table; the stream is left open. */
export async function exportCsv(run: StoredRun, out: Writable): Promise<CsvCount> {
  const { users } = run.manifest;
  const table = stringify({ header: true, columns: columnsOf(users), record_delimiter: '\r\n' });
  table.pipe(out, { end: false });
  const finished = once(table, 'end');
  const count = { rows: 0, damagedLines: 0, repeatedCycles: 0, incompleteRows: 0 };
  const gathered = new Map<bigint, Gathered>();
  const setting = settingCells(run);
  let firstNs: bigint | undefined;
  let writtenNs = 0n;

  const writeOldest = async (): Promise<void> => {
    const timeNs = [...gathered.keys()].reduce((oldest, other) => (other < oldest ? other : oldest));
    const { cycle, users: ofUsers } = gathered.get(timeNs) as Gathered;
    gathered.delete(timeNs);
    writtenNs = timeNs;
    if (cycle === undefined) return; // its own line is damaged or lost: its users belong to no row
    firstNs ??= timeNs;
    const elapsed = { elapsed_s: Number(timeNs - firstNs) / 1e9 };
    const row = Object.assign(cycle, elapsed, setting, ...ofUsers.values()) as Record<string, string | number>;
    if (row.outcome === 'ok' && ofUsers.size < users) {
      row.outcome = 'incomplete';
      count.incompleteRows += 1;
    }
    count.rows += 1;
    if (!table.write(row)) await once(table, 'drain');
  };
  const gather = (point: Point): void => {
    const isCycle = point.measurement === 'cycle';
    const known = gathered.get(point.timeNs);
    if (point.timeNs <= writtenNs || (isCycle && known?.cycle !== undefined)) {
      if (isCycle) count.repeatedCycles += 1;
      return;
    }
    const of = known ?? { cycle: undefined, users: new Map() };
    gathered.set(point.timeNs, of);
    if (isCycle) of.cycle = cycleCells(point);
    else if (isUser(point.tags.user, users)) of.users.set(point.tags.user, userCells(point));
    else count.damagedLines += 1;
  };

  for await (const { lines, tooLong } of allLines(run.recordsPath, PIECE)) {
    count.damagedLines += tooLong;
    for (const line of lines) {
      const point = readRecord(line.endsWith('\r') ? line.slice(0, -1) : line);
      if (point === undefined) count.damagedLines += line === '' ? 0 : 1;
      else if (point.measurement !== 'event') gather(point);
      if (gathered.size > GATHERED) await writeOldest();
    }
  }
  while (gathered.size > 0) await writeOldest();
  table.end();
  await finished;
  const { rows, damagedLines, repeatedCycles, incompleteRows } = count;
  return {
    rows,
    damagedLines,
    ...(repeatedCycles > 0 ? { repeatedCycles } : {}),
    ...(incompleteRows > 0 ? { incompleteRows } : {}),
  };
}

const isUser = (user: string | undefined, users: number): user is string =>
  user !== undefined && /^(0|[1-9]\d{0,3})$/.test(user) && Number(user) < users;

/** The same in every row: so that rows of many runs can lie in one table. */
export const SETTING_COLUMNS = ['run', 'snr_setting_db', 'elements', 'rf_chains', 'users', 'seed', 'channel_file'] as const;

function columnsOf(users: number): string[] {
  const perUser = Array.from({ length: users }, (_, user) => USER_COLUMNS.map(({ csv }) => `user_${user}_${csv}`));
  return ['time_utc', 'elapsed_s', ...CYCLE_COLUMNS.map(csvName), ...perUser.flat(), ...SETTING_COLUMNS];
}

function settingCells({ manifest }: StoredRun): Record<string, string | number> {
  const { run, setting, users, seed, channels } = manifest;
  const cells: Record<(typeof SETTING_COLUMNS)[number], string | number> = {
    run: cell(run),
    snr_setting_db: setting?.snrDb ?? '',
    elements: setting?.elements ?? '',
    rf_chains: setting?.rfChains ?? '',
    users,
    seed: cell(seed),
    channel_file: cell(channels?.file),
  };
  return cells;
}

function cycleCells(point: Point): Record<string, string | number> {
  const cells: Record<string, string | number> = { time_utc: isoTime(point.timeNs) };
  for (const column of CYCLE_COLUMNS) {
    cells[csvName(column)] = cell(column.tag === true ? point.tags[column.name] : point.fields[column.name]);
  }
  return cells;
}

const userCells = ({ tags, fields }: Point): Record<string, string | number> =>
  Object.fromEntries(USER_COLUMNS.map(({ name, csv }) => [`user_${tags.user ?? ''}_${csv}`, cell(fields[name])]));

function cell(value: FieldValue | undefined): string | number {
  if (value === undefined) return '';
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? harmless(value) : String(value);
}

/**
 * A spreadsheet would run a text that starts like a formula, in the letters of East Asian keyboards too. Where commas are decimal it splits a
 * table at semicolons or tabs, whatever is quoted, and a new cell starts there.
 */
const harmless = (text: string): string => text.replace(/(^|[;\t\r\n])(?=\s*[=+\-@＝＋－＠\t\r])/g, "$1'");
