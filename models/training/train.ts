/**
 * Trains the network of any family without labels. One batch is one run of the family's training graph (forward and backward) in onnxruntime,
 * then one step of Adam here. The SNR is drawn over the whole range for each channel, and the epoch is kept that was the best on validation
 * channels.
 */
import { accessSync, constants, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { ModelCard } from '../card.ts';
import type { ModelFamily, Network } from '../family.ts';
import { openSession } from '../graph/session.ts';
import type { Feed } from '../graph/session.ts';
import { adamStep, startAdam } from './adam.ts';
import type { ChannelSet } from './channel-set.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { TrainingIdentity, TrainingState } from './checkpoint.ts';
import { exportTrainedModel } from './export-model.ts';
import type { Judge } from './judge.ts';
import { openJudge, parameterFeeds } from './judge.ts';
import { parseOptions } from './parse-options.ts';
import type { TrainingOptions, TrainingPlace } from './training-options.ts';

export interface TrainingProgress {
  /** From 1. */
  epoch: number;
  epochs: number;
  /** Batch of the epoch, from 1. */
  step: number;
  steps: number;
  loss: number;
  /** Mean over validation channels and SNRs of the last layer's rate, bit/s/Hz: the last that was measured, and the best. */
  validationRate: number;
  bestValidationRate: number;
  /** Channels learned from per second. */
  ratePerSecond: number;
  secondsLeft: number;
}

export interface TrainingHooks {
  onProgress?: (progress: TrainingProgress) => void;
  /** Stops after the batch at hand and leaves a checkpoint. */
  signal?: AbortSignal;
}

export type TrainingOutcome =
  | { status: 'finished'; modelPath: string; cardPath: string; card: ModelCard }
  | { status: 'stopped'; checkpointPath: string; epoch: number; step: number };

/** SNRs that validation is a mean over, dB at unit-element scale. */
const VALIDATION_SNR_DB = [-5, 0, 5, 10, 15, 20];

/** Where a stopped training of this output leaves its checkpoint. */
export const checkpointPathOf = (output: string): string => output.replace(/\.onnx$/, '.checkpoint.json');

/**
 * Trains and writes the model and its card. The same request gives the same bytes, also when it was stopped and resumed.
 * @param request the family's options, and where the model goes
 * @throws BeamrigError 'argument' for an option out of range or a checkpoint of another training
 */
export async function train<Options extends TrainingOptions>(
  family: ModelFamily<Options>,
  { output, resume, ...request }: Partial<Options> & TrainingPlace,
  hooks: TrainingHooks = {},
): Promise<TrainingOutcome> {
  const options = parseOptions(family, request);
  prepareFolder(output);
  const network = family.network(options);
  const identity = { family: family.id, options: JSON.stringify(options) };
  const checkpointPath = checkpointPathOf(output);
  const set = family.drawChannels(options, { name: 'train', count: options.channels, scale: options.scale });
  const validation = family.drawChannels(options, {
    name: 'validation',
    count: options.validationChannels,
    scale: 'unit-element',
  });
  const learner = await openSession(network.trainingGraph());
  const judge = await openJudge(network);
  try {
    const state = resume === undefined ? await begin(network, judge, validation) : readCheckpoint(resume, identity);
    const batches = Math.ceil(options.channels / options.batch);
    const watch = stopwatch(state, batches, options);
    let validationRate = state.best.validationRate;
    while (state.epoch < options.epochs) {
      const { order, noise } = drawEpoch(options, state.epoch);
      while (state.batchesDone < batches) {
        if (hooks.signal?.aborted === true) {
          writeCheckpoint(checkpointPath, identity, state);
          return { status: 'stopped', checkpointPath, epoch: state.epoch + 1, step: state.batchesDone };
        }
        const chosen = order.subarray(state.batchesDone * options.batch, (state.batchesDone + 1) * options.batch);
        const feeds = { ...parameterFeeds(network, state.parameters), ...batchFeeds(set, chosen, noise) };
        const result = await learner.run(feeds);
        const gradients = network.parameters.map(({ name }) => result[`d_${name}`].values);
        const learningRate = learningRateAt(network, options, state.epoch, state.batchesDone / batches);
        adamStep(state.parameters, gradients, state.adam, learningRate);
        state.batchesDone += 1;
        if (state.batchesDone === batches) {
          validationRate = await validate(judge, state.parameters, validation);
          if (validationRate > state.best.validationRate) {
            state.best = { epoch: state.epoch + 1, validationRate, parameters: copied(state.parameters) };
          }
        }
        hooks.onProgress?.({
          epoch: state.epoch + 1,
          epochs: options.epochs,
          step: state.batchesDone,
          steps: batches,
          loss: result.loss.values[0],
          validationRate,
          bestValidationRate: state.best.validationRate,
          ...watch(state),
        });
      }
      state.epoch += 1;
      state.batchesDone = 0;
    }
    // Writing the model may yet fail, for want of room say: what was trained is kept until it is there.
    if (options.epochs > 0) keepTrained(checkpointPath, identity, state);
    const { parameters: learned, epoch: bestEpoch } = state.best;
    const written = await exportTrainedModel({ family, options, network, learned, bestEpoch }, output, judge);
    rmSync(checkpointPath, { force: true });
    return { status: 'finished', ...written };
  } finally {
    await learner.close();
    await judge.close();
  }
}

function keepTrained(path: string, identity: TrainingIdentity, state: TrainingState): void {
  try {
    writeCheckpoint(path, identity, state);
  } catch {
    // No room for it: the model itself is tried all the same, and says so if there is none for it either.
  }
}

/** An output that cannot be written is known before the minutes of training, not after. */
function prepareFolder(output: string): void {
  const folder = dirname(output);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new BeamrigError('argument', `training: folder ${folder} cannot be written`, {
      wayOut: 'choose another output',
      cause,
    });
  }
}

async function begin({ parameters: learned }: Network, judge: Judge, validation: ChannelSet): Promise<TrainingState> {
  const parameters = learned.map(({ start }) => start.slice());
  const validationRate = await validate(judge, parameters, validation);
  const best = { epoch: 0, validationRate, parameters: copied(parameters) };
  return { epoch: 0, batchesDone: 0, parameters, adam: startAdam(parameters), best };
}

const copied = (parameters: readonly Float64Array[]): Float64Array[] => parameters.map((values) => values.slice());

/** The family's own course, or down to a twentieth along a cosine. */
function learningRateAt(network: Network, { learningRate, epochs }: TrainingOptions, epoch: number, share: number): number {
  const own = network.learningRateAt?.(epoch, share);
  const done = (epoch + share) / epochs;
  return own ?? learningRate * (0.05 + 0.475 * (1 + Math.cos(Math.PI * done)));
}

/** The order of the channels and each one's noise: from the seed and the epoch alone, so that a resumed run draws the same. */
function drawEpoch(
  { seed, channels, snrRangeDb: [from, to] }: TrainingOptions,
  epoch: number,
): { order: Uint32Array; noise: Float64Array } {
  const random = createRandom(seed).stream(`epoch-${epoch}`);
  const order = Uint32Array.from({ length: channels }, (_, i) => i);
  for (let i = channels - 1; i > 0; i--) {
    const j = Math.floor(random.uniform() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  const noise = Float64Array.from({ length: channels }, () => 1 / fromDb(from + (to - from) * random.uniform()));
  return { order, noise };
}

function batchFeeds(set: ChannelSet, chosen: Uint32Array, noise: Float64Array): Record<string, Feed> {
  const [{ rows, cols }] = set.channels;
  const packed = new Float32Array(chosen.length * set.stride);
  chosen.forEach((index, b) => packed.set(set.packed.subarray(index * set.stride, (index + 1) * set.stride), b * set.stride));
  return {
    channel: { values: packed, shape: [chosen.length, rows, cols, 2] },
    noise: { values: Float32Array.from(chosen, (index) => noise[index]), shape: [chosen.length] },
  };
}

/** Mean over channels and SNRs. */
async function validate(judge: Judge, parameters: readonly Float64Array[], validation: ChannelSet): Promise<number> {
  let total = 0;
  for (const snrDb of VALIDATION_SNR_DB) {
    const rates = await judge.rates(parameters, validation, snrDb);
    for (let b = 0; b < rates.length; b++) total += rates[b];
  }
  return total / (VALIDATION_SNR_DB.length * validation.channels.length);
}

/** Channels per second since this process began, and what is left at that pace. */
function stopwatch(start: TrainingState, batches: number, { epochs, batch }: TrainingOptions) {
  const began = performance.now();
  const before = start.epoch * batches + start.batchesDone;
  return ({ epoch, batchesDone }: TrainingState): { ratePerSecond: number; secondsLeft: number } => {
    const seconds = (performance.now() - began) / 1000;
    const done = epoch * batches + batchesDone - before;
    const left = (epochs - epoch) * batches - batchesDone;
    return { ratePerSecond: (done * batch) / seconds, secondsLeft: (seconds / Math.max(1, done)) * left };
  };
}
