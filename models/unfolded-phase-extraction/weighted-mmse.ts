/**
 * The digital precoder for given phases, in the graph: regularised zero-forcing, then steps of weighted MMSE with learned extrapolation.
 * D = (AᴴA)⁻¹(HA)ᴴ·X sees the channel only through S = HA·(AᴴA)⁻¹·(HA)ᴴ, K×K.
 */
import type { Complex } from '../graph/complex.ts';
import { embed, fromEmbedding, hermitian, product, unitPower } from '../graph/complex.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';
import { diagonal, weightedMmseSteps } from '../weighted-mmse-steps.ts';

/** @param extrapolation ω of each step, [L, B|1]. @returns D at unit power */
export function digitalByWeightedMmse(channel: Complex, analog: Complex, noise: Tensor, extrapolation: Tensor): Complex {
  const { graph } = channel.parts;
  const elements = analog.rows;
  const seen = embed(product(channel, analog)); // H·A
  const chainGram = embed(product(hermitian(analog), analog)); // AᴴA
  // A ridge of 1e-6 of a diagonal entry keeps the inverse finite when two chains show the same phases.
  const metric = ops.add(chainGram, diagonal(graph, 2 * analog.cols, 1e-6 * elements));
  const basis = ops.solvePositiveDefinite(metric, ops.swapLast(seen)); // (AᴴA)⁻¹(HA)ᴴ
  const { start, step } = weightedMmseSteps(ops.matmul(seen, basis), noise); // of S
  const first = start();
  const steps = scan([first, first], [ops.unsqueeze(extrapolation, [2, 3])], ([newest, before], [omega]) => ({
    carries: [step(newest, before, omega), newest],
  }));
  return unitPower(analog, fromEmbedding(ops.matmul(basis, steps.carries[0]))); // D = (AᴴA)⁻¹(HA)ᴴ·X
}
