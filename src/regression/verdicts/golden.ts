/**
 * Goldens: the phase words of the first good cycles of a case, as they were when somebody found them right. They are those of its first seed;
 * other seeds are not compared. A file is written whole or not at all, holds nothing of when or where it was made, and is refused where a byte
 * of it is another.
 *
 *   words, 16 bits each, little-endian, beam after beam ─► deflated ─► base64
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as z from 'zod';
import { BeamrigError, isBeamrigError } from '../../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../../core/files/bounded-file.ts';
import { readJson } from '../../../core/files/json-text.ts';
import { writeWholeFile } from '../../../core/files/whole-file.ts';
import { packWords, unpackWords } from '../../../firmware-protocol/packing.ts';
import type { CheckSetting } from '../checks/check-story.ts';

const FORMAT = 'beamrig-golden-1';
const LARGEST_BYTES = 64 << 20;
const UPDATE = 'If the words are meant to be others now, write it anew with --update-golden (from code, updateGolden).';

const goldenSchema = z.strictObject({
  format: z.literal(FORMAT),
  scenario: z.string(),
  case: z.string(),
  seed: z.int(),
  /** Program version, hashes of model and tables: for people, not compared. */
  madeBy: z.record(z.string(), z.string()),
  elements: z.int().min(1).max(65_535),
  rfChains: z.int().min(1).max(65_535),
  phaseBits: z.int().min(1).max(16),
  cycles: z.int().min(1).max(10_000),
  words: z.string(),
  sha256: z.string(),
});

/** What a golden is of. */
export interface GoldenOf {
  scenario: string;
  case: string;
  /** The first seed of the case. */
  seed: number;
  /** N, M and Q. */
  elements: number;
  rfChains: number;
  phaseBits: number;
}

/** @param named `golden` of the check, from the folder of the scenario */
export function goldenPath(folder: string, of: Pick<GoldenOf, 'scenario' | 'case'>, named?: string): string {
  if (named !== undefined) return resolve(folder, named);
  return join(folder, 'goldens', `${[of.scenario, ...(of.case === '' ? [] : [fileNameOf(of.case)])].join('.')}.golden.json`);
}

const LONGEST_NAME = 100;

/** Signs that a file name may not have become others: two cases that then read the same are told apart by a piece of a hash. */
export function fileNameOf(id: string): string {
  const spaced = id.replaceAll(' ', ',');
  const plain = spaced.replace(/[^\w=.,+-]/g, '_').slice(0, LONGEST_NAME);
  return plain === spaced && !id.includes(',') ? plain : `${plain}.${sha256Of(id).slice(0, 8)}`;
}

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

/** @throws {BeamrigError} 'report-file' where it cannot be written */
export function writeGolden(
  path: string,
  of: GoldenOf,
  words: readonly Uint16Array[],
  madeBy: Readonly<Record<string, string>>,
): void {
  if (words.length === 0) {
    const wayOut = 'A golden of nothing would match anything: see why no cycle was good, and record it then.';
    throw new BeamrigError('report-file', `${path} was not written: no cycle was good`, { wayOut });
  }
  const packed = Buffer.concat(words.map((beam) => packWords(beam, 16)));
  const body = {
    ...{ format: FORMAT, scenario: of.scenario, case: of.case, seed: of.seed, madeBy },
    ...{ elements: of.elements, rfChains: of.rfChains, phaseBits: of.phaseBits, cycles: words.length },
    words: deflateRawSync(packed).toString('base64'),
  };
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeWholeFile(path, `${JSON.stringify({ ...body, sha256: sha256Of(JSON.stringify(body)) }, null, 2)}\n`);
  } catch (error) {
    const wayOut = 'Give a folder that can be written, or free some room.';
    throw new BeamrigError('report-file', `${path} was not written: ${(error as Error).message}`, { wayOut, cause: error });
  }
}

/** @throws {BeamrigError} 'report-file': missing, damaged, of another format, or of another case, seed or array */
export function readGolden(path: string, of: GoldenOf): { words: Uint16Array[]; from: string } {
  const refuse = (why: string, wayOut = UPDATE): never => {
    throw new BeamrigError('report-file', `${path}: ${why}`, { wayOut });
  };
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES });
  if (!read.ok) {
    if (read.reason === 'missing')
      return refuse('there is no golden', 'Write it with --update-golden (from code, updateGolden), and look at it.');
    return refuse(read.why);
  }
  const json = readJson(read.bytes.toString('utf8'));
  if (!json.ok)
    return refuse(
      `damaged: ${json.why}`,
      'Take it from where it is kept, or write it anew with --update-golden (from code, updateGolden).',
    );
  const format = (json.value as { format?: unknown } | null)?.format;
  if (typeof format === 'string' && format !== FORMAT) return refuse(`its format is ${format}, and this program reads ${FORMAT}`);
  const parsed = goldenSchema.safeParse(json.value);
  if (!parsed.success) return refuse(`damaged: ${parsed.error.issues[0].path.join('.') || 'it'} is not what a golden has`);
  const { sha256, ...body } = parsed.data;
  if (sha256Of(JSON.stringify(body)) !== sha256) return refuse('damaged: its checksum is another');
  const others = (['elements', 'rfChains', 'phaseBits', 'seed'] as const).filter((key) => body[key] !== of[key]);
  if (others.length > 0) {
    const [names, then, now] = [others.map((key) => IN_WORDS[key]), others.map((key) => body[key]), others.map((key) => of[key])];
    return refuse(`made for ${names.join(', ')} = ${then.join(', ')}, and here it is ${now.join(', ')}`);
  }
  const count = body.elements * body.rfChains;
  const words = wordsOf(body.words, body.cycles, count);
  if (words === undefined) return refuse('damaged: its words are not as many as it says');
  const made = Object.entries(body.madeBy).map(([name, value]) => `${name} ${value}`);
  return { words, from: made.length === 0 ? path : `${path} (${made.join(', ')})` };
}

const IN_WORDS = { elements: 'N', rfChains: 'M', phaseBits: 'Q', seed: 'seed' };

function wordsOf(text: string, cycles: number, count: number): Uint16Array[] | undefined {
  let bytes: Buffer;
  try {
    bytes = inflateRawSync(Buffer.from(text, 'base64'), { maxOutputLength: 2 * cycles * count + 1 });
  } catch {
    return undefined;
  }
  if (bytes.length !== 2 * cycles * count) return undefined;
  const beam = (i: number): Uint16Array => unpackWords(bytes.subarray(2 * i * count, 2 * (i + 1) * count), 16, count);
  return Array.from({ length: cycles }, (_, i) => beam(i));
}

/** What the check of words is given for a seed: the golden, why there is none, or that this seed is not compared. */
export function goldenSetting(path: string, of: GoldenOf, seed: number): CheckSetting['golden'] {
  if (seed !== of.seed) return { onlySeed: of.seed };
  try {
    return readGolden(path, of);
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    return `${error.message} ${error.wayOut ?? ''}`.trim();
  }
}
