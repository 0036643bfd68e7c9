/**
 * Results by what determines them, under ~/.cache/beamrig/results: one small file for each unit of work, so that a reproduction which is stopped
 * loses one of these at most, and the next one goes on from there.
 *
 *   { kind, options, checksums of model files, checksum of the program } ─ sha256 ─► results/<hex>.json
 *
 * A file that is damaged, or is of something else, counts as none: it says itself what it is of.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import { cacheFolder } from '../../core/files/cache-folder.ts';
import { makeFolders } from '../../core/files/make-folders.ts';
import { writeWholeFile } from '../../core/files/whole-file.ts';

/** All that a result depends on, as JSON has it: the order of fields counts. */
export interface WhatDetermines {
  /** What kind of result this is. */
  kind: string;
  /** Of the program that computes it: `sourceChecksum`. */
  program: string;
  [option: string]: unknown;
}

export interface ResultCache {
  /** What was kept of just this; JSON has no NaN, so that results with one need a form of their own. */
  find<Result>(what: WhatDetermines, schema: z.ZodType<Result>): Result | undefined;
  /** Keeps nothing where the folder cannot be written, and says so the first time. */
  keep(what: WhatDetermines, result: unknown): void;
  /** A folder, made where there is none, for files that this determines and their writer keeps whole; one for this time only where the cache cannot be written. */
  folderFor(what: WhatDetermines): string;
}

const LARGEST_RESULT = 50_000_000;

/** @param onLost told once why nothing can be kept */
export function openResultCache(
  folder = join(cacheFolder(), 'results'),
  onLost: (why: string) => void = () => undefined,
): ResultCache {
  let lost = false;
  const lose = (error: unknown): void => {
    if (!lost) onLost(error instanceof Error ? error.message : String(error));
    lost = true;
  };
  const place = (what: WhatDetermines): string => join(folder, sha256Of(JSON.stringify(what)));
  return {
    find: (what, schema) => {
      const read = readBoundedFile(`${place(what)}.json`, { maxBytes: LARGEST_RESULT, pipes: 'refuse' });
      if (!read.ok) return undefined;
      try {
        const kept = JSON.parse(read.bytes.toString('utf8')) as { what: unknown; sha256: unknown; result: unknown };
        const { sha256, result } = kept;
        if (sha256 !== sha256Of(JSON.stringify(result)) || JSON.stringify(kept.what) !== JSON.stringify(what)) return undefined;
        return schema.safeParse(result).data;
      } catch {
        return undefined; // damaged: it is computed again
      }
    },
    keep: (what, result) => {
      const path = `${place(what)}.json`;
      try {
        makeFolders(folder);
        const content = JSON.stringify({ what, sha256: sha256Of(JSON.stringify(result)), result });
        writeWholeFile(path, content, `${path}.${randomUUID()}`);
      } catch (error) {
        lose(error);
      }
    },
    folderFor: (what) => {
      try {
        makeFolders(place(what));
        return place(what);
      } catch (error) {
        lose(error);
        return mkdtempSync(join(tmpdir(), 'beamrig-results-'));
      }
    },
  };
}

/** Does a unit of work, or finds what came of it before. */
export async function once<Result>(
  cache: ResultCache,
  what: WhatDetermines,
  schema: z.ZodType<Result>,
  work: () => Promise<Result>,
): Promise<Result> {
  const found = cache.find(what, schema);
  if (found !== undefined) return found;
  const result = await work();
  cache.keep(what, result);
  return result;
}

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');
