/** The two outlets of a command, standard output and standard error, and how it ends with what could not be printed. */
import { counted } from '../../core/errors/counted.ts';
import { Console } from 'node:console';
import { fstatSync } from 'node:fs';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { Outlet, readerGone, type DrainLimits } from './outlet.ts';
import { openTerminal } from './terminal-stream.ts';

const open = new Map<1 | 2, Outlet>();

export const stdout = (): Outlet => outlet(1);
export const stderr = (): Outlet => outlet(2);

/** Characters that may wait for a reader: some thousand lines of a run, some thousand beams of a panel. */
const MOST_WAITING = 1_000_000;

/**
 * For a command that goes on whether its output is read or not: what waits is bounded, and a reader that comes back is told what he missed, as
 * one JSON object or as a line.
 */
export function boundOutput(json: boolean): void {
  const words = (lines: number): string => `(${counted(lines, 'line')} left out: nobody was reading)\n`;
  stdout().bound(MOST_WAITING, json ? (lines) => `${JSON.stringify({ type: 'left-out', lines })}\n` : words);
  stderr().bound(MOST_WAITING, words);
}

/** A line, or several, on standard output. */
export const print = (text: string): void => stdout().write(`${text}\n`);
/** And on standard error. */
export const printError = (text: string): void => stderr().write(`${text}\n`);

function outlet(fd: 1 | 2): Outlet {
  let found = open.get(fd);
  if (found === undefined) {
    const given = fd === 1 ? process.stdout : process.stderr;
    const isTerminal = isatty(fd) && given.isTTY;
    found = new Outlet(isTerminal ? openTerminal(fd) : given, { isTerminal, columns: () => given.columns || 120 });
    open.set(fd, found);
  }
  return found;
}

/**
 * Waits until everything printed is with its reader, as long as that takes or within limits.
 * @throws {BeamrigError} 'output' when standard output could not be written; a reader that has seen enough is no failure
 */
export async function finishOutput(limits?: DrainLimits): Promise<void> {
  await Promise.all([...open.values()].map((each) => each.drained(limits)));
  const failure = open.get(1)?.failure;
  if (failure !== undefined && !readerGone(failure)) throw outputFailure(failure);
}

/** What is printed now has no room: in words, with the way out. */
export function outputFailure(failure: NodeJS.ErrnoException): BeamrigError {
  const why = failure.code === 'ENOSPC' || failure.code === 'EDQUOT' ? 'no space left on device' : failure.message;
  return new BeamrigError('output', `standard output cannot be written: ${why}`, {
    wayOut: `Make room${kindOfStdout() === 'file' ? ' where it goes' : ''}, or send it elsewhere.`,
    cause: failure,
  });
}

function kindOfStdout(): 'file' | 'other' {
  try {
    return fstatSync(1).isFile() ? 'file' : 'other';
  } catch {
    return 'other';
  }
}

/** A console for libraries that write to it when they fail, express for one: Node's own waits for its terminal. */
export function patientConsole(): Console {
  const into = (found: Outlet): Writable =>
    new Writable({
      decodeStrings: false,
      write: (text, _encoding, done) => {
        found.write(String(text));
        done();
      },
    });
  return new Console(into(stdout()), into(stderr()));
}

/** Standard error for a progress bar, whose library writes to a stream: what a held terminal does not take is left out. */
export function barStream(): NodeJS.WritableStream {
  const bar = new Writable({
    decodeStrings: false,
    write: (text, _encoding, done) => {
      stderr().passing(String(text), false);
      done();
    },
  });
  return Object.assign(bar, { isTTY: true, columns: stderr().columns });
}
