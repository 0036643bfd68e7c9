/** Jobs of sweeps of trainings, as workers do them. */
import { join } from 'node:path';
import { readFolderFor } from '../files.ts';
import type { JobKind } from '../job-kind.ts';
import { openProcessPool } from '../process-pool.ts';
import { OUTPUT_FOLDER, type Trained, type TrainingAnswer, type TrainingJob } from './training-job.ts';
import type { TrainHere } from './training-process.ts';

/** Of a model and its card. */
const MOST_BYTES = 64 * 2 ** 20;

export const trainingKind: JobKind = {
  nameOf: (job) => (job as TrainingJob).name,
  open() {
    const pool = openProcessPool<TrainHere, Trained>(1, import.meta.url, 'training-process');
    return {
      async work(job, { folder, threads, send }) {
        const trained = await pool.work({ job: job as TrainingJob, folder, threads });
        const files = await send(readFolderFor(join(folder, OUTPUT_FOLDER), '.', { bytes: MOST_BYTES, of: MOST_BYTES }));
        return { answer: { trained, files } satisfies TrainingAnswer, outcome: 'done' };
      },
      close: () => pool.close(),
    };
  },
};
