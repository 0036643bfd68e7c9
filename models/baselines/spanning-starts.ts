/**
 * Phases to begin with, for methods that are tried from several places: the best of them is better than any one, and tells how much the place
 * matters. First those that others begin with, then mixtures of the users' channels at random, from one seed: the same channel, the same beam.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { conjTranspose, matmul, multiplyABh, multiplyAhB, zeros } from '../../core/signal/complex-matrix.ts';
import { eigHermitian, qrThin } from '../../core/signal/decompositions.ts';
import { regularisedZeroForcing } from '../../core/signal/precoders.ts';
import type { Random } from '../../core/signal/random.ts';
import { createRandom } from '../../core/signal/random.ts';
import { alignedAnalog } from './aligned.ts';
import { unitModulus } from './unit-modulus.ts';

/**
 * Aligned phases, those of the right singular vectors of H, those of regularised zero-forcing, then those of Q·U with U a random isometry.
 * @param channel H, K×N, rows h_kᴴ
 * @param basis Q, N×r, of its row space
 * @param noise σ²/P
 * @param count how many, ≥ 1
 * @returns N×M each, unit modulus where connected
 */
export function spanningStarts(
  channel: CMatrix,
  basis: CMatrix,
  noise: number,
  { rfChains, connection, count }: { rfChains: number; connection?: Uint8Array; count: number },
): CMatrix[] {
  const random = createRandom(1).stream('spanning-starts');
  const aligned = alignedAnalog(channel, rfChains, connection);
  const mixture = (): CMatrix => matmul(basis, randomIsometry(basis.cols, rfChains, random));
  return Array.from({ length: count }, (_, start) => {
    if (start === 0) return aligned;
    const target = mixture();
    if (start === 1) overwriteColumns(target, rightSingularVectors(channel));
    if (start === 2) overwriteColumns(target, regularisedZeroForcing(channel, 1, noise));
    return unitModulus(target, aligned);
  });
}

/** Orthonormal rows, or columns where there are more rows; uniform over all such. */
function randomIsometry(rows: number, cols: number, random: Random): CMatrix {
  if (rows < cols) return conjTranspose(randomIsometry(cols, rows, random));
  const normal = zeros(rows, cols);
  for (let i = 0; i < normal.re.length; i++) {
    const { re, im } = random.complexNormal();
    normal.re[i] = re;
    normal.im[i] = im;
  }
  return qrThin(normal).q;
}

/** Of any length; strongest first. */
function rightSingularVectors(channel: CMatrix): CMatrix {
  const { vectors } = eigHermitian(multiplyABh(channel, channel)); // ascending
  const users = vectors.cols;
  const descending = zeros(users, users);
  for (let i = 0; i < descending.re.length; i++) {
    const from = i - (i % users) + (users - 1 - (i % users));
    descending.re[i] = vectors.re[from];
    descending.im[i] = vectors.im[from];
  }
  return multiplyAhB(channel, descending); // Hᴴ·U
}

/** The first columns of `target` become those of `source`, as many as there are in both. */
function overwriteColumns(target: CMatrix, source: CMatrix): void {
  const columns = Math.min(target.cols, source.cols);
  for (let n = 0; n < target.rows; n++) {
    for (let m = 0; m < columns; m++) {
      target.re[n * target.cols + m] = source.re[n * source.cols + m];
      target.im[n * target.cols + m] = source.im[n * source.cols + m];
    }
  }
}
