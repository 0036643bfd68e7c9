/** How far a table is, on standard error while it is computed, and how fast that was. */
import { availableParallelism } from 'node:os';
import { SingleBar } from 'cli-progress';
import { counted } from '../../core/errors/counted.ts';
import type { OnProgress } from '../engine/task-threads.ts';
import type { SizedModelFile } from './sized-models.ts';
import { openRates, type ComputeRates } from './rates.ts';

export interface Pace {
  /** Of one batch of channels after the other. */
  onProgress: OnProgress;
  /** Says the pace of all batches. @param how in words */
  end(how: string): void;
}

/** Between two lines where there is no terminal. */
const LINE_MS = 5000;

export function startPace(): Pace {
  const format = '{bar} {value}/{total} channels, {pace}/s';
  const bar = new SingleBar({ format, noTTYOutput: true, notTTYSchedule: LINE_MS });
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
      if (channels > 0) console.error(`${counted(channels, 'channel')} at ${paceOf(channels, spentMs)}/s, ${how}`);
    },
  };
}

const paceOf = (channels: number, ms: number): number => Math.round((1000 * channels) / Math.max(ms, 1));

/** All cores for some tables: a channel counts once for each method and SNR. @param models whose networks are among the methods */
export async function withRates<Tables>(
  models: readonly SizedModelFile[],
  work: (computeRates: ComputeRates) => Promise<Tables>,
): Promise<Tables> {
  const threads = availableParallelism();
  const pace = startPace();
  const rates = await openRates({ models, threads, onProgress: pace.onProgress });
  for (const { id, why } of rates.notCompiled) console.error(`onnxruntime computes the network '${id}', which has ${why}`);
  try {
    return await work(rates.compute);
  } finally {
    await rates.close();
    const engine = models.length > rates.notCompiled.length ? 'networks compiled, ' : '';
    pace.end(`counted once for each method and SNR, ${engine}on ${counted(threads, 'thread')}`);
  }
}
