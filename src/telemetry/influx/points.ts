/**
 * Which points a cycle and an event become. Three measurements, tagged with rig and run so that many runs share one database:
 *
 *   cycle     one a cycle: the columns of cycle-columns.ts
 *   user_snr  one a user and cycle: SNR predicted and measured, dB; where nobody believes the reading, `doubt` says why and the tag `doubtful` is yes
 *   event     what a person should know
 */
import { CYCLE_COLUMNS, USER_COLUMNS, type CycleColumn } from '../cycle-columns.ts';
import type { CycleRecord, RigEvent } from '../cycle-record.ts';
import { encodePoint, pointWriter, type FieldValue, type WholeNumber } from './line-protocol.ts';

/** What the lines of a run folder are of. */
export const MEASUREMENTS: readonly string[] = ['cycle', 'user_snr', 'event'];

export interface RunTags {
  rig: string;
  run: string;
}

const namesOf = (columns: readonly { name: string }[]): string[] => columns.map(({ name }) => name);

const RUN_TAGS = ['rig', 'run'] as const;
const TAGS = CYCLE_COLUMNS.filter(({ tag }) => tag === true);
const FIELDS = CYCLE_COLUMNS.filter(({ tag }) => tag !== true);
/** What users are tagged with, too. */
const USER_TAGS = TAGS.filter(({ name }) => name !== 'outcome');

const writeCycle = pointWriter('cycle', [...RUN_TAGS, ...namesOf(TAGS)], namesOf(FIELDS));
// A database filters by a tag where others lack it, and not by a field.
const userTags = [...RUN_TAGS, ...namesOf(USER_TAGS), 'user', 'doubtful'];
const writeUser = pointWriter('user_snr', userTags, ['cycle', ...namesOf(USER_COLUMNS), 'doubt']);

/** The lines of one cycle, in the order they are recorded: the cycle, then its users by index. */
export function cycleLines(record: CycleRecord, run: RunTags, timeNs: bigint): string[] {
  const runTags = RUN_TAGS.map((name) => run[name]);
  const cycleTags = [...runTags, ...TAGS.map((column) => tagOf(column, record))];
  const fields = FIELDS.map((column) => fieldOf(column, record));
  const time = String(timeNs);
  const lines = [writeCycle(cycleTags, fields, time)];
  const tags = [...runTags, ...USER_TAGS.map((column) => tagOf(column, record))];
  const cycle = wholeNumber(record.cycle);
  const doubtful = record.doubt === undefined ? '' : 'yes';
  for (let user = 0; user < record.predictedSnrDb.length; user++) {
    const readings = USER_COLUMNS.map(({ of }) => of(record, user));
    lines.push(writeUser([...tags, String(user), doubtful], [cycle, ...readings, record.doubt], time));
  }
  return lines.filter((line) => line !== undefined);
}

export function eventLine(event: RigEvent, run: RunTags, timeNs: bigint): string | undefined {
  return encodePoint({
    measurement: 'event',
    tags: { ...run, level: event.level, code: event.code },
    fields: { message: event.message, action: event.action },
    timeNs,
  });
}

const tagOf = ({ of }: CycleColumn, record: CycleRecord): string => String(of(record) ?? '');

function fieldOf({ type, of }: CycleColumn, record: CycleRecord): FieldValue | WholeNumber | undefined {
  const value = of(record);
  return type === 'integer' && typeof value === 'number' ? wholeNumber(value) : value;
}

/** @throws {RangeError} where it is not whole */
const wholeNumber = (value: number): bigint | WholeNumber => (Number.isSafeInteger(value) ? { whole: value } : BigInt(value));
