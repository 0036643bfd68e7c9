/** The commands that play scenarios, here and for others. */
import type { Command } from 'commander';
import { pathArgument as path, pathArguments as paths, several } from './arguments.ts';
import type { RegressCommand } from './regress.ts';
import type { WorkerCommand } from './worker.ts';

/** @param command makes one of the program's commands, with examples */
export function regressionCommands(command: (usage: string, summary: string, examples: string[]) => Command): void {
  command('regress', 'play scenarios on rigs and judge them: for every change of firmware, model, table or controller', [
    'beamrig regress examples/scenarios',
    'beamrig regress examples/scenarios --filter cable --keep failed',
    'beamrig regress scenarios --shard 1/4 --json',
  ])
    .argument('<paths...>', 'scenario files, or folders of them', paths)
    .option('--list', 'say which cases there are, and play none')
    .option('--filter <text>', 'only cases whose names contain it; may be given several times', several)
    .option('--tag <tag>', 'only scenarios with this tag; may be given several times', several)
    .option('--shard <i/n>', 'the i-th of n shares of the cases')
    .option('--seed <n>', 'first seed, instead of the scenarios’')
    .option('--fail-fast', 'begin nothing new once a case has failed')
    .option('--rerun-failed <report>', 'only cases that failed in this report (report.json)', path)
    .option('--baseline <report>', 'fail what is worse than in this report by more than its margin', path)
    .option('--quarantine <file>', 'cases whose verdicts do not count until a date, each with its reason', path)
    .option('--update-golden', 'write the words of cases that are compared with goldens anew')
    .option('--rig <rig>', 'play on attached hardware: its rig file', path)
    .option('--wait-for-bench <seconds>', 'wait so long where somebody else has that hardware', '0')
    .option('--keep <folder>', 'keep the run folders of what failed there', path)
    .option('--workers <n>', 'processes that play (default: one for each core); with --queue, jobs at a time (default: 256)')
    .option('--queue <url>', 'have `beamrig worker`s play, on any number of machines: redis://HOST:PORT')
    .option('--retries <n>', 'play a seed that failed again, to see whether it always does; it stays failed', '1')
    .option('--output <folder>', 'where reports go', path, 'regression')
    .option('--json', 'one JSON object a line')
    .action(async (paths: string[], options: RegressCommand) => (await import('./regress.ts')).regress(paths, options));

  command('worker', 'do jobs of regress, evaluate and train that others start with --queue, until Ctrl-C', [
    'beamrig worker --queue redis://10.0.0.7:6379',
    'beamrig worker --queue redis://10.0.0.7:6379 --workers 4 --until-idle 60',
  ])
    .requiredOption('--queue <url>', 'redis://HOST:PORT[/DB], or rediss:// for TLS; a password stands as redis://:PASSWORD@HOST')
    .option('--workers <n>', 'jobs at a time (default: one for each core)')
    .option('--until-idle <seconds>', 'end by itself after so long without a job')
    .option('--lost-after <seconds>', 'give a job to another worker when its own was not heard of for so long (default: 10)')
    .option('--kept <folder>', 'where run folders stay that submitters want and that are too large to be sent', path)
    .option('--json', 'one JSON object a line')
    .action(async (options: WorkerCommand) => (await import('./worker.ts')).worker(options));
}
