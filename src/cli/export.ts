/** `beamrig export`: a stored run as a table, or once more into InfluxDB. */
import { counted } from '../../errors/counted.ts';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import { exportCsv } from '../telemetry/export-csv.ts';
import { createInfluxClient } from '../telemetry/influx-client.ts';
import { influxTargetFromUrl } from '../telemetry/influx-target.ts';
import { replayRun } from '../telemetry/replay.ts';
import { openRun } from '../telemetry/run-folder.ts';
import { printError } from './output.ts';

interface ExportOptions {
  csv?: boolean;
  output?: string;
  influx?: string;
  passwordEnv?: string;
  tokenEnv?: string;
}

export async function exportRun(folder: string, options: ExportOptions): Promise<void> {
  if (!options.csv && options.influx === undefined) {
    throw new BeamrigError('argument', 'export: neither --csv nor --influx was given', {
      wayOut: `Write for example: beamrig export ${folder} --csv -o run.csv`,
    });
  }
  const target = options.influx === undefined ? undefined : influxTargetFromUrl(options.influx, options);
  const run = openRun(folder);
  const say = (text: string): void => printError(text);
  if (!run.summary) say(`${folder} has no summary: the run was cut off or still goes on. What was recorded is exported.`);
  if (options.csv) {
    const out = options.output === undefined ? process.stdout : await openForWriting(options.output);
    const { rows, damagedLines, repeatedCycles = 0, incompleteRows = 0 } = await exportCsv(run, out);
    if (out !== process.stdout) {
      out.end();
      await once(out, 'finish');
    }
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
    const { taken, refused, why } = await replayRun(run, client);
    say(
      `${counted(taken, 'point')} sent to ${client.name}${refused > 0 ? `; ${counted(refused, 'line')} ${refused === 1 ? 'was' : 'were'} not taken: ${why ?? 'no reason given'}` : ''}.`,
    );
    if (refused > 0) process.exitCode = 1;
  }
}

async function openForWriting(path: string): Promise<Writable> {
  const out = createWriteStream(path);
  try {
    await once(out, 'open');
  } catch (error) {
    throw new BeamrigError('argument', `--output ${path} cannot be written: ${(error as Error).message}`, {
      wayOut: 'Give a path you may write.',
      cause: error,
    });
  }
  return out;
}
