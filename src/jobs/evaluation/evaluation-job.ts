/**
 * An evaluation by workers behind a queue: a job is a few channels at one SNR, and carries these channels as they were read. Figures come back
 * with all their digits and are put together in their order, so that the result is that of one machine, whoever computed what.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { serialize } from 'node:v8';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import type { CMatrix } from '../../../core/signal/complex-matrix.ts';
import type { ObjectiveName } from '../../../core/signal/objectives/objective-names.ts';
import { isBaselineName } from '../../../models/baselines/baselines.ts';
import type { Engine } from '../../../models/engine/engines.ts';
import {
  requireChannels,
  summarise,
  type EvaluationOptions,
  type EvaluationResult,
} from '../../../models/evaluation/evaluate.ts';
import { figuresLength, readFigures } from '../../../models/evaluation/packed-figures.ts';
import { cardPathOf } from '../../../models/model-path.ts';
import type { BeamformerNeeds } from '../../beamforming/onnx-beamformer.ts';
import { atATime } from '../at-a-time.ts';
import { readFileFor, type HeldFile } from '../files.ts';
import type { Submitter } from '../submitter.ts';

/** What its jobs are called in the queue. */
export const EVALUATE = 'evaluate';

/** What all jobs of one network have in common; a file of each. */
export interface EvaluationSetting {
  /** A baseline, or the name of a file that comes along. */
  model: string;
  /** Of that file. */
  modelSha256?: string;
  needs: BeamformerNeeds;
  steps?: number;
  /** As the submitter has opened it. */
  engine?: Engine;
  deadlineMs: number;
  objective: ObjectiveName;
  request: Omit<EvaluationOptions, 'compute' | 'objective' | 'channels' | 'snrsDb' | 'onBeam' | 'onProgress'>;
}

/** The rest of it, and the file of its channels. */
export interface EvaluationJob {
  /** For whoever watches the worker. */
  name: string;
  snrDb: number;
  /** Place of that in the list of SNRs, where each has a covariance of its own. */
  snr: number;
  /** Index of its first channel. */
  first: number;
}

export const SETTING_FILE = 'setting';
export const CHANNELS_FILE = 'channels';
export const MODEL_FOLDER = 'model';

/** A job that is lost is no great loss, and what a job costs beside its channels is nothing beside a few of them. */
const CHANNELS_A_JOB = 10;
const MOST_JOBS = 4096;
const MOST_MODEL_BYTES = 64 * 2 ** 20;

export type QueuedEvaluation = Omit<EvaluationSetting, 'request' | 'modelSha256'> &
  Omit<EvaluationOptions, 'compute' | 'objective' | 'onBeam' | 'model'> & {
    /** Of a baseline, the path of a model's file; `name` is what it is called. */
    model: string;
    name: string;
  };

/**
 * @param parallel how many jobs wait or are done at a time
 * @throws {BeamrigError} as `evaluateBeamformer` does, of the first channel that has something; 'stopped' where the submitter was
 */
export async function evaluateByQueue(
  submitter: Submitter,
  parallel: number,
  asked: QueuedEvaluation,
): Promise<EvaluationResult> {
  const { model, name, needs, steps, engine, deadlineMs, objective, channels, snrsDb, onProgress, ...rest } = asked;
  const request = { ...rest, model: name };
  requireChannels(channels);
  const modelFiles = isBaselineName(model) ? [] : filesOf(model);
  const setting: EvaluationSetting = {
    ...{ model: modelFiles.length === 0 ? model : basename(model), needs, deadlineMs, objective, request },
    ...(modelFiles.length === 0 ? {} : { modelSha256: sha256Of(modelFiles[0].bytes) }),
    ...(steps === undefined ? {} : { steps }),
    ...(engine === undefined ? {} : { engine }),
  };
  const common = [{ path: SETTING_FILE, bytes: serialize(setting) }, ...modelFiles];
  const each = Math.max(CHANNELS_A_JOB, Math.ceil((channels.length * snrsDb.length) / MOST_JOBS));
  const firsts = Array.from({ length: Math.ceil(channels.length / each) }, (_, i) => i * each);
  const jobs = snrsDb.flatMap((snrDb, snr) => firsts.map((first) => ({ snrDb, snr, first })));
  // A network after another is asked of the same submitter.
  const network = sha256Of(common[0].bytes).slice(0, 12);
  let done = 0;
  const found = await atATime(parallel, jobs, async ({ snrDb, snr, first }, index) => {
    const own = channels.slice(first, first + each);
    const what = `${name} at ${snrDb} dB, channels ${first} to ${first + own.length - 1}`;
    const returned = await submitter.ask({
      ...{ kind: EVALUATE, id: `${network}.${index}`, job: { name: what, snrDb, snr, first } satisfies EvaluationJob },
      files: [...common, { path: CHANNELS_FILE, bytes: serialize(own satisfies readonly CMatrix[]) }],
    });
    if (returned === undefined) throw new BeamrigError('stopped', 'the evaluation was ended before all channels had figures');
    onProgress?.((done += own.length), snrsDb.length * channels.length);
    return figuresIn(returned.answer, own.length, request.bits.length, request.sensing !== undefined);
  });
  return summarise(found.flat(), { ...request, channels, snrsDb, objective });
}

function filesOf(model: string): HeldFile[] {
  const budget = { bytes: MOST_MODEL_BYTES, of: MOST_MODEL_BYTES };
  const paths = [model, cardPathOf(model)].filter((path, i, all) => all.indexOf(path) === i && (i === 0 || existsSync(path)));
  return paths.map((path) => readFileFor(path, `${MODEL_FOLDER}/${basename(path)}`, budget));
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function figuresIn(answer: unknown, count: number, bits: number, sensing: boolean): ReturnType<typeof readFigures>[] {
  const bytes = typeof answer === 'string' ? Buffer.from(answer, 'base64') : Buffer.alloc(0);
  const packed = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  if (packed.length !== count * figuresLength(bits, sensing)) {
    throw new BeamrigError('internal', `a worker's answer has ${packed.length} figures for ${count} channels`);
  }
  return Array.from({ length: count }, (_, task) => readFigures(packed, task, bits, sensing));
}
