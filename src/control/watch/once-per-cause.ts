/**
 * One event per cause: a fault that comes back every cycle is told once, and again only after it has been away for a while. Outages, which
 * have an end, are each a cause of their own until they come too often to be news. The records keep every single void cycle; events are for
 * people.
 */
import type { Clock } from '../../../core/clock/clock.ts';

export interface OncePerCause {
  /** True when this cause should be told now. Each call counts as an occurrence. */
  occurs(cause: string): boolean;
  /** As `occurs` for something that began anew: the first few are told, `last` being the one after which the rest is silence. */
  begins(cause: string): { announced: boolean; last: boolean };
}

/** Outages of one cause that are told before it counts as flapping. */
const OUTAGES_TOLD = 3;

/**
 * @param quietMs how long a cause must have been away to be news again
 */
export function oncePerCause(clock: Clock, quietMs = 60_000): OncePerCause {
  const seen = new Map<string, { lastMs: number; times: number }>();
  /** How many times in a row, without having been away for long. */
  const timesInARow = (cause: string): number => {
    const nowMs = clock.nowMs();
    const before = seen.get(cause);
    // Causes are few (stage and reason), but nothing here may grow without bound.
    if (seen.size >= 256 && before === undefined) seen.clear();
    const times = before === undefined || nowMs - before.lastMs > quietMs ? 1 : before.times + 1;
    seen.set(cause, { lastMs: nowMs, times });
    return times;
  };
  return {
    occurs: (cause) => timesInARow(cause) === 1,
    begins: (cause) => {
      const times = timesInARow(cause);
      return { announced: times <= OUTAGES_TOLD, last: times === OUTAGES_TOLD };
    },
  };
}
