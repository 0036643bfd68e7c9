/** How long a panel may go on without us, and radiate without a good cycle. */

/** The panel falls back to its safe state by itself after this long without a frame, or five periods where cycles are slower. */
const SILENCE_MS = 3000;
/** What is left of it for the words of a beam when the model has used up its time. */
const AFTER_MODEL_MS = 500;
/** So much later than silence, for timers that are late. */
const AFTER_SILENCE_MS = 250;
/** What the wire can carry. */
const LONGEST_SILENCE_MS = 0xffffffff;

/**
 * Silence that a panel is told to bear: a cycle that waits for its time and then for a slow model is no silence yet.
 * @param rateHz cycles a second; 0 = as fast as it goes
 * @param deadlineMs how long the model may take
 */
export function silenceMsAt(rateHz: number, deadlineMs: number): number {
  const periodMs = rateHz === 0 ? 0 : 1000 / rateHz;
  return Math.min(
    Math.max(SILENCE_MS, Math.ceil(5 * periodMs), Math.ceil(periodMs + deadlineMs + AFTER_MODEL_MS)),
    LONGEST_SILENCE_MS,
  );
}

/**
 * How long a panel may radiate without a good cycle, and how long of that it has at least whenever it comes back: time enough for one. A beam
 * takes its time over a slow wire. One that says nothing at all is given up as silent before this.
 * @param transferMs how long a beam takes over the slowest wire
 */
export function goodCycleAt(silenceMs: number, transferMs: number, rateHz: number): { limitMs: number; trialMs: number } {
  // Silence is counted from the first request of the cycle after the last good one.
  const laterMs = transferMs + (rateHz === 0 ? 0 : 1000 / rateHz);
  return { limitMs: silenceMs + laterMs + AFTER_SILENCE_MS, trialMs: silenceMs / 2 + laterMs };
}
