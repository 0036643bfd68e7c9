/**
 * The weighted-MMSE iteration in the row space of the channel, where N has dropped out: the precoder is V = Hᴴ·X, and everything it needs of
 * the channel is B = HHᴴ. All work is on K×K arrays that are allocated once, because the control loop runs this in every cycle.
 *
 * Per update, with G = B·X and X scaled so that ‖V‖² = 1 (nₑ = σ²/P is the noise then):
 *   Sₖ = Σⱼ|Gₖⱼ|² + nₑ,  uₖ = Gₖₖ/Sₖ,  eₖ = 1 − |Gₖₖ|²/Sₖ,  wₖ = 1/eₖ,  rate = −Σ log₂ eₖ
 *   V ∝ (HᴴΛH + η·I)⁻¹Hᴴ·diag(uw),  Λ = diag(w|u|²),  η = nₑ·tr Λ
 *     ⇒  X = Λ^½(Λ^½BΛ^½ + η·I)⁻¹·diag(√w·u/|u|)
 * The last form is Hermitian positive definite and stays finite when a user is switched off (uₖ = 0).
 *
 * Where power has to move between users the plain iteration creeps. Accelerated, it goes on from X + (X − X before), and from X itself
 * whenever that would lower the rate; on hybrid channels at 10 dB this takes 14 updates where the plain one is still short after 100.
 *
 * Source: Shi et al., IEEE Trans. Signal Process. 59(9), 2011; row space after Zhao et al., IEEE Trans. Signal Process. 71, 2023.
 */
import type { CMatrix } from './complex-matrix.ts';
import { scale, zeros } from './complex-matrix.ts';
import { factorInPlace, solveFactored } from './cholesky.ts';

export interface WeightedMmseProblem {
  /** B, K×K, Hermitian positive semidefinite. */
  gram: CMatrix;
  /** What the users hear of the starting precoder, K×K. */
  gains: CMatrix;
  /** ‖V‖² of the starting precoder. */
  gainsPower: number;
  /** σ²/P */
  relativeNoise: number;
  iterations: number;
  /** Stop when an update gains less than this share of the rate; 0 never stops early. */
  tolerance: number;
  accelerated: boolean;
}

/** @returns X, K×K, with ‖V‖² = 1 */
export function weightedMmseInRowSpace(problem: WeightedMmseProblem): CMatrix {
  const { gram, relativeNoise, iterations, tolerance, accelerated } = problem;
  const users = gram.rows;
  const right = zeros(1, users);
  const weights: Weights = { root: zeros(1, users).re, rightRe: right.re, rightIm: right.im };
  const factor = zeros(users, users);
  // The point that the next update starts from, the newest update (X, G) and the one before.
  const point = zeros(users, users);
  let x = zeros(users, users);
  let gains = scale(problem.gains, 1 / Math.sqrt(problem.gainsPower));
  let xBefore = zeros(users, users);
  let gainsBefore = zeros(users, users);
  let rate = -Infinity;
  let updatesSinceRestart = 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    let newRate: number;
    if (accelerated && updatesSinceRestart >= 2 && extrapolate(point, x, gains, xBefore, gainsBefore)) {
      newRate = weigh(point, relativeNoise, weights);
      if (newRate < rate) {
        updatesSinceRestart = 0;
        newRate = weigh(gains, relativeNoise, weights);
      }
    } else {
      newRate = weigh(gains, relativeNoise, weights);
    }
    if (tolerance > 0 && newRate - rate <= tolerance * newRate) break;
    rate = newRate;
    [xBefore, x] = [x, xBefore];
    [gainsBefore, gains] = [gains, gainsBefore];
    update(gram, weights, relativeNoise, factor, x);
    hear(gram, x, gains);
    updatesSinceRestart++;
  }
  return x;
}

/** What an update weighs users by: √Λ, and the right side √w·u/|u|. */
interface Weights {
  root: Float64Array;
  rightRe: Float64Array;
  rightIm: Float64Array;
}

/** Fills the weights for a precoder of power 1 that gives these gains; returns its rate. */
function weigh({ rows: users, re, im }: CMatrix, noise: number, { root, rightRe, rightIm }: Weights): number {
  let rate = 0;
  for (let k = 0; k < users; k++) {
    let received = noise;
    for (let j = k * users; j < (k + 1) * users; j++) received += re[j] * re[j] + im[j] * im[j];
    const desiredRe = re[k * users + k];
    const desiredIm = im[k * users + k];
    const desiredPower = desiredRe * desiredRe + desiredIm * desiredIm;
    const error = Math.max((received - desiredPower) / received, Number.EPSILON);
    rate -= Math.log2(error);
    const rootWeight = 1 / Math.sqrt(error);
    const desired = Math.sqrt(desiredPower);
    root[k] = (rootWeight * desired) / received;
    rightRe[k] = desired === 0 ? 0 : (rootWeight * desiredRe) / desired;
    rightIm[k] = desired === 0 ? 0 : (rootWeight * desiredIm) / desired;
  }
  return rate;
}

/** X = Λ^½(Λ^½BΛ^½ + η·I)⁻¹·diag(right), by Cholesky; only the lower triangle of `factor` is used. */
function update(gram: CMatrix, { root, rightRe, rightIm }: Weights, noise: number, factor: CMatrix, x: CMatrix): void {
  const users = gram.rows;
  const { re: br, im: bi } = gram;
  const { re: xr, im: xi } = x;
  let trace = 0;
  for (let k = 0; k < users; k++) trace += root[k] * root[k];
  const eta = noise * trace;
  for (let i = 0; i < users; i++) {
    for (let j = 0; j <= i; j++) {
      const at = i * users + j;
      factor.re[at] = root[i] * root[j] * br[at];
      factor.im[at] = root[i] * root[j] * bi[at];
      xr[at] = xi[at] = xr[j * users + i] = xi[j * users + i] = 0;
    }
    factor.re[i * users + i] += eta;
    xr[i * users + i] = rightRe[i];
    xi[i * users + i] = rightIm[i];
  }
  // η bounds every pivot from below; rounding must not say otherwise.
  if (!factorInPlace(factor, 0, eta)) {
    // No user hears its own stream, or the channel is not a number: there is no X, and whoever scales it to full power says so.
    xr.fill(NaN);
    return;
  }
  solveFactored(factor, x);
  for (let i = 0; i < users; i++) {
    for (let j = i * users; j < (i + 1) * users; j++) {
      xr[j] *= root[i];
      xi[j] *= root[i];
    }
  }
}

/** G = B·X, then both scaled to ‖V‖² = Re tr(XᴴBX) = 1. */
function hear({ rows: users, re: br, im: bi }: CMatrix, { re: xr, im: xi }: CMatrix, { re: gr, im: gi }: CMatrix): void {
  let power = 0;
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
      power += xr[ij] * re + xi[ij] * im;
    }
  }
  if (!(power > 0)) return;
  const factor = 1 / Math.sqrt(power);
  for (let i = 0; i < users * users; i++) {
    xr[i] *= factor;
    xi[i] *= factor;
    gr[i] *= factor;
    gi[i] *= factor;
  }
}

/** point ← G + (G − G before), scaled to power 1; false, and nothing written, when that has no power. */
function extrapolate(point: CMatrix, x: CMatrix, gains: CMatrix, xBefore: CMatrix, gainsBefore: CMatrix): boolean {
  const count = x.re.length;
  let power = 0;
  for (let i = 0; i < count; i++) {
    power += (2 * x.re[i] - xBefore.re[i]) * (2 * gains.re[i] - gainsBefore.re[i]);
    power += (2 * x.im[i] - xBefore.im[i]) * (2 * gains.im[i] - gainsBefore.im[i]);
  }
  if (!(power > 0)) return false;
  const factor = 1 / Math.sqrt(power);
  for (let i = 0; i < count; i++) {
    point.re[i] = factor * (2 * gains.re[i] - gainsBefore.re[i]);
    point.im[i] = factor * (2 * gains.im[i] - gainsBefore.im[i]);
  }
  return true;
}
