/** Files that a command is told to write: never over one that is there, unless it is told that, too, and every failure with its reason. */
import { accessSync, constants, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { removeIfPossible } from '../../core/files/whole-file.ts';

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

/**
 * For what takes minutes: nobody else who asks writes there meanwhile, so that the slower of two learns of it before its work. A claim is a file
 * beside it with the id of the process; one whose process has ended counts for nothing.
 * @returns what gives it back
 * @throws {BeamrigError} 'output' where another process works for that file
 */
export function claimOutput(path: string): () => void {
  if (isOther(path)) return () => undefined; // each writer of a pipe writes
  const claim = `${path}.claimed`;
  try {
    if (isLeftOver(claim)) rmSync(claim, { force: true });
    writeFileSync(claim, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(claim, error as NodeJS.ErrnoException);
    const by = claimantOf(claim);
    throw new BeamrigError('output', `${path} is being made by another process${by === undefined ? '' : `, ${by}`}`, {
      wayOut: `Wait for that one, or give another path; where there is no such process, remove ${claim}.`,
      cause: error,
    });
  }
  return () => {
    if (claimantOf(claim) === process.pid) removeIfPossible(claim);
  };
}

function claimantOf(claim: string): number | undefined {
  try {
    const text = readFileSync(claim, 'utf8');
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined; // it is gone, or no file
  }
}

/** What a process that was killed left. One that says nobody's id may be of somebody who is about to write it. */
function isLeftOver(claim: string): boolean {
  const pid = claimantOf(claim);
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
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
