/**
 * What weighted MMSE cannot find by itself: where two users are alike, their streams disturb each other however much power there is, and steps from
 * a start that serves both never leave that. There, an X that serves the strongest user alone stands beside the one found, and the better is taken.
 * It needs no inverse: float32 has none for users who are all but alike, and X of it is no number.
 *
 * core/signal/served-users.ts tries every number of users, which a rig does anyway when it solves D again; here one is enough.
 */
import { entries } from '../graph/complex.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { diagonal, weightedMmseSteps } from '../weighted-mmse-steps.ts';

/** Squared correlations are squared so often again: below 0.99 next to nothing is left, of 0.999 three quarters. */
const SQUARINGS = 8;
/** Of the sum over all pairs, of which an embedding has each eight times. */
const ALIKE = 6;
/** More than any rate. */
const BEYOND_RATES = 1e9;
/** Of two who hear the same, the first: so much less do those after it count. */
const LESS_A_USER = 1e-4;

/** X, [B, 2K, 2K], at unit power, and its rate in nats, [B, 1, 1]. */
export interface Serving {
  readonly x: Tensor;
  readonly rate: Tensor;
}

/**
 * X that serves the strongest user alone.
 * @param seen S, [B, 2K, 2K]
 * @param noise ν, [B]
 */
export function oneUser(seen: Tensor, noise: Tensor): Serving {
  const { graph } = seen;
  const size = seen.shape.at(-1) as number;
  const users = size / 2;
  const [zero, one, half, least] = [0, 1, 0.5, 1e-30].map((value) => graph.constant(value));
  const own = diagonal(graph, size, 1);
  const twice = ops.reduceSum(ops.multiply(seen, own), [2]);
  // Sₖₖ, [B, 2K, 1]; its two copies may differ in rounding
  const strengths = ops.multiply(ops.matmul(ofBothParts(seen), twice), half);
  const bySize = graph.constant(
    entries(size, 1, (row) => 1 - LESS_A_USER * (row % users)),
    [size, 1],
  );
  const ranked = ops.multiply(strengths, bySize);
  const atLeast = ops.select(ops.greaterOrEqual(ops.swapLast(ranked), ranked), one, zero); // who is no weaker than whom
  const strongest = ops.select(ops.greaterOrEqual(graph.constant(2.5), ops.reduceSum(atLeast, [2])), one, zero); // itself, twice
  const power = ops.multiply(ops.reduceSum(ops.multiply(strongest, strengths), [1]), half); // [B, 1, 1]
  return {
    x: ops.multiply(ops.divide(strongest, ops.sqrt(ops.maximum(power, least))), own),
    rate: ops.log(ops.add(one, ops.divide(power, ops.unsqueeze(noise, [1, 2])))),
  };
}

/**
 * How good X is, for a choice between it and one user.
 * @param correlations of the users' channels, [B, 2K, 2K]: of S, float32 has too few digits where users are alike
 * @returns its rate in nats, [B, 1, 1]; beyond all rates where no two users are alike and X is a number
 */
export function worthOf(x: Tensor, seen: Tensor, noise: Tensor, correlations: Tensor): Tensor {
  const { graph } = x;
  const { atUnitPower, heard } = weightedMmseSteps(seen, noise);
  const { received, interference } = heard(atUnitPower(x)[1]);
  const rate = ops.multiply(ops.reduceSum(ops.log(ops.divide(received, interference)), [1]), graph.constant(0.5));
  const alike = ops.greaterOrEqual(likeness(correlations), graph.constant(ALIKE));
  return ops.add(rate, ops.select(alike, graph.constant(0), graph.constant(BEYOND_RATES)));
}

/** Σ |cᵢⱼ|^512 over all i ≠ j, [B, 1, 1]. */
function likeness(correlations: Tensor): Tensor {
  const size = correlations.shape.at(-1) as number;
  const users = size / 2;
  const others = correlations.graph.constant(
    entries(size, size, (row, col) => (row % users === col % users ? 0 : 1)),
    [size, size],
  );
  const squared = ops.matmul(ops.multiply(correlations, correlations), ofBothParts(correlations));
  let shared = ops.multiply(squared, others);
  for (let i = 0; i < SQUARINGS; i++) shared = ops.multiply(shared, shared);
  return ops.reduceSum(shared, [1, 2]);
}

/** Adds what an embedding has of each user twice, [2K, 2K]. */
function ofBothParts({ graph, shape }: Tensor): Tensor {
  const size = shape.at(-1) as number;
  const users = size / 2;
  return graph.constant(
    entries(size, size, (row, col) => (row % users === col % users ? 1 : 0)),
    [size, size],
  );
}
