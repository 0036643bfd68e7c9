/**
 * The weighted-MMSE iteration in the row space of the channel, where N has dropped out: the precoder is V = Hᴴ·X, and everything it needs of
 * the channel is B = HHᴴ. All work is on K×K arrays that are allocated once, because the control loop runs this in every cycle.
 *
 * Per update, with G = B·X and nₑ = σ²·‖V‖²/P (the noise seen at full power):
 *   Sₖ = Σⱼ|Gₖⱼ|² + nₑ,  uₖ = Gₖₖ/Sₖ,  eₖ = 1 − |Gₖₖ|²/Sₖ,  wₖ = 1/eₖ,  rate = −Σ log₂ eₖ
 *   V ∝ (HᴴΛH + η·I)⁻¹Hᴴ·diag(uw),  Λ = diag(w|u|²),  η = (σ²/P)·tr Λ
 *     ⇒  X = Λ^½(Λ^½BΛ^½ + η·I)⁻¹·diag(√w·u/|u|)
 * The last form is Hermitian positive definite and stays finite when a user is switched off (uₖ = 0).
 *
 * Source: Shi et al., IEEE Trans. Signal Process. 59(9), 2011; row space after Zhao et al., IEEE Trans. Signal Process. 71, 2023.
 */
import type { CMatrix } from './complex-matrix.ts';
import { zeros } from './complex-matrix.ts';

export interface WeightedMmseProblem {
  /** B, K×K, Hermitian positive semidefinite. */
  gram: CMatrix;
  /** What the users hear of the starting precoder, K×K; its scale does not matter. */
  gains: CMatrix;
  /** ‖V‖² of the starting precoder. */
  gainsPower: number;
  power: number;
  noise: number;
  iterations: number;
  /** Stop when an update gains less than this share of the rate; 0 never stops early. */
  tolerance: number;
}

/** @returns X, K×K, of no particular power */
export function weightedMmseInRowSpace(problem: WeightedMmseProblem): CMatrix {
  const { gram, power, noise, iterations, tolerance } = problem;
  const users = gram.rows;
  const { re: br, im: bi } = gram;
  const gr = problem.gains.re.slice();
  const gi = problem.gains.im.slice();
  const x = zeros(users, users);
  const { re: xr, im: xi } = x;
  const lr = new Float64Array(users * users);
  const li = new Float64Array(users * users);
  const root = new Float64Array(users);
  const rightRe = new Float64Array(users);
  const rightIm = new Float64Array(users);
  let norm2 = problem.gainsPower;
  let rate = -Infinity;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const effectiveNoise = (noise * norm2) / power;
    let newRate = 0;
    let trace = 0;
    for (let k = 0; k < users; k++) {
      let received = effectiveNoise;
      for (let j = k * users; j < (k + 1) * users; j++) received += gr[j] * gr[j] + gi[j] * gi[j];
      const wantedRe = gr[k * users + k];
      const wantedIm = gi[k * users + k];
      const wanted2 = wantedRe * wantedRe + wantedIm * wantedIm;
      // Sₖ − |Gₖₖ|² cancels at high SNR, but never below the noise, which is in it.
      const error = Math.max((received - wanted2) / received, Number.EPSILON);
      newRate -= Math.log2(error);
      const weight = 1 / error;
      const wanted = Math.sqrt(wanted2);
      root[k] = (Math.sqrt(weight) * wanted) / received;
      trace += root[k] * root[k];
      rightRe[k] = wanted === 0 ? 0 : (Math.sqrt(weight) * wantedRe) / wanted;
      rightIm[k] = wanted === 0 ? 0 : (Math.sqrt(weight) * wantedIm) / wanted;
    }
    if (tolerance > 0 && newRate - rate <= tolerance * newRate && iteration > 0) break;
    rate = newRate;

    // Cholesky factor L of Λ^½BΛ^½ + η·I, lower triangle.
    const eta = (noise / power) * trace;
    for (let j = 0; j < users; j++) {
      let pivot = root[j] * root[j] * br[j * users + j] + eta;
      for (let k = 0; k < j; k++) pivot -= lr[j * users + k] * lr[j * users + k] + li[j * users + k] * li[j * users + k];
      const diagonal = Math.sqrt(Math.max(pivot, eta));
      lr[j * users + j] = diagonal;
      for (let i = j + 1; i < users; i++) {
        let re = root[i] * root[j] * br[i * users + j];
        let im = root[i] * root[j] * bi[i * users + j];
        for (let k = 0; k < j; k++) {
          const ar = lr[i * users + k];
          const ai = li[i * users + k];
          const cr = lr[j * users + k];
          const ci = li[j * users + k];
          re -= ar * cr + ai * ci;
          im -= ai * cr - ar * ci;
        }
        lr[i * users + j] = re / diagonal;
        li[i * users + j] = im / diagonal;
      }
    }

    // X = Λ^½·(LLᴴ)⁻¹·diag(right), column by column.
    for (let column = 0; column < users; column++) {
      for (let i = 0; i < users; i++) {
        let re = i === column ? rightRe[i] : 0;
        let im = i === column ? rightIm[i] : 0;
        for (let k = column; k < i; k++) {
          const at = k * users + column;
          re -= lr[i * users + k] * xr[at] - li[i * users + k] * xi[at];
          im -= lr[i * users + k] * xi[at] + li[i * users + k] * xr[at];
        }
        xr[i * users + column] = re / lr[i * users + i];
        xi[i * users + column] = im / lr[i * users + i];
      }
      for (let i = users - 1; i >= 0; i--) {
        let re = xr[i * users + column];
        let im = xi[i * users + column];
        for (let k = i + 1; k < users; k++) {
          const at = k * users + column;
          re -= lr[k * users + i] * xr[at] + li[k * users + i] * xi[at];
          im -= lr[k * users + i] * xi[at] - li[k * users + i] * xr[at];
        }
        xr[i * users + column] = re / lr[i * users + i];
        xi[i * users + column] = im / lr[i * users + i];
      }
    }
    for (let i = 0; i < users; i++) {
      for (let j = i * users; j < (i + 1) * users; j++) {
        xr[j] *= root[i];
        xi[j] *= root[i];
      }
    }

    // G = B·X and ‖V‖² = Re tr(XᴴBX).
    norm2 = 0;
    for (let i = 0; i < users; i++) {
      for (let j = 0; j < users; j++) {
        let re = 0;
        let im = 0;
        for (let k = 0; k < users; k++) {
          const ik = i * users + k;
          const kj = k * users + j;
          re += br[ik] * xr[kj] - bi[ik] * xi[kj];
          im += br[ik] * xi[kj] + bi[ik] * xr[kj];
        }
        const ij = i * users + j;
        gr[ij] = re;
        gi[ij] = im;
        norm2 += xr[ij] * re + xi[ij] * im;
      }
    }
  }
  return x;
}
