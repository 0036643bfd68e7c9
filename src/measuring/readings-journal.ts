/**
 * Readings as they come, in a file beside what they are for, so that a measurement that was interrupted goes on where it stood. A line of facts, then a line a
 * reading, and at the end of each a checksum of it and of all before it; a last line that was cut off is as if it had not been read. What comes behind a line
 * that is not as it was written is left out, and that is told. Once its tables are written the file goes.
 */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { z } from 'zod';
import { counted } from '../../core/errors/counted.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';

/** What a reading depends on: all of it must be as it was for a measurement to go on. */
export const journalFactsSchema = z.strictObject({
  format: z.literal('beamrig-readings-2'),
  method: z.string(),
  reading: z.enum(['pilots', 'power']),
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
  /** What of the file was damaged and is left out, in words; undefined where all of it was whole. */
  readonly damage: string | undefined;
  add(reading: CMatrix): void;
  /** What came of it is written: nobody needs them any more. */
  remove(): void;
  /** Its readings are no use: kept beside, for whoever wonders why, and in nobody's way. */
  setAside(): void;
  close(): void;
}

/** Readings between two times that the disk is waited for. */
const SYNC_EVERY = 64;
/** A power at the receiver's full scale is NaN, which JSON has as null. */
const lineSchema = z.array(z.number().or(z.null().transform(() => NaN))).min(2);

/**
 * @param resume go on with what is in the file
 * @throws {BeamrigError} 'calibration-file' where there is an unfinished measurement and nobody asked to go on with it, where there is none to go on with,
 *   where it is one of another kind, or what it says of itself is damaged
 */
export function openJournal(path: string, facts: JournalFacts, resume: boolean): ReadingsJournal {
  const exists = isThere(path);
  if (exists && !resume) {
    throw new BeamrigError('calibration-file', `${path}: a measurement was not finished`, {
      wayOut: 'Go on with it by --resume, or remove the file.',
    });
  }
  if (!exists && resume) {
    throw new BeamrigError('calibration-file', `${path}: there is no unfinished measurement to go on with`, {
      wayOut: 'Begin anew.',
    });
  }
  const { kept, damage } = exists ? readJournal(path, facts) : { kept: [], damage: undefined };
  const seal = createSeal();
  // Written anew: a line that was cut off must not stand in the middle.
  const file = begun(path, [JSON.stringify(facts), ...kept.map(lineOf)].map((text) => `${seal(text)}\n`).join(''));
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
    damage,
    add(reading) {
      appendFileSync(file, `${seal(lineOf(reading))}\n`);
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

/** @throws {BeamrigError} 'calibration-file' where something else than a file is there, or nobody can say */
function isThere(path: string): boolean {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined || found.isFile()) return found !== undefined;
  } catch (error) {
    throw unkept(path, error);
  }
  throw new BeamrigError('calibration-file', `${path}: it is no file, and readings are kept there while a measurement runs`, {
    wayOut: 'Move it elsewhere.',
  });
}

function begun(path: string, text: string): number {
  try {
    writeFileSync(path, text);
    return openSync(path, 'a');
  } catch (error) {
    throw unkept(path, error);
  }
}

const unkept = (path: string, error: unknown): BeamrigError =>
  new BeamrigError('calibration-file', `${path}: readings cannot be kept there: ${(error as Error).message}`, {
    wayOut: 'Give a folder that you may write as calibration.folder in the rig file.',
    cause: error,
  });

/** How many readings a file has of such a measurement; null where it has none, or is of another one. */
export function readingsKept(path: string, facts: Pick<JournalFacts, 'method' | 'pilots' | 'readings'>): number | null {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return null;
  const [first, ...rest] = readFileSync(path, 'utf8').split('\n');
  const { success, data } = journalFactsSchema.safeParse(parsed(first.split(BETWEEN)[0]));
  const isSame = success && data.method === facts.method && data.pilots === facts.pilots && data.readings === facts.readings;
  return isSame ? rest.filter((line) => line !== '').length : null;
}

const lineOf = ({ re, im }: CMatrix): string => JSON.stringify(Array.from(re).flatMap((value, m) => [value, im[m]]));

const SEAL_DIGITS = 16;
const BETWEEN = '\t';

/** Puts behind each line the checksum of it and of all before it. */
function createSeal(): (text: string) => string {
  let before = '';
  return (text) => {
    before = createHash('sha256').update(`${before}${text}`).digest('hex').slice(0, SEAL_DIGITS);
    return `${text}${BETWEEN}${before}`;
  };
}

function readJournal(path: string, facts: JournalFacts): Pick<ReadingsJournal, 'kept' | 'damage'> {
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
  const seal = createSeal();
  /** A line without its checksum; undefined where it has another one. */
  const unsealed = (line: string): string | undefined => {
    const [own] = line.split(BETWEEN);
    return seal(own) === line ? own : undefined;
  };
  const said = unsealed(first);
  const before = journalFactsSchema.safeParse(parsed(said ?? first.split(BETWEEN)[0]));
  if (!before.success) throw refuse('no unfinished measurement, or one of an earlier version');
  if (said === undefined) throw refuse('what it says of itself is damaged, so that nobody knows what its readings are of');
  for (const [key, value] of Object.entries(facts)) {
    const then = before.data[key as keyof JournalFacts];
    if (JSON.stringify(then) !== JSON.stringify(value)) {
      const [before, now] = [then, value].map((each) => (typeof each === 'string' ? each : JSON.stringify(each)));
      throw refuse(`it was begun with ${key} ${before}, and now it is ${now}`);
    }
  }
  const kept: CMatrix[] = [];
  // What is behind the last end of a line was cut off as it was written.
  const lines = rest.slice(0, -1);
  for (const line of lines) {
    const values = lineSchema.safeParse(parsed(unsealed(line) ?? ''));
    if (!values.success || values.data.length !== 2 * facts.rfChains) break;
    const of = (part: number): number[] => values.data.filter((_, i) => i % 2 === part);
    kept.push(fromParts(facts.rfChains, 1, of(0), of(1)));
  }
  const lost = lines.length - kept.length;
  const damage = `${path}: line ${kept.length + 2} is not as it was written: it and what follows, ${counted(lost, 'reading')}, are left out and taken anew; ${counted(kept.length, 'reading')} before it are kept`;
  return { kept, damage: lost === 0 ? undefined : damage };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
