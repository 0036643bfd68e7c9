/**
 * Numbered tasks, shared out to threads: each takes the next that nobody has taken. What comes of them is in their order, and so depends
 * neither on how many threads there are nor on which of them was the faster.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { startComputing } from './parallel-threads.ts';
import type { Done, Refusal, Share } from './serve-tasks.ts';

/** Called with 0 once, before the first task, and with the total once, after the last. */
export type OnProgress = (done: number, total: number) => void;

export interface TaskThreads<Job, Answer> {
  /**
   * Tasks 0 … total − 1 of a job. One run at a time.
   * @returns what came of each task
   * @throws {BeamrigError} that of the first task that has one; 'internal' where a thread ends by itself
   */
  run(job: Job, total: number, onProgress?: OnProgress): Promise<Answer[]>;
  close(): Promise<void>;
}

const PROGRESS_MS = 100;

/**
 * Resolves when all threads are ready.
 * @param from `import.meta.url` of the caller
 * @param name of the thread's file beside it, without its ending: one that calls `serveTasks`
 * @param data what it finds as `workerData`
 * @throws {BeamrigError} 'internal' where a thread ends by itself
 */
export async function openTaskThreads<Job, Answer>(
  from: string,
  name: string,
  data: unknown,
  threads: number,
): Promise<TaskThreads<Job, Answer>> {
  const pool = Array.from({ length: threads }, () => startComputing(from, name, data));
  const askAll = (question: unknown): Promise<unknown[]> => Promise.all(pool.map((thread) => thread.ask(question)));
  const close = async (): Promise<void> => {
    await Promise.all(pool.map((thread) => thread.end()));
  };
  try {
    await askAll('ready?');
  } catch (error) {
    await close();
    throw error;
  }
  return {
    run: async (job, total, onProgress) => {
      const [next, done] = [0, 0].map(() => new Int32Array(new SharedArrayBuffer(4)));
      onProgress?.(0, total);
      const watch = setInterval(() => {
        const now = Atomics.load(done, 0);
        if (now > 0 && now < total) onProgress?.(now, total);
      }, PROGRESS_MS);
      const answers: Answer[] = [];
      try {
        const all = (await askAll({ job, total, next, done } satisfies Share<Job>)) as Done<Answer>[];
        throwFirst(all.flatMap(({ refusal = [] }) => refusal));
        for (const each of all) each.tasks.forEach((task, i) => (answers[task] = each.answers[i]));
      } finally {
        clearInterval(watch);
      }
      onProgress?.(total, total);
      return answers;
    },
    close,
  };
}

/** Tasks are taken in their order, and one that is taken is finished: the first that was refused is among these. */
function throwFirst(refusals: readonly Refusal[]): void {
  if (refusals.length === 0) return;
  const { code, message, wayOut } = refusals.reduce((first, each) => (each.task < first.task ? each : first));
  throw new BeamrigError(code, message, wayOut === undefined ? {} : { wayOut });
}
