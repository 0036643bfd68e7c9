/**
 * A beam that somebody keeps by a name: a JSON file with the phase words of an array and the digital weights that go with them, what they were made for,
 * and where they came from. What is damaged, or was changed by hand, is found by its checksum.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { pathText } from '../../core/errors/schema-problems.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, fromParts, fromPhases, matmul, scale } from '../../core/signal/complex-matrix.ts';
import { connectionMask, elementCount } from '../../core/signal/geometry.ts';
import { wordsToPhases } from '../../core/signal/quantise.ts';
import type { RigFile } from './rig-file.ts';

/** Names are names of files, too. */
export const BEAM_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const BEAM_NAME_ALLOWED = '1 to 64 letters, digits, dots, dashes or underscores, starting with a letter or digit';

const angle = z.number().min(-90).max(90);

export const beamFileSchema = z.strictObject({
  format: z.literal('beamrig-beam-1'),
  name: z.string().regex(BEAM_NAME),
  /** Where it came from, in words. */
  from: z.string().max(1000),
  savedAt: z.iso.datetime(),
  geometry: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('ula'), elements: z.int().min(1).max(65_535), spacingWavelengths: z.number().gt(0) }),
    z.strictObject({
      kind: z.literal('upa'),
      rows: z.int().min(1).max(65_535),
      columns: z.int().min(1).max(65_535),
      spacingWavelengths: z.number().gt(0),
    }),
  ]),
  rfChains: z.int().min(1).max(256),
  connection: z.enum(['full', 'sub']),
  phaseBits: z.int().min(1).max(16),
  users: z.int().min(1).max(256),
  /** N·M, word (n, m) at n·M + m. */
  words: z.array(z.int().min(0).max(65_535)),
  /** D, M×K row-major, ‖A·D‖²_F = 1 where states are ideal: it is sent with the power of the rig. */
  digital: z.strictObject({ re: z.array(z.number()), im: z.array(z.number()) }),
  /** Tables that the words were chosen by; 'none': ideal states. */
  calibration: z.string().max(1000),
  /** Degrees: where it was to point, where that is known. */
  direction: z.strictObject({ azimuthDeg: angle, elevationDeg: angle }).optional(),
  /** N·M of 0/1: places that are switched off; absent: all are on. */
  enabled: z.array(z.union([z.literal(0), z.literal(1)])).optional(),
  /** N·M: gains beside the highest, dB; absent: all alike. */
  gainDb: z.array(z.number().min(-200).max(0)).optional(),
  /** Of all that stands above. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type BeamFile = z.output<typeof beamFileSchema>;
export type BeamArray = Pick<BeamFile, 'geometry' | 'rfChains' | 'connection' | 'phaseBits' | 'users'>;

export const beamArrayOf = ({ array, users }: RigFile): BeamArray => ({
  geometry: array.geometry,
  rfChains: array.rfChains,
  connection: array.connection,
  phaseBits: array.phaseBits,
  users: users.count,
});

/** A as the words show it where states are ideal, N×M. */
export function analogOf({ geometry, rfChains, connection, phaseBits }: BeamArray, words: ArrayLike<number>): CMatrix {
  const elements = elementCount(geometry);
  const mask = connection === 'full' ? undefined : connectionMask(connection, elements, rfChains);
  return fromPhases(wordsToPhases(Uint16Array.from(words), phaseBits), elements, rfChains, mask);
}

/** D of a file, M×K. */
export const digitalOf = ({ rfChains, users, digital }: Pick<BeamFile, 'rfChains' | 'users' | 'digital'>): CMatrix =>
  fromParts(rfChains, users, digital.re, digital.im);

/** A beam as a file has it. @param digital of any power above 0 */
export function beamFileOf(
  array: BeamArray,
  { words, digital }: { words: Uint16Array; digital: CMatrix },
  about: Pick<BeamFile, 'name' | 'from'> &
    Partial<Pick<BeamFile, 'calibration' | 'direction' | 'enabled' | 'gainDb' | 'savedAt'>>,
): BeamFile {
  const { calibration = 'none', savedAt = new Date().toISOString(), ...more } = about;
  const unit = scale(digital, 1 / frobeniusNorm(matmul(analogOf(array, words), digital)));
  const { geometry, rfChains, connection, phaseBits, users } = array;
  return sealed({
    format: 'beamrig-beam-1',
    ...more,
    savedAt,
    ...{ geometry, rfChains, connection, phaseBits, users },
    words: Array.from(words),
    digital: { re: Array.from(unit.re), im: Array.from(unit.im) },
    calibration,
  });
}

const sealed = (beam: Omit<BeamFile, 'sha256'>): BeamFile => ({ ...beam, sha256: sha256Of(beam) });

/** Whatever the order of the keys is that it was written in. */
function sha256Of({ sha256: _, ...beam }: Omit<BeamFile, 'sha256'> & { sha256?: string }): string {
  const ordered = Object.fromEntries(Object.entries(beam).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(JSON.stringify(ordered)).digest('hex');
}

const LARGEST_BYTES = 64 * 2 ** 20;

export const beamPath = (folder: string, name: string): string => join(folder, `${name}.beam.json`);

/** @throws {BeamrigError} 'beam-file' naming the file and what is wrong with it */
export function readBeamFile(path: string): BeamFile {
  const refuse = (why: string, wayOut: string, cause?: unknown): never => {
    throw new BeamrigError('beam-file', `${path}: ${why}`, { wayOut, cause });
  };
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES });
  if (!read.ok) return refuse(read.why, 'Give the name of a beam that `beamrig beams list` shows.', read.cause);
  let raw: unknown;
  try {
    raw = JSON.parse(read.bytes.toString('utf8'));
  } catch (error) {
    return refuse('this is no JSON', 'Save the beam again.', error);
  }
  const parsed = beamFileSchema.safeParse(raw);
  if (!parsed.success) {
    const [{ path: place, message }] = parsed.error.issues;
    return refuse(`${pathText(place) || 'the file'}: ${message}`, 'Save the beam again, or import it.');
  }
  const beam = parsed.data;
  // What the file says itself, and not what the schema made of it: JSON gives numbers back as they were.
  if (beam.sha256 !== sha256Of(beam))
    return refuse('its checksum is not that of its contents', 'Save the beam again, or import it.');
  const places = elementCount(beam.geometry) * beam.rfChains;
  const weights = beam.rfChains * beam.users;
  const wrong =
    sizeProblem('words', beam.words.length, places) ??
    sizeProblem('digital.re', beam.digital.re.length, weights) ??
    sizeProblem('digital.im', beam.digital.im.length, weights) ??
    sizeProblem('enabled', beam.enabled?.length ?? places, places) ??
    sizeProblem('gainDb', beam.gainDb?.length ?? places, places) ??
    (beam.words.every((word) => word < 2 ** beam.phaseBits) ? undefined : `words: one is none of ${beam.phaseBits} bits`);
  if (wrong !== undefined) return refuse(wrong, 'Save the beam again, or import it.');
  return beam;
}

const sizeProblem = (what: string, got: number, need: number): string | undefined =>
  got === need ? undefined : `${what}: ${got}, and the array has ${need}`;

/** Names of the beams in a folder, in order; none where there is no folder. @throws {BeamrigError} 'beam-file' */
export function beamNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .flatMap((file) => /^(.+)\.beam\.json$/.exec(file)?.[1] ?? [])
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new BeamrigError('beam-file', `${folder} cannot be read: ${(error as Error).message}`, {
      wayOut: 'Give the folder of the beams as beamFolder in the rig file.',
      cause: error,
    });
  }
}

/** All of a folder: one that is damaged stands in nobody's way. @throws {BeamrigError} 'beam-file' where the folder cannot be read */
export function readBeamFolder(folder: string): { beams: BeamFile[]; damaged: { name: string; error: BeamrigError }[] } {
  const damaged: { name: string; error: BeamrigError }[] = [];
  const beams = beamNames(folder).flatMap((name) => {
    try {
      return [readBeamFile(beamPath(folder, name))];
    } catch (error) {
      if (!isBeamrigError(error)) throw error;
      damaged.push({ name, error });
      return [];
    }
  });
  return { beams, damaged };
}

/** @throws {BeamrigError} 'beam-file' where there is one of this name and it is not to be written over, or it cannot be written */
export function writeBeamFile(folder: string, beam: BeamFile, force: boolean): string {
  const path = beamPath(folder, beam.name);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, `${JSON.stringify(beam, null, 1)}\n`, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const there = code === 'EEXIST';
    throw new BeamrigError('beam-file', there ? `there is a beam '${beam.name}' already: ${path}` : `${path}: ${message}`, {
      wayOut: there
        ? 'Give another name, or --force to write over it.'
        : 'Give a folder that you may write as beamFolder in the rig file.',
      cause: error,
    });
  }
  return path;
}

/** Why a beam is not for an array, in words; undefined when it is. */
export function beamMisfit(beam: BeamArray, array: BeamArray): string | undefined {
  const pairs: [what: string, beam: string | number, here: string | number][] = [
    ['elements', elementCount(beam.geometry), elementCount(array.geometry)],
    ['rows', rowsOf(beam), rowsOf(array)],
    ['RF chains', beam.rfChains, array.rfChains],
    ['users', beam.users, array.users],
    ['connection', beam.connection, array.connection],
  ];
  const other = pairs.filter(([, of, here]) => of !== here).map(([what, of, here]) => `${what} ${of}, not ${here}`);
  if (beam.phaseBits > array.phaseBits) other.push(`words of ${beam.phaseBits} bits, not ${array.phaseBits}`);
  return other.length === 0 ? undefined : other.join('; ');
}

const rowsOf = ({ geometry }: BeamArray): number => (geometry.kind === 'ula' ? 1 : geometry.rows);
