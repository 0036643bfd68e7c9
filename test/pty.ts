/**
 * Two ends of a serial line that is not there: socat joins two pseudo terminals, each a serial port to whoever opens it. Pulling ends socat at
 * once, which the ports feel as a USB plug that is pulled; putting back gives new ports under the same names.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { endWithUs } from '../scripts/end-with-us.ts';
import { partPath } from './parts.ts';

export interface PtyPair {
  /** Paths of the two ports. */
  readonly a: string;
  readonly b: string;
  /** Both ports hang up and their names are gone. */
  pull(): Promise<void>;
  /** New ports under the old names. */
  putBack(): Promise<void>;
  close(): Promise<void>;
}

export async function openPtyPair(): Promise<PtyPair> {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-pty-'));
  const a = join(folder, 'A');
  const b = join(folder, 'B');
  let socat: ChildProcess | undefined;

  const pull = async (): Promise<void> => {
    const running = socat;
    socat = undefined;
    if (running?.exitCode === null && running.signalCode === null) {
      const ended = once(running, 'exit');
      running.kill('SIGKILL');
      await ended;
    }
    for (const name of [a, b]) rmSync(name, { force: true });
  };
  const putBack = async (): Promise<void> => {
    const started = spawn(partPath('socat') ?? 'socat', ['-d', '-d', `pty,raw,echo=0,link=${a}`, `pty,raw,echo=0,link=${b}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    socat = started;
    endWithUs(started);
    // The names are there before socat has set the ports up: who opens one in between has their baud rate overwritten.
    let ready = false;
    for await (const line of createInterface({ input: started.stderr })) {
      ready = line.includes('starting data transfer loop');
      if (ready) break;
    }
    started.stderr.resume();
    if (!ready && socat === started) throw new Error('socat ended before its ports were there');
  };
  await putBack();
  return {
    a,
    b,
    pull,
    putBack,
    close: async () => {
      await pull();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Until it takes no more: nobody reads its other end. */
export function fillTerminal(path: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  try {
    for (;;) writeSync(fd, 'x'.repeat(1000));
  } catch {
    // Full.
  } finally {
    closeSync(fd);
  }
}
