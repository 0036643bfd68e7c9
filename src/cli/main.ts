#!/usr/bin/env node
/** The command `beamrig`: one file a subcommand beside this one; what goes wrong ends in failure.ts, in one message with a way out. */
import { commandLine } from './command-line.ts';
import { failWith } from './failure.ts';

process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(); // whoever read our output has seen enough
  failWith(error, false);
  process.exit(); // whatever was under way is in an unknown state
});

await commandLine(process.argv.slice(2));
