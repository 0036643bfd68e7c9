/**
 * When the next cycle is due. Due times are a fixed grid (start + n·period), so that a late cycle does not push all later ones back: the
 * next one starts at once, and slots that were missed altogether are skipped, never caught up in a burst.
 */
import type { Clock } from '../../core/clock/clock.ts';

export interface Pacing {
  /** Resolves when the next cycle is due. Rejects with BeamrigError 'stopped' when the signal aborts. */
  next(signal: AbortSignal): Promise<void>;
  /** Starts a new grid at the next call: after a pause. */
  restart(): void;
}

/** @param rateHz cycles a second; 0 = as fast as it goes, giving way to the event loop once a cycle */
export function createPacing(clock: Clock, rateHz: number): Pacing {
  if (rateHz === 0) {
    return {
      next: () => new Promise((resolve) => setImmediate(resolve)),
      restart: () => undefined,
    };
  }
  const periodMs = 1000 / rateHz;
  let startMs: number | undefined;
  let slot = 0;
  return {
    async next(signal) {
      const nowMs = clock.nowMs();
      if (startMs === undefined) {
        startMs = nowMs;
        slot = 0;
        return;
      }
      slot = Math.max(slot + 1, Math.floor((nowMs - startMs) / periodMs));
      const waitMs = startMs + slot * periodMs - nowMs;
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      else await new Promise((resolve) => setImmediate(resolve));
    },
    restart() {
      startMs = undefined;
    },
  };
}
