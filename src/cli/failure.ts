/** How a command fails: one message, the way out, an exit code other than 0, and no stack trace unless BEAMRIG_DEBUG=1 asks for it. */
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { masked } from '../../core/errors/masked.ts';
import { finishOutput, print, printError } from './output.ts';
import type { DrainLimits } from './outlet.ts';
import { printable } from '../../core/errors/printable.ts';

/** Prints the failure and sets the exit code. With `json`, scripts also get it as one line on stdout. */
export function failWith(error: unknown, json: boolean): void {
  const failure = withoutSecrets(describe(error));
  // Lines are ours; what devices and brokers said of themselves may stand in them.
  const lines = (text: string): string => text.split('\n').map(printable).join('\n');
  printError(`beamrig: ${lines(failure.message)}`);
  if (failure.wayOut !== undefined) printError(`What to do: ${lines(failure.wayOut)}`);
  if (process.env.BEAMRIG_DEBUG === '1' && error instanceof Error) printError(masked(error.stack ?? ''));
  if (json) tellScripts(failure);
  process.exitCode = failure.code === 'argument' ? 2 : 1;
}

/** Waits for the readers of what was printed. False, and told of, when that could not be written. */
export async function finishWell(limits?: DrainLimits): Promise<boolean> {
  try {
    await finishOutput(limits);
    return true;
  } catch (error) {
    failWith(error, false);
    await finishOutput(limits).catch(() => undefined); // the failure is told already
    return false;
  }
}

interface Failure {
  code: string;
  message: string;
  wayOut?: string;
}

/** A failure whose message has been printed: the line for scripts. */
export function tellScripts(failure: Failure): void {
  print(JSON.stringify({ type: 'error', ...withoutSecrets(failure) }));
}

/** What was typed stands in messages, and a URL with a password is easily typed in the wrong place. */
const withoutSecrets = ({ code, message, wayOut }: Failure): Failure =>
  wayOut === undefined ? { code, message: masked(message) } : { code, message: masked(message), wayOut: masked(wayOut) };

function describe(error: unknown): Failure {
  if (isBeamrigError(error)) {
    const { code, message, wayOut } = error;
    return wayOut === undefined ? { code, message } : { code, message, wayOut };
  }
  return {
    code: 'internal',
    message: `something went wrong that should not: ${error instanceof Error ? error.message : String(error)}`,
    wayOut: 'Run it again with BEAMRIG_DEBUG=1 and report what it prints.',
  };
}
