/** The process in which models are trained for others. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { findFamily } from '../../../models/families.ts';
import { checkpointPathOf, train } from '../../../models/training/train.ts';
import { serveJobs } from '../serve-jobs.ts';
import { OUTPUT_FOLDER, SETTING_FILE, type Trained, type TrainingJob, type TrainingSetting } from './training-job.ts';

export interface TrainHere {
  job: TrainingJob;
  folder: string;
  threads: number;
}

serveJobs(async ({ job, folder, threads }: TrainHere): Promise<Trained> => {
  const { family, options, ...setting } = deserialize(readFileSync(join(folder, SETTING_FILE))) as TrainingSetting;
  const output = join(folder, OUTPUT_FOLDER, job.output);
  const checkpoint = checkpointPathOf(output);
  const outcome = await train(await findFamily(family), {
    ...{ ...options, ...setting, output, threads },
    ...(existsSync(checkpoint) ? { resume: checkpoint } : {}),
  });
  if (outcome.status === 'stopped') throw new BeamrigError('internal', 'the training stopped by itself');
  const { reached, bestEpoch, compared = reached } = outcome.standing;
  return { reached, compared, bestEpoch };
});
