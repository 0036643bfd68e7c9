/**
 * Limited-memory BFGS: a maximum of a smooth function of many numbers, from values and gradients alone. How the gradient turned in the last few
 * steps stands in for the Hessian; a step that does not climb as its slope promised is shortened.
 *
 * Source: Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 7.4 (two loops), 7.5 and 3.1 (backtracking), eq. (7.20).
 */

/** Writes the gradient at x, as long as x is; returns the value. */
export type SmoothFunction = (x: Float64Array, gradient: Float64Array) => number;

export interface LbfgsOptions {
  /** At most this many steps. */
  iterations: number;
  /** Ends when five steps together gained less than this share of the value. */
  tolerance: number;
  /** How far the first step, which goes along the gradient, moves the entry that moves most. */
  firstStep: number;
}

export interface Maximum {
  x: Float64Array;
  /** Never below the value at the start. */
  value: number;
}

/** Steps that are remembered. */
const MEMORY = 8;
const PATIENCE = 5;
/** A step must gain this share of what its slope promises. */
const SUFFICIENT = 1e-4;
const MOST_SHORTENINGS = 20;
/** Of a step along which the gradient turns no further than this, nothing is learned. */
const LEAST_TURN = 1e-12;

export function maximise(f: SmoothFunction, start: Float64Array, { iterations, tolerance, firstStep }: LbfgsOptions): Maximum {
  const size = start.length;
  const memory = new CurvatureMemory(size);
  const direction = new Float64Array(size);
  let x = Float64Array.from(start);
  let next = new Float64Array(size);
  let gradient = new Float64Array(size);
  let nextGradient = new Float64Array(size);
  let value = f(x, gradient);
  const values = [value];
  for (let iteration = 0; iteration < iterations; iteration++) {
    memory.ascent(gradient, direction, firstStep);
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
    memory.learn(x, next, gradient, nextGradient);
    [x, next] = [next, x];
    [gradient, nextGradient] = [nextGradient, gradient];
    value = reached;
    values.push(value);
    if (values.length > PATIENCE && value - values[values.length - 1 - PATIENCE] < tolerance * Math.abs(value)) break;
  }
  return { x, value };
}

/** The last steps s and the turns y of the gradient along them, y being minus its change, as of a minimum. */
class CurvatureMemory {
  readonly #steps: Float64Array[];
  readonly #turns: Float64Array[];
  /** 1/sᵀy */
  readonly #perCurvature = new Float64Array(MEMORY);
  readonly #shares = new Float64Array(MEMORY);
  #known = 0;
  #newest = -1;

  constructor(size: number) {
    this.#steps = Array.from({ length: MEMORY }, () => new Float64Array(size));
    this.#turns = Array.from({ length: MEMORY }, () => new Float64Array(size));
  }

  /** The inverse of the Hessian as far as it is known, times the gradient. */
  ascent(gradient: Float64Array, direction: Float64Array, firstStep: number): void {
    direction.set(gradient);
    if (this.#known === 0) {
      let largest = 0;
      for (const entry of gradient) largest = Math.max(largest, Math.abs(entry));
      multiplyBy(direction, largest > 0 ? firstStep / largest : 0);
      return;
    }
    const oldest = this.#newest + MEMORY - this.#known + 1;
    for (let back = 0; back < this.#known; back++) {
      const at = (this.#newest + MEMORY - back) % MEMORY;
      this.#shares[at] = this.#perCurvature[at] * dot(this.#steps[at], direction);
      addTo(direction, this.#turns[at], -this.#shares[at]);
    }
    const last = this.#turns[this.#newest];
    multiplyBy(direction, 1 / (this.#perCurvature[this.#newest] * dot(last, last)));
    for (let forth = 0; forth < this.#known; forth++) {
      const at = (oldest + forth) % MEMORY;
      addTo(direction, this.#steps[at], this.#shares[at] - this.#perCurvature[at] * dot(this.#turns[at], direction));
    }
  }

  learn(x: Float64Array, next: Float64Array, gradient: Float64Array, nextGradient: Float64Array): void {
    const at = (this.#newest + 1) % MEMORY;
    const step = this.#steps[at];
    const turn = this.#turns[at];
    for (let i = 0; i < x.length; i++) {
      step[i] = next[i] - x[i];
      turn[i] = gradient[i] - nextGradient[i];
    }
    const curvature = dot(step, turn);
    if (!(curvature > LEAST_TURN * dot(turn, turn))) return;
    this.#perCurvature[at] = 1 / curvature;
    this.#newest = at;
    this.#known = Math.min(this.#known + 1, MEMORY);
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function addTo(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] += factor * b[i];
}

function multiplyBy(a: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] *= factor;
}
