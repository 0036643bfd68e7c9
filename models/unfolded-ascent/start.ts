/** Where ascents start. */
import type { Complex } from '../graph/complex.ts';
import { embed, entries, fromEmbedding } from '../graph/complex.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';

/** Of an average diagonal entry: keeps the inverses finite when two users stand in one direction. */
const RIDGE = 1e-6;

/**
 * D₀ = A₀⁺H⁺ = (A₀ᴴA₀)⁻¹·A₀ᴴHᴴ·(HHᴴ)⁻¹, the digital precoder whose A₀·D lies nearest to zero-forcing, of any power.
 * @param analog A₀, [B, N, 2M] @param channelHermitian Hᴴ of mean |h|² = 1, [B, N, 2K]
 * Source: paper 001, (13); paper 000, (17).
 */
export function nearestToZeroForcing(analog: Complex, channelHermitian: Complex): Complex {
  const { graph } = analog.parts;
  const ridge = (size: number): Tensor =>
    graph.constant(
      entries(2 * size, 2 * size, (row, col) => (row === col ? RIDGE * analog.rows : 0)),
      [2 * size, 2 * size],
    );
  const ofUsers = ridge(channelHermitian.cols);
  const ofChains = ridge(analog.cols);
  const a = embed(analog);
  const h = embed(channelHermitian);
  const chainGram = ops.add(ops.matmul(ops.swapLast(a), a), ofChains); // A₀ᴴA₀
  const userGram = ops.add(ops.matmul(ops.swapLast(h), h), ofUsers); // HHᴴ
  const shared = ops.matmul(ops.swapLast(a), h); // A₀ᴴHᴴ
  const byUsers = ops.swapLast(ops.solvePositiveDefinite(userGram, ops.swapLast(shared))); // A₀ᴴHᴴ·(HHᴴ)⁻¹
  return fromEmbedding(ops.solvePositiveDefinite(chainGram, byUsers));
}
