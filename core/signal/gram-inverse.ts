/** Inverses of Gram matrices, which lack rank where users stand in one place or RF chains show the same phases. */
import type { CMatrix } from './complex-matrix.ts';
import { clone, identity, multiplyABh, zeros } from './complex-matrix.ts';
import { trySolveHermitian } from './cholesky.ts';
import { eigHermitian, pseudoInverseHermitian } from './decompositions.ts';

/** When a Cholesky pivot keeps less of its diagonal than this, a Gram matrix counts as lacking rank and its pseudo-inverse is taken. */
export const MIN_PIVOT_SHARE = 1e-10;
/** The same where a multiple of I is added: with less, V = Hᴴ·X has rounding noise where B has nothing, and the noise has power. */
const MIN_REGULARISED_SHARE = 1e-6;

/** B⁻¹, or B⁺ where B lacks rank. @param gram B, K×K, Hermitian positive semidefinite */
export function gramInverse(gram: CMatrix): CMatrix {
  return trySolveHermitian(gram, identity(gram.rows), MIN_PIVOT_SHARE) ?? pseudoInverseHermitian(gram, MIN_PIVOT_SHARE);
}

/**
 * (B + (K·σ²/P)·I)⁻¹: X of regularised zero-forcing; on the space of B alone where that has fewer dimensions and the noise is too low to fill it.
 * @param gram B, K×K, Hermitian positive semidefinite
 * @param power P
 * @param noise σ²
 */
export function regularisedInverse(gram: CMatrix, power: number, noise: number): CMatrix {
  const users = gram.rows;
  const load = (users * noise) / power;
  const regularised = clone(gram);
  for (let k = 0; k < users; k++) regularised.re[k * users + k] += load;
  return trySolveHermitian(regularised, identity(users), MIN_REGULARISED_SHARE) ?? regularisedPseudoInverse(gram, load);
}

/** U·diag(1/(λ + load))·Uᴴ over the λ of B that are not 0. */
function regularisedPseudoInverse(gram: CMatrix, load: number): CMatrix {
  const { values, vectors } = eigHermitian(gram);
  const users = gram.rows;
  const least = MIN_PIVOT_SHARE * values[users - 1];
  const weighed = zeros(users, users);
  for (let i = 0; i < weighed.re.length; i++) {
    const value = values[i % users];
    if (!(value > least)) continue;
    weighed.re[i] = vectors.re[i] / (value + load);
    weighed.im[i] = vectors.im[i] / (value + load);
  }
  return multiplyABh(weighed, vectors);
}
