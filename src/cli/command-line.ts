/** One command line, carried out or refused: never throws, sets the exit code. */
import { CommanderError } from 'commander';
import { failWith, tellScripts } from './failure.ts';
import { createProgram } from './program.ts';

/** @param words as typed, without the program's own name */
export async function commandLine(words: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(words, { from: 'user' });
  } catch (error) {
    const json = words.includes('--json');
    if (!(error instanceof CommanderError)) return failWith(error, json);
    if (error.exitCode === 0) return; // help, or the version
    process.exitCode = 2;
    if (json) tellScripts({ code: 'argument', message: inOneLine(error.message), wayOut: 'See beamrig --help.' });
  }
}

/** As commander printed it: `error: unknown command 'rum'`, and in a line of its own what may have been meant. */
const inOneLine = (message: string): string => message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
