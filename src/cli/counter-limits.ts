/**
 * The one number that an authenticated panel keeps over a loss of power: the limit of its frame counters (PROTOCOL.md, section 7). It is on
 * the disk before a counter beyond the old limit is used, or it counts as not kept. Each panel has a file of its own in one folder, so that
 * processes which play different panels may share the folder and never write over each other's numbers.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import { MAX_COUNTER } from '../../firmware-protocol/authentication.ts';

export interface CounterLimits {
  /** What was kept last; 0 for a panel that never kept any. @throws {BeamrigError} 'argument' when it cannot be read */
  of(panelSerial: string): bigint;
  /** False when it could not be kept. */
  store(panelSerial: string, limit: bigint): boolean;
}

const stateSchema = z.strictObject({ panel: z.string(), counterLimit: z.string().regex(/^\d{1,40}$/) });

/** Forgotten with the process: frames of an earlier one could be replayed to the next. */
export function counterLimitsInMemory(): CounterLimits {
  const limits = new Map<string, bigint>();
  return {
    of: (panelSerial) => limits.get(panelSerial) ?? 0n,
    store: (panelSerial, limit) => (limits.set(panelSerial, limit), true),
  };
}

/**
 * @param folder made when it is not there
 * @param panelSerials for each of them what is kept is read, and written once, so that a place that takes nothing is found out before a panel
 * is attached that could never answer
 * @throws {BeamrigError} 'argument' when the folder or a file in it cannot be used: to begin again at 0 would let old frames in
 */
export function counterLimitsInFolder(folder: string, panelSerials: readonly string[]): CounterLimits {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw refused(folder, 'the folder that it should be in is not there', MAKE_IT, error);
    if (code !== 'EEXIST') throw refused(folder, `cannot be made (${code ?? 'unknown'})`, MAKE_IT, error);
  }
  for (const panelSerial of panelSerials) {
    const kept = read(folder, panelSerial);
    try {
      write(folder, panelSerial, kept);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw refused(folder, `nothing can be kept there (${code ?? 'unknown'})`, MAKE_IT, error);
    }
  }
  return {
    of: (panelSerial) => read(folder, panelSerial),
    store(panelSerial, limit) {
      try {
        // Never back, whoever else plays this panel by mistake.
        const kept = read(folder, panelSerial);
        if (limit > kept) write(folder, panelSerial, limit);
        return true;
      } catch {
        return false;
      }
    },
  };
}

const MAKE_IT = 'Give a folder that this user may write in, on a disk with room: --state FOLDER.';
const KEPT = 'Give the folder in which these panels kept theirs, or, once the rig has a new key, one that is not there yet.';

/** Serial numbers may hold characters that names of files may not. */
const fileOf = (folder: string, panelSerial: string): string => join(folder, `panel-${encodeURIComponent(panelSerial)}.json`);

function read(folder: string, panelSerial: string): bigint {
  const path = fileOf(folder, panelSerial);
  const stored = readBoundedFile(path, { maxBytes: 10_000, pipes: 'refuse' });
  if (!stored.ok) {
    const { code } = (stored.cause ?? {}) as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 0n;
    if (code === 'ENOTDIR') throw refused(folder, 'is a file, and a folder is needed', KEPT, stored.cause);
    throw refused(path, `cannot be read: ${stored.why}`, KEPT, stored.cause);
  }
  let state: z.output<typeof stateSchema>;
  try {
    state = stateSchema.parse(JSON.parse(stored.bytes.toString('utf8')));
  } catch (error) {
    throw refused(path, 'holds no counter limit', KEPT, error);
  }
  // File systems that do not tell capitals from small letters give two panels one file.
  if (state.panel !== panelSerial) throw refused(path, `is that of panel ${JSON.stringify(state.panel)}`, KEPT);
  const limit = BigInt(state.counterLimit);
  if (limit > MAX_COUNTER) throw refused(path, `its limit is ${limit}; allowed: up to ${MAX_COUNTER}`, KEPT);
  return limit;
}

function write(folder: string, panel: string, limit: bigint): void {
  const path = fileOf(folder, panel);
  const fresh = `${path}.${process.pid}.new`;
  const file = openSync(fresh, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify({ panel, counterLimit: String(limit) })}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
  const place = openSync(folder, 'r');
  try {
    fsyncSync(place);
  } finally {
    closeSync(place);
  }
}

const refused = (path: string, why: string, wayOut: string, cause?: unknown): BeamrigError =>
  new BeamrigError('argument', `--state ${path}: ${why}`, cause === undefined ? { wayOut } : { wayOut, cause });
