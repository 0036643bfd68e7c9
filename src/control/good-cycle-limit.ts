/**
 * Adds up how long a panel has radiated since its last good cycle. A panel that answers all but one kind of request keeps its session and is lit by
 * one void cycle after the other, between losses too: what it radiates belongs to nobody.
 *
 *   lit ───── good ───── lit … dark      lit … limit ─► onOver
 *     adds up   from 0         pauses
 */
import type { Clock } from '../../core/clock/clock.ts';

export interface GoodCycleLimit {
  /** A beam is about to be switched on. */
  lit(): void;
  /** A cycle was good: from 0 again. */
  good(): void;
  /** What was lit last was no cycle's and was heard, as in a sounding, which may take long: its time does not count. That of void cycles does. */
  heard(): void;
  /** It was commanded to be safe. */
  dark(): void;
}

/** A timer that comes early by less than this is on time, ms. */
const EARLY_MS = 1e-3;

/** @param options.trialMs what is left of the limit at least, each time that the panel is lit again after it was dark */
export function createGoodCycleLimit(
  clock: Clock,
  { limitMs, trialMs }: { limitMs: number; trialMs: number },
  onOver: (litMs: number) => void,
): GoodCycleLimit {
  /** Lit without a good cycle before it was lit last, ms. */
  let beforeMs = 0;
  let sinceMs: number | undefined;
  let newestMs = 0;
  let cancelTimer: (() => void) | undefined;

  const look = (): void => {
    cancelTimer = undefined;
    if (sinceMs === undefined) return;
    const litMs = beforeMs + clock.nowMs() - sinceMs;
    if (litMs >= limitMs - EARLY_MS) onOver(litMs);
    else cancelTimer = clock.after(limitMs - litMs, look);
  };

  return {
    lit() {
      newestMs = clock.nowMs();
      if (sinceMs === undefined) {
        sinceMs = clock.nowMs();
        beforeMs = Math.min(beforeMs, limitMs - trialMs);
      }
      if (cancelTimer === undefined) look();
    },
    good() {
      beforeMs = 0;
      if (sinceMs !== undefined) sinceMs = clock.nowMs();
    },
    heard() {
      if (sinceMs !== undefined) sinceMs += clock.nowMs() - newestMs;
      newestMs = clock.nowMs();
    },
    dark() {
      if (sinceMs !== undefined) beforeMs += clock.nowMs() - sinceMs;
      sinceMs = undefined;
      cancelTimer?.();
      cancelTimer = undefined;
    },
  };
}
