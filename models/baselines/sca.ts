/**
 * Successive convex approximation of the weighted sum rate, Σ wₖ·log₂(1 + SINRₖ): the fully digital precoder that papers 000 and 001 begin their SCA-ManOpt and SCA-RMM with.
 *
 * The SINR of a user is |gₖₖ|²/Iₖ, Iₖ = σ² + Σⱼ≠ₖ|gₖⱼ|². With φₖ = gₖₖ/Iₖ at some precoder, it is nowhere below the concave
 *
 *   tₖ = 2·Re(φₖ*·gₖₖ) − |φₖ|²·Iₖ,
 *
 * which touches it there. So max Σ wₖ·log₂(1 + tₖ) under the power is a convex problem, whose answer is no worse, and where the next one is made.
 *
 * It is solved in the row space of the channel, V = Hᴴ·X, where K×K numbers are left: with αₖ = wₖ/(1 + tₖ) held, Σ αₖtₖ has its maximum under the
 * power in closed form; the straight way there climbs and has full power at most, and how far to go is found by halving.
 *
 * Source: Tran, Hanif, Tölli and Juntti, IEEE Signal Process. Lett. 19(12), 2012. Their bound, by the means of √(tₖ·Iₖ), is this
 * one solved for tₖ; the convex problem they hand to a cone solver.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, matmul, multiplyABh, multiplyAhB, realInner, scale, zeros } from '../../core/signal/complex-matrix.ts';
import { eigHermitian } from '../../core/signal/decompositions.ts';
import { regularisedInverse } from '../../core/signal/gram-inverse.ts';

const MOST_APPROXIMATIONS = 200;
const MOST_STEPS = 50;
const MOST_HALVINGS = 30;
/** Ends when a step, or an approximation, gains less than this share of the rate. */
const TOLERANCE = 1e-6;

/**
 * @param channel H, K×N, rows h_kᴴ, not all zero
 * @param noise σ²/P
 * @param options.weights of the users' rates, ≥ 0 and not all 0; absent: all 1
 * @param options.approximations at most this many
 * @returns V, N×K, at unit power; from regularised zero-forcing
 */
export function successiveConvexApproximation(
  channel: CMatrix,
  noise: number,
  { weights, approximations = MOST_APPROXIMATIONS }: { weights?: readonly number[]; approximations?: number } = {},
): CMatrix {
  const problem = { noise, weights: weights ?? new Array<number>(channel.rows).fill(1) };
  const gram = multiplyABh(channel, channel); // B = HHᴴ
  let point = startingPoint(gram, noise);
  let rate = 0;
  for (let approximation = 0; approximation < approximations; approximation++) {
    const next = solveApproximation(gram, problem, point);
    point = next.point;
    if (next.rate - rate <= TOLERANCE * next.rate) break;
    rate = next.rate;
  }
  const v = multiplyAhB(channel, point.x);
  return scale(v, 1 / frobeniusNorm(v));
}

interface Weighted {
  noise: number;
  /** w, K */
  weights: readonly number[];
}

/** X, and what the users hear of it: G = B·X, with real gₖₖ ≥ 0. */
interface Point {
  x: CMatrix;
  gains: CMatrix;
}

const pointAt = (gram: CMatrix, x: CMatrix): Point => ({ x, gains: matmul(gram, x) });

/** Regularised zero-forcing, at unit power. */
function startingPoint(gram: CMatrix, noise: number): Point {
  const { x, gains } = pointAt(gram, regularisedInverse(gram, 1, noise));
  const factor = 1 / Math.sqrt(realInner(x, gains)); // tr(XᴴBX)
  return { x: scale(x, factor), gains: scale(gains, factor) };
}

/** The maximum of Σ wₖ·log₂(1 + tₖ), whose tₖ touch the SINR at a point; and that maximum. */
function solveApproximation(gram: CMatrix, problem: Weighted, from: Point): { point: Point; rate: number } {
  const anchors = anchorsAt(from.gains, problem.noise);
  let point = from;
  let bound = boundAt(from.gains, problem, anchors);
  for (let step = 0; step < MOST_STEPS; step++) {
    const target = weightedMaximum(gram, anchors, bound.slopes);
    const next = climbTowards(target, point, bound.rate, (gains) => boundAt(gains, problem, anchors));
    if (next === undefined) break;
    const settled = next.bound.rate - bound.rate <= TOLERANCE * next.bound.rate;
    ({ point, bound } = next);
    if (settled) break;
  }
  return { point, rate: bound.rate };
}

/** φₖ = gₖₖ/Iₖ */
function anchorsAt({ rows: users, re, im }: CMatrix, noise: number): Float64Array {
  return Float64Array.from({ length: users }, (_, k) => re[k * users + k] / interferenceAt(re, im, users, k, noise));
}

/** Iₖ */
function interferenceAt(re: Float64Array, im: Float64Array, users: number, k: number, noise: number): number {
  let sum = noise;
  for (let j = 0, at = k * users; j < users; j++, at++) if (j !== k) sum += re[at] ** 2 + im[at] ** 2;
  return sum;
}

interface Bound {
  /** Σ wₖ·log₂(1 + tₖ); NaN or −∞ where some 1 + tₖ is not above 0 */
  rate: number;
  /** αₖ = wₖ/(1 + tₖ) */
  slopes: Float64Array;
}

function boundAt({ rows: users, re, im }: CMatrix, { noise, weights }: Weighted, anchors: Float64Array): Bound {
  const slopes = new Float64Array(users);
  let rate = 0;
  for (let k = 0; k < users; k++) {
    const t = 2 * anchors[k] * re[k * users + k] - anchors[k] ** 2 * interferenceAt(re, im, users, k, noise);
    slopes[k] = weights[k] / (1 + t);
    rate += weights[k] * Math.log2(1 + t);
  }
  return { rate, slopes };
}

/** From the point towards the target, as far as it takes to gain; undefined where nothing does. */
function climbTowards(
  target: Point,
  point: Point,
  rate: number,
  boundOf: (gains: CMatrix) => Bound,
): { point: Point; bound: Bound } | undefined {
  for (let halving = 0, share = 1; halving < MOST_HALVINGS; halving++, share /= 2) {
    const gains = between(point.gains, target.gains, share);
    const bound = boundOf(gains);
    if (bound.rate > rate) return { point: { x: between(point.x, target.x, share), gains }, bound };
  }
  return undefined;
}

function between(a: CMatrix, b: CMatrix, share: number): CMatrix {
  const out = zeros(a.rows, a.cols);
  for (let i = 0; i < out.re.length; i++) {
    out.re[i] = a.re[i] + share * (b.re[i] - a.re[i]);
    out.im[i] = a.im[i] + share * (b.im[i] - a.im[i]);
  }
  return out;
}

/**
 * max Σ αₖtₖ over ‖V‖² ≤ 1. Stream j has vⱼ = αⱼφⱼ·(Σₖ≠ⱼ αₖφₖ²·hₖhₖᴴ + μI)⁻¹hⱼ; with Λ = diag(αφ²) and T = (Λ^½BΛ^½ + μI)⁻¹ that is
 * xⱼ = √αⱼ/(μ·Tⱼⱼ)·Λ^½·tⱼ, of power αⱼ(Tⱼⱼ − μ·[T²]ⱼⱼ)/(μ·Tⱼⱼ)². The multiplier μ is where the powers add up to 1, found by halving decades.
 */
function weightedMaximum(gram: CMatrix, anchors: Float64Array, slopes: Float64Array): Point {
  const users = gram.rows;
  const roots = anchors.map((anchor, k) => anchor * Math.sqrt(slopes[k])); // Λ^½
  const weighted = zeros(users, users);
  for (let i = 0; i < weighted.re.length; i++) {
    const both = roots[Math.floor(i / users)] * roots[i % users];
    weighted.re[i] = both * gram.re[i];
    weighted.im[i] = both * gram.im[i];
  }
  const { values, vectors } = eigHermitian(weighted);
  const resolvent = (multiplier: number, j: number, exponent: number): number => {
    let sum = 0;
    for (let l = 0; l < users; l++) {
      const share = vectors.re[j * users + l] ** 2 + vectors.im[j * users + l] ** 2;
      sum += share / (Math.max(values[l], 0) + multiplier) ** exponent;
    }
    return sum;
  };
  const powerAt = (multiplier: number): number => {
    let power = 0;
    for (let j = 0; j < users; j++) {
      const own = resolvent(multiplier, j, 1);
      power += (slopes[j] * (own - multiplier * resolvent(multiplier, j, 2))) / (multiplier * own) ** 2;
    }
    return power;
  };
  const multiplier = multiplierOfUnitPower(powerAt);
  const x = zeros(users, users);
  for (let j = 0; j < users; j++) {
    const factor = Math.sqrt(slopes[j]) / (multiplier * resolvent(multiplier, j, 1));
    for (let i = 0; i < users; i++) {
      for (let l = 0; l < users; l++) {
        const [a, b] = [i * users + l, j * users + l];
        const weight = (factor * roots[i]) / (Math.max(values[l], 0) + multiplier);
        x.re[i * users + j] += weight * (vectors.re[a] * vectors.re[b] + vectors.im[a] * vectors.im[b]);
        x.im[i * users + j] += weight * (vectors.im[a] * vectors.re[b] - vectors.re[a] * vectors.im[b]);
      }
    }
  }
  return pointAt(gram, x);
}

/** The power falls with the multiplier. @returns one of power 1, or just below */
function multiplierOfUnitPower(powerAt: (multiplier: number) => number): number {
  let low = 1;
  let high = 1;
  while (powerAt(low) < 1 && low > 1e-280) low /= 10;
  while (powerAt(high) > 1 && high < 1e280) high *= 10;
  while (high / low > 1 + 1e-12) {
    const middle = Math.sqrt(low * high);
    if (middle === low || middle === high) break;
    if (powerAt(middle) > 1) low = middle;
    else high = middle;
  }
  return high;
}
