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
