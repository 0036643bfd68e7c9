/**
 * A terminal as a stream that never blocks. Node writes to terminals synchronously: one whose output is held (Ctrl-S), or whose ssh connection
 * is dead, stops every timer and every signal of the process. Here the terminal is opened once more, in an open file description of its own, so
 * that not blocking is nothing that the shell or another program on it notices.
 */
import { constants, openSync, write, writeSync } from 'node:fs';
import { Writable } from 'node:stream';

/** How long until a terminal that took nothing is asked again. */
const AGAIN_MS = 25;

/** @param fd of the terminal: 1 or 2 */
export function openTerminal(fd: number): Writable {
  try {
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    return new TerminalStream(own);
  } catch {
    // Another user's (after su), or no such folder on this system: then a thread of the pool blocks in our place.
    return new PatientStream(fd);
  }
}

class TerminalStream extends Writable {
  readonly #fd: number;

  constructor(fd: number) {
    super({ decodeStrings: true });
    this.#fd = fd;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    let taken = 0;
    const go = (): void => {
      try {
        while (taken < chunk.length) taken += writeSync(this.#fd, chunk, taken);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') setTimeout(go, AGAIN_MS);
        else done(error as Error);
        return;
      }
      done();
    };
    go();
  }
}

class PatientStream extends Writable {
  readonly #fd: number;

  constructor(fd: number) {
    super({ decodeStrings: true });
    this.#fd = fd;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const go = (from: number): void =>
      write(this.#fd, chunk, from, (error, taken) => {
        if (error !== null) done(error);
        else if (from + taken < chunk.length) go(from + taken);
        else done();
      });
    go(0);
  }
}
