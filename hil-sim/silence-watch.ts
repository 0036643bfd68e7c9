/**
 * Notices when the host has been silent for too long. One timer for all frames: when it fires early, because the host has spoken since, it
 * is set again for the rest.
 */
import type { Clock } from '../clock/clock.ts';

export interface SilenceWatch {
  /** From now on so much silence is too much; 0 = never. */
  limit(silenceMs: number): void;
  /** The host has spoken; what it said comes after a silence that was over before, though its timer may be late. */
  heard(): void;
  stop(): void;
}

/** A wait shorter than this is what rounding left of one that is over. */
const ROUNDING_MS = 1e-6;

/** @param onSilence called once for each silence, with how long ago it should have been, ms */
export function createSilenceWatch(clock: Clock, onSilence: (lateMs: number) => void): SilenceWatch {
  let silenceMs = 0;
  let lastHeardMs = clock.nowMs();
  let cancelTimer: (() => void) | undefined;

  const stop = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
  };

  const watch = (): void => {
    stop();
    if (silenceMs === 0) return;
    const leftMs = lastHeardMs + silenceMs - clock.nowMs();
    if (leftMs < ROUNDING_MS) onSilence(Math.max(-leftMs, 0));
    else cancelTimer = clock.after(leftMs, watch);
  };

  return {
    limit(next) {
      silenceMs = next;
      watch();
    },
    heard() {
      if (cancelTimer) watch();
      lastHeardMs = clock.nowMs();
      if (silenceMs > 0 && !cancelTimer) watch();
    },
    stop,
  };
}
