/**
 * Which points a cycle and an event become. Three measurements, tagged with rig and run so that many runs share one database:
 *
 *   cycle     one a cycle: the columns of cycle-columns.ts
 *   user_snr  one a user and cycle: SNR predicted and measured, dB; where nobody believes the reading, `doubt` says why and the tag `doubtful` is yes
 *   event     what a person should know
 */
import { CYCLE_COLUMNS, USER_COLUMNS, type CycleColumn } from '../cycle-columns.ts';
import type { CycleRecord, RigEvent } from '../cycle-record.ts';
import { encodePoint, type FieldValue } from './line-protocol.ts';

/** What the lines of a run folder are of. */
export const MEASUREMENTS: readonly string[] = ['cycle', 'user_snr', 'event'];

export interface RunTags {
  rig: string;
  run: string;
}

const TAGS = CYCLE_COLUMNS.filter(({ tag }) => tag === true);
const FIELDS = CYCLE_COLUMNS.filter(({ tag }) => tag !== true);
/** What users are tagged with, too. */
const USER_TAGS = TAGS.filter(({ name }) => name !== 'outcome');

/** The lines of one cycle, in the order they are recorded: the cycle, then its users by index. */
export function cycleLines(record: CycleRecord, run: RunTags, timeNs: bigint): string[] {
  const fields: Record<string, FieldValue | undefined> = {};
  for (const column of FIELDS) fields[column.name] = fieldOf(column, record);
  const cycle = encodePoint({ measurement: 'cycle', tags: { ...run, ...tagsOf(TAGS, record) }, fields, timeNs });
  const tags = { ...run, ...tagsOf(USER_TAGS, record) };
  // A database filters by a tag where others lack it, and not by a field.
  const doubtful = record.doubt === undefined ? {} : { doubtful: 'yes' };
  const users = Array.from(record.predictedSnrDb, (_, user) => {
    const readings: Record<string, FieldValue | undefined> = { cycle: BigInt(record.cycle) };
    for (const { name, of } of USER_COLUMNS) readings[name] = of(record, user);
    readings.doubt = record.doubt;
    return encodePoint({ measurement: 'user_snr', tags: { ...tags, user: String(user), ...doubtful }, fields: readings, timeNs });
  });
  return [cycle, ...users].filter((line) => line !== undefined);
}

export function eventLine(event: RigEvent, run: RunTags, timeNs: bigint): string | undefined {
  return encodePoint({
    measurement: 'event',
    tags: { ...run, level: event.level, code: event.code },
    fields: { message: event.message, action: event.action },
    timeNs,
  });
}

function tagsOf(columns: readonly CycleColumn[], record: CycleRecord): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const { name, of } of columns) tags[name] = String(of(record) ?? '');
  return tags;
}

function fieldOf({ type, of }: CycleColumn, record: CycleRecord): FieldValue | undefined {
  const value = of(record);
  return type === 'integer' && typeof value === 'number' ? BigInt(value) : value;
}
