/** How many events one may expect where so many were counted: what a Poisson distribution leaves open. */

/** 95 %, two-sided. */
const TAIL = 0.025;
const MOST_STEPS = 60;

/**
 * Means that do not make the count unlikely, from below and from above.
 * Source: Garwood, Fiducial limits for the Poisson distribution, Biometrika 28, 1936.
 */
export function meanOfEvents(count: number): { low: number; high: number } {
  const low = count === 0 ? 0 : meanWhere((mean) => 1 - atMost(count - 1, mean) > TAIL, count);
  return { low, high: meanWhere((mean) => atMost(count, mean) < TAIL, 2 * count + 10) };
}

/** Probability of so many events or fewer. */
function atMost(count: number, mean: number): number {
  let term = Math.exp(-mean);
  let sum = term;
  for (let n = 1; n <= count; n++) sum += term *= mean / n;
  return sum;
}

/** The smallest mean for which it is so, by halving. */
function meanWhere(isSo: (mean: number) => boolean, most: number): number {
  let [below, above] = [0, most];
  for (let step = 0; step < MOST_STEPS; step++) {
    const middle = (below + above) / 2;
    if (isSo(middle)) above = middle;
    else below = middle;
  }
  return above;
}
