/** Jobs of regressions, as workers do them: a case is played once with one seed. */
import { cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readFolderFor } from '../../jobs/files.ts';
import type { JobKind, JobPlace } from '../../jobs/job-kind.ts';
import { caseName } from '../chosen-cases.ts';
import { failedAttempt } from '../job.ts';
import { openJobPool } from '../job-pool.ts';
import type { Answer } from './answer.ts';
import { textOfWords, unpackJob, type PackedJob } from './travelling-job.ts';

/** What its jobs are called in the queue. */
export const REGRESS = 'regress';

export interface RegressJob {
  job: PackedJob;
  /** Whether the run folder of one that failed is wanted back. */
  keep: boolean;
}

/** What a run folder may hold to be sent back. */
const MOST_KEPT_BYTES = 32 * 2 ** 20;

export const regressKind: JobKind = {
  nameOf(job) {
    const { scenario, one, seed } = (job as RegressJob).job as {
      scenario: { text: { name: string } };
      one: { id: string };
      seed: number;
    };
    return `${caseName(scenario.text.name, one.id)}, seed ${seed}`;
  },
  open() {
    const pool = openJobPool(1);
    const play = async ({ job: packed, keep }: RegressJob, place: JobPlace): Promise<Answer> => {
      const job = unpackJob(packed, place.folder);
      mkdirSync(job.runFolder, { recursive: true });
      const { runFolder, words, ...attempt } = await pool.play(job);
      attempt.times.worker = place.worker;
      const isBad = attempt.verdict === 'failed' || attempt.verdict === 'error';
      const more = words === undefined ? {} : { words: words.map(textOfWords) };
      if (!keep || !isBad) return { attempt, ...more };
      return {
        attempt: { ...attempt, ...(runFolder === undefined ? {} : { runFolder: relative(job.runFolder, runFolder) }) },
        ...(await kept(job.runFolder, place)),
        ...more,
      };
    };
    return {
      async work(job, place) {
        const began = performance.now();
        let answer: Answer;
        try {
          answer = await play(job as RegressJob, place);
        } catch (error) {
          const times = { seconds: (performance.now() - began) / 1000, worker: place.worker };
          answer = { attempt: { ...failedAttempt(error), times } };
        }
        return { answer, outcome: answer.attempt.verdict };
      },
      close: () => pool.close(),
    };
  },
};

async function kept(runFolder: string, { send, keptFolder, worker }: JobPlace): Promise<Pick<Answer, 'kept' | 'liesAt'>> {
  try {
    return { kept: await send(readFolderFor(runFolder, '.', { bytes: MOST_KEPT_BYTES, of: MOST_KEPT_BYTES })) };
  } catch {
    mkdirSync(keptFolder, { recursive: true });
    const place = mkdtempSync(join(keptFolder, 'run-'));
    cpSync(runFolder, place, { recursive: true });
    return { liesAt: `${worker}:${place}` };
  }
}
