/** Jobs of evaluations, as workers do them. */
import type { JobKind } from '../job-kind.ts';
import { openProcessPool } from '../process-pool.ts';
import type { EvaluationJob } from './evaluation-job.ts';

export const evaluationKind: JobKind = {
  nameOf: (job) => (job as EvaluationJob).name,
  open() {
    const pool = openProcessPool<{ job: unknown; folder: string }, string>(1, import.meta.url, 'evaluation-process');
    return {
      work: async (job, { folder }) => ({ answer: await pool.work({ job, folder }), outcome: 'done' }),
      close: () => pool.close(),
    };
  },
};
