/** A thread of `watching.ts`: a task is one stretch of quiet, or one scene for all faults. */
import { serveTasks } from '../models/engine/serve-tasks.ts';
import { playFaults, type Named } from './watching-faults.ts';
import { playQuiet, type QuietAlarms, type QuietStretch } from './watching-quiet.ts';

export type WatchingTask =
  { what: 'quiet'; stretch: QuietStretch } | { what: 'faults'; seed: number; moves: boolean; hasLooks: boolean };

export type WatchingAnswer = QuietAlarms | Named[];

serveTasks<readonly WatchingTask[], WatchingAnswer>((tasks) => async (index) => {
  const task = tasks[index];
  if (task.what === 'faults') return playFaults(task.seed, task.moves, task.hasLooks);
  const alarms = await playQuiet(task.stretch);
  const { kind, seed, hours } = task.stretch;
  console.error(`${kind}, seed ${seed}, ${hours} h: ${alarms.looking.join(', ')} | ${alarms.bySinrs.join(', ')}`);
  return alarms;
});
