/** A thread of `parallel-evaluation.ts`: takes channels, one after the other, until all are taken or one is refused. */
import { parentPort, workerData } from 'node:worker_threads';
import { isBeamrigError, type ErrorCode } from '../../core/errors/beamrig-error.ts';
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { ObjectiveName } from '../../core/signal/objectives/objective-names.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { fromDb } from '../../core/signal/rate.ts';
import type { Sensing } from '../../core/signal/sensing.ts';
import { runBaseline, type BaselineName } from '../baselines/baselines.ts';
import type { ModelCard } from '../card.ts';
import { sessionOf, type CompiledImage } from '../engine/compiled-session.ts';
import { beamOf, flatInputs } from '../model-tensors.ts';
import { figuresOf, type ChannelFigures, type PhaseBits } from './channel-figures.ts';
import { sensingAt } from './evaluate.ts';

export interface EvaluationStart {
  readonly source: { readonly baseline: BaselineName } | { readonly card: ModelCard; readonly image: CompiledImage };
  readonly channels: { readonly rows: number; readonly cols: number; readonly count: number; readonly numbers: Float64Array };
  readonly model: string;
  readonly objective: ObjectiveName;
  readonly rfChains: number;
  readonly snrsDb: readonly number[];
  readonly bits: readonly PhaseBits[];
  readonly resolveDigital: boolean;
  /** At every SNR, or at each of them. */
  readonly sensing?: readonly Sensing[];
  /** Shared by all threads: the next task that nobody has taken, and figures in the order of the tasks. */
  readonly next: Int32Array;
  readonly figures: Float64Array;
}

/** An error of one task, as it passes between threads. */
export interface Refusal {
  readonly task: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly wayOut: string | undefined;
}

const start = workerData as EvaluationStart;
const compute = openSource();
const options = { ...start, objective: OBJECTIVES[start.objective] };

parentPort?.on('message', (what: 'open' | 'go') => parentPort?.postMessage(what === 'go' ? takeTasks() : undefined));

function takeTasks(): Refusal | undefined {
  const { channels, snrsDb, rfChains, figures, next, sensing } = start;
  const total = snrsDb.length * channels.count;
  for (let task = Atomics.add(next, 0, 1); task < total; task = Atomics.add(next, 0, 1)) {
    const snr = Math.floor(task / channels.count);
    const problem: Problem = {
      channel: channelAt(task % channels.count),
      rfChains,
      power: fromDb(snrsDb[snr]),
      noise: 1,
      ...(sensing === undefined ? {} : { sensing: sensingAt(sensing, snr) }),
    };
    try {
      writeFigures(figures, task, figuresOf(problem, compute(problem), options));
    } catch (error) {
      if (!isBeamrigError(error)) throw error;
      Atomics.store(next, 0, total);
      return { task, code: error.code, message: error.message, wayOut: error.wayOut };
    }
  }
  return undefined;
}

function channelAt(index: number): CMatrix {
  const { rows, cols, numbers } = start.channels;
  const size = rows * cols;
  const at = 2 * index * size;
  return { rows, cols, re: numbers.subarray(at, at + size), im: numbers.subarray(at + size, at + 2 * size) };
}

function writeFigures(figures: Float64Array, task: number, { powerRatio, zf, wmmse, atBits }: ChannelFigures): void {
  const numbers = [
    powerRatio,
    zf,
    wmmse,
    ...atBits.flatMap(({ sumRate, score, ownDigital, sensing }) => [
      ...[sumRate, score, Number(ownDigital)],
      ...(sensing === undefined ? [] : [sensing.tau, sensing.rateLessTau, sensing.beampatternMse]),
    ]),
  ];
  figures.set(numbers, task * numbers.length);
}

function openSource(): (problem: Problem) => Beam {
  const { source } = start;
  if ('baseline' in source) return (problem) => runBaseline(source.baseline, problem);
  const { card, image } = source;
  const session = sessionOf(image);
  const { inputs, outputs } = session;
  // Fully connected: what is evaluated is no rig with an array of its own.
  if (card.connection === 'input') inputs['connection'].fill(1);
  return (problem) => {
    const flat = flatInputs(card, problem);
    const entries = flat.length - 2;
    inputs['channel'].set(flat.subarray(0, entries));
    inputs['power'].set(flat.subarray(entries, entries + 1));
    inputs['noise'].set(flat.subarray(entries + 1));
    session.run();
    return beamOf(card, [...outputs['analog_phase'], ...outputs['digital']]);
  };
}
