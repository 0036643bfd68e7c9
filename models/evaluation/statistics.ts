/** Means with their standard errors, which is all the statistics that the tables need. */
export interface MeanAndError {
  mean: number;
  /** Standard error of the mean: s/√n with the sample deviation s; NaN of a single value, which tells none, and null in JSON. */
  stderr: number;
}

/** @param values at least one */
export function meanAndError(values: readonly number[]): MeanAndError {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { mean, stderr: NaN };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, stderr: Math.sqrt(squares / (n - 1) / n) };
}
