/** Bytes of files by their hash, in Redis: sent once however many jobs need them, checked when they arrive, and gone after a day. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import { fileKey, filesStay } from './redis.ts';

export const sentFileSchema = z.object({
  /** Where it lies in the folder that it is put into, with slashes. */
  path: z.string().min(1).max(4000),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type SentFile = z.output<typeof sentFileSchema>;

/** A file, read. */
export interface HeldFile {
  path: string;
  bytes: Buffer;
}

/** @throws {BeamrigError} 'queue' where it is larger than what is left of `budget` */
export function readFileFor(file: string, path: string, budget: { bytes: number; of: number }): HeldFile {
  const read = readBoundedFile(file, { maxBytes: budget.bytes, pipes: 'refuse' });
  if (!read.ok) {
    const tooLarge = read.reason === 'too-large';
    throw new BeamrigError(
      'queue',
      `${file}: ${tooLarge ? `files of one job hold more than the ${mebibytes(budget.of)} that are sent with it` : read.why}`,
      {
        wayOut: tooLarge ? 'Leave the queue out, or give a smaller file.' : 'Put it there, or name another.',
      },
    );
  }
  budget.bytes -= read.bytes.length;
  return { path, bytes: read.bytes };
}

/** All regular files under a folder; nothing where there is none. */
export function readFolderFor(folder: string, path: string, budget: { bytes: number; of: number }): HeldFile[] {
  return namesUnder(folder).map((name) => readFileFor(join(folder, name), `${path}/${name.split(sep).join('/')}`, budget));
}

function namesUnder(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort();
  } catch {
    return [];
  }
}

export async function sendFiles(redis: Redis, files: readonly HeldFile[]): Promise<SentFile[]> {
  return Promise.all(
    files.map(async ({ path, bytes }) => {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const isThere = (await redis.expire(fileKey(sha256), filesStay)) === 1;
      if (!isThere) await redis.set(fileKey(sha256), bytes, 'EX', filesStay);
      return { path, sha256 };
    }),
  );
}

/** @throws {BeamrigError} 'queue' where one is not there, damaged, or wants to lie outside of the folder */
export async function fetchFiles(redis: Redis, files: readonly SentFile[], folder: string): Promise<void> {
  for (const { path, sha256 } of files) {
    const place = resolve(folder, path);
    const refuse = (why: string): never => {
      throw new BeamrigError('queue', `${path}: ${why}`, { wayOut: 'Begin it again.' });
    };
    if (!place.startsWith(`${resolve(folder)}${sep}`)) refuse('this would lie outside of the folder of the job');
    const bytes = await redis.getBuffer(fileKey(sha256));
    if (bytes === null) return refuse('its bytes are no longer in Redis');
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) refuse('its bytes were damaged on the way');
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, bytes);
  }
}

export const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
