/**
 * Steps of weighted MMSE in the graph, for networks that solve D again: on what the users hear of each other, K×K, where the array has dropped out.
 *
 * As in core/signal/weighted-mmse.ts, a precoder sees the channel only through a Gram matrix B (S = HA·(AᴴA)⁻¹·(HA)ᴴ for given phases): gains
 * G = B·X, power Re tr(XᴴBX). Per step, with G of unit power and ν = σ²∕P:
 *
 *   Sₖ = Σⱼ|Gₖⱼ|² + ν,  eₖ = 1 − |Gₖₖ|²∕Sₖ,  wₖ = 1∕eₖ,  λₖ = wₖ·|Gₖₖ|²∕Sₖ²,  η = ν·Σλ
 *   X ← Λ^½(Λ^½BΛ^½ + ηI)⁻¹·W^½
 *
 * Everything is held as an embedding of 2K×2K real numbers, [[Re, −Im], [Im, Re]] or [[Re, Im], [−Im, Re]], in which Hermitian inverses are plain
 * ones and the sums of squares of rows k and K + k are both Σⱼ|Gₖⱼ|². After a step each Gₖₖ is real and positive, hence no phases of u in W^½.
 *
 * Source: Shi et al., IEEE Trans. Signal Process. 59(9), 2011.
 */
import { entries } from './graph/complex.ts';
import type { Graph, Tensor } from './graph/graph.ts';
import * as ops from './graph/ops.ts';

export interface WeightedMmseSteps {
  /** ν, [B, 1, 1] */
  readonly floor: Tensor;
  /** X and G = B·X, at unit power. */
  readonly atUnitPower: (x: Tensor) => [x: Tensor, gains: Tensor];
  /** X of regularised zero-forcing, at unit power. */
  readonly start: () => Tensor;
  /** What each user hears of gains at unit power. */
  readonly heard: (gains: Tensor) => HeardByUsers;
  /** @param omega how far it goes on from `newest` in the direction in which that lies from `before`. @returns X at unit power */
  readonly step: (newest: Tensor, before: Tensor, omega: Tensor) => Tensor;
}

/** Columns of a number a user, twice: [B, 2K, 1]. */
export interface HeardByUsers {
  /** S */
  readonly received: Tensor;
  /** I = S − |Gₖₖ|² */
  readonly interference: Tensor;
}

/**
 * @param gram B, [B, 2K, 2K]
 * @param noise ν, [B]
 */
export function weightedMmseSteps(gram: Tensor, noise: Tensor): WeightedMmseSteps {
  const { graph } = gram;
  const size = gram.shape.at(-1) as number;
  const users = size / 2;
  const floor = ops.unsqueeze(noise, [1, 2]);
  const one = diagonal(graph, size, 1);
  const others = graph.constant(
    entries(size, size, (row, col) => (row % users === col % users ? 0 : 1)),
    [size, size],
  );
  const half = graph.constant(0.5);

  const atUnitPower = (x: Tensor): [x: Tensor, gains: Tensor] => {
    const gains = ops.matmul(gram, x);
    const power = ops.multiply(ops.reduceSum(ops.multiply(x, gains), [1, 2]), half); // an embedding has each entry twice
    const amplitude = ops.sqrt(ops.maximum(power, graph.constant(1e-30)));
    return [ops.divide(x, amplitude), ops.divide(gains, amplitude)];
  };
  const heard = (gains: Tensor): HeardByUsers => ({
    received: ops.add(ops.reduceSumSquare(gains, [2]), floor),
    interference: ops.add(ops.reduceSumSquare(ops.multiply(gains, others), [2]), floor),
  });
  return {
    floor,
    atUnitPower,
    heard,
    start: () => {
      const load = ops.multiply(ops.multiply(floor, graph.constant(users)), one); // K·ν·I
      return atUnitPower(ops.solvePositiveDefinite(ops.add(gram, load), one))[0];
    },
    step: (newest, before, omega) => {
      const [, gains] = atUnitPower(ops.add(newest, ops.multiply(omega, ops.subtract(newest, before))));
      const { received, interference } = heard(gains);
      const rootWeight = ops.sqrt(ops.divide(received, interference)); // √w
      const root = ops.divide(ops.multiply(rootWeight, ops.sqrt(desiredOf({ received, interference }))), received); // √λ
      const eta = ops.multiply(ops.multiply(ops.reduceSumSquare(root, [1]), half), floor); // η, [B, 1, 1]
      const across = ops.swapLast(root);
      const regularised = ops.add(ops.multiply(ops.multiply(root, gram), across), ops.multiply(eta, one));
      const next = ops.multiply(root, ops.solvePositiveDefinite(regularised, ops.multiply(rootWeight, one))); // W^½ on the diagonal
      return atUnitPower(next)[0];
    },
  };
}

/**
 * |Gₖₖ|² = S − I. 1e-12 of what is received stands for the signal of a user who is switched off: its root has a slope at 0 that no training
 * survives.
 */
export function desiredOf({ received, interference }: HeardByUsers): Tensor {
  return ops.maximum(ops.subtract(received, interference), ops.multiply(received, received.graph.constant(1e-12)));
}

/** value·I, [size, size]. */
export const diagonal = (graph: Graph, size: number, value: number): Tensor =>
  graph.constant(
    entries(size, size, (row, col) => (row === col ? value : 0)),
    [size, size],
  );
