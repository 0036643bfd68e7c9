/**
 * Notices that the loop stands still. It knows nothing of what the loop waits for and waits for nothing itself but a timer, so that whatever
 * hangs does not hang it. (A process that is blocked as a whole cannot watch itself: there the panels' silence limit ends what is radiated.)
 *
 *   cycles turn ─── none for the limit ───► stuck: told, the array commanded to its safe state ─── a good cycle ───► over: told
 */
import type { Clock } from '../../core/clock/clock.ts';

export interface Watchdog {
  /** Cycles are expected to turn from now on. */
  watch(): void;
  /** None is expected: paused, stopped, faulted. */
  rest(): void;
  /** A cycle has ended. @param good its beam was radiated and measured */
  turned(good: boolean): void;
  /** How long no good cycle has turned, ms, once that was too long; undefined while all is well. */
  readonly stuckMs: number | undefined;
}

/** A timer this late says that the whole program stood still: the loop gets as long to go on before it is judged. */
const LATE_MS = 1000;
/** Time for a beam that takes long over a slow wire, beside what is reckoned with. */
const SLACK_MS = 5000;

/**
 * A limit that no rig which is only slow comes to.
 * @param rateHz cycles a second; 0 = as fast as it goes
 * @param deadlineMs how long the model may take
 * @param transferMs how long a beam takes over the slowest wire
 */
export function watchdogMsAt(rateHz: number, deadlineMs: number, transferMs: number): number {
  const periodMs = rateHz === 0 ? 0 : 1000 / rateHz;
  return Math.ceil(SLACK_MS + 2 * deadlineMs + 5 * Math.max(periodMs, transferMs));
}

export interface WatchdogOptions {
  clock: Clock;
  limitMs: number;
  /** Asked when the limit is over: somebody else knows of it already (the panel is lost). */
  excused: () => boolean;
  /** Once, until a good cycle has turned. */
  onStuck: (quietMs: number) => void;
  onTurning: (stuckMs: number) => void;
}

export function createWatchdog({ clock, limitMs, excused, onStuck, onTurning }: WatchdogOptions): Watchdog {
  let turnedMs = 0;
  let stuckSinceMs: number | undefined;
  let cancelTimer: (() => void) | undefined;

  const stop = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
  };

  const wait = (ms: number): void => {
    stop();
    const dueMs = clock.nowMs() + ms;
    cancelTimer = clock.after(ms, () => look(dueMs));
  };

  const look = (dueMs: number): void => {
    cancelTimer = undefined;
    const nowMs = clock.nowMs();
    const leftMs = turnedMs + limitMs - nowMs;
    if (leftMs > 1e-3) return wait(leftMs);
    if (nowMs - dueMs > LATE_MS) return wait(LATE_MS);
    if (excused()) return wait(limitMs);
    if (stuckSinceMs === undefined) {
      stuckSinceMs = turnedMs;
      onStuck(nowMs - turnedMs);
    }
    wait(limitMs);
  };

  return {
    watch() {
      turnedMs = clock.nowMs();
      wait(limitMs);
    },
    rest: stop,
    turned(good) {
      turnedMs = clock.nowMs();
      if (!good || stuckSinceMs === undefined) return;
      const stuckMs = turnedMs - stuckSinceMs;
      stuckSinceMs = undefined;
      onTurning(stuckMs);
    },
    get stuckMs() {
      return stuckSinceMs === undefined ? undefined : clock.nowMs() - stuckSinceMs;
    },
  };
}
