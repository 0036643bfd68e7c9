/**
 * The same evaluation on all cores. A thread does the whole of a channel at one SNR, the beam, what a rig would make of it, and the digital
 * yardsticks, and takes the next that nobody has taken; means are over the channels in their order, so that no figure depends on the threads.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { ObjectiveName } from '../../core/signal/objectives/objective-names.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { NEAREST } from '../../core/signal/quantiser-names.ts';
import { createQuantiser } from '../../core/signal/quantisers.ts';
import type { Sensing } from '../../core/signal/sensing.ts';
import type { BaselineName } from '../baselines/baselines.ts';
import { compileImage } from '../engine/compiled-session.ts';
import type { FittedModel } from '../fitted-model.ts';
import { openTaskThreads } from '../engine/task-threads.ts';
import { requireChannels, summarise, type EvaluationOptions, type EvaluationResult } from './evaluate.ts';
import type { EvaluationStart } from './evaluation-worker.ts';
import { figuresLength, readFigures } from './packed-figures.ts';

/** What gives the beams: a baseline by name, or a model that can be compiled. */
export type BeamSource = { baseline: BaselineName } | Pick<FittedModel, 'card' | 'onnx'>;

export interface ParallelEvaluation extends Omit<EvaluationOptions, 'compute' | 'objective' | 'onBeam'> {
  source: BeamSource;
  objective: ObjectiveName;
  threads: number;
}

/**
 * Calls `onProgress` with 0 when all threads are ready.
 * @throws {BeamrigError} as `evaluateBeamformer` does, of the first channel that has something; 'internal' where a thread ends by itself
 * @throws NotCompiled where the model has something that is not compiled
 */
export async function evaluateInParallel(options: ParallelEvaluation): Promise<EvaluationResult> {
  const {
    model,
    file,
    source,
    objective,
    quantiser = NEAREST,
    channels,
    rfChains,
    snrsDb,
    bits,
    ownDigital = false,
    threads,
    onProgress,
    sensing,
    connection,
  } = options;
  requireChannels(channels);
  // What it does not know is refused here, and not by each thread.
  createQuantiser(quantiser, OBJECTIVES[objective]);
  const total = snrsDb.length * channels.length;
  const [{ rows, cols }] = channels;
  const figures = new Float64Array(new SharedArrayBuffer(8 * total * figuresLength(bits.length, sensing !== undefined)));
  const start: EvaluationStart = {
    source: 'baseline' in source ? source : { card: source.card, image: compileImage(source.onnx) },
    channels: { rows, cols, count: channels.length, numbers: sharedChannels(channels) },
    ...{ model, file, objective, quantiser, rfChains, snrsDb, bits, ownDigital, figures },
    ...(connection === undefined ? {} : { connection }),
    ...(sensing === undefined ? {} : { sensing: sensing.map(sharedSensing) }),
  };
  const pool = await openTaskThreads(import.meta.url, 'evaluation-worker', start, threads);
  try {
    await pool.run(undefined, total, onProgress);
  } finally {
    await pool.close();
  }
  return summarise(
    Array.from({ length: total }, (_, task) => readFigures(figures, task, bits.length, sensing !== undefined)),
    options,
  );
}

function sharedSensing({ factor, weight, grid }: Sensing): Sensing {
  const shared = { ...factor, re: sharedCopy(factor.re), im: sharedCopy(factor.im) };
  if (grid === undefined) return { factor: shared, weight };
  return { factor: shared, weight, grid: { ...grid, weights: sharedCopy(grid.weights), wanted: sharedCopy(grid.wanted) } };
}

function sharedCopy(numbers: Float64Array): Float64Array {
  const copy = new Float64Array(new SharedArrayBuffer(numbers.byteLength));
  copy.set(numbers);
  return copy;
}

/** Real parts of a channel, then imaginary ones, channel after channel: threads read them where they are. */
function sharedChannels(channels: readonly CMatrix[]): Float64Array {
  const size = channels[0].re.length;
  const numbers = new Float64Array(new SharedArrayBuffer(16 * channels.length * size));
  channels.forEach(({ re, im }, index) => {
    numbers.set(re, 2 * index * size);
    numbers.set(im, (2 * index + 1) * size);
  });
  return numbers;
}
