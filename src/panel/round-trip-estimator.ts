/**
 * How long to wait for an answer before asking again: the retransmission timeout of RFC 6298, section 2, with bounds of our own because a
 * bench link answers in well under the second that the RFC starts from.
 */
export interface RoundTripEstimator {
  /** Smoothed round trip, ms; 0 before the first sample. */
  readonly smoothedMs: number;
  /** Time to wait for the answer to a request sent once, ms, within the bounds. */
  readonly timeoutMs: number;
  /** Takes the round trip of a request that was answered after being sent exactly once. */
  sample(roundTripMs: number): void;
  /**
   * A request was answered only after it was sent `attempts` times, so nobody knows which one was answered (Karn). Until the next sample
   * the timeout stays as far backed off as that request was, or a link that became slow would be asked twice for ever.
   */
  ambiguous(attempts: number): void;
  /** The link, or what is at its other end, is another one now: nothing is backed off from. */
  forgetBackOff(): void;
}

export interface TimeoutBounds {
  /** Before anything is known of the link. */
  initialMs: number;
  minMs: number;
  maxMs: number;
}

const SMOOTHED_GAIN = 1 / 8;
const VARIATION_GAIN = 1 / 4;

/** Source: RFC 6298, (2.1)-(2.4) with α = 1/8, β = 1/4, K = 4, and (5.5)-(5.7) for backing off. */
export function createRoundTripEstimator(bounds: TimeoutBounds): RoundTripEstimator {
  let smoothedMs = 0;
  let variationMs = 0;
  let samples = 0;
  let backOff = 1;
  const within = (ms: number): number => Math.min(Math.max(ms, bounds.minMs), bounds.maxMs);
  const timeoutMs = (): number => within(within(samples === 0 ? bounds.initialMs : smoothedMs + 4 * variationMs) * backOff);

  return {
    get smoothedMs() {
      return smoothedMs;
    },
    get timeoutMs() {
      return timeoutMs();
    },
    sample: (roundTripMs) => {
      backOff = 1;
      if (samples++ === 0) {
        smoothedMs = roundTripMs;
        variationMs = roundTripMs / 2;
      } else {
        variationMs += VARIATION_GAIN * (Math.abs(smoothedMs - roundTripMs) - variationMs);
        smoothedMs += SMOOTHED_GAIN * (roundTripMs - smoothedMs);
      }
    },
    forgetBackOff: () => {
      backOff = 1;
    },
    ambiguous: (attempts) => {
      if (timeoutMs() < bounds.maxMs) backOff *= 2 ** (attempts - 1);
    },
  };
}
