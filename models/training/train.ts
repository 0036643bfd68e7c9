/**
 * Trains the network of any family without labels. One batch is the family's training graph (forward and backward) on each of its channels
 * (training-engine.ts), then one step of Adam here. The SNR is drawn over the whole range for each channel, and the epoch is kept that was the
 * best on validation channels.
 */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import { removeIfPossible } from '../../core/files/whole-file.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { ModelCard } from '../card.ts';
import type { ModelFamily, Network } from '../family.ts';
import { adamStep, startAdam } from './adam.ts';
import type { ChannelSet } from './channel-set.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { TrainingIdentity, TrainingState } from './checkpoint.ts';
import type { EngineChoice } from '../engine/engines.ts';
import { NUMBERS_ENDING, withoutEnding } from '../model-path.ts';
import { exportTrainedModel } from './export-model.ts';
import { splitMeasured } from './fine-tuning.ts';
import { meanRate } from './judge.ts';
import { unitOf } from './differences.ts';
import { startFrom } from './learned-numbers.ts';
import { parseOptions } from './parse-options.ts';
import { besideOthers, judgedOn, learnedBefore, type JudgedOn, type Standing } from './standing.ts';
import { openTrainingEngine, type Batch, type TrainingEngine } from './training-engine.ts';
import type { TrainingComputing, TrainingData, TrainingOptions, TrainingPlace } from './training-options.ts';

export interface TrainingProgress {
  /** From 1. */
  epoch: number;
  epochs: number;
  /** Batch of the epoch, from 1. */
  step: number;
  steps: number;
  loss: number;
  /** Mean over validation channels and SNRs of what the network climbs, rate or R − ω·τ, bit/s/Hz: the last that was measured, and the best. */
  validationRate: number;
  bestValidationRate: number;
  /** Channels learned from per second. */
  ratePerSecond: number;
  secondsLeft: number;
}

export interface TrainingHooks {
  /** Called before the first batch. */
  onEngine?: (engine: Pick<TrainingEngine, 'engine' | 'threads' | 'why'>) => void;
  /** Called then, too: what the figures of all progress are a mean over. */
  onJudgedOn?: (judgedOn: JudgedOn) => void;
  onProgress?: (progress: TrainingProgress) => void;
  /** Stops after the batch at hand and leaves a checkpoint. */
  signal?: AbortSignal;
}

export type TrainingOutcome =
  | { status: 'finished'; modelPath: string; cardPath: string; card: ModelCard; standing: Standing }
  | { status: 'stopped'; checkpointPath: string; epoch: number; step: number };

/** Where a stopped training of this output leaves its checkpoint. */
export const checkpointPathOf = (output: string): string => `${withoutEnding(output)}.checkpoint.json`;

/**
 * Trains and writes the model and its card. The same request gives the same bytes, also when it was stopped and resumed.
 * @param request the family's options, where the model goes, and how it is computed
 * @throws BeamrigError 'argument' for an option out of range or a checkpoint of another training, 'model-engine' for a family that is to be
 *   compiled and cannot be, 'internal' when a thread has ended by itself: what was trained is in a checkpoint then
 */
export async function train<Options extends TrainingOptions>(
  family: ModelFamily<Options>,
  {
    output,
    resume,
    engine: choice = 'auto',
    threads,
    from,
    measured,
    comparedBySeed,
    ...request
  }: Partial<Options> & TrainingPlace & TrainingComputing & TrainingData,
  hooks: TrainingHooks = {},
): Promise<TrainingOutcome> {
  const asked = parseOptions(family, request);
  const { set, validation } = measured === undefined ? drawn(family, asked) : splitMeasured(measured, asked);
  const options = { ...asked, channels: set.channels.length, validationChannels: validation.channels.length };
  prepareFolder(output);
  const network = family.network(options);
  requireKind(network, output);
  const start =
    from === undefined ? network.parameters.map((each) => each.start) : startFrom(network, learnedBefore(network, from), from.id);
  const data = from === undefined && measured === undefined ? '' : ` ${JSON.stringify([from?.sha256, measured?.sha256])}`;
  const identity = { family: family.id, options: JSON.stringify(options) + data };
  const checkpointPath = checkpointPathOf(output);
  const resumed = resume === undefined ? undefined : readCheckpoint(resume, identity);
  const computing = await openTrainingEngine(network, {
    choice: resumed === undefined ? choice : engineOf(resumed, choice),
    ...(threads === undefined ? {} : { threads }),
  });
  /** Measured channels are the same for all seeds. */
  const compared = (learned: readonly Float64Array[]): Promise<number> => {
    const draw = { name: 'test', count: options.validationChannels, scale: 'unit-element' } as const;
    const seed = comparedBySeed ?? options.seed;
    const on = measured === undefined ? family.drawChannels({ ...options, seed }, draw) : validation;
    return meanRate(network, computing.judge, learned, on);
  };
  try {
    hooks.onEngine?.(computing);
    hooks.onJudgedOn?.(judgedOn(network, validation, measured));
    const state = resumed ?? (await begin(network, start, computing, validation));
    const course: Course = { network, options, computing, set, validation, state };
    try {
      if ((await goThrough(course, hooks)) === 'stopped') {
        writeCheckpoint(checkpointPath, identity, state);
        return { status: 'stopped', checkpointPath, epoch: state.epoch + 1, step: state.batchesDone };
      }
    } catch (error) {
      const isBegun = state.epoch > 0 || state.batchesDone > 0;
      throw isBegun && keepTrained(checkpointPath, identity, state) ? withCheckpoint(error, checkpointPath) : error;
    }
    // Writing the model may yet fail, for want of room say: what was trained is kept until it is there.
    const isTrained = options.epochs > 0;
    const kept = isTrained && keepTrained(checkpointPath, identity, state);
    const { parameters: learned, epoch: bestEpoch, validationRate: reached } = state.best;
    const trained = {
      ...{ family, options, network, learned, bestEpoch, engine: computing.engine },
      ...(from === undefined ? {} : { from }),
      ...(measured === undefined ? {} : { measured: { ...measured, heldOut: validation } }),
    };
    try {
      const written = await exportTrainedModel(trained, output, computing.judge);
      const beside = await besideOthers(family, { network, options, from }, computing.judge, validation);
      const standing = {
        ...judgedOn(network, validation, measured),
        reached,
        bestEpoch,
        ...(beside === undefined ? {} : { beside }),
        ...(comparedBySeed === undefined ? {} : { compared: await compared(learned) }),
      };
      removeIfPossible(checkpointPath);
      return { status: 'finished', ...written, standing };
    } catch (error) {
      if (kept) throw withCheckpoint(error, checkpointPath);
      throw isTrained ? allLost(error) : error;
    }
  } finally {
    await computing.close();
  }
}

/** Everything that a training goes on with, batch by batch. */
interface Course {
  network: Network;
  options: TrainingOptions;
  computing: TrainingEngine;
  set: ChannelSet;
  validation: ChannelSet;
  /** Changed in place; whole between two batches. */
  state: TrainingState;
}

async function goThrough(course: Course, hooks: TrainingHooks): Promise<'done' | 'stopped'> {
  const { network, options, computing, set, validation, state } = course;
  const batches = Math.ceil(options.channels / options.batch);
  const watch = stopwatch(state, batches, options);
  let validationRate = state.best.validationRate;
  let loss = NaN;
  const tell = (): void =>
    hooks.onProgress?.({
      epoch: state.epoch + 1,
      epochs: options.epochs,
      step: state.batchesDone,
      steps: batches,
      loss,
      validationRate,
      bestValidationRate: state.best.validationRate,
      ...watch(state),
    });
  while (state.epoch < options.epochs) {
    const { order, noise } = drawEpoch(options, state.epoch);
    while (state.batchesDone < batches) {
      if (hooks.signal?.aborted === true) return 'stopped';
      const chosen = order.subarray(state.batchesDone * options.batch, (state.batchesDone + 1) * options.batch);
      const turn = (state.epoch * batches + state.batchesDone) % (network.turns ?? 1);
      const random = createRandom(options.seed).stream(`moves-${state.epoch}-${state.batchesDone}`);
      const learned = await computing.learn(state.parameters, { ...batchOf(set, chosen, noise), turn, random });
      const learningRate = learningRateAt(network, options, state.epoch, state.batchesDone / batches);
      adamStep(state.parameters, learned.gradients, state.adam, learningRate, network.parameters.map(unitOf));
      state.batchesDone += 1;
      loss = learned.loss;
      if (state.batchesDone < batches) tell();
    }
    validationRate = await meanRate(network, computing.judge, state.parameters, validation);
    if (validationRate > state.best.validationRate) {
      state.best = { epoch: state.epoch + 1, validationRate, parameters: copied(state.parameters) };
    }
    tell();
    state.epoch += 1;
    state.batchesDone = 0;
  }
  return 'done';
}

/** One that was stopped goes on in the engine that began it, for in another it would end in bytes that no command makes. */
function engineOf({ engine }: TrainingState, choice: EngineChoice): EngineChoice {
  if (choice === 'auto' || choice === engine) return engine;
  throw new BeamrigError('argument', `the checkpoint was begun by the engine ${engine}, and cannot go on in ${choice}`, {
    wayOut: `Leave the engine out, or say ${engine}; or start anew without the checkpoint.`,
  });
}

/** What went wrong within, told with the way to go on. */
function withCheckpoint(error: unknown, path: string): unknown {
  if (!isBeamrigError(error)) return error;
  return new BeamrigError(error.code, error.message, {
    wayOut: `What was trained is kept: ${error.code === 'output' ? 'make room there, and ' : ''}go on from ${path} with --resume, a sweep with the same command.`,
    cause: error,
  });
}

function allLost(error: unknown): unknown {
  if (!isBeamrigError(error)) return error;
  return new BeamrigError(error.code, error.message, {
    wayOut: 'What was trained could not be kept either, and is lost: make room there, and start the training anew.',
    cause: error,
  });
}

/** @returns whether there was room for it; a model is tried all the same, and says so if there is none for it either */
function keepTrained(path: string, identity: TrainingIdentity, state: TrainingState): boolean {
  try {
    writeCheckpoint(path, identity, state);
    return true;
  } catch {
    return false;
  }
}

/** What a network for words has learned is a part of a file of numbers. */
function requireKind({ mostPhaseBits }: Network, output: string): void {
  if (mostPhaseBits === undefined || output.endsWith(NUMBERS_ENDING)) return;
  throw new BeamrigError(
    'argument',
    `training: phases of ${counted(mostPhaseBits, 'bit')} are learned for files of numbers, not for ${output}`,
    {
      wayOut: `choose an output that ends in ${NUMBERS_ENDING}`,
    },
  );
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

function drawn<Options extends TrainingOptions>(
  family: ModelFamily<Options>,
  options: Options,
): Record<'set' | 'validation', ChannelSet> {
  const { channels, validationChannels, scale } = options;
  return {
    set: family.drawChannels(options, { name: 'train', count: channels, scale }),
    validation: family.drawChannels(options, { name: 'validation', count: validationChannels, scale: 'unit-element' }),
  };
}

async function begin(
  network: Network,
  start: readonly Float64Array[],
  { engine, judge }: TrainingEngine,
  validation: ChannelSet,
): Promise<TrainingState> {
  const parameters = copied(start);
  const validationRate = await meanRate(network, judge, parameters, validation);
  const best = { epoch: 0, validationRate, parameters: copied(parameters) };
  return { engine, epoch: 0, batchesDone: 0, parameters, adam: startAdam(parameters), best };
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

function batchOf(set: ChannelSet, chosen: Uint32Array, noise: Float64Array): Omit<Batch, 'random'> {
  const [{ rows, cols }] = set.channels;
  const packed = new Float32Array(chosen.length * set.stride);
  chosen.forEach((index, b) => packed.set(set.packed.subarray(index * set.stride, (index + 1) * set.stride), b * set.stride));
  return {
    channel: packed,
    shape: [chosen.length, rows, cols, 2],
    noise: Float32Array.from(chosen, (index) => noise[index]),
  };
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
