/** Plays jobs on other machines, by workers behind a queue. */
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { openSubmitter, type SubmitterOptions } from '../../jobs/submitter.ts';
import { failedAttempt, type Job, type Played } from '../job.ts';
import type { JobPlayer } from '../job-pool.ts';
import type { Attempt } from '../results.ts';
import { answerSchema } from './answer.ts';
import { REGRESS, type RegressJob } from './regress-kind.ts';
import { packJob, wordsOfText } from './travelling-job.ts';

export interface QueuePlayerOptions extends SubmitterOptions {
  /** How many jobs wait or are played at a time, of this submitter. */
  parallel: number;
  /** Whether run folders of what failed are wanted back. */
  keep?: boolean;
}

const STOPPED: Pick<Attempt, 'verdict' | 'skipped' | 'checks' | 'digest' | 'facts'> = {
  ...{ verdict: 'skipped', skipped: 'the regression was ended before this was played' },
  ...{ checks: [], digest: null, facts: {} },
};

/** @throws {BeamrigError} 'queue' within seconds where there is no Redis */
export async function openQueuePlayer({ parallel, keep = false, ...options }: QueuePlayerOptions): Promise<JobPlayer> {
  const submitter = await openSubmitter(options);
  return {
    parallel,
    async play(job) {
      const began = performance.now();
      const times = (): Attempt['times'] => ({ seconds: (performance.now() - began) / 1000 });
      try {
        const { files, job: packed } = packJob(job);
        const asked = { job: packed, keep } satisfies RegressJob;
        const returned = await submitter.ask({ kind: REGRESS, id: idOf(job), job: asked, files });
        return returned === undefined ? { ...STOPPED, times: times() } : await broughtBack(returned.answer, job);
      } catch (error) {
        return { ...failedAttempt(error), times: times() };
      }
    },
    close: () => submitter.close(),
  };

  async function broughtBack(answer: unknown, job: Job): Promise<Played> {
    const read = answerSchema.safeParse(answer);
    if (!read.success) throw new BeamrigError('internal', `a worker's answer cannot be read: ${read.error.message}`);
    const { attempt, words, kept, liesAt } = read.data;
    if (kept !== undefined) await submitter.fetch(kept, job.runFolder);
    const { runFolder, ...rest } = attempt;
    const place = liesAt ?? (runFolder === undefined ? undefined : join(job.runFolder, runFolder));
    return {
      ...rest,
      ...(place === undefined ? {} : { runFolder: place }),
      ...(words === undefined ? {} : { words: words.map(wordsOfText) }),
    };
  }
}

/** Of a case, a seed and an attempt, within a run: the folder that they are played in is named by them. */
const idOf = ({ scenario, one, seed, runFolder }: Job): string =>
  createHash('sha256')
    .update(JSON.stringify([scenario.text.name, one.id, seed, basename(runFolder)]))
    .digest('hex')
    .slice(0, 24);
