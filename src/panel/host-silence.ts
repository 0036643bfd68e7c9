/**
 * The host's side of the silence limit. A panel that hears and cannot be heard would go on radiating a beam that nobody knows of any more, for
 * as long as it is asked for anything: so a panel is given up when it was asked and has said nothing good for as long as it may itself go on
 * without hearing from us.
 *
 *   good answer ─── asked, asked again … nothing ───► limit over: given up
 *        ▲────────────────── good answer ──┘
 *
 * Measured from the last good answer, whatever request is under way. A panel that was not asked owes no answer: its own limit runs then.
 */
import type { Clock } from '../../core/clock/clock.ts';

export interface HostSilence {
  /** What the panel was told; 0 = it was told none. */
  limit(ms: number): void;
  /** A session begins: it was heard just now. */
  begin(): void;
  /** It was asked for something. */
  asked(): void;
  /** It answered. @param stillAsked other requests wait for their answers */
  heard(stillAsked: boolean): void;
  /** It is safe because we said so, and may be left alone for as long as we like. */
  rest(): void;
  /** There is no session any more. */
  end(): void;
}

/** An answer to a first question after a long pause may take so long, whatever is left of the limit. */
const FIRST_ANSWER_MS = 300;
/** A timer this late says that this program stood still: what came meanwhile is read first, for as long. */
const LATE_MS = 100;

/** @param onSilent called once a session, with how long nothing was heard, ms */
export function createHostSilence(clock: Clock, onSilent: (quietMs: number) => void): HostSilence {
  let limitMs = 0;
  let live = false;
  let resting = false;
  let heardMs = 0;
  /** The first question since the last answer. */
  let askedMs: number | undefined;
  let cancelTimer: (() => void) | undefined;

  const stop = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
  };

  const dueMs = (sinceMs: number): number => {
    const longAgo = resting || sinceMs - heardMs >= limitMs;
    return Math.max((longAgo ? sinceMs : heardMs) + limitMs, sinceMs + FIRST_ANSWER_MS);
  };

  const watch = (): void => {
    stop();
    if (!live || limitMs === 0 || askedMs === undefined) return;
    const due = dueMs(askedMs);
    const leftMs = due - clock.nowMs();
    if (leftMs > 1e-3) cancelTimer = clock.after(leftMs, () => look(due));
    else if (leftMs > -LATE_MS) giveUp();
    else cancelTimer = clock.after(LATE_MS, () => (askedMs === undefined ? stop() : giveUp()));
  };

  /** The timer runs on while answers come, and looks again when it fires. */
  const look = (due: number): void => {
    cancelTimer = undefined;
    if (askedMs !== undefined && dueMs(askedMs) <= due && clock.nowMs() - due < LATE_MS) giveUp();
    else watch();
  };

  const giveUp = (): void => {
    stop();
    live = false;
    onSilent(clock.nowMs() - heardMs);
  };

  return {
    limit(ms) {
      limitMs = ms;
      watch();
    },
    begin() {
      live = true;
      resting = false;
      heardMs = clock.nowMs();
      askedMs = undefined;
    },
    asked() {
      if (!live || askedMs !== undefined) return;
      askedMs = clock.nowMs();
      if (cancelTimer === undefined) watch();
    },
    heard(stillAsked) {
      heardMs = clock.nowMs();
      askedMs = stillAsked ? heardMs : undefined;
      if (!stillAsked) resting = false;
    },
    rest() {
      resting = true;
    },
    end() {
      live = false;
      askedMs = undefined;
      stop();
    },
  };
}
