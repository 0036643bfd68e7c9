/**
 * One event per cause: a fault that comes back every cycle is told once, and again only after it has been away for a while. The records keep
 * every single void cycle; events are for people.
 */
import type { Clock } from '../../clock/clock.ts';

export interface OncePerCause {
  /** True when this cause should be told now. Each call counts as an occurrence. */
  occurs(cause: string): boolean;
}

/**
 * @param quietMs how long a cause must have been away to be news again
 */
export function oncePerCause(clock: Clock, quietMs = 60_000): OncePerCause {
  const lastSeenMs = new Map<string, number>();
  return {
    occurs(cause) {
      const nowMs = clock.nowMs();
      const seenMs = lastSeenMs.get(cause);
      // Causes are few (stage and reason), but nothing here may grow without bound.
      if (lastSeenMs.size >= 256 && seenMs === undefined) lastSeenMs.clear();
      lastSeenMs.set(cause, nowMs);
      return seenMs === undefined || nowMs - seenMs > quietMs;
    },
  };
}
