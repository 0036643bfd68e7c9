/**
 * What readings tell of a channel of which something is known before: h ~ CN(0, C) with C = U·Uᴴ + ε·I, and readings y = hᴴ·F + n:
 *
 *   R = Fᴴ·C·F + σ²·I = L·Lᴴ,   ĥᴴ = y·R⁻¹·Fᴴ·C,   Σ = C − C·F·R⁻¹·Fᴴ·C
 *
 * The estimators differ in where C comes from. Nothing of N×N is formed.
 *
 * Source: Kay, Fundamentals of Statistical Signal Processing: Estimation Theory, 1993, §12.5 (linear MMSE) and theorem 10.2.
 */
import { divideByFactor, factorInPlace, solveFactored } from '../core/signal/cholesky.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { add, clone, conjTranspose, matmul, multiplyAhB, scale, subtract } from '../core/signal/complex-matrix.ts';
import type { UserEstimate } from './estimator.ts';
import type { SoundedWith } from './seen-directions.ts';

/** C = U·Uᴴ + ε·I. */
export interface ChannelPrior {
  /** Uᴴ, S×N; S may be 0. */
  readonly rows: CMatrix;
  /** Uᴴ·F, S×B. */
  readonly seen: CMatrix;
  /** ε ≥ 0: power an element of what U does not have. */
  readonly floor: number;
}

/** R = Fᴴ·C·F + σ²·I, factored: L in the lower triangle. */
export function readingsFactor({ seen, floor }: Pick<ChannelPrior, 'seen' | 'floor'>, gram: CMatrix, noise: number): CMatrix {
  const covariance = multiplyAhB(seen, seen);
  const { rows: n, re, im } = covariance;
  for (let i = 0; i < n; i++) {
    for (let j = 0, at = i * n; j <= i; j++, at++) {
      re[at] += floor * gram.re[at];
      im[at] += floor * gram.im[at];
    }
    re[i * n + i] += noise;
  }
  // What rounding takes from a pivot, it has at least the noise.
  factorInPlace(covariance, 0, noise);
  return covariance;
}

/**
 * @param reading y, 1×B
 * @returns ĥᴴ, 1×N, and what its error is
 */
export function posterior(
  { rows, seen, floor }: ChannelPrior,
  { beams, gram }: SoundedWith,
  reading: CMatrix,
  noise: number,
): { row: CMatrix } & UserEstimate {
  const factor = readingsFactor({ seen, floor }, gram, noise);
  const solved = conjTranspose(reading);
  solveFactored(factor, solved); // R⁻¹·yᴴ, B×1
  const weights = conjTranspose(matmul(seen, solved)); // 1×S
  return {
    row: add(matmul(weights, rows), conjTranspose(scale(matmul(beams, solved), floor))),
    errorTowards: (analog) => {
      const through = matmul(rows, analog); // UᴴA, S×M
      const told = add(multiplyAhB(seen, through), scale(multiplyAhB(beams, analog), floor)); // Fᴴ·C·A, B×M
      solveFactored(factor, told);
      const left = subtract(through, matmul(seen, told));
      return add(multiplyAhB(rows, left), scale(subtract(analog, matmul(beams, told)), floor));
    },
  };
}

/** x·L⁻ᴴ */
export function whiten(x: CMatrix, factor: CMatrix): CMatrix {
  const out = clone(x);
  divideByFactor(out, factor);
  return out;
}

/**
 * ln of the density CN(0, L·Lᴴ) at y, but for a constant: by it priors are compared.
 * @param whitened y·L⁻ᴴ, 1×B
 */
export function logLikelihood({ cols, re, im }: CMatrix, factor: CMatrix): number {
  let sum = 0;
  for (let b = 0; b < cols; b++) sum -= re[b] ** 2 + im[b] ** 2 + 2 * Math.log(factor.re[b * cols + b]);
  return sum;
}
