/**
 * Conjugate gradients on the complex circle manifold, of which an analog precoder is a point: N·M circles, a phase each. In phases it is flat:
 * the Riemannian gradient is ∂f/∂φ, vectors are carried along unchanged, and a step along one turns every entry by its own angle.
 *
 * Source: Absil, Mahony and Sepulchre, Optimization Algorithms on Matrix Manifolds, 2008, algorithm 13 with Polak and Ribière's directions; for
 * hybrid precoders Yu et al., IEEE J. Sel. Topics Signal Process. 10(3), 2016, algorithm 1.
 */
import type { Directions } from './climb.ts';
import { dot, largestEntry } from './climb.ts';

/**
 * @param size how many phases there are
 * @param longestStep how far a step may move a phase, radians; the first step takes all of it
 */
export function conjugateGradient(size: number, longestStep: number): Directions {
  const conjugate = new Float64Array(size); // the direction before it is given a length
  let turn = 0; // β: what the next direction keeps of this one
  let slope = 0;
  let length = 0; // of the last step, in units of its direction
  return {
    ascend(gradient, direction) {
      const before = slope;
      for (let i = 0; i < size; i++) conjugate[i] = gradient[i] + turn * conjugate[i];
      slope = dot(conjugate, gradient);
      if (!(slope > 0)) {
        conjugate.set(gradient);
        slope = dot(gradient, gradient);
      }
      const largest = largestEntry(conjugate);
      // As much is expected to be gained as by the step before.
      const promised = before > 0 && slope > 0 ? (2 * length * before) / slope : longestStep / largest;
      const bounded = largest > 0 ? Math.min(promised, longestStep / largest) : 0;
      for (let i = 0; i < size; i++) direction[i] = bounded * conjugate[i];
    },
    learn(x, next, gradient, nextGradient) {
      let moved = 0;
      let change = 0;
      for (let i = 0; i < size; i++) {
        moved += (next[i] - x[i]) * conjugate[i];
        change += nextGradient[i] * (nextGradient[i] - gradient[i]);
      }
      length = moved / dot(conjugate, conjugate);
      turn = Math.max(change / dot(gradient, gradient), 0); // Polak and Ribière's
    },
  };
}
