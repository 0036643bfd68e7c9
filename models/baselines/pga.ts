/**
 * Projected gradient ascent on the sum rate, unrolled into layers: J inner steps on the analog precoder, each projected to unit modulus, then
 * one step on the digital precoder, rescaled to the power. With constant steps it is the conventional PGA, with learned ones the unfolded
 * network; so this float64 program is the reference that exported networks are checked against.
 *
 * With G = H·A·D, Sₖ = Σⱼ|Gₖⱼ|² + σ², Iₖ = Sₖ − |Gₖₖ|²:
 *   C = (1/ln 2)·(diag(1/S)·G − diag(1/I)·(G − diag G)),  ∂R/∂A* = Hᴴ·C·Dᴴ,  ∂R/∂D* = (H·A)ᴴ·C
 * No N×N product is ever formed. The gradients do not change when H and σ are scaled together, so neither do the iterates. They do change
 * with the power: a step λ on D at power P is a step λ/P at power 1 (μ is the same at any power). The published steps (μ = 0.01, λ = 1e-4)
 * give the published rates with σ² = 1 and P = SNR on the channel as drawn; at P = 1 they are too long.
 *
 * Source: Nguyen et al., Asilomar 2023, eqs. (6)-(11), Algorithm 1; with √P in (9) and 1/ln 2 in (10)-(11).
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { add, clone, frobeniusNorm, matmul, multiplyABh, multiplyAhB, scale, zeros } from '../../core/signal/complex-matrix.ts';
import { alignedAnalog, nearestToZeroForcing } from './aligned.ts';

export interface PgaUnfoldOptions {
  /** K×N, rows h_kᴴ. */
  channel: CMatrix;
  power: number;
  noise: number;
  /** Defaults to the users' number. */
  rfChains?: number;
  /** Steps on A, I×J: mu[layer][inner step]. */
  mu: readonly (readonly number[])[];
  /** Steps on D, I. */
  lambda: readonly number[];
  /** Default: aligned phases, D nearest to zero-forcing. */
  start?: HybridPrecoder;
  /** N·M of 0/1; absent means fully connected. */
  connection?: Uint8Array;
}

/**
 * @returns where it started, and A and D after every layer (I of them)
 * @throws {BeamrigError} `shape` when mu and lambda disagree about the number of layers
 */
export function pgaUnfold(options: PgaUnfoldOptions): { start: HybridPrecoder; layers: HybridPrecoder[] } {
  const { channel, power, noise, mu, lambda, connection } = options;
  if (mu.length !== lambda.length) {
    throw new BeamrigError('shape', `${mu.length} layers of steps on A, but ${lambda.length} of steps on D`);
  }
  const start = options.start ?? startingPoint(channel, options.rfChains ?? channel.rows, power, connection);
  const layers: HybridPrecoder[] = [];
  let analog = clone(start.analog);
  let digital = start.digital;
  lambda.forEach((digitalStep, layer) => {
    for (const analogStep of mu[layer]) stepAnalog(channel, analog, digital, noise, analogStep);
    const effective = matmul(channel, analog);
    const weights = rateWeights(matmul(effective, digital), noise);
    const moved = add(digital, scale(multiplyAhB(effective, weights), digitalStep));
    digital = scale(moved, Math.sqrt(power) / frobeniusNorm(matmul(analog, moved)));
    layers.push({ analog, digital });
    analog = clone(analog);
  });
  return { start, layers };
}

/** Constant steps in every layer, as conventional PGA has them. */
export function constantSteps(
  layers: number,
  innerSteps: number,
  mu: number,
  lambda: number,
): { mu: number[][]; lambda: number[] } {
  return {
    mu: Array.from({ length: layers }, () => new Array<number>(innerSteps).fill(mu)),
    lambda: new Array<number>(layers).fill(lambda),
  };
}

export function startingPoint(channel: CMatrix, rfChains: number, power: number, connection?: Uint8Array): HybridPrecoder {
  const analog = alignedAnalog(channel, rfChains, connection);
  return { analog, digital: nearestToZeroForcing(channel, analog, power) };
}

/**
 * C, the weights that carry what users hear back to the precoders: ∂R/∂G* of the sum rate in bits.
 * @param gains G = H·A·D, K×K
 * @returns K×K
 */
export function rateWeights(gains: CMatrix, noise: number): CMatrix {
  const users = gains.rows;
  const weights = zeros(users, users);
  for (let k = 0; k < users; k++) {
    let interference = noise;
    let desired = 0;
    for (let j = 0; j < users; j++) {
      const i = k * users + j;
      const received = gains.re[i] * gains.re[i] + gains.im[i] * gains.im[i];
      if (j === k) desired = received;
      else interference += received;
    }
    const total = interference + desired;
    for (let j = 0; j < users; j++) {
      const i = k * users + j;
      const factor = (1 / total - (j === k ? 0 : 1 / interference)) / Math.LN2;
      weights.re[i] = factor * gains.re[i];
      weights.im[i] = factor * gains.im[i];
    }
  }
  return weights;
}

/** One inner step, A ← project(A + μ·Hᴴ·C·Dᴴ), in place; entries that are not wired stay zero. */
function stepAnalog(channel: CMatrix, analog: CMatrix, digital: CMatrix, noise: number, mu: number): void {
  const weights = rateWeights(matmul(matmul(channel, analog), digital), noise);
  const gradient = multiplyAhB(channel, multiplyABh(weights, digital));
  const { re, im } = analog;
  for (let i = 0; i < re.length; i++) {
    if (re[i] === 0 && im[i] === 0) continue;
    const movedRe = re[i] + mu * gradient.re[i];
    const movedIm = im[i] + mu * gradient.im[i];
    const size = Math.sqrt(movedRe * movedRe + movedIm * movedIm);
    // A step that lands exactly on zero has no phase to project: the entry stays where it was.
    if (size === 0) continue;
    re[i] = movedRe / size;
    im[i] = movedIm / size;
  }
}
