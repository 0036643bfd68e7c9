/**
 * The one commit that may wait for its time. It knows the clock and the moment, and nothing of slots: whoever arms it has checked the beam,
 * and latches it when called.
 */
import type { Clock } from '../clock/clock.ts';
import type { BeamId } from '../firmware-protocol/messages.ts';
import type { Drive } from './air.ts';

export interface WaitingCommit {
  slot: number;
  beamId: BeamId;
  /** Panel time, µs. */
  atUs: bigint;
  /** As it was when its commit was checked. */
  beam: Drive;
}

export interface TimedCommit {
  readonly waiting: WaitingCommit | undefined;
  /** Waits for this one, in place of any other. */
  arm(commit: WaitingCommit): void;
  /** Latches now if the time has come: a request must not find a beam waiting whose moment is over because a timer was late. */
  settle(): void;
  drop(): void;
}

/** Timers keep at most 2^31 ms; a commit further away is looked at again. */
const LONGEST_WAIT_MS = 3_600_000;
/** Panel time has whole µs: a shorter wait is what rounding left. */
const SHORTEST_WAIT_MS = 0.001;

export function createTimedCommit(clock: Clock, timeUs: () => bigint, latch: (commit: WaitingCommit) => void): TimedCommit {
  let waiting: WaitingCommit | undefined;
  let cancelTimer: (() => void) | undefined;

  const drop = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
    waiting = undefined;
  };

  const watch = (): void => {
    cancelTimer = undefined;
    if (!waiting) return;
    const leftUs = waiting.atUs - timeUs();
    if (leftUs > 0n) {
      const leftMs = leftUs > BigInt(1000 * LONGEST_WAIT_MS) ? LONGEST_WAIT_MS : Number(leftUs) / 1000;
      cancelTimer = clock.after(Math.max(leftMs, SHORTEST_WAIT_MS), watch);
      return;
    }
    const due = waiting;
    drop();
    latch(due);
  };

  return {
    get waiting() {
      return waiting;
    },
    arm(commit) {
      drop();
      waiting = commit;
      watch();
    },
    settle() {
      if (waiting && waiting.atUs <= timeUs()) {
        cancelTimer?.();
        watch();
      }
    },
    drop,
  };
}
