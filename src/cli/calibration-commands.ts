/** The commands that measure an array and look after what was measured. */
import type { Command } from 'commander';
import { pathArgument as path, pathArguments as paths } from './arguments.ts';
import type { CalibrateOptions } from './calibrate.ts';

/** @param command makes one of the program's commands, with examples */
export function calibrationCommands(command: (usage: string, summary: string, examples: string[]) => Command): void {
  command('calibrate', 'measure what every element shows in every state, and write a table for each panel', [
    'beamrig calibrate rig.yaml --dry-run',
    'beamrig calibrate rig.yaml --method coded',
    'beamrig calibrate rig.yaml --method hadamard --readings 256 --json',
    'beamrig calibrate rig.yaml --reading power',
  ])
    .argument('<rig>', 'rig file; its section calibration says where the probe stands and where tables go', path)
    .option('--method <name>', 'coded, hadamard, steering, complex, rev, on-off or pairwise', 'coded')
    .option('--readings <n>', 'about how many to take (default: what the method likes best)')
    .option('--reading <kind>', 'pilots, or power: the SNR of a user (default: pilots where a panel reports them)')
    .option('--pilots <n>', 'pilots that each reading is averaged over (default: 1; of power 16384)')
    .option('--seed <n>', 'of what coded and references draw: orders, who is off (default: 1)')
    .option('--resume', 'go on with a measurement that was interrupted')
    .option('--dry-run', 'say how many readings it takes, how long, and how exact it will be, and measure nothing')
    .option('--json', 'one JSON object a line')
    .action(async (rig: string, options: CalibrateOptions) => (await import('./calibrate.ts')).calibrate(rig, options));

  const calibration = command('calibration', 'show, check, compare, merge and export calibration tables', [
    'beamrig calibration show calibration/BOARD-1_28GHz.json',
    'beamrig calibration verify calibration',
    'beamrig calibration diff before.json after.json',
  ]);
  calibration
    .command('show')
    .description('print what a table says, and figures of each chain')
    .argument('<table>', 'file that `beamrig calibrate` wrote', path)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ beamrig calibration show calibration/BOARD-1_28GHz.json')
    .action(async (table: string, options: object) => (await import('./calibration.ts')).showTable(table, options));
  calibration
    .command('verify')
    .description('check that tables are whole and as they were written')
    .argument('<tables...>', 'files, or folders of them', paths)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ beamrig calibration verify calibration')
    .action(async (tables: string[], options: object) => (await import('./calibration.ts')).verifyTables(tables, options));
  calibration
    .command('diff')
    .description('say how far two tables of a panel are apart, and which elements most')
    .argument('<before>', 'a table', path)
    .argument('<after>', 'another one of the same panel', path)
    .option('--json', 'as JSON, with all elements')
    .addHelpText('after', '\nExample:\n  $ beamrig calibration diff before.json after.json --json')
    .action(async (before: string, after: string, options: object) =>
      (await import('./calibration.ts')).diffTables(before, after, options),
    );
  calibration
    .command('merge')
    .description('one table of several measurements of a panel, each by how exact it is')
    .argument('<tables...>', 'files', paths)
    .requiredOption('-o, --output <file>', 'where it goes', path)
    .option('--force', 'write over a file that is there')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ beamrig calibration merge monday.json friday.json -o both.json')
    .action(async (tables: string[], options: { output: string }) =>
      (await import('./calibration.ts')).mergeFiles(tables, options),
    );
  calibration
    .command('export')
    .description('write the states of a table for a spreadsheet')
    .argument('<table>', 'a table', path)
    .option('--csv', 'as CSV, a state a line (the only form there is)')
    .option('-o, --output <file>', 'where it goes (default: standard output)', path)
    .option('--force', 'write over a file that is there')
    .addHelpText('after', '\nExample:\n  $ beamrig calibration export table.json --csv -o states.csv')
    .action(async (table: string, options: object) => (await import('./calibration.ts')).exportTable(table, options));
}
