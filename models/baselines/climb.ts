/**
 * Uphill on a smooth function of many numbers, from values and gradients: what gradient methods share. Where to go is a method's own affair
 * (lbfgs.ts, conjugate-gradient.ts); a step that does not gain as its slope promised is shortened here, and it is seen when nothing is left to gain.
 *
 * Source: Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 3.1 (backtracking) and eq. (3.57) (the parabola).
 */

/** Writes the gradient at x, as long as x is; returns the value. */
export type SmoothFunction = (x: Float64Array, gradient: Float64Array) => number;

/** A method: what it has learned on the way. */
export interface Directions {
  /** Writes where to go next, and how far. */
  ascend(gradient: Float64Array, direction: Float64Array): void;
  /** A step was made, from x to next. */
  learn(x: Float64Array, next: Float64Array, gradient: Float64Array, nextGradient: Float64Array): void;
}

export interface ClimbOptions {
  /** At most this many steps. */
  iterations: number;
  /** Ends when five steps together gained less than this share of the value. */
  tolerance: number;
}

export interface Maximum {
  x: Float64Array;
  /** Never below the value at the start. */
  value: number;
}

const PATIENCE = 5;
/** A step must gain this share of what its slope promises. */
const SUFFICIENT = 1e-4;
const MOST_SHORTENINGS = 20;

export function climb(
  f: SmoothFunction,
  start: Float64Array,
  directions: Directions,
  { iterations, tolerance }: ClimbOptions,
): Maximum {
  const size = start.length;
  const direction = new Float64Array(size);
  let x = Float64Array.from(start);
  let next = new Float64Array(size);
  let gradient = new Float64Array(size);
  let nextGradient = new Float64Array(size);
  let value = f(x, gradient);
  const values = [value];
  for (let iteration = 0; iteration < iterations; iteration++) {
    directions.ascend(gradient, direction);
    const slope = dot(direction, gradient);
    if (!(slope > 0)) break;
    let length = 1;
    let reached = -Infinity;
    for (let shortening = 0; shortening < MOST_SHORTENINGS; shortening++) {
      for (let i = 0; i < size; i++) next[i] = x[i] + length * direction[i];
      reached = f(next, nextGradient);
      if (reached >= value + SUFFICIENT * length * slope) break;
      // To the top of the parabola through both values and the slope, within bounds.
      const top = (slope * length * length) / (2 * (value + slope * length - reached));
      length = Math.min(Math.max(top, 0.1 * length), 0.5 * length);
    }
    if (!(reached > value)) break;
    directions.learn(x, next, gradient, nextGradient);
    [x, next] = [next, x];
    [gradient, nextGradient] = [nextGradient, gradient];
    value = reached;
    values.push(value);
    if (values.length > PATIENCE && value - values[values.length - 1 - PATIENCE] < tolerance * Math.abs(value)) break;
  }
  return { x, value };
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

export function largestEntry(a: Float64Array): number {
  let largest = 0;
  for (const entry of a) largest = Math.max(largest, Math.abs(entry));
  return largest;
}
