/**
 * Who listens to the controller can neither break it nor slow it: an exception is caught and told once, and a listener that keeps taking
 * more than a twentieth of the time is passed over until it is back within that. A hiccup now and then costs nobody a value.
 */
import type { Clock } from '../../core/clock/clock.ts';

export interface Listeners<T> {
  add(listener: (value: T) => void): () => void;
  tell(value: T): void;
}

/** Share of the time that a listener may take for good. */
const SHARE_OF_TIME = 1 / 20;
/** What it may take at once, having taken nothing before. */
const CREDIT_MS = 200;

/**
 * @param mayBeSkipped too slow a listener misses values; otherwise all hear all (values that are rare and must arrive)
 * @param onFailure called with the first exception of each listener
 */
export function createListeners<T>(clock: Clock, mayBeSkipped: boolean, onFailure: (error: unknown) => void): Listeners<T> {
  const entries = new Set<{ listener: (value: T) => void; creditMs: number; seenMs: number; failed: boolean }>();
  return {
    add(listener) {
      const entry = { listener, creditMs: CREDIT_MS, seenMs: clock.nowMs(), failed: false };
      entries.add(entry);
      return () => entries.delete(entry);
    },
    tell(value) {
      for (const entry of [...entries]) {
        const startMs = clock.nowMs();
        entry.creditMs = Math.min(entry.creditMs + SHARE_OF_TIME * (startMs - entry.seenMs), CREDIT_MS);
        entry.seenMs = startMs;
        if (mayBeSkipped && entry.creditMs < 0) continue;
        try {
          entry.listener(value);
        } catch (error) {
          if (!entry.failed) onFailure(error);
          entry.failed = true;
        }
        entry.creditMs -= clock.nowMs() - startMs;
      }
    },
  };
}
