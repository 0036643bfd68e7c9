/** What can be had again goes here: verdicts on engines, results of reproductions. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `~/.cache/beamrig`, or under XDG_CACHE_HOME. */
export const cacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'beamrig');
