/**
 * The digital precoder for given phases, in the graph: regularised zero-forcing, then steps of weighted MMSE with learned extrapolation.
 *
 * As in core/signal/weighted-mmse.ts, D = (AᴴA)⁻¹(HA)ᴴ·X sees the channel only through S = HA·(AᴴA)⁻¹·(HA)ᴴ, K×K: gains G = S·X, power
 * Re tr(XᴴSX). Per step, with G of unit power and ν = σ²∕P:
 *
 *   Sₖ = Σⱼ|Gₖⱼ|² + ν,  eₖ = 1 − |Gₖₖ|²∕Sₖ,  wₖ = 1∕eₖ,  λₖ = wₖ·|Gₖₖ|²∕Sₖ²,  η = ν·Σλ
 *   X ← Λ^½(Λ^½SΛ^½ + ηI)⁻¹·W^½
 *
 * Everything K×K is held as the real embedding [[Re, −Im], [Im, Re]], in which Hermitian inverses are plain ones and the sums of squares of
 * rows k and K + k are both Σⱼ|Gₖⱼ|². Each Gₖₖ starts real and positive and stays so, hence no phases of u in W^½.
 *
 * Source: Shi et al., IEEE Trans. Signal Process. 59(9), 2011.
 */
import type { Complex } from '../graph/complex.ts';
import { embed, entries, fromEmbedding, hermitian, product, unitPower } from '../graph/complex.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';

/** @param extrapolation ω of each step, [L, B|1]. @returns D at unit power */
export function digitalByWeightedMmse(channel: Complex, analog: Complex, noise: Tensor, extrapolation: Tensor): Complex {
  const { graph } = channel.parts;
  const users = channel.rows;
  const elements = analog.rows;
  const seen = embed(product(channel, analog)); // H·A
  const chainGram = embed(product(hermitian(analog), analog)); // AᴴA
  // A ridge of 1e-6 of a diagonal entry keeps the inverse finite when two chains show the same phases.
  const metric = ops.add(chainGram, diagonal(graph, analog.cols, 1e-6 * elements));
  const basis = ops.solvePositiveDefinite(metric, ops.swapLast(seen)); // (AᴴA)⁻¹(HA)ᴴ
  const gram = ops.matmul(seen, basis); // S
  const floor = ops.unsqueeze(noise, [1, 2]); // ν, [B, 1, 1]
  const one = diagonal(graph, users, 1);
  const others = graph.constant(
    entries(2 * users, 2 * users, (row, col) => (row % users === col % users ? 0 : 1)),
    [2 * users, 2 * users],
  );
  const half = graph.constant(0.5);

  /** X, and G = S·X, at unit power. */
  const atUnitPower = (x: Tensor): [x: Tensor, gains: Tensor] => {
    const gains = ops.matmul(gram, x);
    const power = ops.multiply(ops.reduceSum(ops.multiply(x, gains), [1, 2]), half); // an embedding has each entry twice
    const amplitude = ops.sqrt(ops.maximum(power, graph.constant(1e-30)));
    return [ops.divide(x, amplitude), ops.divide(gains, amplitude)];
  };
  const load = ops.multiply(ops.multiply(floor, graph.constant(users)), one); // K·ν·I
  const [start] = atUnitPower(ops.solvePositiveDefinite(ops.add(gram, load), one));
  const steps = scan([start, start], [ops.unsqueeze(extrapolation, [2, 3])], ([newest, before], [omega]) => {
    const [, gains] = atUnitPower(ops.add(newest, ops.multiply(omega, ops.subtract(newest, before))));
    const received = ops.add(ops.reduceSumSquare(gains, [2]), floor); // S, [B, 2K, 1]
    const interference = ops.add(ops.reduceSumSquare(ops.multiply(gains, others), [2]), floor);
    const rootWeight = ops.sqrt(ops.divide(received, interference)); // √w
    // 1e-12 of what is received stands for the signal of a user who is switched off: its root has a slope at 0 that no training survives.
    const desired = ops.sqrt(ops.maximum(ops.subtract(received, interference), ops.multiply(received, graph.constant(1e-12))));
    const root = ops.divide(ops.multiply(rootWeight, desired), received); // √λ
    const eta = ops.multiply(ops.multiply(ops.reduceSumSquare(root, [1]), half), floor); // η, [B, 1, 1]
    const across = ops.swapLast(root);
    const regularised = ops.add(ops.multiply(ops.multiply(root, gram), across), ops.multiply(eta, one));
    const next = ops.multiply(root, ops.solvePositiveDefinite(regularised, ops.multiply(rootWeight, one))); // W^½ on the diagonal
    const [x] = atUnitPower(next);
    return { carries: [x, newest] };
  });
  return unitPower(analog, fromEmbedding(ops.matmul(basis, steps.carries[0]))); // D = (AᴴA)⁻¹(HA)ᴴ·X
}

/** value·I of an embedding, [2·size, 2·size]. */
const diagonal = (graph: Graph, size: number, value: number): Tensor =>
  graph.constant(
    entries(2 * size, 2 * size, (row, col) => (row === col ? value : 0)),
    [2 * size, 2 * size],
  );
