/** The end of `task-threads.ts` that is in a thread. */
import { parentPort } from 'node:worker_threads';
import { isBeamrigError, type ErrorCode } from '../../core/errors/beamrig-error.ts';

/** Tasks 0 … total − 1 of a job, for all threads together. */
export interface Share<Job> {
  readonly job: Job;
  readonly total: number;
  /** The next task that nobody has taken. */
  readonly next: Int32Array;
  /** How many are done. */
  readonly done: Int32Array;
}

/** An error of one task, as it passes between threads. */
export interface Refusal {
  readonly task: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly wayOut: string | undefined;
}

/** What one thread did of a job. */
export interface Done<Answer> {
  readonly tasks: number[];
  /** In the order of `tasks`. */
  readonly answers: Answer[];
  readonly refusal?: Refusal;
}

/**
 * Takes tasks of each job that comes, one after the other, until all are taken or one is refused. Call it when the thread is ready to compute.
 * @param open what does one task of a job
 */
export function serveTasks<Job, Answer>(open: (job: Job) => (task: number) => Answer | Promise<Answer>): void {
  const answer = async (what: Share<Job> | 'ready?'): Promise<void> =>
    parentPort?.postMessage(what === 'ready?' ? undefined : await takeTasks(what, open(what.job)));
  parentPort?.on('message', (what: Share<Job> | 'ready?') => void answer(what));
}

async function takeTasks<Answer>(
  { total, next, done }: Share<unknown>,
  compute: (task: number) => Answer | Promise<Answer>,
): Promise<Done<Answer>> {
  const [tasks, answers]: [number[], Answer[]] = [[], []];
  for (let task = Atomics.add(next, 0, 1); task < total; task = Atomics.add(next, 0, 1)) {
    try {
      answers.push(await compute(task));
      tasks.push(task);
    } catch (error) {
      if (!isBeamrigError(error)) throw error;
      Atomics.store(next, 0, total);
      return { tasks, answers, refusal: { task, code: error.code, message: error.message, wayOut: error.wayOut } };
    }
    Atomics.add(done, 0, 1);
  }
  return { tasks, answers };
}
