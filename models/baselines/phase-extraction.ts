/**
 * Phase extraction on the row space of the channel. With K ≤ M every digital precoder worth having lives in the space that the columns of Hᴴ
 * span, so the analog precoder need only span it, too: of all Q·B with Q an orthonormal basis of that space, the one nearest to A is taken, and
 * its phases are the next A. No step size, and nothing to choose but how often.
 *
 * Source: phase extraction of Yu et al., IEEE J. Sel. Topics Signal Process. 10(3), 2016, section IV, whose target is a precoder and not a space.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { conjTranspose, matmul, multiplyABh, multiplyAhB, zeros } from '../../core/signal/complex-matrix.ts';
import { qrThin, svd } from '../../core/signal/decompositions.ts';

/**
 * @param channel K×N, rows h_kᴴ
 * @param start A₀, N×M; entries that are zero are not connected and stay zero
 * @returns A, N×M, unit modulus where connected
 */
export function extractPhases(channel: CMatrix, start: CMatrix, iterations: number): CMatrix {
  const { q: basis } = qrThin(conjTranspose(channel)); // Q, N×K
  let analog = start;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const { u, v } = svd(multiplyAhB(basis, analog)); // QᴴA, K×M
    analog = phasesOf(matmul(basis, multiplyABh(u, v)), start); // B = U·Vᴴ, its polar factor
  }
  return analog;
}

/** exp(j·angle) of every entry that `connected` has. */
function phasesOf(target: CMatrix, connected: CMatrix): CMatrix {
  const analog = zeros(target.rows, target.cols);
  for (let i = 0; i < target.re.length; i++) {
    if (connected.re[i] === 0 && connected.im[i] === 0) continue;
    const size = Math.hypot(target.re[i], target.im[i]);
    analog.re[i] = size === 0 ? 1 : target.re[i] / size;
    analog.im[i] = size === 0 ? 0 : target.im[i] / size;
  }
  return analog;
}
