/**
 * Notices when the host has been silent for too long. What counts is a session that works: a request that was carried out, and that is not
 * one of those once more from which the silence was counted last (a host that says the same again has not heard the answer). One timer for all of
 * them: when it fires early, because the host has spoken since, it is set again for the rest.
 */
import type { Clock } from '../core/clock/clock.ts';

export interface SilenceWatch {
  /** From now on so much silence is too much; 0 = never. A limit that changes is counted from now. */
  limit(silenceMs: number): void;
  /** Before a frame is taken: a silence that was over when it came, though its timer may be late, has its way first. */
  settle(): void;
  /** The host has spoken with this request; without one, with anything. */
  hostSpoke(request?: Uint8Array): void;
  stop(): void;
}

/** More than a host has under way: requests whose answers it does not hear come again in turn, and keep nothing alive. */
const COUNTED = 8;

/** A wait shorter than this is what rounding left of one that is over. */
const ROUNDING_MS = 1e-6;

/** @param onSilence called once for each silence, with how long ago it should have been, ms */
export function createSilenceWatch(clock: Clock, onSilence: (lateMs: number) => void): SilenceWatch {
  let silenceMs = 0;
  let lastHeardMs = clock.nowMs();
  /** The last requests from which the silence was counted. */
  let counted: Uint8Array[] = [];
  let cancelTimer: (() => void) | undefined;

  const stop = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
  };

  const watch = (): void => {
    stop();
    if (silenceMs === 0) return;
    const leftMs = lastHeardMs + silenceMs - clock.nowMs();
    if (leftMs >= ROUNDING_MS) {
      cancelTimer = clock.after(leftMs, watch);
      return;
    }
    // Whatever comes next begins the watch again: nothing may be switched on that nobody watches.
    counted = [];
    onSilence(Math.max(-leftMs, 0));
  };

  return {
    limit(next) {
      if (next === silenceMs) return;
      silenceMs = next;
      lastHeardMs = clock.nowMs();
      watch();
    },
    settle() {
      if (cancelTimer) watch();
    },
    hostSpoke(request) {
      if (request && counted.some((before) => sameBytes(request, before))) return;
      if (request) counted = [...counted.slice(1 - COUNTED), new Uint8Array(request)];
      lastHeardMs = clock.nowMs();
      if (!cancelTimer) watch();
    },
    stop() {
      stop();
      counted = [];
    },
  };
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
