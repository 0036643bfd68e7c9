/**
 * What a panel's clock shows, told from exchanges of times: host sends at h₁, panel receives at p₁ and answers at p₂, host receives at h₄.
 * If both ways take equally long, the panel showed (p₁ + p₂)/2 when the host showed (h₁ + h₄)/2; a way that took longer shifts that by half the
 * difference. So only exchanges with about the shortest round trip are believed, a line is laid through them by least squares, what lies
 * too far from it is dropped, and the line is laid again:
 *
 *   samples ─► window ─► shortest round trips ─► line ─► residuals over k·MAD dropped ─► line: offset and drift, and how well they are known
 *
 * Sources: Mills, RFC 5905, sections 8 and 10 (offset, delay, minimum filter); MAD as a robust scale: Rousseeuw and Croux, JASA 88 (1993).
 */
import type { ClockSample } from './panel.ts';

export interface ClockEstimate {
  /** Samples in the window. */
  readonly samples: number;
  /** Drift of the panel's clock against the host's, parts per million. */
  readonly driftPpm: number;
  /**
   * How far off the estimate may be at this host time, µs: three standard errors, which grow with the distance to the samples, and the
   * resolution of the times. A way that is always longer than the other is not in it: nobody can see it; at most it is `asymmetryUs`.
   */
  uncertaintyUs(hostUs: number): number;
  /** Half of the shortest round trip, µs. */
  readonly asymmetryUs: number;
  /** Nine of ten exchanges took no longer, µs. */
  readonly mostRoundTripsUs: number;
  add(sample: ClockSample): void;
  /** The panel was restarted: its time has begun anew. */
  reset(): void;
  /** Panel time at this host time. Meaningless without samples. */
  toPanelUs(hostUs: number): bigint;
  toHostUs(panelUs: bigint): number;
}

/** p − p₀ = offset + rate·(h − h₀), around the samples' centre of gravity. */
interface Line {
  hostUs: number;
  panelUs: number;
  rate: number;
  /** Standard deviation of one sample, µs; of how many; and the sum of squared distances from the centre, the prior's included. */
  spreadUs: number;
  count: number;
  spanSquares: number;
}

/** Share of the window that is believed at most, and samples that are always. */
const BELIEVED_SHARE = 0.5;
const FEWEST = 4;
/** Extra round trip, beside the shortest one, up to which a sample is believed however many there are: a part of it, and some µs. */
const EQUAL_SHARE = 0.05;
const EQUAL_US = 5;
/** Residuals beyond this many robust standard deviations are outliers. */
const OUTLIER = 4;
const MAD_TO_SIGMA = 1.4826;
/** Times are whole µs. */
const RESOLUTION_US = 1;
/** Crystals are within this, one standard deviation: what a short window says of the drift is weighed against it. */
const PRIOR_DRIFT = 100e-6;
/** No clock is further off. */
const MAX_DRIFT = 1000e-6;

/** @param window samples kept; the oldest leave first */
export function createClockEstimate(window = 64): ClockEstimate {
  let samples: Sample[] = [];
  /** Panel times are counted from here, so that they are exact as numbers. */
  let baseUs = 0n;
  let line: Line | undefined;

  const fitted = (): Line => (line ??= fit(samples));

  return {
    get samples() {
      return samples.length;
    },
    get driftPpm() {
      return 1e6 * (fitted().rate - 1);
    },
    get asymmetryUs() {
      return samples.length === 0 ? Infinity : Math.min(...samples.map((sample) => sample.roundTripUs)) / 2;
    },
    get mostRoundTripsUs() {
      if (samples.length === 0) return Infinity;
      const byTrip = samples.map((sample) => sample.roundTripUs).sort((a, b) => a - b);
      return byTrip[Math.ceil(0.9 * byTrip.length) - 1];
    },
    uncertaintyUs: (hostUs) => {
      const { spreadUs, count, spanSquares, hostUs: centreUs } = fitted();
      if (count === 0) return Infinity;
      return 3 * spreadUs * Math.sqrt(1 / count + (hostUs - centreUs) ** 2 / spanSquares) + RESOLUTION_US;
    },
    add: ({ hostSendUs, panelReceiveUs, panelSendUs, hostReceiveUs }) => {
      if (samples.length === 0) baseUs = panelReceiveUs;
      const receiveUs = Number(panelReceiveUs - baseUs);
      const sendUs = Number(panelSendUs - baseUs);
      const roundTripUs = Math.max(0, hostReceiveUs - hostSendUs - (sendUs - receiveUs));
      samples.push({ hostUs: (hostSendUs + hostReceiveUs) / 2, panelUs: (receiveUs + sendUs) / 2, roundTripUs });
      if (samples.length > window) samples.shift();
      line = undefined;
    },
    reset: () => {
      samples = [];
      line = undefined;
    },
    toPanelUs: (hostUs) => {
      const { hostUs: centreUs, panelUs, rate } = fitted();
      return baseUs + BigInt(Math.round(panelUs + rate * (hostUs - centreUs)));
    },
    toHostUs: (panelTimeUs) => {
      const { hostUs: centreUs, panelUs, rate } = fitted();
      return centreUs + (Number(panelTimeUs - baseUs) - panelUs) / rate;
    },
  };
}

interface Sample {
  hostUs: number;
  panelUs: number;
  roundTripUs: number;
}

function fit(samples: readonly Sample[]): Line {
  if (samples.length === 0) return { hostUs: 0, panelUs: 0, rate: 1, spreadUs: Infinity, count: 0, spanSquares: 1 };
  const byTrip = samples.map((sample) => sample.roundTripUs).sort((a, b) => a - b);
  const shortestUs = byTrip[0];
  const rank = Math.min(samples.length, Math.max(FEWEST, Math.ceil(BELIEVED_SHARE * samples.length)));
  const limitUs = Math.max(byTrip[rank - 1], shortestUs * (1 + EQUAL_SHARE) + EQUAL_US);
  const believed = samples.filter((sample) => sample.roundTripUs <= limitUs);

  const first = layLine(believed, shortestUs);
  const residuals = believed.map((sample) => Math.abs(residualUs(first, sample)));
  const scaleUs = Math.max(MAD_TO_SIGMA * median(residuals), RESOLUTION_US / 2);
  const kept = believed.filter((_, index) => residuals[index] <= OUTLIER * scaleUs);
  return kept.length === believed.length || kept.length < FEWEST ? first : layLine(kept, shortestUs);
}

const residualUs = (line: Line, { hostUs, panelUs }: Sample): number =>
  panelUs - line.panelUs - line.rate * (hostUs - line.hostUs);

/**
 * Weighted least squares. A sample's error is at most half of what its round trip has over the shortest there can be, which is less than the
 * shortest seen, by about as much as others have over that. The slope is drawn towards 1 with the weight of what is known of crystals.
 */
function layLine(samples: readonly Sample[], shortestUs: number): Line {
  let weight = 0;
  let host = 0;
  let panel = 0;
  const excessUs = samples.map(({ roundTripUs }) => (roundTripUs - shortestUs) / 2);
  const floor = RESOLUTION_US ** 2 + median(excessUs) ** 2;
  const weights = excessUs.map((excess) => 1 / (floor + excess ** 2));
  // Around the first sample: sums of µs since the host's start lose the digits that matter.
  const origin = samples[0];
  samples.forEach(({ hostUs, panelUs }, i) => {
    weight += weights[i];
    host += weights[i] * (hostUs - origin.hostUs);
    panel += weights[i] * (panelUs - origin.panelUs);
  });
  const hostUs = origin.hostUs + host / weight;
  const panelUs = origin.panelUs + panel / weight;
  let squares = 0;
  let products = 0;
  samples.forEach((sample, i) => {
    squares += weights[i] * (sample.hostUs - hostUs) ** 2;
    products += weights[i] * (sample.hostUs - hostUs) * (sample.panelUs - panelUs - (sample.hostUs - hostUs));
  });
  const prior = 1 / PRIOR_DRIFT ** 2;
  const drift = products / (squares + prior);
  const rate = 1 + Math.min(Math.max(drift, -MAX_DRIFT), MAX_DRIFT);
  const line: Line = { hostUs, panelUs, rate, spreadUs: 0, count: 0, spanSquares: 1 };

  let misfit = 0;
  samples.forEach((sample, i) => (misfit += weights[i] * residualUs(line, sample) ** 2));
  // Of a sample of mean weight; a fit that is better than its weights allow is luck.
  const freedom = Math.max(samples.length - 2, 1);
  const meanWeight = weight / samples.length;
  const spreadUs = Math.sqrt(Math.max(misfit / freedom, 0.25) / meanWeight);
  return { ...line, spreadUs, count: samples.length, spanSquares: (squares + prior) / meanWeight };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
