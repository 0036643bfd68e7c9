/** Cycles that have failed without a good one between: for how long, why, and how many of them at the model. */
import type { Clock } from '../../../core/clock/clock.ts';
import type { CycleFailure } from '../control-cycle.ts';

/** A rig whose cycles are all void for longer does not do what it should. */
const VOID_MS = 3000;
/** A model that fails so often in a row will not recover by itself. */
export const MODEL_FAILURES = 5;

export interface FailuresInARow {
  /** What the newest cycle failed with; undefined: it was good. */
  after(failure: CycleFailure | undefined): void;
  /** Another model has taken its place. */
  anotherModel(): void;
  /** The loop pauses: what was void before it is no reason for anything after it. */
  paused(): void;
  readonly modelKeepsFailing: boolean;
  /** For how long every cycle has been void, and why the newest is, where it is too long. */
  readonly tooLong: { ms: number; message: string } | undefined;
}

export function createFailuresInARow(clock: Clock): FailuresInARow {
  let atModel = 0;
  /** When the first of the newest void cycles ended, and why the newest was void. */
  let since: { ms: number; message: string } | undefined;
  return {
    after: (failure) => {
      since = failure && { ms: since?.ms ?? clock.nowMs(), message: failure.message };
      atModel = failure?.stage === 'model' ? atModel + 1 : 0;
    },
    anotherModel: () => void (atModel = 0),
    paused: () => void (since = undefined),
    get modelKeepsFailing() {
      return atModel >= MODEL_FAILURES;
    },
    get tooLong() {
      if (since === undefined) return undefined;
      const ms = clock.nowMs() - since.ms;
      return ms > VOID_MS ? { ms, message: since.message } : undefined;
    },
  };
}
