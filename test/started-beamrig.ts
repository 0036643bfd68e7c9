/** `beamrig …` as a process that a test can interrupt, and whose words it hears as they come. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { endWithUs } from '../scripts/end-with-us.ts';
import { BEAMRIG } from './built-program.ts';

export interface StartedBeamrig {
  /** What it has said so far on standard error. */
  said(): string;
  interrupt(): void;
  readonly ended: Promise<{ code: number | null; stdout: string }>;
}

export function startBeamrig(...words: string[]): StartedBeamrig {
  const child = spawn(process.execPath, [...BEAMRIG, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  endWithUs(child);
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (part: Buffer) => (text[name] += String(part)));
  return {
    said: () => text.stderr,
    interrupt: () => void child.kill('SIGINT'),
    ended: once(child, 'close').then(([code]) => ({ code: code as number | null, stdout: text.stdout })),
  };
}
