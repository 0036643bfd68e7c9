/**
 * The weighted-MMSE iteration in the row space of the channel, where N has dropped out: the precoder is V = Hᴴ·X, and everything it needs of
 * the channel is B = HHᴴ. All work is on K×K arrays that are allocated once, because the control loop runs this in every cycle.
 *
 * Per update, with G = B·X and X scaled so that ‖V‖² = 1 (nₑ = σ²/P is the noise then):
 *   Sₖ = Σⱼ|Gₖⱼ|² + nₑ,  uₖ = Gₖₖ/Sₖ,  eₖ = 1 − |Gₖₖ|²/Sₖ,  wₖ = 1/eₖ,  rate = −Σ log₂ eₖ
 *   V ∝ (HᴴΛH + η·I)⁻¹Hᴴ·diag(uw),  Λ = diag(w|u|²),  η = nₑ·tr Λ
 *     ⇒  X = Λ^½(Λ^½BΛ^½ + η·I)⁻¹·diag(√w·u/|u|)
 * What is inverted is Hermitian positive definite and stays finite when a user is switched off (uₖ = 0). The gains of the new X follow from the
 * equation that it solves, G = B·X = Λ⁻¹(diag(root·right) − η·X) with root = √λ, without another product. No update turns the phase of a uₖ:
 * the columns of the start are turned so that all uₖ are real, and those of X back at the end.
 *
 * Where power has to move between users the plain iteration creeps. Accelerated, it goes on from X + (X − X before), and from X itself
 * whenever that would lower the rate; on hybrid channels at 10 dB this takes 14 updates where the plain one is still short after 100.
 *
 * Source: Shi et al., IEEE Trans. Signal Process. 59(9), 2011; row space after Zhao et al., IEEE Trans. Signal Process. 71, 2023.
 */
import type { CMatrix } from './complex-matrix.ts';
import { zeros } from './complex-matrix.ts';
import { invertInPlace } from './cholesky.ts';

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
  const { re: root, im: right } = zeros(1, users);
  const weights: Weights = { root, right };
  const inverse = zeros(users, users);
  // The newest update (X, G), the gains of the one before, and the point that the next update starts from.
  const x = zeros(users, users);
  let gains = zeros(users, users);
  let gainsBefore = zeros(users, users);
  const point = zeros(users, users);
  const phases = phasesOfDiagonal(problem.gains);
  turnColumns(problem.gains, phases, -1, 1 / Math.sqrt(problem.gainsPower), gains);
  let rate = -Infinity;
  let updatesSinceRestart = 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    let newRate: number;
    if (accelerated && updatesSinceRestart >= 2) {
      extrapolate(point, x, gains, gainsBefore);
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
    [gainsBefore, gains] = [gains, gainsBefore];
    update(gram, weights, relativeNoise, inverse, x, gains);
    updatesSinceRestart++;
  }
  turnColumns(x, phases, 1, 1, x);
  return x;
}

/** uₖ/|uₖ| of every user, 1 × K; 1 where there is none. */
function phasesOfDiagonal({ rows: users, re, im }: CMatrix): CMatrix {
  const phases = zeros(1, users);
  for (let k = 0; k < users; k++) {
    const at = k * users + k;
    const size = Math.hypot(re[at], im[at]);
    phases.re[k] = size > 0 ? re[at] / size : 1;
    phases.im[k] = size > 0 ? im[at] / size : 0;
  }
  return phases;
}

/** out ← factor·a·diag(phases), or with their conjugates where the sense is −1; `out` may be a itself. */
function turnColumns({ rows: users, re, im }: CMatrix, phases: CMatrix, sense: 1 | -1, factor: number, out: CMatrix): void {
  for (let at = 0; at < re.length; at++) {
    const turnRe = factor * phases.re[at % users];
    const turnIm = factor * sense * phases.im[at % users];
    const real = re[at] * turnRe - im[at] * turnIm;
    out.im[at] = re[at] * turnIm + im[at] * turnRe;
    out.re[at] = real;
  }
}

/** What an update weighs users by: √Λ, and the right side √w·u/|u|, in which u is real. */
interface Weights {
  root: Float64Array;
  right: Float64Array;
}

/** Fills the weights for a precoder of power 1 that gives these gains; returns its rate. */
function weigh({ rows: users, re, im }: CMatrix, noise: number, { root, right }: Weights): number {
  let rate = 0;
  let errors = 1;
  for (let k = 0; k < users; k++) {
    const row = k * users;
    const desired = re[row + k];
    let unwanted = noise;
    for (let j = row; j < row + users; j++) if (j !== row + k) unwanted += re[j] * re[j] + im[j] * im[j];
    const perReceived = 1 / (unwanted + desired * desired);
    const error = Math.max(unwanted * perReceived, Number.EPSILON);
    // One logarithm for sixteen users: their errors are 2⁻⁵² at least, and the product of so many still is a number.
    errors *= error;
    if (k % 16 === 15 || k === users - 1) {
      rate -= Math.log2(errors);
      errors = 1;
    }
    const rootWeight = 1 / Math.sqrt(error);
    root[k] = rootWeight * Math.abs(desired) * perReceived;
    right[k] = desired === 0 ? 0 : Math.sign(desired) * rootWeight;
  }
  return rate;
}

/** What a user must keep of its gain in 1 − η·(inverse)ₖₖ, for that difference to have digits enough. */
const LEAST_OWN_SHARE = 1e-3;

/** X = Λ^½(Λ^½BΛ^½ + η·I)⁻¹·diag(right) and its gains, scaled to ‖V‖² = 1; only the lower triangle of `inverse` is used. */
function update(gram: CMatrix, { root, right }: Weights, noise: number, inverse: CMatrix, x: CMatrix, gains: CMatrix): void {
  const users = gram.rows;
  const { re: br, im: bi } = gram;
  const { re: cr, im: ci } = inverse;
  const { re: xr, im: xi } = x;
  const { re: gr, im: gi } = gains;
  let trace = 0;
  for (let k = 0; k < users; k++) trace += root[k] * root[k];
  const eta = noise * trace;
  for (let i = 0; i < users; i++) {
    for (let j = 0, at = i * users; j <= i; j++, at++) {
      const both = root[i] * root[j];
      cr[at] = both * br[at];
      ci[at] = both * bi[at];
    }
    cr[i * users + i] += eta;
  }
  // η bounds every pivot from below; rounding must not say otherwise.
  if (!invertInPlace(inverse, eta)) {
    // No user hears its own stream, or the channel is not a number: there is no X, and whoever scales it to full power says so.
    xr.fill(NaN);
    gr.fill(NaN);
    return;
  }
  for (let i = 0; i < users; i++) {
    for (let j = 0, at = i * users, mirrored = i; j <= i; j++, at++, mirrored += users) {
      const above = root[j] * right[i];
      xr[mirrored] = above * cr[at];
      xi[mirrored] = -above * ci[at];
      const below = root[i] * right[j];
      xr[at] = below * cr[at];
      xi[at] = below * ci[at];
    }
    xi[i * users + i] = 0;
  }
  let power = 0;
  for (let i = 0; i < users; i++) {
    const own = 1 - eta * cr[i * users + i];
    const share = -eta / (root[i] * root[i]);
    if (!(own > LEAST_OWN_SHARE)) {
      multiplyRow(gram, x, i, gains);
    } else {
      for (let at = i * users; at < (i + 1) * users; at++) {
        gr[at] = share * xr[at];
        gi[at] = share * xi[at];
      }
      gr[i * users + i] = (own * right[i]) / root[i];
    }
    for (let at = i * users; at < (i + 1) * users; at++) power += xr[at] * gr[at] + xi[at] * gi[at];
  }
  if (!(power > 0)) return;
  const factor = 1 / Math.sqrt(power);
  for (let at = 0; at < xr.length; at++) {
    xr[at] *= factor;
    xi[at] *= factor;
    gr[at] *= factor;
    gi[at] *= factor;
  }
}

/** Row i of G = B·X, term by term: for a user who is (nearly) switched off, whose own equation says next to nothing. */
function multiplyRow({ rows: users, re: br, im: bi }: CMatrix, { re: xr, im: xi }: CMatrix, i: number, gains: CMatrix): void {
  for (let j = 0; j < users; j++) {
    let re = 0;
    let im = 0;
    for (let k = 0, ik = i * users, kj = j; k < users; k++, ik++, kj += users) {
      re += br[ik] * xr[kj] - bi[ik] * xi[kj];
      im += br[ik] * xi[kj] + bi[ik] * xr[kj];
    }
    gains.re[i * users + j] = re;
    gains.im[i * users + j] = j === i ? 0 : im;
  }
}

/** point ← G + (G − G before), scaled to the power 1 that both have: ‖2V − V before‖² = 5 − 4·Re tr(Xᴴ·G before). */
function extrapolate(point: CMatrix, x: CMatrix, gains: CMatrix, gainsBefore: CMatrix): void {
  const { re: pr, im: pi } = point;
  const { re: xr, im: xi } = x;
  const { re: gr, im: gi } = gains;
  const { re: hr, im: hi } = gainsBefore;
  let alike = 0;
  for (let at = 0; at < xr.length; at++) alike += xr[at] * hr[at] + xi[at] * hi[at];
  const factor = 1 / Math.sqrt(5 - 4 * alike);
  for (let at = 0; at < pr.length; at++) {
    pr[at] = factor * (2 * gr[at] - hr[at]);
    pi[at] = factor * (2 * gi[at] - hi[at]);
  }
}
