/** `beamrig export`: a stored run as a table, or once more into InfluxDB. */
import { counted } from '../../core/errors/counted.ts';
import { createWriteStream, statSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { exportCsv, type CsvCount } from '../telemetry/export-csv.ts';
import { createInfluxClient, namelessServer } from '../telemetry/influx/influx-client.ts';
import { influxTargetFromUrl } from '../telemetry/influx/influx-target.ts';
import { replayRun } from '../telemetry/replay.ts';
import { openRun, refuseOtherUsers, RUN_FILES, type StoredRun } from '../telemetry/run-folder.ts';
import { commandName } from './command-name.ts';
import { cannotWrite, outputFlags } from './output-file.ts';
import { printError } from './output.ts';

interface ExportOptions {
  csv?: boolean;
  output?: string;
  force?: boolean;
  influx?: string;
  passwordEnv?: string;
  tokenEnv?: string;
}

export async function exportRun(folder: string, options: ExportOptions): Promise<void> {
  if (!options.csv && options.influx === undefined) {
    throw new BeamrigError('argument', 'export: neither --csv nor --influx was given', {
      wayOut: `Write for example: ${commandName()} export ${folder} --csv -o run.csv`,
    });
  }
  const target = options.influx === undefined ? undefined : influxTargetFromUrl(options.influx, options);
  const run = openRun(folder);
  await refuseOtherUsers(run);
  const say = (text: string): void => printError(text);
  if (!run.summary) say(`${folder} has no summary: the run was cut off or still goes on. What was recorded is exported.`);
  if (options.csv) {
    const table =
      options.output === undefined ? exportCsv(run, process.stdout) : tableInto(options.output, run, options.force ?? false);
    const { rows, damagedLines, repeatedCycles = 0, incompleteRows = 0 } = await table;
    const where = options.output === undefined ? '' : ` to ${options.output}`;
    const flaws = [
      damagedLines > 0 ? `; damaged lines left out: ${damagedLines}` : '',
      repeatedCycles > 0 ? `; repeated or out of order, left out: ${repeatedCycles}` : '',
      incompleteRows > 0 ? `; without the lines of all users, marked incomplete: ${incompleteRows}` : '',
    ];
    say(`${counted(rows, 'cycle')} written${where}${flaws.join('')}.`);
  }
  if (target !== undefined) {
    const client = createInfluxClient(target);
    const { taken, refused, why, nameless } = await replayRun(run, client);
    say(
      `${counted(taken, 'point')} sent to ${client.name}${refused > 0 ? `; ${counted(refused, 'line')} ${refused === 1 ? 'was' : 'were'} not taken: ${why ?? 'no reason given'}` : ''}.`,
    );
    if (nameless) {
      const { message, action } = namelessServer(client.name);
      say(`${message} ${action}`);
    }
    if (refused > 0) process.exitCode = 1;
  }
}

async function tableInto(path: string, run: StoredRun, force: boolean): Promise<CsvCount> {
  if (force && isOfRun(path, run.folder)) {
    throw new BeamrigError('output', `${path} cannot be written: it is a file of the run that is exported`, {
      wayOut: 'Give another path: what the run recorded would be lost.',
    });
  }
  const out = createWriteStream(path, { flags: outputFlags(path, force) });
  // It may fail at any time from opening to closing, and whoever writes to it then waits for ever.
  const failed = new Promise<never>((_, reject) => {
    out.once('error', (error: NodeJS.ErrnoException) => reject(cannotWrite(path, error)));
  });
  const written = async (): Promise<CsvCount> => {
    await once(out, 'open');
    const count = await exportCsv(run, out);
    out.end();
    await once(out, 'finish');
    return count;
  };
  return Promise.race([failed, written()]);
}

/** By another name, too. */
function isOfRun(path: string, folder: string): boolean {
  const look = (file: string): string | undefined => {
    const found = statSync(file, { throwIfNoEntry: false });
    return found && `${found.dev} ${found.ino}`;
  };
  try {
    const written = look(path);
    return written !== undefined && RUN_FILES.some((name) => look(join(folder, name)) === written);
  } catch {
    return false; // what is wrong with it is met when it is opened
  }
}
