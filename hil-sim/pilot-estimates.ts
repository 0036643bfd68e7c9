/**
 * What users find out about the beam from a finite number of pilots: drawn straight from the distributions that pilots give, so that 10 000
 * pilots cost no more than three.
 *
 * User k hears y[i] = g·s[i] + v[i], i = 1 … P: its own stream with gain g = G_kk and known unit-modulus pilots s, and as v all it does not
 * know, CN(0, I) with I = Σ_{j≠k}|G_kj|² + σ² (other streams carry data). Least squares leaves two numbers,
 *
 *   ĝ = (1/P)·Σ y[i]·s[i]*            ~ CN(g, I/P)
 *   Î = (1/(P−1))·Σ |y[i] − ĝ·s[i]|²  ~ I·χ²_{2(P−1)} / (2(P−1)),   independent of ĝ
 *
 * and since E[1/Î] = (P−1)/((P−2)·I), the estimate  |ĝ|²·(P−2)/((P−1)·Î) − 1/P  is unbiased for SINR = |g|²/I at any P ≥ 3.
 * Source: Kay, Fundamentals of Statistical Signal Processing: Estimation Theory, 1993, chapter 15 (complex data).
 */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import type { Random } from '../core/signal/random.ts';

/** Fewer pilots cannot tell signal from noise: nothing is left over to estimate the noise with. */
export const FEWEST_PILOTS = 3;

/**
 * Each user's SINR as estimated from `pilots` pilots.
 * @param gains G = H·X, K×K, entry (k, j) what user k hears of stream j
 * @param noise σ², > 0
 * @param pilots at least FEWEST_PILOTS
 * @returns K estimates, linear; unbiased, therefore now and then below 0 where there is next to no signal
 */
export function estimateSinr(gains: CMatrix, noise: number, pilots: number, random: Random): Float64Array {
  const users = gains.rows;
  const estimates = new Float64Array(users);
  for (let k = 0; k < users; k++) {
    const own = k * gains.cols + k;
    let unknown = noise;
    for (let j = 0; j < gains.cols; j++) {
      const at = k * gains.cols + j;
      if (at !== own) unknown += gains.re[at] * gains.re[at] + gains.im[at] * gains.im[at];
    }
    const error = random.complexNormal();
    const spread = Math.sqrt(unknown / pilots);
    const re = gains.re[own] + spread * error.re;
    const im = gains.im[own] + spread * error.im;
    const residual = (unknown * gamma(pilots - 1, random)) / (pilots - 1);
    estimates[k] = ((re * re + im * im) * (pilots - 2)) / ((pilots - 1) * residual) - 1 / pilots;
  }
  return estimates;
}

/**
 * What one user hears of each chain, from `pilots` orthogonal pilots that drive one chain each with power 1: (hᴴF)_m + CN(0, σ²/P).
 * @param effective hᴴF, 1×M
 * @returns M complex values, interleaved re, im, as the wire wants them
 */
export function estimateChainGains(effective: CMatrix, noise: number, pilots: number, random: Random): Float32Array {
  const values = new Float32Array(2 * effective.cols);
  const spread = Math.sqrt(noise / pilots);
  for (let m = 0; m < effective.cols; m++) {
    const error = random.complexNormal();
    values[2 * m] = effective.re[m] + spread * error.re;
    values[2 * m + 1] = effective.im[m] + spread * error.im;
  }
  return values;
}

/**
 * Gamma variate of the given shape ≥ 1 and scale 1; half a chi-square of 2·shape degrees of freedom.
 * Source: Marsaglia and Tsang, A simple method for generating gamma variables, ACM TOMS 26(3), 2000.
 */
function gamma(shape: number, random: Random): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
