/**
 * An orthonormal basis of what the users' channels span, in the graph, and the channel in terms of it: H = F·Qᴴ, so that all of an array that
 * steps need of it are products with Q, and everything else is as small as K.
 */
import type { Complex } from '../graph/complex.ts';
import { complex, hermitian, product, rightFactor } from '../graph/complex.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { diagonal } from '../weighted-mmse-steps.ts';

export interface RowSpace {
  /** Q, N×K. Where users are in one place or hear nothing it has columns that are shorter than 1. */
  readonly basis: Complex;
  /** F, K×K, as a `rightFactor`: [B, 2K, 2K]. */
  readonly factor: Tensor;
  /** Of each user's channel with each other's, as a `rightFactor`: [B, 2K, 2K]; 1 in size where two are in one place. */
  readonly correlations: Tensor;
}

/** Of channels of norm 1: what keeps the basis finite where users are in one place. */
const RIDGE = 1e-5;

/** @param channel H, [B, K, 2N]; a user far away counts as much as one close by */
export function rowSpaceOf(channel: Complex): RowSpace {
  const { graph } = channel.parts;
  const users = channel.rows;
  const lengths = ops.sqrt(ops.maximum(ops.reduceSumSquare(channel.parts, [2]), graph.constant(1e-30))); // [B, K, 1]
  const directions = complex(ops.divide(channel.parts, lengths));
  const across = hermitian(directions);
  const correlations = rightFactor(product(directions, across));
  const gram = ops.add(correlations, diagonal(graph, 2 * users, RIDGE));
  const lower = ops.cholesky(byEntry(gram, users)); // L
  const inverse = ops.solveUpperTriangular(ops.swapLast(lower), diagonal(graph, 2 * users, 1)); // L⁻ᴴ
  return {
    basis: complex(ops.matmul(across.parts, byPart(inverse, users))), // Ĥᴴ·L⁻ᴴ
    factor: ops.multiply(byPart(lower, users), ops.concat([lengths, lengths], 1)),
    correlations,
  };
}

/** An embedding with the two parts of each number side by side, as 2×2 blocks: so ordered, a triangular matrix is triangular. */
const byEntry = (embedding: Tensor, size: number): Tensor => reordered(embedding, [2, size, 2, size], 2 * size);

/** And back. */
const byPart = (blocks: Tensor, size: number): Tensor => reordered(blocks, [size, 2, size, 2], 2 * size);

function reordered(matrix: Tensor, axes: readonly number[], size: number): Tensor {
  const [batch] = matrix.shape;
  const split = ops.reshape(matrix, [batch, ...axes]);
  return ops.reshape(ops.transpose(split, [0, 2, 1, 4, 3]), [batch, size, size]);
}
