/** A thread of `parallel-evaluation.ts`: a task is one channel at one SNR. */
import { workerData } from 'node:worker_threads';
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { ObjectiveName } from '../../core/signal/objectives/objective-names.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import type { QuantiserChoice } from '../../core/signal/quantiser-names.ts';
import { createQuantiser } from '../../core/signal/quantisers.ts';
import { fromDb } from '../../core/signal/rate.ts';
import type { Sensing } from '../../core/signal/sensing.ts';
import { runBaseline, type BaselineName } from '../baselines/baselines.ts';
import { openBeams, type CompiledModel } from '../compiled-beams.ts';
import { serveTasks } from '../engine/serve-tasks.ts';
import { figuresOf, type PhaseBits } from './channel-figures.ts';
import { sensingAt } from './evaluate.ts';
import { writeFigures } from './packed-figures.ts';
import { toldWhere } from './told-where.ts';

export interface EvaluationStart {
  readonly source: { readonly baseline: BaselineName } | CompiledModel;
  readonly channels: { readonly rows: number; readonly cols: number; readonly count: number; readonly numbers: Float64Array };
  readonly model: string;
  /** Where the channels are from, for messages. */
  readonly file: string;
  readonly objective: ObjectiveName;
  readonly quantiser: QuantiserChoice;
  readonly rfChains: number;
  readonly snrsDb: readonly number[];
  readonly bits: readonly PhaseBits[];
  readonly ownDigital: boolean;
  /** N·M of 0/1; absent: fully connected. */
  readonly connection?: Uint8Array;
  /** At every SNR, or at each of them. */
  readonly sensing?: readonly Sensing[];
  /** In the order of the tasks; shared by all threads. */
  readonly figures: Float64Array;
}

const start = workerData as EvaluationStart;
const compute = openSource();
const objective = OBJECTIVES[start.objective];
const options = { ...start, objective, quantise: createQuantiser(start.quantiser, objective) };

serveTasks(() => (task) => {
  const { model, file, channels, snrsDb, rfChains, figures, sensing, connection } = start;
  const snr = Math.floor(task / channels.count);
  const channel = task % channels.count;
  const problem: Problem = {
    channel: channelAt(channel),
    rfChains,
    power: fromDb(snrsDb[snr]),
    noise: 1,
    ...(connection === undefined ? {} : { connection }),
    ...(sensing === undefined ? {} : { sensing: sensingAt(sensing, snr) }),
  };
  try {
    writeFigures(figures, task, figuresOf(problem, compute(problem), options));
  } catch (error) {
    throw toldWhere(error, { model, file, channel, snr: problem.power });
  }
});

function channelAt(index: number): CMatrix {
  const { rows, cols, numbers } = start.channels;
  const size = rows * cols;
  const at = 2 * index * size;
  return { rows, cols, re: numbers.subarray(at, at + size), im: numbers.subarray(at + size, at + 2 * size) };
}

function openSource(): (problem: Problem) => Beam {
  const { source } = start;
  if ('baseline' in source) return (problem) => runBaseline(source.baseline, problem);
  return openBeams(source, start.connection);
}
