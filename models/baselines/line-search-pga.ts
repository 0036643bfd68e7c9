/**
 * Projected gradient ascent whose steps are searched on the way, for each channel by itself: a step that gains is kept and the next one tried is
 * twice as long, one that does not is tried again at a quarter. It serves any array, SNR and number of users, and is what constant steps, searched
 * or learned, have to be compared with. From aligned phases, as pga.ts, whose gradients these are; never a step down. With sensing it is R − ω·τ that
 * is climbed.
 *
 * Source: Nguyen et al., Asilomar 2023, section III-A, which names backtracking and leaves it for its cost; with sensing paper 000, eqs. (5), (8), (11).
 */
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { add, frobeniusNorm, matmul, multiplyABh, multiplyAhB, scale, subtract } from '../../core/signal/complex-matrix.ts';
import { ratesOfGains } from '../../core/signal/rate.ts';
import type { Sensing } from '../../core/signal/sensing.ts';
import { covarianceError, requireSameElements } from '../../core/signal/sensing.ts';
import type { Baseline } from './baseline.ts';
import { roundedNormalisedChannel } from './normalise.ts';
import { rateWeights, startingPoint } from './pga.ts';
import { powerSlope } from './rate-of-phases.ts';
import { unitModulus } from './unit-modulus.ts';

const LAYERS = 10;
const INNER_STEPS = 10;
const LONGER = 2;
const SHORTER = 1 / 4;
const MOST_TRIES = 12;

export const pgaSearched: Baseline = {
  title: `projected gradient ascent, ${LAYERS} iterations of ${INNER_STEPS} inner steps, each searched for on the way; any array`,
  source: 'paper 001, section III-A, which names backtracking; paper 000, (5), (8), (11)',
  run: ({ channel: given, noise: givenNoise, power, rfChains, connection, sensing }) => {
    const { channel, noise } = roundedNormalisedChannel(given, givenNoise, power);
    if (sensing !== undefined) requireSameElements(sensing, channel.cols);
    const wish = sensing === undefined ? {} : { sensing: { ...sensing, weight: sensing.weight * power ** 2 } };
    const { analog, digital } = lineSearchPga({ channel, noise, ...wish }, startingPoint(channel, rfChains, 1, connection));
    return { analog, digital: scale(digital, Math.sqrt(power)) };
  },
};

/** R, or R − ω·τ where there is sensing, of X at unit power. */
export interface AscentTask {
  /** H, K×N, rows h_kᴴ. */
  channel: CMatrix;
  /** σ²/P */
  noise: number;
  /** B, N×r, ‖B‖²_F = 1, and w = ω·P². */
  sensing?: Sensing;
}

/**
 * @param start A₀ and D₀; entries of A₀ that are zero are not connected and stay zero
 * @returns A and D at unit power
 */
export function lineSearchPga(
  task: AscentTask,
  start: HybridPrecoder,
  layers = LAYERS,
  innerSteps = INNER_STEPS,
): HybridPrecoder {
  let point = pointAt(task, start.analog, start.digital);
  // First steps: half a radian for the entry of A that moves most, a tenth of D.
  let mu: number | undefined;
  let lambda: number | undefined;
  for (let layer = 0; layer < layers; layer++) {
    for (let inner = 0; inner < innerSteps; inner++) {
      const { analog, digital } = point;
      const gradient = multiplyABh(slopeAt(task, point), digital);
      mu ??= 0.5 / largestModulus(gradient);
      ({ point, step: mu } = search(point, mu, (step) =>
        pointAt(task, unitModulus(add(analog, scale(gradient, step)), analog), digital),
      ));
    }
    const { analog, digital } = point;
    const gradient = multiplyAhB(analog, slopeAt(task, point));
    lambda ??= (0.1 * frobeniusNorm(digital)) / frobeniusNorm(gradient);
    ({ point, step: lambda } = search(point, lambda, (step) => pointAt(task, analog, add(digital, scale(gradient, step)))));
  }
  return point;
}

/** A, D and X = A·D at unit power, and their value. */
interface Point extends HybridPrecoder {
  precoder: CMatrix;
  /** G = H·X, K×K */
  gains: CMatrix;
  value: number;
}

function pointAt({ channel, noise, sensing }: AscentTask, analog: CMatrix, anyPower: CMatrix): Point {
  const unscaled = matmul(analog, anyPower);
  const factor = 1 / frobeniusNorm(unscaled);
  const precoder = scale(unscaled, factor);
  const gains = matmul(channel, precoder);
  const cost = sensing === undefined ? 0 : sensing.weight * covarianceError(sensing, precoder, 1);
  return { analog, digital: scale(anyPower, factor), precoder, gains, value: ratesOfGains(gains, noise).sumRate - cost };
}

/**
 * ∂∕∂X* of the value, written so that the length of X does not matter, at ‖X‖ = 1: C as in pga.ts, κ as in rate-of-phases.ts, Y = BᴴX, Z = XᴴX,
 *
 *   HᴴC − κ·X + 2w(B·Y − X·Z + (‖Z‖² − ‖Y‖²)·X)
 */
function slopeAt({ channel, noise, sensing }: AscentTask, { precoder, gains }: Point): CMatrix {
  const ofRate = multiplyAhB(channel, rateWeights(gains, noise));
  const kappa = powerSlope(gains, noise);
  if (sensing === undefined) return subtract(ofRate, scale(precoder, kappa));
  const { factor, weight } = sensing;
  const sensed = multiplyAhB(factor, precoder);
  const gram = multiplyAhB(precoder, precoder);
  const along = 2 * weight * (frobeniusNorm(gram) ** 2 - frobeniusNorm(sensed) ** 2) - kappa;
  const towards = scale(subtract(matmul(factor, sensed), matmul(precoder, gram)), 2 * weight);
  return add(add(ofRate, towards), scale(precoder, along));
}

/** The first step that gains, and how long the next one is to be tried; the point itself where none does. */
function search(point: Point, first: number, moved: (step: number) => Point): { point: Point; step: number } {
  let step = first;
  for (let attempt = 0; attempt < MOST_TRIES; attempt++, step *= SHORTER) {
    const next = moved(step);
    if (next.value > point.value) return { point: next, step: attempt === 0 ? LONGER * step : step };
  }
  return { point, step };
}

function largestModulus({ re, im }: CMatrix): number {
  let largest = 0;
  for (let i = 0; i < re.length; i++) largest = Math.max(largest, Math.hypot(re[i], im[i]));
  return largest;
}
