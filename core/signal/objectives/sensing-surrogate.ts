/**
 * R − ω·τ with D solved again for every state of a place. Around the X = A·D of the last settling the objective is taken for a quadratic one
 * that has its slope there, in nats, with R as weighted MMSE has it and ω' = ω·ln 2:
 *
 *   2·Re tr(Wᴴ·X) − tr(XᴴHᴴΛHX) − tr(X·(2ω'S + ν·I)·Xᴴ),   W = Hᴴ·diag(G/I) + 2ω'P·B·BᴴX,  Λ = diag(|G|²/(S·I)),  S = XᴴX
 *
 * ν is the multiplier of ‖X‖² = P. The columns of X fall apart in the eigenvectors of S: with κⱼ = 2ω'·σⱼ + ν, and wⱼ = Cᴴβⱼ for the rows
 * C = [H; Bᴴ], the best X in a span is worth Σⱼ wⱼᴴ(P·HᴴΛH·P + κⱼ·P)⁻¹wⱼ. A chain more (array-span.ts) adds to it, by the Schur complement
 *
 *   Σⱼ |γⱼᴴv|²/(κⱼ·(ρ + ṽᴴEⱼṽ)),   ṽ = Λ^½·v_H,  Eⱼ = (κⱼ·I + Λ^½·G₋·Λ^½)⁻¹,  γⱼ = βⱼ − [Λ^½·Eⱼ·Λ^½·(G₋βⱼ)_H; 0]
 *
 * so that a state costs a quotient a user.
 *
 * Source: Nguyen et al. (paper 000), eqs. (5), (11), (13); the quadratic form of R after Shi et al., IEEE Trans. Signal Process. 59(9), 2011.
 */
import type { LiftedChain, LiftedPlace } from '../array-span.ts';
import type { Problem } from '../beam-contract.ts';
import { invertWholeInPlace } from '../cholesky.ts';
import type { CMatrix } from '../complex-matrix.ts';
import { conjTranspose, frobeniusNorm, fromParts, identity, matmul, multiplyAhB, zeros } from '../complex-matrix.ts';
import { eigHermitian } from '../decompositions.ts';
import { gramInverse } from '../gram-inverse.ts';
import { digitalForAnalog } from '../precoders.ts';
import { ratesOfGains } from '../rate.ts';
import { climbRateSensing } from '../rate-sensing.ts';
import { wantedEnergy, type Sensing } from '../sensing.ts';
import type { SpanSurrogate } from '../span-surrogate.ts';
import { formAt, setSquare } from '../state-forms.ts';

/** Steps of a settling; the next one goes on from where it ended. */
const CLIMB_STEPS = 20;
/** Of what κ would be if all streams were alike: the quadratic form must not promise the world of a weak one. */
const LEAST_KAPPA = 0.2;

export function sensingSurrogate(problem: Problem, sensing: Sensing): SpanSurrogate {
  const { channel, power, noise } = problem;
  const { factor, weight } = sensing;
  const users = channel.rows;
  const rows = stacked(channel, conjTranspose(factor));
  const p = rows.rows;
  const constant = power ** 2 * wantedEnergy(factor);
  /** Y, p×K: X is P·Cᴴ·Y, whatever the span. */
  let lastX: CMatrix | undefined;
  let model: Model = { rootLambda: new Float64Array(users), kappa: new Float64Array(users), beta: zeros(p, users) };
  const inverses = Array.from({ length: users }, () => zeros(users, users));
  const gamma = zeros(p, users);
  // v of the chain as it stands and w of the place; v without the place, and the first K entries of both times Λ^½.
  const share = zeros(p, 1);
  const own = zeros(p, 1);
  const rest = zeros(p, 1);
  const heardRest = zeros(users, 1);
  const heardOwn = zeros(users, 1);
  // |γⱼᴴv|² and ρ + ṽᴴEⱼṽ, as functions of the state, one user after the other.
  const above = new Float64Array(4 * users);
  const below = new Float64Array(4 * users);
  let leastRho = 0;
  let stateRe = 0;
  let stateIm = 0;

  return {
    rows,
    settle(seen) {
      const heard = rowsOf(seen, 0, users);
      const sensed = rowsOf(seen, users, p);
      const climb = { gains: heard, wanted: multiplyAhB(sensed, sensed), power, noise, weight, constant };
      const start =
        lastX === undefined
          ? digitalForAnalog(heard, identity(seen.cols), power, noise, { start: 'rzf' })
          : multiplyAhB(seen, lastX);
      const x = climbRateSensing(climb, start, CLIMB_STEPS); // in the basis of the span, m×K
      lastX = matmul(seen, matmul(gramInverse(multiplyAhB(seen, seen)), x));
      const gains = matmul(heard, x);
      const covariance = multiplyAhB(x, x);
      const radiated = matmul(sensed, x);
      model = modelAt(problem, weight * Math.LN2, gains, covariance, radiated);
      const tau = frobeniusNorm(covariance) ** 2 - 2 * power * frobeniusNorm(radiated) ** 2 + constant;
      return ratesOfGains(gains, noise).sumRate - weight * tau;
    },
    liftChain({ gram, share: lifted, leastRho: least }: LiftedChain) {
      leastRho = least;
      share.re.set(lifted.re);
      share.im.set(lifted.im);
      const { rootLambda, kappa, beta } = model;
      const known = matmul(gram, beta); // G₋β, p×K
      gamma.re.set(beta.re);
      gamma.im.set(beta.im);
      inverses.forEach((inverse, j) => {
        for (let k = 0, at = 0; k < users; k++) {
          for (let l = 0; l < users; l++, at++) {
            const both = rootLambda[k] * rootLambda[l];
            inverse.re[at] = both * gram.re[k * p + l];
            inverse.im[at] = both * gram.im[k * p + l];
          }
          inverse.re[k * users + k] += kappa[j];
        }
        invertWholeInPlace(inverse, kappa[j]);
        for (let k = 0, at = 0; k < users; k++) {
          for (let l = 0; l < users; l++, at++) {
            const both = rootLambda[k] * rootLambda[l];
            const from = l * users + j;
            gamma.re[k * users + j] -= both * (inverse.re[at] * known.re[from] - inverse.im[at] * known.im[from]);
            gamma.im[k * users + j] -= both * (inverse.re[at] * known.im[from] + inverse.im[at] * known.re[from]);
          }
        }
      });
    },
    liftPlace({ re, im, own: w, rho }: LiftedPlace) {
      [stateRe, stateIm] = [re, im];
      const { rootLambda } = model;
      for (let l = 0; l < p; l++) {
        own.re[l] = w.re[l];
        own.im[l] = w.im[l];
        rest.re[l] = share.re[l] - (re * w.re[l] - im * w.im[l]);
        rest.im[l] = share.im[l] - (re * w.im[l] + im * w.re[l]);
      }
      for (let k = 0; k < users; k++) {
        heardRest.re[k] = rootLambda[k] * rest.re[k];
        heardRest.im[k] = rootLambda[k] * rest.im[k];
        heardOwn.re[k] = rootLambda[k] * own.re[k];
        heardOwn.im[k] = rootLambda[k] * own.im[k];
      }
      for (let j = 0; j < users; j++) {
        let restRe = 0;
        let restIm = 0;
        let ownRe = 0;
        let ownIm = 0;
        for (let l = 0, at = j; l < p; l++, at += users) {
          const [gRe, gIm] = [gamma.re[at], gamma.im[at]];
          restRe += gRe * rest.re[l] + gIm * rest.im[l];
          restIm += gRe * rest.im[l] - gIm * rest.re[l];
          ownRe += gRe * own.re[l] + gIm * own.im[l];
          ownIm += gRe * own.im[l] - gIm * own.re[l];
        }
        setSquare(above, 4 * j, restRe, restIm, ownRe, ownIm);
        setNorm(below, 4 * j, inverses[j], heardRest, heardOwn);
        for (let i = 0; i < 4; i++) below[4 * j + i] += rho[i];
      }
    },
    value(re, im) {
      const size = re * re + im * im;
      const { kappa } = model;
      let value = 0;
      for (let j = 0, at = 0; j < users; j++, at += 4) {
        const divisor = formAt(below, at, re, im, size);
        // ρ is less than this; where not even that is above what rounding leaves, the chain adds nothing.
        if (divisor > leastRho) value += formAt(above, at, re, im, size) / (kappa[j] * divisor);
      }
      return value;
    },
    move(re, im) {
      const [moveRe, moveIm] = [re - stateRe, im - stateIm];
      for (let l = 0; l < p; l++) {
        share.re[l] += moveRe * own.re[l] - moveIm * own.im[l];
        share.im[l] += moveRe * own.im[l] + moveIm * own.re[l];
      }
      [stateRe, stateIm] = [re, im];
    },
  };
}

/** The quadratic form around an X. */
interface Model {
  readonly rootLambda: Float64Array;
  readonly kappa: Float64Array;
  /** p×K: wⱼ = Cᴴβⱼ */
  readonly beta: CMatrix;
}

/**
 * @param weight ω'
 * @param gains H·X
 * @param covariance S = XᴴX
 * @param radiated BᴴX
 */
function modelAt({ power, noise }: Problem, weight: number, gains: CMatrix, covariance: CMatrix, radiated: CMatrix): Model {
  const users = gains.rows;
  const rootLambda = new Float64Array(users);
  const pulls = zeros(users, users); // diag(G/I)
  let noiseTerm = 0;
  for (let k = 0; k < users; k++) {
    let interference = noise;
    let desired = 0;
    for (let j = 0, at = k * users; j < users; j++, at++) {
      const received = gains.re[at] * gains.re[at] + gains.im[at] * gains.im[at];
      if (j === k) desired = received;
      else interference += received;
    }
    const own = k * users + k;
    rootLambda[k] = Math.sqrt(desired / ((interference + desired) * interference));
    pulls.re[own] = gains.re[own] / interference;
    pulls.im[own] = gains.im[own] / interference;
    noiseTerm += (noise / power) * (1 / interference - 1 / (interference + desired));
  }
  const { values, vectors } = eigHermitian(covariance);
  const excess = frobeniusNorm(covariance) ** 2 - power * frobeniusNorm(radiated) ** 2;
  const multiplier = noiseTerm - (2 * weight * excess) / power;
  const alike = noiseTerm + (2 * weight * power) / users;
  const kappa = values.map((value) => Math.max(2 * weight * value + multiplier, LEAST_KAPPA * alike));
  const sensed = matmul(radiated, vectors);
  for (let i = 0; i < sensed.re.length; i++) {
    sensed.re[i] *= 2 * weight * power;
    sensed.im[i] *= 2 * weight * power;
  }
  return { rootLambda, kappa, beta: stacked(matmul(pulls, vectors), sensed) };
}

/** form ← (rest + s·own)ᴴ·E·(rest + s·own), E Hermitian */
function setNorm(form: Float64Array, at: number, { rows: n, re: er, im: ei }: CMatrix, rest: CMatrix, own: CMatrix): void {
  let constant = 0;
  let alongRe = 0;
  let alongIm = 0;
  let square = 0;
  for (let k = 0, from = 0; k < n; k++) {
    let restRe = 0;
    let restIm = 0;
    let ownRe = 0;
    let ownIm = 0;
    for (let l = 0; l < n; l++, from++) {
      restRe += er[from] * rest.re[l] - ei[from] * rest.im[l];
      restIm += er[from] * rest.im[l] + ei[from] * rest.re[l];
      ownRe += er[from] * own.re[l] - ei[from] * own.im[l];
      ownIm += er[from] * own.im[l] + ei[from] * own.re[l];
    }
    constant += rest.re[k] * restRe + rest.im[k] * restIm;
    alongRe += own.re[k] * restRe + own.im[k] * restIm;
    alongIm += own.re[k] * restIm - own.im[k] * restRe;
    square += own.re[k] * ownRe + own.im[k] * ownIm;
  }
  form[at] = constant;
  form[at + 1] = 2 * alongRe;
  form[at + 2] = 2 * alongIm;
  form[at + 3] = square;
}

/** One matrix over the other. */
function stacked(a: CMatrix, b: CMatrix): CMatrix {
  const out = zeros(a.rows + b.rows, a.cols);
  out.re.set(a.re);
  out.im.set(a.im);
  out.re.set(b.re, a.re.length);
  out.im.set(b.im, a.im.length);
  return out;
}

const rowsOf = ({ cols, re, im }: CMatrix, from: number, to: number): CMatrix =>
  fromParts(to - from, cols, re.slice(from * cols, to * cols), im.slice(from * cols, to * cols));
