/** How far a table is, on standard error while it is computed, and how fast that was. */
import { availableParallelism } from 'node:os';
import { SingleBar } from 'cli-progress';
import { counted } from '../../core/errors/counted.ts';
import type { OnProgress } from '../engine/task-threads.ts';
import type { SizedModelFile } from './sized-models.ts';
import { cachedRates } from './cached-rates.ts';
import { openRates, type ComputeRates } from './rates.ts';
import type { ResultCache } from './result-cache.ts';

export interface Pace {
  /** Of one batch of channels after the other. */
  onProgress: OnProgress;
  /** Says the pace of all batches. @param how in words */
  end(how: string): void;
}

/** Between two lines where there is no terminal. */
const LINE_MS = 5000;

/** @param say where lines go @param stream where the bar goes: default standard error */
export function startPace({
  say = console.error,
  stream,
}: { say?: (line: string) => void; stream?: NodeJS.WritableStream } = {}): Pace {
  const format = '{bar} {value}/{total} channels, {pace}/s';
  const bar = new SingleBar({ format, noTTYOutput: true, notTTYSchedule: LINE_MS, ...(stream === undefined ? {} : { stream }) });
  /** Of the batches before. */
  let [channels, spentMs] = [0, 0];
  let beganMs: number | undefined;
  return {
    onProgress: (done, total) => {
      if (beganMs === undefined) bar.start(total, 0, { pace: 0 });
      if (done === 0) {
        beganMs = performance.now();
        bar.setTotal(channels + total);
      }
      const ms = spentMs + performance.now() - (beganMs ?? 0);
      bar.update(channels + done, { pace: paceOf(channels + done, ms) });
      if (done === total) [channels, spentMs] = [channels + total, ms];
    },
    end: (how) => {
      bar.stop();
      if (channels > 0) say(`${counted(channels, 'channel')} at ${paceOf(channels, spentMs)}/s, ${how}`);
    },
  };
}

const paceOf = (channels: number, ms: number): number => Math.round((1000 * channels) / Math.max(ms, 1));

/** What tables are computed with; by default nothing is kept, and nobody asks to stop. */
export interface RatesWork {
  cache?: ResultCache;
  signal?: AbortSignal;
  pace?: Pace;
  /** Where lines go; default standard error. */
  say?: (line: string) => void;
}

/** All cores for some tables: a channel counts once for each method and SNR. @param models whose networks are among the methods */
export async function withRates<Tables>(
  models: readonly SizedModelFile[],
  work: (computeRates: ComputeRates) => Promise<Tables>,
  { cache, signal = new AbortController().signal, say = console.error, pace = startPace({ say }) }: RatesWork = {},
): Promise<Tables> {
  const threads = availableParallelism();
  const { onProgress } = pace;
  const rates = await openRates({ models, threads, onProgress });
  for (const { id, why } of rates.notCompiled) say(`onnxruntime computes the network '${id}', which has ${why}`);
  const onFound = (found: number, jobs: number): void => {
    if (found > 0) say(`${found} of ${counted(jobs, 'result')} are in the cache`);
  };
  try {
    return await work(
      cache === undefined ? rates.compute : cachedRates(rates.compute, { cache, models, signal, onProgress, onFound }),
    );
  } finally {
    await rates.close();
    const engine = models.length > rates.notCompiled.length ? 'networks compiled, ' : '';
    pace.end(`counted once for each method and SNR, ${engine}on ${counted(threads, 'thread')}`);
  }
}
