/** A command that is typed, as a process of its own, and what it says as it says it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { endWithUs } from '../scripts/end-with-us.ts';
import { BEAMRIG } from './built-program.ts';

/** `beamrig …` in this folder. */
export function typed(folder: string, ...words: string[]): TypedCommand {
  const child = spawn(process.execPath, [...BEAMRIG, ...words], { cwd: folder });
  endWithUs(child);
  return new TypedCommand(child);
}

export class TypedCommand {
  /** Whole lines of both outputs. */
  said = '';
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #isOver = false;
  #waiting: (() => void)[] = [];

  constructor(child: ChildProcess) {
    this.#child = child;
    const wake = (): void => {
      for (const each of this.#waiting.splice(0)) each();
    };
    const read = [child.stdout, child.stderr].flatMap((stream) => {
      if (stream === null) return [];
      const lines = createInterface({ input: stream });
      lines.on('line', (line) => {
        this.said += `${line}\n`;
        wake();
      });
      return once(lines, 'close');
    });
    this.#closed = Promise.all([once(child, 'close'), ...read]).then(() => {
      this.#isOver = true;
      wake();
    });
  }

  /** Until it has said this. @throws {Error} where it ends before */
  async saying(match: RegExp): Promise<void> {
    while (!match.test(this.said)) {
      if (this.#isOver) throw new Error(`it ended without having said ${match}: ${this.said}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** @returns its exit code; null where it was killed */
  async ended(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }
}
