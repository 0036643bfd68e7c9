/**
 * Projected gradient ascent on R − ω·τ, unrolled into layers: J inner steps on the analog precoder, then one on the digital precoder, rescaled to
 * the power. With constant steps it is the conventional PGA of paper 000, with learned ones UPGANet; so this float64 program is the reference that
 * the network is checked against.
 *
 *   ∂R/∂A* = Hᴴ·C·Dᴴ,  ∂τ/∂A* = 2(X(XᴴX) − P·B(BᴴX))·Dᴴ,  ∂R/∂D* = (H·A)ᴴ·C,  ∂τ/∂D* = 2Aᴴ(X(XᴴX) − P·B(BᴴX)),  X = A·D
 *
 * with C of `rateWeights`; no N×N product is ever formed. Steps belong to σ² = 1: the channel is taken in units of the noise.
 *
 * Source: Nguyen et al. (paper 000), eqs. (6)-(15), Algorithm 1; with √P in (9).
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import {
  add,
  clone,
  frobeniusNorm,
  matmul,
  multiplyABh,
  multiplyAhB,
  scale,
  subtract,
  zeros,
} from '../../core/signal/complex-matrix.ts';
import { requireSameElements, type Sensing } from '../../core/signal/sensing.ts';
import { alignedAnalog, nearestToZeroForcing } from './aligned.ts';
import type { Baseline } from './baseline.ts';
import { normaliseChannel } from './normalise.ts';
import { constantSteps, rateWeights } from './pga.ts';

/**
 * 'exact' is (11). 'signal-only' is what the authors' released program has in its place: without the interference,
 * ∂R/∂D* ≈ (H·A)ᴴ·diag(G)/S/ln 2. It is no gradient, but bears steps a hundred times as long.
 */
export type DigitalGradient = 'exact' | 'signal-only';

/** When A is brought back to unit modulus: after every inner step, or once a layer, as Algorithm 1 and the authors' program have it. */
export type Projection = 'step' | 'layer';

export interface SensingPgaOptions {
  /** K×N, rows h_kᴴ. */
  channel: CMatrix;
  power: number;
  noise: number;
  sensing: Sensing;
  /** Steps on A, I×J: mu[layer][inner step]. */
  mu: readonly (readonly number[])[];
  /** Steps on D, I. */
  lambda: readonly number[];
  digitalGradient: DigitalGradient;
  projection: Projection;
  start: HybridPrecoder;
  /** Weight of ∂τ/∂D beside ∂R/∂D, η of (15); default 1/N. */
  eta?: number;
}

export interface SensingPgaSettings {
  layers: number;
  innerSteps: number;
  /** For N = 64; μ grows with N, and λ falls with it. */
  mu: number;
  lambda: number;
  digitalGradient: DigitalGradient;
}

/** What paper 000 compares with, J = 1; μ = λ = 0.01 for σ² = 1 and P = SNR. */
export const PAPER_SENSING_PGA: SensingPgaSettings = {
  layers: 120,
  innerSteps: 1,
  mu: 0.01,
  lambda: 0.01,
  digitalGradient: 'signal-only',
};

export const paperSensingPga: Baseline = {
  title: `projected gradient ascent on R − ωτ with the constant steps of paper 000 for N = 64, carried over to N; ${PAPER_SENSING_PGA.layers} iterations`,
  source: 'paper 000, algorithm 1',
  run: (problem) => fixedStepSensingPga(problem, PAPER_SENSING_PGA),
};

/** PGA with constant steps on the canonical problem, mean |h|² = 1 and power 1, where τ weighs ω·P²; a problem without sensing is one of ω = 0. */
export function fixedStepSensingPga(problem: Problem, settings: SensingPgaSettings): HybridPrecoder {
  const { rfChains, connection, power } = problem;
  const elements = problem.channel.cols;
  const { channel, noise } = normaliseChannel(problem.channel, problem.noise, power);
  const { factor, weight } = problem.sensing ?? { factor: zeros(elements, 1), weight: 0 };
  requireSameElements({ factor, weight }, elements);
  const analog = alignedAnalog(channel, rfChains, connection);
  const start = { analog, digital: nearestToZeroForcing(channel, analog, 1) };
  const size = elements / 64;
  const { layers, innerSteps, mu, lambda, digitalGradient } = settings;
  const steps = constantSteps(layers, innerSteps, mu * size, (lambda / size) * noise);
  const found = sensingPga({
    ...{ channel, power: 1, noise, start, ...steps, digitalGradient, projection: 'layer' },
    sensing: { factor, weight: weight * power ** 2 },
  });
  const { analog: last, digital } = found.at(-1) ?? start;
  return { analog: last, digital: scale(digital, Math.sqrt(power)) };
}

/** @returns A and D after every layer (I of them) */
export function sensingPga(options: SensingPgaOptions): HybridPrecoder[] {
  const { power, mu, lambda, digitalGradient, projection, sensing } = options;
  if (mu.length !== lambda.length) {
    throw new BeamrigError('shape', `${mu.length} layers of steps on A, but ${lambda.length} of steps on D`);
  }
  const channel = scale(options.channel, 1 / Math.sqrt(options.noise));
  const eta = options.eta ?? 1 / channel.cols;
  const layers: HybridPrecoder[] = [];
  let analog = clone(options.start.analog);
  let digital = options.start.digital;
  lambda.forEach((digitalStep, layer) => {
    mu[layer].forEach((analogStep, inner) => {
      const x = matmul(analog, digital);
      const rate = multiplyAhB(channel, rateWeights(matmul(channel, x), 1));
      const gradient = multiplyABh(subtract(rate, scale(missed(x, sensing.factor, power), 2 * sensing.weight)), digital);
      analog = add(analog, scale(gradient, analogStep));
      if (projection === 'step' || inner === mu[layer].length - 1) toUnitModulus(analog, options.start.analog);
    });
    const effective = matmul(channel, analog);
    const x = matmul(analog, digital);
    const heard = matmul(channel, x);
    const weights = digitalGradient === 'exact' ? rateWeights(heard, 1) : signalWeights(heard);
    const rate = multiplyAhB(effective, weights);
    const tau = multiplyAhB(analog, missed(x, sensing.factor, power));
    const moved = add(digital, scale(subtract(rate, scale(tau, 2 * sensing.weight * eta)), digitalStep));
    digital = scale(moved, Math.sqrt(power) / frobeniusNorm(matmul(analog, moved)));
    layers.push({ analog, digital });
    analog = clone(analog);
  });
  return layers;
}

/** (XXᴴ − Ψ)·X, half of ∂τ/∂X*. */
const missed = (x: CMatrix, factor: CMatrix, power: number): CMatrix =>
  subtract(matmul(x, multiplyAhB(x, x)), scale(matmul(factor, multiplyAhB(factor, x)), power));

/** diag(G)/S/ln 2 */
function signalWeights(gains: CMatrix): CMatrix {
  const users = gains.rows;
  const weights = zeros(users, users);
  for (let k = 0; k < users; k++) {
    let total = 1;
    for (let i = k * users; i < (k + 1) * users; i++) total += gains.re[i] ** 2 + gains.im[i] ** 2;
    const own = k * users + k;
    weights.re[own] = gains.re[own] / total / Math.LN2;
    weights.im[own] = gains.im[own] / total / Math.LN2;
  }
  return weights;
}

/** In place; entries that are not wired stay zero. */
function toUnitModulus(analog: CMatrix, start: CMatrix): void {
  const { re, im } = analog;
  for (let i = 0; i < re.length; i++) {
    const size = Math.sqrt(re[i] * re[i] + im[i] * im[i]);
    if ((start.re[i] === 0 && start.im[i] === 0) || size === 0) re[i] = im[i] = 0;
    else {
      re[i] /= size;
      im[i] /= size;
    }
  }
}
