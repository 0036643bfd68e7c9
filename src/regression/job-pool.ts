/** Plays jobs in processes of this machine that can be killed. */
import { openProcessPool } from '../jobs/process-pool.ts';
import { failedAttempt, type Job, type Played } from './job.ts';

/** Who plays jobs: processes of this machine, or workers behind a queue. */
export interface JobPlayer {
  /** How many at a time are worth asking for. */
  readonly parallel: number;
  /** Never rejects: what goes wrong is an attempt, too. */
  play(job: Job): Promise<Played>;
  close(): Promise<void>;
}

const LATE = 'Raise limitS of the scenario if it may take longer; else find what hangs in its run folder.';

export function openJobPool(parallel: number): JobPlayer {
  const pool = openProcessPool<Job, Played>(parallel, import.meta.url, 'job-process');
  return {
    parallel,
    async play(job) {
      const began = performance.now();
      try {
        return await pool.work(job, { seconds: job.scenario.text.limitS, wayOut: LATE });
      } catch (error) {
        return { ...failedAttempt(error), times: { seconds: (performance.now() - began) / 1000 } };
      }
    },
    close: () => pool.close(),
  };
}
