/**
 * What can be said, from the seeds that were played, of all the seeds there are. Each limit is one-sided: it alone is missed with a probability
 * of `error` at most.
 *
 * Sources: Student's t for the mean of normal values; order statistics for quantiles, whatever the distribution (David and Nagaraja, Order
 * Statistics, 2003, section 7.1); Clopper and Pearson, Biometrika 26, 1934, for shares.
 */
import jStat from 'jstat';

/** Null: nothing can be said on that side. */
export interface Limits {
  estimate: number;
  lower: number | null;
  upper: number | null;
}

/** Of the mean, of normal values; those of two values on are near enough for means of many cycles. */
export function meanLimits(values: readonly number[], error: number): Limits {
  const n = values.length;
  const estimate = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { estimate, lower: null, upper: null };
  // All the same: rounding of the sum must not lie beyond them.
  if (values.every((value) => value === values[0])) return { estimate: values[0], lower: values[0], upper: values[0] };
  const squares = values.reduce((sum, value) => sum + (value - estimate) ** 2, 0);
  const reach = jStat.studentt.inv(1 - error, n - 1) * Math.sqrt(squares / (n - 1) / n);
  return { estimate, lower: estimate - reach, upper: estimate + reach };
}

/** Of the share of all seeds that fail. */
export function shareLimits(failures: number, n: number, error: number): Limits {
  return {
    estimate: failures / n,
    lower: failures === 0 ? 0 : jStat.ibetainv(error, failures, n - failures + 1),
    upper: failures === n ? 1 : jStat.ibetainv(1 - error, failures + 1, n - failures),
  };
}

/**
 * Of a quantile: the value that a share of `quantile` does not exceed. Limits are values that were found; with too few of them there are none.
 * @param values may be infinite
 */
export function quantileLimits(values: readonly number[], quantile: number, error: number): Limits {
  const n = values.length;
  const sorted = [...values].sort((a, b) => a - b);
  // How many lie at or below it is binomial. The l-th is a lower limit where fewer than l do so with a probability of `error` at most.
  let lower: number | null = null;
  for (let l = 1; l <= n && atMost(l - 1, n, quantile) <= error; l++) lower = sorted[l - 1];
  let upper: number | null = null;
  for (let u = n; u >= 1 && 1 - atMost(u - 1, n, quantile) <= error; u--) upper = sorted[u - 1];
  return { estimate: sorted[Math.min(n - 1, Math.max(0, Math.ceil(quantile * n) - 1))], lower, upper };
}

/** Probability that of n, each with a probability of p, at most k come. */
export function atMost(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  return k >= n ? 1 : jStat.ibeta(1 - p, n - k, k + 1);
}
