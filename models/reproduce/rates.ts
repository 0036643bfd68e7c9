/**
 * Sum rates of methods on drawn channels, on all cores: threads take a channel of a method at an SNR, one after the other. Networks are
 * compiled; one that cannot be is computed by onnxruntime, in the thread that asks.
 */
import { readFileSync } from 'node:fs';
import type { CompiledModel } from '../compiled-beams.ts';
import { compileImage } from '../engine/compiled-session.ts';
import { NotCompiled } from '../engine/onnx-graph.ts';
import { openTaskThreads, type OnProgress } from '../engine/task-threads.ts';
import type { SizedModelFile } from './sized-models.ts';
import type { RateJob } from './methods.ts';
import type { SharedJobs } from './rates-worker.ts';
import { runtimeRates } from './runtime-rates.ts';

/** Sum rates in bit/s/Hz on the first channels of each job's set, in their order; NaN where a method has no setting for the SNR. */
export type ComputeRates = (jobs: readonly RateJob[], count: number, onProgress?: OnProgress) => Promise<number[][]>;

export interface Rates {
  /** @throws {BeamrigError} as the methods do; 'internal' where a thread ends by itself */
  compute: ComputeRates;
  /** Networks that onnxruntime computes, and what cannot be compiled of them. */
  readonly notCompiled: readonly { id: string; why: string }[];
  close(): Promise<void>;
}

export interface RatesOptions {
  /** Whose networks are among the methods. */
  models?: readonly SizedModelFile[];
  threads: number;
  /** Of calls that bring none of their own. */
  onProgress?: OnProgress;
}

export async function openRates({ models = [], threads, onProgress: usual }: RatesOptions): Promise<Rates> {
  const compiled: Record<string, CompiledModel> = {};
  const foreign = new Map<string, SizedModelFile & { why: string }>();
  for (const model of models) {
    try {
      compiled[model.id] = { card: model.card, image: compileImage(readFileSync(model.path)) };
    } catch (error) {
      if (!(error instanceof NotCompiled)) throw error;
      foreign.set(model.id, { ...model, why: error.message });
    }
  }
  const pool = await openTaskThreads<SharedJobs, number>(import.meta.url, 'rates-worker', compiled, threads);
  return {
    notCompiled: [...foreign.values()],
    compute: async (jobs, count, onProgress = usual) => {
      const total = jobs.length * count;
      const shared = jobs.filter(({ source }) => source.kind !== 'network' || !foreign.has(source.id));
      let done = 0;
      const progress = (now: number) => onProgress?.((done = now), total);
      const rates = await pool.run({ jobs: shared, count }, shared.length * count, progress);
      const found: number[][] = [];
      for (const { source, set } of jobs) {
        const model = source.kind === 'network' ? foreign.get(source.id) : undefined;
        if (source.kind !== 'network' || model === undefined) found.push(rates.splice(0, count));
        else {
          found.push(await runtimeRates(model, source.bits, { ...set, count }));
          onProgress?.((done += count), total);
        }
      }
      return found;
    },
    close: () => pool.close(),
  };
}
