/** The process in which channels are evaluated for others. It keeps the model open that the last job was of. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import type { CMatrix } from '../../../core/signal/complex-matrix.ts';
import { OBJECTIVES } from '../../../core/signal/objectives/objectives.ts';
import { figuresOfEach, sensingAt } from '../../../models/evaluation/evaluate.ts';
import { figuresLength, writeFigures } from '../../../models/evaluation/packed-figures.ts';
import type { Beamformer } from '../../beamforming/beamformer.ts';
import { openBeamformer } from '../../beamforming/open-beamformer.ts';
import { serveJobs } from '../serve-jobs.ts';
import {
  CHANNELS_FILE,
  MODEL_FOLDER,
  SETTING_FILE,
  sha256Of,
  type EvaluationJob,
  type EvaluationSetting,
} from './evaluation-job.ts';

let open: { setting: string; beamformer: Beamformer } | undefined;

serveJobs(async ({ job: { snrDb, snr, first }, folder }: { job: EvaluationJob; folder: string }): Promise<string> => {
  const settingBytes = readFileSync(join(folder, SETTING_FILE));
  const setting = deserialize(settingBytes) as EvaluationSetting;
  const channels = deserialize(readFileSync(join(folder, CHANNELS_FILE))) as CMatrix[];
  const beamformer = await beamformerFor(setting, sha256Of(settingBytes), folder);
  const { sensing, ...request } = setting.request;
  const figures = await figuresOfEach(
    {
      ...{ ...request, channels, snrsDb: [snrDb], objective: OBJECTIVES[setting.objective] },
      ...(sensing === undefined ? {} : { sensing: [sensingAt(sensing, snr)] }),
      compute: async (problem) => {
        // A worker that has gone is noticed between two channels.
        await new Promise(setImmediate);
        return beamformer.compute(problem);
      },
    },
    first,
  );
  const packed = new Float64Array(figures.length * figuresLength(request.bits.length, sensing !== undefined));
  figures.forEach((each, task) => writeFigures(packed, task, each));
  return Buffer.from(packed.buffer).toString('base64');
});

async function beamformerFor(setting: EvaluationSetting, hash: string, folder: string): Promise<Beamformer> {
  if (open?.setting === hash) return open.beamformer;
  await open?.beamformer.close();
  open = undefined;
  const { model, modelSha256, needs, steps, engine, deadlineMs } = setting;
  const id = modelSha256 === undefined ? model : join(folder, MODEL_FOLDER, model);
  const beamformer = await openBeamformer(id, needs, { deadlineMs, steps, ...(engine === undefined ? {} : { engine }) });
  open = { setting: hash, beamformer };
  return beamformer;
}
