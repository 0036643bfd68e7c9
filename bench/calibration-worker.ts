/** A thread of `calibration.ts`: a task is one row of its tables. */
import { serveTasks } from '../models/engine/serve-tasks.ts';
import { TASK_ORDER, TASKS, type CalibrationJob, type CalibrationRow } from './calibration-rows.ts';

serveTasks<CalibrationJob, CalibrationRow>((job) => (task) => {
  const row = TASKS[TASK_ORDER[task]].run(job);
  console.error(JSON.stringify(row));
  return row;
});
