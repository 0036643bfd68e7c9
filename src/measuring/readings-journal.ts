/**
 * Readings as they come, in a file beside what they are for, so that a measurement that was interrupted goes on where it stood. A line of facts, then a line a
 * reading; a last line that was cut off is as if it had not been read. When the measurement is complete the file goes.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { z } from 'zod';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';

/** What a reading depends on: all of it must be as it was for a measurement to go on. */
export const journalFactsSchema = z.strictObject({
  format: z.literal('beamrig-readings-1'),
  method: z.string(),
  reading: z.enum(['pilots', 'power']).default('pilots'),
  readings: z.int().positive(),
  elements: z.int().positive(),
  rfChains: z.int().positive(),
  phaseBits: z.int(),
  elementEnable: z.boolean(),
  receiver: z.int().nonnegative(),
  pilots: z.int().positive(),
  seed: z.int(),
  /** Where the probe stands, and the carrier. */
  probe: z.string(),
  frequencyGhz: z.number(),
  /** Serial numbers of the panels, in the order of the array. */
  panels: z.array(z.string()),
});

export type JournalFacts = z.infer<typeof journalFactsSchema>;

export interface ReadingsJournal {
  /** What was read before, in order: M×1 each. */
  readonly kept: readonly CMatrix[];
  add(reading: CMatrix): void;
  /** The measurement is complete. */
  remove(): void;
  /** Its readings are no use: kept beside, for whoever wonders why, and in nobody's way. */
  setAside(): void;
  close(): void;
}

/** Readings between two times that the disk is waited for. */
const SYNC_EVERY = 64;
const lineSchema = z.array(z.number()).min(2);

/**
 * @param resume go on with what is in the file
 * @throws {BeamrigError} 'calibration-file' where there is an unfinished measurement and nobody asked to go on with it, where there is none to go on with, or
 *   where it is one of another kind
 */
export function openJournal(path: string, facts: JournalFacts, resume: boolean): ReadingsJournal {
  const exists = existsSync(path);
  if (exists && !resume) {
    throw new BeamrigError('calibration-file', `${path}: a measurement was not finished`, {
      wayOut: 'Go on with it by --resume, or remove the file.',
    });
  }
  if (!exists && resume) {
    throw new BeamrigError('calibration-file', `${path}: there is no unfinished measurement to go on with`, {
      wayOut: 'Leave out --resume.',
    });
  }
  const kept = exists ? readJournal(path, facts) : [];
  // Written anew: a line that was cut off must not stand in the middle.
  writeFileSync(path, [JSON.stringify(facts), ...kept.map(lineOf), ''].join('\n'));
  const file = openSync(path, 'a');
  let unsynced = 0;
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    fsyncSync(file);
    closeSync(file);
  };
  return {
    kept,
    add(reading) {
      appendFileSync(file, `${lineOf(reading)}\n`);
      if (++unsynced % SYNC_EVERY === 0) fsyncSync(file);
    },
    remove() {
      close();
      rmSync(path, { force: true });
    },
    setAside() {
      close();
      renameSync(path, `${path}.refused`);
    },
    close,
  };
}

const lineOf = ({ re, im }: CMatrix): string => JSON.stringify(Array.from(re).flatMap((value, m) => [value, im[m]]));

function readJournal(path: string, facts: JournalFacts): CMatrix[] {
  const refuse = (why: string): BeamrigError =>
    new BeamrigError('calibration-file', `${path}: ${why}`, {
      wayOut: 'Ask for the same as before, or remove the file and begin anew.',
    });
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw refuse(`cannot be read: ${(error as Error).message}`);
  }
  const [first, ...rest] = text.split('\n');
  const before = journalFactsSchema.safeParse(parsed(first));
  if (!before.success) throw refuse('no unfinished measurement');
  for (const [key, value] of Object.entries(facts)) {
    const then = before.data[key as keyof JournalFacts];
    if (JSON.stringify(then) !== JSON.stringify(value)) {
      throw refuse(`it was begun with ${key} ${JSON.stringify(then)}, and now it is ${JSON.stringify(value)}`);
    }
  }
  const kept: CMatrix[] = [];
  for (const line of rest) {
    const values = lineSchema.safeParse(parsed(line));
    if (!values.success || values.data.length !== 2 * facts.rfChains) break;
    const of = (part: number): number[] => values.data.filter((_, i) => i % 2 === part);
    kept.push(fromParts(facts.rfChains, 1, of(0), of(1)));
  }
  return kept;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
