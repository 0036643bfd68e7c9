/**
 * Limited-memory BFGS: how the gradient turned in the last few steps stands in for the Hessian.
 *
 * Source: Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 7.4 (two loops) and 7.5, eq. (7.20).
 */
import type { Directions } from './climb.ts';
import { dot, largestEntry } from './climb.ts';

/** Steps that are remembered. */
const MEMORY = 8;
/** Of a step along which the gradient turns no further than this, nothing is learned. */
const LEAST_TURN = 1e-12;

/**
 * @param size how many numbers the function is of
 * @param firstStep how far the first step, which goes along the gradient, moves the number that moves most
 */
export function lbfgs(size: number, firstStep: number): Directions {
  // The last steps s and the turns y of the gradient along them, y being minus its change, as on the way to a minimum.
  const steps = Array.from({ length: MEMORY }, () => new Float64Array(size));
  const turns = Array.from({ length: MEMORY }, () => new Float64Array(size));
  const perCurvature = new Float64Array(MEMORY); // 1/sᵀy
  const shares = new Float64Array(MEMORY);
  let known = 0;
  let newest = -1;
  return {
    ascend(gradient, direction) {
      direction.set(gradient);
      if (known === 0) {
        const largest = largestEntry(gradient);
        multiplyBy(direction, largest > 0 ? firstStep / largest : 0);
        return;
      }
      for (let back = 0; back < known; back++) {
        const at = (newest + MEMORY - back) % MEMORY;
        shares[at] = perCurvature[at] * dot(steps[at], direction);
        addTo(direction, turns[at], -shares[at]);
      }
      multiplyBy(direction, 1 / (perCurvature[newest] * dot(turns[newest], turns[newest])));
      const oldest = newest + MEMORY - known + 1;
      for (let forth = 0; forth < known; forth++) {
        const at = (oldest + forth) % MEMORY;
        addTo(direction, steps[at], shares[at] - perCurvature[at] * dot(turns[at], direction));
      }
    },
    learn(x, next, gradient, nextGradient) {
      const at = (newest + 1) % MEMORY;
      const step = steps[at];
      const turn = turns[at];
      for (let i = 0; i < size; i++) {
        step[i] = next[i] - x[i];
        turn[i] = gradient[i] - nextGradient[i];
      }
      const curvature = dot(step, turn);
      if (!(curvature > LEAST_TURN * dot(turn, turn))) return;
      perCurvature[at] = 1 / curvature;
      newest = at;
      known = Math.min(known + 1, MEMORY);
    },
  };
}

function addTo(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] += factor * b[i];
}

function multiplyBy(a: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] *= factor;
}
