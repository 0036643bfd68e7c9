/** The stages of a cycle as it goes through them, and the time that each took. */
import type { Clock } from '../../core/clock/clock.ts';
import type { Stage } from '../telemetry/cycle-record.ts';

export interface Stages {
  /** Goes through a stage, and adds the time it took, also where it throws. */
  <T>(name: Stage, work: () => T | Promise<T>): Promise<T>;
  /** The stage that was begun last. */
  now: Stage;
}

export function stages(clock: Clock, stageMs: Record<Stage, number>): Stages {
  const go = async <T>(name: Stage, work: () => T | Promise<T>): Promise<T> => {
    go.now = name;
    const startMs = clock.nowMs();
    try {
      return await work();
    } finally {
      stageMs[name] += clock.nowMs() - startMs;
    }
  };
  go.now = 'channel' as Stage;
  return go;
}
