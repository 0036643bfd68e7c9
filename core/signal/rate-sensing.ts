/**
 * max R(F·V) − ω·τ over V with ‖V‖²_F = P, by conjugate gradients on the sphere: the digital part of communications and sensing once the phases
 * stand, and the whole of it for a digital array.
 *
 *   R = Σ log₂(Sₖ/Iₖ) of G = F·V,  τ = ‖VᴴV‖² − 2P·tr(VᴴWV) + constant
 *   ∂R/∂V* = Fᴴ·C, C = (diag(1/S)·G − diag(1/I)·(G − diag G))/ln 2,  ∂τ/∂V* = 2(V(VᴴV) − P·W·V)
 *
 * Source: Nguyen et al. (paper 000), eqs. (5), (11), (13); directions of Polak and Ribière, steps by Armijo's rule.
 */
import type { CMatrix } from './complex-matrix.ts';
import { add, frobeniusNorm, matmul, multiplyAhB, scale, subtract, zeros } from './complex-matrix.ts';
import { ratesOfGains } from './rate.ts';

export interface RateSensing {
  /** F, K×m: what the users hear of V. */
  readonly gains: CMatrix;
  /** W, m×m, Hermitian: what V radiates of the wanted covariance. */
  readonly wanted: CMatrix;
  readonly power: number;
  readonly noise: number;
  /** ω */
  readonly weight: number;
  /** What V does not change of τ. */
  readonly constant: number;
}

const MOST_STEPS = 200;
/** Ends when this many steps in a row together gain less than this. */
const SETTLED_STEPS = 5;
const SETTLED_GAIN = 1e-4;
const ARMIJO = 1e-4;
const MOST_HALVINGS = 30;

/** @param start V, m×K, of any power above 0 @returns V at full power, never worse than the start */
export function climbRateSensing(problem: RateSensing, start: CMatrix, steps = MOST_STEPS): CMatrix {
  const { power } = problem;
  const toSphere = (v: CMatrix): CMatrix => scale(v, Math.sqrt(power) / frobeniusNorm(v));
  let v = toSphere(start);
  let value = valueOf(problem, v);
  let gradient = tangent(gradientOf(problem, v), v, power);
  let direction = gradient;
  let length = 0.1; // of the way around the sphere, in radians
  const values = [value];
  for (let step = 0; step < steps; step++) {
    let slope = inner(gradient, direction);
    if (!(slope > 0)) {
      direction = gradient;
      slope = inner(gradient, gradient);
    }
    const size = frobeniusNorm(direction);
    if (!(size > 0 && Number.isFinite(size))) break;
    let next = v;
    let nextValue = value;
    let moved = false;
    for (let halving = 0; halving < MOST_HALVINGS && !moved; halving++) {
      const t = (length * Math.sqrt(power)) / size;
      next = toSphere(add(v, scale(direction, t)));
      nextValue = valueOf(problem, next);
      moved = nextValue >= value + ARMIJO * t * slope;
      // The vertex of the parabola through value, slope and the new value, within bounds.
      const bend = value + t * slope - nextValue;
      const vertex = bend > 0 ? (slope * t) / (2 * bend) : Infinity;
      length *= moved ? Math.min(Math.max(vertex, 0.5), 2) : Math.min(Math.max(vertex, 0.1), 0.5);
    }
    if (!moved) break;
    length = Math.min(length, 1);
    const nextGradient = tangent(gradientOf(problem, next), next, power);
    const carried = tangent(direction, next, power);
    const change = subtract(nextGradient, tangent(gradient, next, power));
    const turn = Math.max(inner(nextGradient, change) / inner(gradient, gradient), 0);
    [v, value, gradient] = [next, nextValue, nextGradient];
    direction = add(gradient, scale(carried, turn));
    values.push(value);
    if (values.length > SETTLED_STEPS && value - values[values.length - 1 - SETTLED_STEPS] < SETTLED_GAIN) break;
  }
  return v;
}

function valueOf({ gains, wanted, power, noise, weight, constant }: RateSensing, v: CMatrix): number {
  const tau = frobeniusNorm(multiplyAhB(v, v)) ** 2 - 2 * power * inner(v, matmul(wanted, v)) + constant;
  return ratesOfGains(matmul(gains, v), noise).sumRate - weight * tau;
}

/** 2·∂/∂V* of R − ω·τ: the slope of the real and imaginary parts. */
function gradientOf({ gains, wanted, power, noise, weight }: RateSensing, v: CMatrix): CMatrix {
  const heard = matmul(gains, v);
  const users = heard.rows;
  const weights = zeros(users, users);
  for (let k = 0; k < users; k++) {
    let interference = noise;
    for (let j = 0; j < users; j++) if (j !== k) interference += heard.re[k * users + j] ** 2 + heard.im[k * users + j] ** 2;
    const received = interference + heard.re[k * users + k] ** 2 + heard.im[k * users + k] ** 2;
    for (let j = 0; j < users; j++) {
      const factor = (2 / Math.LN2) * (1 / received - (j === k ? 0 : 1 / interference));
      weights.re[k * users + j] = factor * heard.re[k * users + j];
      weights.im[k * users + j] = factor * heard.im[k * users + j];
    }
  }
  const ofRate = multiplyAhB(gains, weights);
  const ofTau = subtract(matmul(v, multiplyAhB(v, v)), scale(matmul(wanted, v), power));
  return subtract(ofRate, scale(ofTau, 4 * weight));
}

/** What of a gradient does not change ‖V‖². */
function tangent(gradient: CMatrix, v: CMatrix, power: number): CMatrix {
  return subtract(gradient, scale(v, inner(gradient, v) / power));
}

function inner(a: CMatrix, b: CMatrix): number {
  let sum = 0;
  for (let i = 0; i < a.re.length; i++) sum += a.re[i] * b.re[i] + a.im[i] * b.im[i];
  return sum;
}
