/** Rows of a table for which a rig runs each: a rig's cycles follow from one another, so a row is one task of a thread. */
import { availableParallelism } from 'node:os';
import { counted } from '../core/errors/counted.ts';
import { openTaskThreads } from '../models/engine/task-threads.ts';
import { startPace } from '../models/reproduce/pace.ts';

/**
 * All rows, on all cores, with the pace on standard error.
 * @param from `import.meta.url` of the caller
 * @param name of the thread's file beside it, without its ending: one that calls `serveTasks`
 * @param count channels of each row
 */
export async function rowsInThreads<Job, Row>(from: string, name: string, job: Job, rows: number, count: number): Promise<Row[]> {
  const threads = availableParallelism();
  const pool = await openTaskThreads<Job, Row>(from, name, undefined, threads);
  const pace = startPace();
  try {
    return await pool.run(job, rows, (done, total) => pace.onProgress(done * count, total * count));
  } finally {
    await pool.close();
    pace.end(`counted once for each row, on ${counted(threads, 'thread')}`);
  }
}
