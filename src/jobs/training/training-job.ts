/** A training by a worker behind a queue: what it learns from goes there, and the model and its card come back as a training here writes them. */
import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { serialize } from 'node:v8';
import * as z from 'zod';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { removeIfPossible } from '../../../core/files/whole-file.ts';
import type { EngineChoice } from '../../../models/engine/engines.ts';
import { checkpointPathOf } from '../../../models/training/train.ts';
import type { MeasuredChannels, TrainedBefore, TrainingOptions } from '../../../models/training/training-options.ts';
import { mebibytes, readFileFor, sentFileSchema } from '../files.ts';
import type { Submitter } from '../submitter.ts';

/** What its jobs are called in the queue. */
export const TRAIN = 'train';

/** Everything that decides a training's files but their name; a file of the job. */
export interface TrainingSetting {
  family: string;
  options: TrainingOptions;
  engine?: EngineChoice;
  from?: TrainedBefore;
  measured?: MeasuredChannels;
  comparedBySeed: number;
}

export interface TrainingJob {
  /** For whoever watches the worker. */
  name: string;
  /** Of the model's file. */
  output: string;
}

export const SETTING_FILE = 'setting';
/** Where the worker writes the model; a checkpoint to go on from lies there. */
export const OUTPUT_FOLDER = 'trained';

/** What is told of a training, as far as a sweep wants it. */
const trainedSchema = z.object({ reached: z.number(), compared: z.number(), bestEpoch: z.int() });
export type Trained = z.output<typeof trainedSchema>;

const answerSchema = z.object({ trained: trainedSchema, files: z.array(sentFileSchema) });
export type TrainingAnswer = z.output<typeof answerSchema>;

const MOST_BYTES = 64 * 2 ** 20;

/**
 * @param output path of the model's file
 * @returns undefined where the submitter was stopped
 * @throws {BeamrigError} as `train` does, 'queue' where channels are more than can be sent
 */
export async function trainByQueue(submitter: Submitter, setting: TrainingSetting, output: string): Promise<Trained | undefined> {
  const bytes = serialize(setting);
  if (bytes.length > MOST_BYTES) {
    throw new BeamrigError(
      'queue',
      `--channels ${setting.measured?.file ?? ''}: more than the ${mebibytes(MOST_BYTES)} that are sent with a job`,
      {
        wayOut: 'Leave --queue out, or learn from fewer channels.',
      },
    );
  }
  const checkpoint = checkpointPathOf(output);
  const budget = { bytes: MOST_BYTES, of: MOST_BYTES };
  const name = basename(output);
  const returned = await submitter.ask({
    ...{ kind: TRAIN, id: name, job: { name: `training ${name}`, output: name } satisfies TrainingJob },
    files: [
      { path: SETTING_FILE, bytes },
      ...(existsSync(checkpoint) ? [readFileFor(checkpoint, `${OUTPUT_FOLDER}/${basename(checkpoint)}`, budget)] : []),
    ],
  });
  if (returned === undefined) return undefined;
  const read = answerSchema.safeParse(returned.answer);
  if (!read.success) throw new BeamrigError('internal', `a worker's answer cannot be read: ${read.error.message}`);
  await submitter.fetch(read.data.files, dirname(output));
  removeIfPossible(checkpoint);
  return read.data.trained;
}
