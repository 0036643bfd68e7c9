/**
 * `beamrig panel` as a process of its own, its lines of JSON as they come. It is ended with whoever started it, unless that
 * one is killed outright.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { endWithUs } from './end-with-us.ts';

/** One line of `beamrig panel --json`; which fields there are depends on its type. */
export interface PanelLine {
  type: string;
  /** Name of the link. */
  panel?: string;
  beamId?: number;
  /** With `--log beams`: four hexadecimal digits a word, in the panel's order. */
  words?: string;
  [key: string]: unknown;
}

export interface PanelProcess {
  readonly pid: number;
  readonly lines: readonly PanelLine[];
  /**
   * The first line that this holds for, said already or yet to come.
   * @throws {BeamrigError} 'panel' with its own words when the process ends before that
   */
  line(match: (line: PanelLine) => boolean): Promise<PanelLine>;
  /** What a person would type. */
  type(text: string): void;
  /** How it ended, when it has, and what it said on its error output. */
  ended(): Promise<{ code: number | null; errors: string }>;
  /** Ctrl-C, and kills it when that takes long. */
  stop(): Promise<{ code: number | null; errors: string }>;
  signal(signal: NodeJS.Signals): void;
}

/** What Node is given before the words of a command: the program from its sources. */
const FROM_SOURCE = ['--import', import.meta.resolve('tsx'), fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))];
/** A loaded machine may need long to mute and to let go of all wires. */
const GRACE_MS = 20_000;

/**
 * @param args as of `beamrig panel`
 * @param program what Node is given before them
 */
export function startPanelProcess(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  program: readonly string[] = FROM_SOURCE,
): PanelProcess {
  const words = [...program, 'panel', ...args, '--json', '--log', 'beams'];
  const child = spawn(process.execPath, words, { stdio: 'pipe', env });
  const lines: PanelLine[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((call) => call());
  let errors = '';
  let over = false;
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text) as PanelLine);
    wake();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-10_000)));
  child.stdin.on('error', () => undefined); // that it has ended is seen by its end
  endWithUs(child);
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => {
      over = true;
      wake();
      resolve();
    });
  });
  const ended = async (): Promise<{ code: number | null; errors: string }> => {
    await closed;
    return { code: child.exitCode, errors };
  };
  return {
    pid: child.pid ?? 0,
    lines,
    async line(match) {
      for (;;) {
        const found = lines.find(match);
        if (found !== undefined) return found;
        if (over) {
          throw new BeamrigError('panel', `beamrig panel has ended (${child.exitCode ?? child.signalCode}): ${errors.trim()}`, {
            wayOut: 'Look at its message.',
          });
        }
        const call = await new Promise<() => void>((resolve) => {
          const woken = (): void => resolve(woken);
          waiting.add(woken);
        });
        waiting.delete(call);
      }
    },
    type: (text) => void child.stdin.write(`${text}\n`),
    ended,
    async stop() {
      child.kill('SIGINT');
      const late = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      const end = await ended();
      clearTimeout(late);
      return end;
    },
    signal: (signal) => void child.kill(signal),
  };
}
