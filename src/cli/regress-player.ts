/** Who plays the jobs of a regression: processes of this machine, or workers behind a queue, which is loaded only then. */
import { availableParallelism } from 'node:os';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { openJobPool, type JobPlayer } from '../regression/job-pool.ts';
import { print, printError } from './output.ts';
import { JOBS_IN_QUEUE } from './queue.ts';

interface Asked {
  queue?: string;
  rig?: string;
  keep?: string;
  json?: boolean;
}

export const defaultWorkers = ({ queue }: Asked): number => (queue === undefined ? availableParallelism() : JOBS_IN_QUEUE);

export async function openPlayer({ queue, rig, keep, json }: Asked, workers: number, signal: AbortSignal): Promise<JobPlayer> {
  // Attached hardware is one bench.
  if (queue === undefined) return openJobPool(rig === undefined ? workers : 1);
  if (rig !== undefined) {
    throw new BeamrigError('argument', '--queue beside --rig: not allowed; allowed: one of them', {
      wayOut: 'Attached hardware is played on by the machine that it is attached to: leave --queue out there.',
    });
  }
  const { openQueuePlayer } = await import('../regression/queue/queue-player.ts');
  const onSay = (text: string): void =>
    json === true ? print(JSON.stringify({ type: 'queue', text })) : printError(`queue: ${text}`);
  return openQueuePlayer({ address: queue, parallel: workers, keep: keep !== undefined, signal, onSay });
}
