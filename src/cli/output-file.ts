/** Files that a command is told to write: never over one that is there, unless it is told that, too, and every failure with its reason. */
import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';

/** Writes all of it. @throws {BeamrigError} 'output' */
export function writeOutput(path: string, content: string | Uint8Array, force: boolean): void {
  try {
    writeFileSync(path, content, { flag: outputFlags(path, force) });
  } catch (error) {
    throw cannotWrite(path, error as NodeJS.ErrnoException);
  }
}

/** For what takes long: found out before, and not after. @throws {BeamrigError} 'output' */
export function requireWritable(path: string, force: boolean): void {
  try {
    if (!existsSync(path)) return accessSync(dirname(path), constants.W_OK);
    if (statSync(path).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    if (outputFlags(path, force) === 'wx') throw Object.assign(new Error(), { code: 'EEXIST' });
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw cannotWrite(path, error as NodeJS.ErrnoException);
  }
}

/** A pipe or a device is written to; only a file is written over. Somebody may make it between the two looks. */
export const outputFlags = (path: string, force: boolean): 'w' | 'wx' => (force || isOther(path) ? 'w' : 'wx');

/** A pipe or a device. */
export const isOther = (path: string): boolean => {
  try {
    return !statSync(path).isFile();
  } catch {
    return false; // what is wrong with it is met when it is opened
  }
};

const ELSEWHERE = 'Give the path of a file that you may write.';
const MAKE_ROOM = 'Make room where it goes, or give another path; what is there is not the whole of it.';
const WHY_NOT: Partial<Record<string, [why: string, wayOut: string]>> = {
  ENOSPC: ['no space left on device', MAKE_ROOM],
  EDQUOT: ['no space is left to you on that device', MAKE_ROOM],
  EFBIG: ['the file would be larger than it may be', MAKE_ROOM],
  EEXIST: ['there is a file already', 'Give another path, or --force to write over it.'],
  ENOENT: ['there is no such folder', 'Make the folder first, or give another path.'],
  ENOTDIR: ['a part of the path is no folder', ELSEWHERE],
  EISDIR: ['this is a folder, and no file', 'Give the path of a file, in that folder for example.'],
  EACCES: ['you may not write there', ELSEWHERE],
  EPERM: ['you may not write there', ELSEWHERE],
  EROFS: ['the disk can only be read', ELSEWHERE],
};

export function cannotWrite(path: string, error: NodeJS.ErrnoException): BeamrigError {
  const [why, wayOut] = WHY_NOT[error.code ?? ''] ?? [`the system refuses it (${error.code ?? 'no reason given'})`, ELSEWHERE];
  return new BeamrigError('output', `${path} cannot be written: ${why}`, { wayOut, cause: error });
}
