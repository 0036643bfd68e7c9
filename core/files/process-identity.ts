/** Which process wrote a file, and whether it is still there. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  host: string;
  pid: number;
  /** When it started, in the system's own count: a number that is used again belongs to another process. Empty where it is not told. */
  started: string;
}

export const thisProcess = (): ProcessIdentity => ({ host: hostname(), pid: process.pid, started: startOf(process.pid) });

/** Undefined for processes of another machine, or of a container that is gone: they cannot be seen from here. */
export function isThere({ host, pid, started }: ProcessIdentity): boolean | undefined {
  if (host !== hostname()) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startOf(pid) === started;
}

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
