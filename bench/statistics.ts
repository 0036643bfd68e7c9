/** The few figures that every bench prints. */

/** Median and 95th percentile of a list that need not be sorted; NaN when it is empty. */
export function percentiles(values: Float64Array): { p50: number; p95: number } {
  const sorted = values.slice().sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return { p50: at(0.5), p95: at(0.95) };
}

/** Least-squares slope of a quantity over time, of the second half of the samples: what is left once everything is warm. */
export function slopePerMinute<K extends string>(samples: readonly ({ minute: number } & Record<K, number>)[], key: K): number {
  const late = samples.slice(samples.length >> 1);
  const meanTime = late.reduce((sum, { minute }) => sum + minute, 0) / late.length;
  const mean = late.reduce((sum, sample) => sum + sample[key], 0) / late.length;
  let above = 0;
  let below = 0;
  for (const sample of late) {
    above += (sample.minute - meanTime) * (sample[key] - mean);
    below += (sample.minute - meanTime) ** 2;
  }
  return above / below;
}

/**
 * Least-squares slope of a quantity over time and its standard error. Memory remembers: neighbouring samples are alike, so the error is
 * widened as if there were n·(1 − r)/(1 + r) of them, r being the correlation of neighbouring residuals. NaN below four samples.
 */
export function trendPerMinute<K extends string>(
  samples: readonly ({ minute: number } & Record<K, number>)[],
  key: K,
): { slope: number; error: number } {
  const n = samples.length;
  if (n < 4) return { slope: NaN, error: NaN };
  const meanTime = samples.reduce((sum, { minute }) => sum + minute, 0) / n;
  const mean = samples.reduce((sum, sample) => sum + sample[key], 0) / n;
  let above = 0;
  let below = 0;
  for (const sample of samples) {
    above += (sample.minute - meanTime) * (sample[key] - mean);
    below += (sample.minute - meanTime) ** 2;
  }
  const slope = above / below;
  const residuals = samples.map((sample) => sample[key] - mean - slope * (sample.minute - meanTime));
  const squares = residuals.reduce((sum, value) => sum + value * value, 0);
  const neighbours = residuals.slice(1).reduce((sum, value, i) => sum + value * residuals[i], 0);
  const r = squares === 0 ? 0 : Math.min(Math.max(neighbours / squares, 0), 0.99);
  const plain = Math.sqrt(squares / (n - 2) / below);
  return { slope, error: plain * Math.sqrt((1 + r) / (1 - r)) };
}

export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Over rounds. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}
