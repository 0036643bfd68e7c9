/**
 * The one number that an authenticated panel keeps over a loss of power: the limit of its frame counters (PROTOCOL.md, section 7), by panel
 * serial number in a small JSON file. It is on the disk before a counter beyond the old limit is used, or it counts as not kept.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { BeamrigError } from '../../errors/beamrig-error.ts';

export interface CounterLimits {
  /** What was kept last; 0 for a panel that never kept any. */
  of(panelSerial: string): bigint;
  /** False when it could not be kept. */
  store(panelSerial: string, limit: bigint): boolean;
}

const stateSchema = z.strictObject({ counterLimits: z.record(z.string(), z.string().regex(/^\d{1,20}$/)) });

/** Forgotten with the process: frames of an earlier one could be replayed to the next. */
export function counterLimitsInMemory(): CounterLimits {
  const limits = new Map<string, bigint>();
  return {
    of: (panelSerial) => limits.get(panelSerial) ?? 0n,
    store: (panelSerial, limit) => (limits.set(panelSerial, limit), true),
  };
}

/** @throws {BeamrigError} 'argument' when the file is there and cannot be used: to begin again at 0 would let old frames in */
export function counterLimitsInFile(path: string): CounterLimits {
  const limits = new Map(Object.entries(read(path)).map(([panelSerial, limit]) => [panelSerial, BigInt(limit)]));
  const keep = (): void => {
    const text = `${JSON.stringify({ counterLimits: Object.fromEntries([...limits].map(([panel, limit]) => [panel, String(limit)])) })}\n`;
    const fresh = `${path}.new`;
    const file = openSync(fresh, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, path);
    const folder = openSync(dirname(path), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  };
  return {
    of: (panelSerial) => limits.get(panelSerial) ?? 0n,
    store(panelSerial, limit) {
      const before = limits.get(panelSerial);
      limits.set(panelSerial, limit);
      try {
        keep();
        return true;
      } catch {
        if (before === undefined) limits.delete(panelSerial);
        else limits.set(panelSerial, before);
        return false;
      }
    },
  };
}

function read(path: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    throw refused(path, `cannot be read (${code ?? 'unknown'})`, error);
  }
  try {
    return stateSchema.parse(JSON.parse(text)).counterLimits;
  } catch (error) {
    throw refused(path, 'holds no counter limits', error);
  }
}

const refused = (path: string, why: string, cause: unknown): BeamrigError =>
  new BeamrigError('argument', `--state ${path}: ${why}`, {
    wayOut: 'Give the file that this panel kept, or, once the rig has a new key, one that is not there yet.',
    cause,
  });
