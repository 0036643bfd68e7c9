/**
 * influx.json of a run folder: how far its records are in InfluxDB, and which process sends them. It outlives the process, so that the next
 * run finds what one that was killed has left.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readBoundedFile } from '../../../core/files/bounded-file.ts';
import { isThere } from '../../../core/files/process-identity.ts';
import { RECORDS_FILE, START, type Mark } from '../record-reader.ts';
import { writeJsonAtomically } from '../run-manifest.ts';

const noteSchema = z.object({
  /** The name of the target; points of a run may go to one server only. */
  target: z.string().max(1000),
  takenBytes: z.int().min(0),
  /** The bytes before that: what a cut or replaced file is known by. */
  tail: z.string().max(64).default(''),
  takenPoints: z.int().min(0).default(0),
  refusedPoints: z.int().min(0).default(0),
  /** Null once nobody sends any more. */
  writer: z
    .object({ host: z.string(), pid: z.int().min(1), started: z.string() })
    .nullable()
    .default(null),
});
export type InfluxNote = z.output<typeof noteSchema>;

const pathOf = (folder: string): string => join(folder, 'influx.json');

/** Undefined when there is none, or none that can be read. */
export function readNote(folder: string): InfluxNote | undefined {
  try {
    const read = readBoundedFile(pathOf(folder), { maxBytes: 64 * 1024, pipes: 'refuse' });
    return read.ok ? noteSchema.safeParse(JSON.parse(read.bytes.toString('utf8'))).data : undefined;
  } catch {
    return undefined; // missing or damaged: nothing is known of this run, and an export sends it
  }
}

export const markOf = ({ takenBytes, tail }: InfluxNote): Mark => (takenBytes === 0 ? START : { byte: takenBytes, tail });

/** @throws what the disk says */
export function writeNote(
  folder: string,
  target: string,
  sent: { mark: Mark; taken: number; refused: number },
  writer: InfluxNote['writer'],
): void {
  const { mark, taken, refused } = sent;
  const note: InfluxNote = {
    target,
    takenBytes: mark.byte,
    tail: mark.tail,
    takenPoints: taken,
    refusedPoints: refused,
    writer,
  };
  writeJsonAtomically(pathOf(folder), note);
}

/** After an export of everything: where the next run would send what is here once more, it need not. */
export function noteAllSent(folder: string, target: string, sent: { mark: Mark; taken: number; refused: number }): void {
  const note = readNote(folder);
  if (note?.target !== target || isSending(folder, note)) return;
  try {
    writeNote(folder, target, sent, null);
  } catch {
    // A folder that can only be read is sent again, which changes nothing.
  }
}

/** Whether the process that wrote the note may still be at it. */
export function isSending(folder: string, { writer }: InfluxNote): boolean {
  if (writer === null) return false;
  // A process that cannot be seen from here is known by records that grow.
  return isThere(writer) ?? growsNow(folder);
}

function growsNow(folder: string): boolean {
  try {
    return Math.abs(Date.now() - statSync(join(folder, RECORDS_FILE)).mtimeMs) < STILL_MS;
  } catch {
    return false; // no records: nobody writes them
  }
}
const STILL_MS = 60_000;
