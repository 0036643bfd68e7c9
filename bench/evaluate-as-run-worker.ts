/** A thread of `evaluate-as-run.ts`: a task is one comparison. */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { serveTasks } from '../models/engine/serve-tasks.ts';
import { compareEvaluationWithRun, type Compared, type SameBeams } from '../scripts/evaluate-as-run.ts';

export interface ComparisonJob {
  channels: readonly CMatrix[];
  compared: readonly Compared[];
}

serveTasks<ComparisonJob, SameBeams>(
  ({ channels, compared }) =>
    (task) =>
      compareEvaluationWithRun(channels, compared[task]),
);
