#!/usr/bin/env node
/** The command `beamrig`: one file a subcommand beside this one; what goes wrong ends in failure.ts, in one message with a way out. */
import { commandLine } from './command-line.ts';
import { endProcess } from './end-process.ts';
import { failWith, finishWell } from './failure.ts';
import { outputFailure, patientConsole, printError, stdout } from './output.ts';
import { readerGone } from './outlet.ts';

/** Whatever was under way is in an unknown state, or has nobody to tell. */
function endAt(error: NodeJS.ErrnoException): void {
  if (readerGone(error)) process.exit(); // whoever read our output has seen enough
  failWith(error, false);
  process.exit();
}

process.on('uncaughtException', endAt);
stdout().whenUnheard((failure) => endAt(readerGone(failure) ? failure : outputFailure(failure)));
globalThis.console = patientConsole();
// Node's own way of telling waits for a terminal.
process.removeAllListeners('warning').on('warning', ({ name, message }) => printError(`beamrig: ${name}: ${message}`));

await commandLine(process.argv.slice(2));
await finishWell();
// What a command that failed has left open, a model in its thread say, must not keep it alive.
if (process.exitCode !== undefined && process.exitCode !== 0) endProcess(Number(process.exitCode));
