/** A command as a process of its own, while it runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { BEAMRIG } from './built-program.ts';
import type { ForOneTest } from './for-one-test.ts';

export interface Started {
  /** What it has said so far on standard error. */
  said(): string;
  /** And on standard output. */
  printed(): string;
  interrupt(): void;
  readonly ended: Promise<{ code: number | null; stdout: string }>;
}

/** Killed with the test, if it has not ended. */
export function startCommand(test: ForOneTest, words: readonly string[]): Started {
  const child = spawn(process.execPath, [...BEAMRIG, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  test.later(child, () => child.kill('SIGKILL'));
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (part: Buffer) => (text[name] += String(part)));
  return {
    said: () => text.stderr,
    printed: () => text.stdout,
    interrupt: () => void child.kill('SIGINT'),
    ended: once(child, 'close').then(([code]) => ({ code: code as number | null, stdout: text.stdout })),
  };
}
