/**
 * Trains the unfolded network of paper 001 without labels: the loss is minus the sum rate. One batch is one run of the training graph
 * (forward and backward) in onnxruntime, then one step of Adam here.
 *
 * What it takes to learn anything (the paper's recipe alone gains almost nothing): steps as logarithms, so that they stay positive; the
 * SNR drawn over the whole range for each channel; the gradient clipped, since it explodes where a trajectory turns chaotic; the earlier
 * layers' rates in the loss beside the last one's; and the epoch kept that was the best on validation channels.
 */
import { accessSync, constants, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import { fromDb } from '../../signal/rate.ts';
import { createRandom } from '../../signal/random.ts';
import { openSession } from '../graph/session.ts';
import type { Feed, GraphSession } from '../graph/session.ts';
import type { ModelCard } from '../card.ts';
import { constantSteps, fallingSteps } from '../unfolded-pga/step-sizes.ts';
import type { StepSizes } from '../unfolded-pga/step-sizes.ts';
import { encodeRateGraph, encodeTrainingGraph, parameterNames } from '../unfolded-pga/training-graph.ts';
import type { TrainingGraphOptions } from '../unfolded-pga/training-graph.ts';
import { adamStep, startAdam } from './adam.ts';
import { drawChannelSet } from './channel-set.ts';
import type { ChannelSet } from './channel-set.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { TrainingState } from './checkpoint.ts';
import { exportTrainedModel, isGuarded } from './export-model.ts';
import { decidingOptions, parseTrainingOptions } from './training-options.ts';
import type { TrainingOptions, TrainingRequest } from './training-options.ts';

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
const validationSnrDb = [-5, 0, 5, 10, 15, 20];

/** Where a stopped training of this output leaves its checkpoint. */
export const checkpointPathOf = (output: string): string => output.replace(/\.onnx$/, '.checkpoint.json');

/**
 * Trains and writes the model and its card. The same request gives the same bytes, also when it was stopped and resumed.
 * @throws BeamrigError 'argument' for an option out of range or a checkpoint of another training
 */
export async function trainUnfoldedPga(request: TrainingRequest, hooks: TrainingHooks = {}): Promise<TrainingOutcome> {
  const options = parseTrainingOptions(request);
  prepareFolder(options.output);
  const graphOptions = describeGraph(options);
  const deciding = decidingOptions(options);
  const checkpointPath = checkpointPathOf(options.output);
  const train = drawChannelSet({ ...options, name: 'train', count: options.channels });
  const validation = drawChannelSet({ ...options, name: 'validation', count: options.validationChannels, scale: 'unit-element' });
  const learner = await openSession(encodeTrainingGraph(graphOptions));
  const judge = await openSession(encodeRateGraph(graphOptions));
  const names = parameterNames(graphOptions.coefficients);
  try {
    const state =
      options.resume === undefined ? await begin(options, judge, validation) : readCheckpoint(options.resume, deciding);
    const batches = Math.ceil(options.channels / options.batch);
    const watch = stopwatch(state, batches, options);
    let validationRate = state.best.validationRate;
    while (state.epoch < options.epochs) {
      const { order, noise } = drawEpoch(options, state.epoch);
      while (state.batchesDone < batches) {
        if (hooks.signal?.aborted === true) {
          writeCheckpoint(checkpointPath, deciding, state);
          return { status: 'stopped', checkpointPath, epoch: state.epoch + 1, step: state.batchesDone };
        }
        const chosen = order.subarray(state.batchesDone * options.batch, (state.batchesDone + 1) * options.batch);
        const feeds = { ...parameterFeeds(graphOptions, state.parameters), ...batchFeeds(options, train, chosen, noise) };
        const result = await learner.run(feeds);
        const gradients = names.map((name) => result[`d_${name}`].values);
        adamStep(state.parameters, gradients, state.adam, learningRateAt(options, state.epoch, state.batchesDone / batches));
        state.batchesDone += 1;
        if (state.batchesDone === batches) {
          validationRate = await validate(options, judge, state.parameters, validation);
          if (validationRate > state.best.validationRate) {
            state.best = { epoch: state.epoch + 1, validationRate, parameters: state.parameters.map((values) => values.slice()) };
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
    if (options.epochs > 0) keepTrained(checkpointPath, deciding, state);
    const steps = asStepSizes(options, state.best.parameters);
    const written = await exportTrainedModel(options, steps, state.best.epoch, graphOptions.layerWeights, judge);
    rmSync(checkpointPath, { force: true });
    return { status: 'finished', ...written };
  } finally {
    await learner.close();
    await judge.close();
  }
}

function keepTrained(path: string, deciding: string, state: TrainingState): void {
  try {
    writeCheckpoint(path, deciding, state);
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

function describeGraph(options: TrainingOptions): TrainingGraphOptions {
  const { elements, rfChains, users, layers, innerSteps, stepCoefficients, recipe, clipNorm } = options;
  const isPaper = recipe === 'paper';
  // All layers together weigh a fifth of the answer, later ones more. The paper's loss has the answer alone.
  const layerWeight = (layer: number) => (isPaper ? 0 : (0.4 * (layer + 1)) / (layers * layers));
  const described: TrainingGraphOptions = {
    dimensions: { elements, rfChains, users },
    layers,
    innerSteps,
    form: isPaper ? 'plain' : 'log',
    coefficients: stepCoefficients,
    snrRangeDb: normalisedRange(options),
    guarded: isGuarded(options),
    layerWeights: Array.from({ length: layers }, (_, layer) => layerWeight(layer)),
  };
  return isPaper ? described : { ...described, clipNorm };
}

/** The training range in the network's own unit, where ‖H‖² = K·N as at unit-element scale on average. */
function normalisedRange({ snrRangeDb, scale, elements, paths }: TrainingOptions): [number, number] {
  const offsetDb = scale === 'paper-001' ? 10 * Math.log10(paths / elements) : 0;
  return [snrRangeDb[0] + offsetDb, snrRangeDb[1] + offsetDb];
}

function startingSteps(options: TrainingOptions): StepSizes {
  const { layers, innerSteps, elements, recipe, stepCoefficients } = options;
  if (recipe === 'paper') return constantSteps(layers, innerSteps, 0.01, 1e-4);
  return fallingSteps({ layers, innerSteps, elements, coefficients: stepCoefficients, snrRangeDb: normalisedRange(options) });
}

async function begin(options: TrainingOptions, judge: GraphSession, validation: ChannelSet): Promise<TrainingState> {
  const { mu, lambda } = startingSteps(options);
  const parameters = mu.flatMap((values, i) => [values, lambda[i]]);
  const best = { epoch: 0, validationRate: 0, parameters: parameters.map((values) => values.slice()) };
  const state: TrainingState = { epoch: 0, batchesDone: 0, parameters, adam: startAdam(parameters), best };
  best.validationRate = await validate(options, judge, parameters, validation);
  return state;
}

function asStepSizes(options: TrainingOptions, parameters: readonly Float64Array[]): StepSizes {
  const mu = parameters.filter((_, i) => i % 2 === 0);
  const lambda = parameters.filter((_, i) => i % 2 === 1);
  return { ...startingSteps(options), mu, lambda };
}

/** 'beamrig': down to a twentieth along a cosine; 'paper': 0.97 for each epoch. */
function learningRateAt({ recipe, learningRate, epochs }: TrainingOptions, epoch: number, share: number): number {
  if (recipe === 'paper') return learningRate * 0.97 ** epoch;
  const done = (epoch + share) / epochs;
  return learningRate * (0.05 + 0.475 * (1 + Math.cos(Math.PI * done)));
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

function batchFeeds(
  { users, elements }: TrainingOptions,
  set: ChannelSet,
  chosen: Uint32Array,
  noise: Float64Array,
): Record<string, Feed> {
  const packed = new Float32Array(chosen.length * set.stride);
  chosen.forEach((index, b) => packed.set(set.packed.subarray(index * set.stride, (index + 1) * set.stride), b * set.stride));
  return {
    channel: { values: packed, shape: [chosen.length, users, elements, 2] },
    noise: { values: Float32Array.from(chosen, (index) => noise[index]), shape: [chosen.length] },
  };
}

/** The learned numbers as the graph wants them. */
export function parameterFeeds(graph: TrainingGraphOptions, parameters: readonly Float64Array[]): Record<string, Feed> {
  return Object.fromEntries(
    parameterNames(graph.coefficients).map((name, i) => [
      name,
      { values: Float32Array.from(parameters[i]), shape: [graph.layers, name.startsWith('mu') ? graph.innerSteps : 1] },
    ]),
  );
}

async function validate(
  options: TrainingOptions,
  judge: GraphSession,
  parameters: readonly Float64Array[],
  { packed, channels }: ChannelSet,
): Promise<number> {
  const { users, elements } = options;
  const feeds = parameterFeeds(describeGraph(options), parameters);
  let total = 0;
  for (const snrDb of validationSnrDb) {
    const noise = new Float32Array(channels.length).fill(1 / fromDb(snrDb));
    const { rate } = await judge.run({
      ...feeds,
      channel: { values: packed, shape: [channels.length, users, elements, 2] },
      noise: { values: noise, shape: [channels.length] },
    });
    for (let b = 0; b < channels.length; b++) total += rate.values[b];
  }
  return total / (validationSnrDb.length * channels.length);
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
