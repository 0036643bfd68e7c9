/**
 * Paths as people write them. `~` is this user's home wherever a path may stand, in rig files, options and arguments: a shell replaces it
 * only at the beginning of a word, and what is left would make a folder of that name.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Whether a path begins with somebody's home; that of others is not looked up: `~bob/x`, or `./~bob` for a file of that name. */
export const namesAnotherHome = (path: string): boolean => /^~[^/\\]/.test(path);

/** `~` and `~/…` with this user's home in place of it; everything else as it is. */
export const expandHome = (path: string): string => (/^~(?=$|[/\\])/.test(path) ? join(homedir(), path.slice(1)) : path);

/** A path that is relative to a folder, made absolute. */
export const pathFrom = (folder: string, path: string): string => resolve(folder, expandHome(path));
