/**
 * The one commit that may wait for its time. It knows the clock and the moment, and nothing of slots: whoever arms it has checked the beam,
 * and latches it when called.
 */
import type { Clock } from '../core/clock/clock.ts';
import type { BeamId } from '../firmware-protocol/messages.ts';
import type { PanelBeam } from './staging-slot.ts';

export interface WaitingCommit {
  slot: number;
  beamId: BeamId;
  /** Panel time, µs. */
  atUs: bigint;
  /** As it was when its commit was checked. */
  beam: PanelBeam;
}

export interface TimedCommit {
  readonly waiting: WaitingCommit | undefined;
  /** Waits for this one, in place of any other. */
  arm(commit: WaitingCommit): void;
  /** Ends all timed commits up to this one, in the order of beams and then of times: the one that waits, and those still on their way. */
  cancel(upTo: Moment): void;
  /** Whether a cancellation has ended this one. */
  isCancelled(commit: Moment): boolean;
  /**
   * Latches now if its time had come by `untilUs`, panel time (default: now): a request must not find a beam waiting whose moment is over
   * because a timer was late.
   */
  settle(untilUs?: bigint): void;
  drop(): void;
  /** A session begins: nothing waits, nothing is cancelled. */
  forgetAll(): void;
}

/** What a timed commit is known by. */
type Moment = Pick<WaitingCommit, 'beamId' | 'atUs'>;

/** Timers keep at most 2^31 ms; a commit further away is looked at again. */
const LONGEST_WAIT_MS = 3_600_000;
/** Panel time has whole µs: a shorter wait is what rounding left. */
const SHORTEST_WAIT_MS = 0.001;

const NONE: Moment = { beamId: 0, atUs: 0n };

const isUpTo = (commit: Moment, last: Moment): boolean =>
  commit.beamId < last.beamId || (commit.beamId === last.beamId && commit.atUs <= last.atUs);

export function createTimedCommit(clock: Clock, timeUs: () => bigint, latch: (commit: WaitingCommit) => void): TimedCommit {
  let waiting: WaitingCommit | undefined;
  let cancelled: Moment = NONE;
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
    cancel(upTo) {
      if (waiting && isUpTo(waiting, upTo)) drop();
      // A late copy of a cancellation does not take back a further one.
      if (isUpTo(cancelled, upTo)) cancelled = upTo;
    },
    isCancelled: (commit) => isUpTo(commit, cancelled),
    settle(untilUs = timeUs()) {
      if (waiting && waiting.atUs <= untilUs) {
        cancelTimer?.();
        watch();
      }
    },
    drop,
    forgetAll() {
      drop();
      cancelled = NONE;
    },
  };
}
