/**
 * What computes a training: the family's graphs compiled, a thread a core, or onnxruntime, a batch at once. The compiled one takes channel by
 * channel (the loss is a mean over channels, and what one of them says does not depend on the others) and sums their gradients in their order,
 * so that the same seed gives the same bytes on any number of threads. The two engines differ in the last digits of float32.
 */
import { availableParallelism } from 'node:os';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Random } from '../../core/signal/random.ts';
import { NotCompiled } from '../engine/onnx-graph.ts';
import { openParallel, type ParallelModels } from '../engine/parallel.ts';
import type { Network } from '../family.ts';
import { openSession, type Feed, type GraphSession } from '../graph/session.ts';
import type { Engine, EngineChoice } from '../engine/engines.ts';
import { moveNumbers } from './differences.ts';
import { figuresFound, openJudge, parameterFeeds, rateInputs, type Judge } from './judge.ts';

/** Channels to learn from at once. */
export interface Batch {
  /** [B, K, N, 2] */
  readonly channel: Float32Array;
  readonly shape: readonly number[];
  /** [B] */
  readonly noise: Float32Array;
  /** Which of the network's training graphs; default 0. */
  readonly turn?: number;
  /** Draws the moves of a network whose slopes are measured. */
  readonly random: Random;
}

export interface Learned {
  /** Mean over the batch. */
  readonly loss: number;
  /** In the order of the parameters; to be read before the next batch. */
  readonly gradients: readonly ArrayLike<number>[];
}

export interface TrainingEngine {
  readonly engine: Engine;
  /** 1 where onnxruntime computes. */
  readonly threads: number;
  /** What cannot be compiled, where the compiled engine would have been taken. */
  readonly why?: string;
  readonly judge: Judge;
  /** @param learned in the order of the network's parameters */
  learn(learned: readonly Float64Array[], batch: Batch): Promise<Learned>;
  close(): Promise<void>;
}

export interface EngineRequest {
  choice: EngineChoice;
  /** Default: one for each core. */
  threads?: number;
}

/** @throws {BeamrigError} 'model-engine' where the graphs are to be compiled and cannot be */
export async function openTrainingEngine(network: Network, { choice, threads }: EngineRequest): Promise<TrainingEngine> {
  if (choice === 'onnxruntime') return openRuntime(network);
  try {
    return openCompiledTraining(network, threads ?? availableParallelism());
  } catch (error) {
    if (!(error instanceof NotCompiled)) throw error;
    if (choice === 'auto') return { ...(await openRuntime(network)), why: error.message };
    throw new BeamrigError('model-engine', `the training graphs cannot be compiled: they have ${error.message}`, {
      wayOut: 'Let onnxruntime compute them: engine auto, or onnxruntime.',
    });
  }
}

function openCompiledTraining(network: Network, threads: number): TrainingEngine {
  const training = turnsOf(network).map((turn) => [trainingName(turn), network.trainingGraph(turn)]);
  const models = openParallel({ ...Object.fromEntries(training), rate: network.rateGraph() } as Graphs, { threads });
  return {
    engine: 'compiled',
    threads,
    learn:
      network.byDifferences === true
        ? learnByDifferences(network, async (turn, { channel, noise }, moved) => {
            const found = await models.run(trainingName(turn), noise.length, { channel, noise, ...moved });
            return found['loss'];
          })
        : learnByChannel(network, models),
    judge: {
      figures: async (learned, set, snrDb) => {
        const { channel, noise } = rateInputs(set, snrDb);
        const found: Record<string, ArrayLike<number> | undefined> = await models.run(
          'rate',
          noise.length,
          { channel, noise },
          parametersOf(network, learned),
        );
        return figuresFound((name) => found[name]);
      },
      close: () => models.close(),
    },
    close: () => models.close(),
  };
}

type Graphs = Record<'rate' | `training-${number}`, Uint8Array>;

const trainingName = (turn: number) => `training-${turn}` as const;

const turnsOf = ({ turns = 1 }: Network): number[] => Array.from({ length: turns }, (_, turn) => turn);

function learnByChannel(network: Network, models: ParallelModels<keyof Graphs>): TrainingEngine['learn'] {
  const gradients = network.parameters.map(({ start }) => new Float64Array(start.length));
  return async (learned, { channel, noise, turn = 0 }) => {
    const count = noise.length;
    const found = await models.run(trainingName(turn), count, { channel, noise }, parametersOf(network, learned));
    let loss = 0;
    for (let b = 0; b < count; b++) loss += found['loss'][b];
    network.parameters.forEach(({ name }, p) => meanInto(gradients[p], found[`d_${name}`], count));
    return { loss: loss / count, gradients };
  };
}

/** Losses of channels one by one, each with numbers of its own: [runs] from [runs, …] of everything. */
type LossOfEach = (
  turn: number,
  inputs: Record<'channel' | 'noise', Float32Array>,
  moved: Readonly<Record<string, Float32Array>>,
) => Promise<ArrayLike<number>>;

function learnByDifferences({ parameters }: Network, lossOfEach: LossOfEach): TrainingEngine['learn'] {
  return async (learned, { channel, noise, turn = 0, random }) => {
    const count = noise.length;
    const { moved, slopes } = moveNumbers(parameters, learned, count, random);
    const byName = Object.fromEntries(parameters.map(({ name }, i) => [name, moved[i]]));
    const losses = await lossOfEach(turn, { channel: twice(channel, count), noise: twice(noise, count) }, byName);
    let loss = 0;
    for (let run = 0; run < 2 * count; run++) loss += losses[run] / (2 * count);
    return { loss, gradients: slopes(losses) };
  };
}

/** The numbers of each of `count` channels, and again. */
function twice(values: Float32Array, count: number): Float32Array {
  const stride = values.length / count;
  const both = new Float32Array(2 * values.length);
  for (let b = 0; b < count; b++) {
    const own = values.subarray(b * stride, (b + 1) * stride);
    both.set(own, 2 * b * stride);
    both.set(own, (2 * b + 1) * stride);
  }
  return both;
}

/** Mean over channels, in their order and in float64. */
function meanInto(mean: Float64Array, each: ArrayLike<number>, count: number): void {
  const { length } = mean;
  mean.fill(0);
  for (let b = 0, at = 0; b < count; b++) for (let i = 0; i < length; i++, at++) mean[i] += each[at];
  for (let i = 0; i < length; i++) mean[i] /= count;
}

const parametersOf = ({ parameters }: Network, learned: readonly Float64Array[]): Record<string, Float32Array> =>
  Object.fromEntries(parameters.map(({ name }, i) => [name, Float32Array.from(learned[i])]));

async function openRuntime(network: Network): Promise<TrainingEngine> {
  // By turn, each when it is first wanted: opening one takes seconds.
  const learners = new Map<number, GraphSession>();
  const judge = await openJudge(network);
  const learnerOf = async (turn: number): Promise<GraphSession> => {
    const learner = learners.get(turn) ?? (await openSession(network.trainingGraph(turn)));
    learners.set(turn, learner);
    return learner;
  };
  const lossOfEach =
    (shape: readonly number[]): LossOfEach =>
    async (turn, inputs, moved) => {
      const learner = await learnerOf(turn);
      const runs = inputs.noise.length;
      const losses: number[] = [];
      const feedOf = (values: Float32Array, run: number, own: readonly number[]): Feed => {
        const stride = values.length / runs;
        return { values: values.subarray(run * stride, (run + 1) * stride), shape: own };
      };
      for (let run = 0; run < runs; run++) {
        const numbers = network.parameters.map(({ name, shape: own }) => [name, feedOf(moved[name], run, own)] as const);
        const { loss } = await learner.run({
          ...Object.fromEntries(numbers),
          channel: feedOf(inputs.channel, run, [1, ...shape.slice(1)]),
          noise: feedOf(inputs.noise, run, [1]),
        });
        losses.push(loss.values[0]);
      }
      return losses;
    };
  return {
    engine: 'onnxruntime',
    threads: 1,
    judge,
    learn: async (learned, batch) => {
      const { channel, shape, noise, turn = 0 } = batch;
      if (network.byDifferences === true) return learnByDifferences(network, lossOfEach(shape))(learned, batch);
      const learner = await learnerOf(turn);
      const result = await learner.run({
        ...parameterFeeds(network, learned),
        channel: { values: channel, shape },
        noise: { values: noise, shape: [noise.length] },
      });
      return { loss: result.loss.values[0], gradients: network.parameters.map(({ name }) => result[`d_${name}`].values) };
    },
    close: async () => {
      await Promise.all(Array.from(learners.values(), (learner) => learner.close()));
      await judge.close();
    },
  };
}
