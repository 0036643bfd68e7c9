/** A thread of `watching.ts`: a task is one stretch of quiet, or one scene for all faults. */
import { serveTasks } from '../models/engine/serve-tasks.ts';
import { playFaults, type Named } from './watching-faults.ts';
import { playQuiet, type QuietAlarms, type QuietStretch } from './watching-quiet.ts';

export type WatchingTask =
  { what: 'quiet'; stretch: QuietStretch } | { what: 'faults'; seed: number; moves: boolean; hasLooks: boolean };

export type WatchingAnswer = QuietAlarms | Named[];

serveTasks<readonly WatchingTask[], WatchingAnswer>((tasks) => (index) => {
  const task = tasks[index];
  return task.what === 'quiet' ? playQuiet(task.stretch) : playFaults(task.seed, task.moves, task.hasLooks);
});
