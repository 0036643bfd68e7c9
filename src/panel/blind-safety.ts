/**
 * The safe state, commanded without asking whether anybody listens: at once, again at growing pauses, and once more before each handshake, until
 * the panel is known to have taken it. A panel that hears and cannot be heard is dark by that; one that hears nothing has its own silence limit.
 *
 *   command ─► sent ─ 20 ms ─► sent ─ 60 ms ─► sent … ─► link opened again: sent, then hello … ─► confirmed
 *
 * Each sending has a number of its own, since a panel answers one that it knows from memory and does nothing.
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { SafeOrder } from './safe-ladder.ts';

export interface BlindSafety {
  /** What is commanded and not confirmed. */
  readonly pending: SafeOrder | undefined;
  /** @returns whether the link took it */
  command(order: SafeOrder): boolean;
  /** Sends what is pending once more, before anything else is said. */
  again(): void;
  /** It is confirmed, or a beam is meant again: no copy of the command may follow. */
  settled(): void;
  /** Sent no more by itself. What is not confirmed stays pending: it goes before whatever handshake may come yet, which keeps a panel radiating otherwise. */
  rest(): void;
}

/** Pauses between sendings, ms. */
const PAUSES_MS = [20, 60, 180, 500];

export function createBlindSafety(clock: Clock, send: (order: SafeOrder) => boolean): BlindSafety {
  let pending: SafeOrder | undefined;
  let cancelTimer: (() => void) | undefined;

  const stop = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
  };
  const repeat = (sendings: number): boolean => {
    cancelTimer = undefined;
    if (pending === undefined) return false;
    const taken = send(pending);
    const pauseMs = PAUSES_MS.at(sendings);
    if (pauseMs !== undefined) cancelTimer = clock.after(pauseMs, () => repeat(sendings + 1));
    return taken;
  };

  return {
    get pending() {
      return pending;
    },
    command(order) {
      stop();
      pending = order;
      return repeat(0);
    },
    again() {
      if (pending !== undefined) send(pending);
    },
    settled() {
      pending = undefined;
      stop();
    },
    rest: stop,
  };
}
