/** What users hear of a beam, and what that is worth: the same for every ascent on the rate. */
import type { Complex } from '../graph/complex.ts';
import * as c from '../graph/complex.ts';
import { entries } from '../graph/complex.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';

export interface Users {
  /** Ones but where a user hears its own stream, for both parts: [K, 2K]. */
  others: Tensor;
  /** σ² of each user, [B, 1, 1]. */
  noise: Tensor;
}

/** @param noise σ², [B] @param users K */
export function usersOf(noise: Tensor, users: number): Users {
  const others = entries(users, 2 * users, (row, col) => (row === col % users ? 0 : 1));
  return { others: noise.graph.constant(others, [users, 2 * users]), noise: ops.unsqueeze(noise, [1, 2]) };
}

/** Of G = H·A·D: S, all that a user hears, I, what it hears beside its own stream, and C·ln 2 = G∕S − (G − diag G)∕I. */
export function receive({ others, noise }: Users, gains: Complex): { weighted: Complex; received: Tensor; interference: Tensor } {
  const { graph } = gains.parts;
  const one = graph.constant(1);
  const received = ops.add(ops.reduceSumSquare(gains.parts, [2]), noise); // [B, K, 1]
  const interference = ops.add(ops.reduceSumSquare(ops.multiply(gains.parts, others), [2]), noise);
  const weights = ops.subtract(ops.divide(one, received), ops.multiply(others, ops.divide(one, interference)));
  return { weighted: c.scale(gains, weights), received, interference };
}

/** R = Σ log₂(S∕I), [B]. */
export function rateOfGains(users: Users, gains: Complex): Tensor {
  const { received, interference } = receive(users, gains);
  const rate = ops.reduceSum(ops.subtract(ops.log(received), ops.log(interference)), [1]);
  return ops.multiply(ops.squeeze(rate, [1, 2]), rate.graph.constant(1 / Math.LN2));
}
