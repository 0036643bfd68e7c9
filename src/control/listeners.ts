/**
 * Who listens to the controller can neither break it nor slow it: an exception is caught and told once, and a listener that takes long is
 * passed over until it has used no more than a twentieth of the time. Quick listeners hear everything.
 */
import type { Clock } from '../../clock/clock.ts';

export interface Listeners<T> {
  add(listener: (value: T) => void): () => void;
  tell(value: T): void;
}

/** Below this a call costs nothing worth counting. */
const FREE_MS = 0.5;
const SHARE_OF_TIME = 1 / 20;

/**
 * @param onFailure called with the first exception of each listener
 * @param mayBeSkipped a listener too slow to hear every value misses some; otherwise all hear all (values that are rare and must arrive)
 */
export function createListeners<T>(clock: Clock, mayBeSkipped: boolean, onFailure: (error: unknown) => void): Listeners<T> {
  const entries = new Map<symbol, { listener: (value: T) => void; busyUntilMs: number; failed: boolean }>();
  return {
    add(listener) {
      const key = Symbol('listener');
      entries.set(key, { listener, busyUntilMs: -Infinity, failed: false });
      return () => entries.delete(key);
    },
    tell(value) {
      if (entries.size === 0) return;
      for (const entry of [...entries.values()]) {
        const startMs = clock.nowMs();
        if (mayBeSkipped && startMs < entry.busyUntilMs) continue;
        try {
          entry.listener(value);
        } catch (error) {
          if (!entry.failed) {
            entry.failed = true;
            onFailure(error);
          }
        }
        const tookMs = clock.nowMs() - startMs;
        if (tookMs > FREE_MS) entry.busyUntilMs = startMs + tookMs / SHARE_OF_TIME;
      }
    },
  };
}
