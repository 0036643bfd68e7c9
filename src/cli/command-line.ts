/** One command line, carried out or refused: never throws, sets the exit code. */
import { CommanderError } from 'commander';
import { failWith } from './failure.ts';
import { createProgram } from './program.ts';

/** @param words as typed, without the program's own name */
export async function commandLine(words: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) failWith(error, words.includes('--json'));
    else if (error.exitCode !== 0) process.exitCode = 2; // its message is printed already
  }
}
