/** The mean of powers of which a few are not what the others are: a glitch of a receiver, one enormous value, would otherwise be all that the mean tells. */

/**
 * In medians. Of powers of complex noise one in a billion is larger, of squares of real noise one in 5000, so that the mean of noise stays what it is,
 * to .5 % from four values on.
 */
const GLITCH = 30;

/** @param powers ≥ 0. @returns their mean without those above 30 of their medians; of all where more than half are 0 */
export function meanWithoutGlitches(powers: ArrayLike<number>): number {
  const sorted = Float64Array.from(powers).sort();
  const middle = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  const kept = middle > 0 ? sorted.filter((power) => power <= GLITCH * middle) : sorted;
  return kept.reduce((sum, power) => sum + power, 0) / kept.length;
}
