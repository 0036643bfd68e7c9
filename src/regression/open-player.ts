/** Who plays the jobs of a regression: processes of this machine, or workers behind a queue, which is loaded only then. */
import { availableParallelism } from 'node:os';
import { JOBS_IN_QUEUE } from '../jobs/job-kind.ts';
import { openJobPool, type JobPlayer } from './job-pool.ts';

export interface PlayerWish {
  /** redis://HOST:PORT */
  queue?: string;
  /** Processes, or jobs in the queue at a time. */
  workers?: number;
  /** Attached hardware is one bench. */
  oneBench: boolean;
  /** Run folders of what failed are wanted back. */
  keep: boolean;
  signal: AbortSignal;
  onSay: (text: string) => void;
}

export async function openPlayer({ queue, workers, oneBench, keep, signal, onSay }: PlayerWish): Promise<JobPlayer> {
  if (queue === undefined) return openJobPool(oneBench ? 1 : (workers ?? availableParallelism()));
  const { openQueuePlayer } = await import('./queue/queue-player.ts');
  return openQueuePlayer({ address: queue, parallel: workers ?? JOBS_IN_QUEUE, keep, signal, onSay });
}
