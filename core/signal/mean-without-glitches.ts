/**
 * Powers of which a few are not what the others are: a glitch of a receiver, one enormous value, would otherwise be all that their mean tells. What is far above
 * the median is one, for a median does not move with it.
 *
 * Source: Davies and Gather, J. American Statistical Association 88(423), 1993 (identifiers of outliers by medians, after Hampel).
 */

/**
 * In medians. Of powers of complex noise one in a billion is larger, of squares of real noise one in 5000, so that the mean of noise stays what it is,
 * to .5 % from four values on.
 */
const GLITCH = 30;

/** @param powers ≥ 0. @returns what a power is a glitch above; Infinity where more than half are 0 */
export function glitchLimit(powers: ArrayLike<number>): number {
  const sorted = Float64Array.from(powers).sort();
  const middle = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  return middle > 0 ? GLITCH * middle : Infinity;
}

/** @param powers ≥ 0. @returns their mean without those above 30 of their medians; of all where more than half are 0 */
export function meanWithoutGlitches(powers: ArrayLike<number>): number {
  const limit = glitchLimit(powers);
  // Sorted, so that the sum does not depend on who came first.
  const kept = Float64Array.from(powers)
    .sort()
    .filter((power) => power <= limit);
  return kept.reduce((sum, power) => sum + power, 0) / kept.length;
}
