/** The process in which jobs are done, one after the other: whatever one of them does to it, it can be killed. The other end of `process-pool.ts`. */
import { toJobError, type JobError } from './job-error.ts';

/** What comes back of a job. */
export type Done<Answer> = { answer: Answer } | { error: JobError };

export function serveJobs<Job, Answer>(work: (job: Job) => Promise<Answer>): void {
  process.on('disconnect', () => process.exit(0));
  // Ctrl-C on a terminal goes to this process, too; whoever asked decides when it ends.
  process.on('SIGINT', () => undefined);
  process.on('message', (job: Job) => {
    const send = (done: Done<Answer>): void => void process.send?.(done);
    work(job).then(
      (answer) => send({ answer }),
      (error: unknown) => send({ error: toJobError(error) }),
    );
  });
  process.send?.('ready');
}
