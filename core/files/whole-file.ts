/** Files that are written whole or not at all. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Writes beside the file first: what was there stays until all of the new content is.
 * @param unfinished where to write until then; leftovers of it are removed
 * @throws what the file system says of the write
 */
export function writeWholeFile(path: string, content: string | Uint8Array, unfinished = `${path}.part`): void {
  try {
    writeFileSync(unfinished, content);
    renameSync(unfinished, path);
  } catch (error) {
    removeIfPossible(unfinished);
    throw error;
  }
}

/**
 * For the way out of a failure: what cannot be removed must not hide why. `force` of rmSync overlooks a file that is not there, and not one whose
 * folder is a file. A folder goes with `recursive` only.
 */
export function removeIfPossible(path: string, { recursive = false } = {}): void {
  try {
    rmSync(path, { force: true, recursive });
  } catch {
    // it stays
  }
}
