/** The sum rate Σₖ log₂(1 + SINRₖ), as most papers have it; D by weighted MMSE for the array as set. */
import type { Objective } from '../beam-contract.ts';
import type { CMatrix } from '../complex-matrix.ts';
import { matmul, realInner } from '../complex-matrix.ts';
import { regularisedInverse } from '../gram-inverse.ts';
import { digitalForAnalog } from '../precoders.ts';
import { ratesOfGains } from '../rate.ts';
import { weightedMmseOfServed } from '../served-users.ts';
import type { UplinkRule } from './uplink-surrogate.ts';
import { uplinkSurrogate } from './uplink-surrogate.ts';

/** WMMSE stops when a step gains less than this share of the rate: at N = 64 that is converged to 0.01 bit/s/Hz up to 20 dB. */
const WMMSE_TOLERANCE = 1e-6;
const WMMSE_ITERATIONS = 100;
/** Where only the powers of the users are wanted, to try states by. */
const SWEEP_TOLERANCE = 1e-4;
/** What all users share of the powers: one who is off for now would otherwise be off in every state that is tried. */
const SHARED_EQUALLY = 0.05;
/** Errors are 2⁻⁵² at least, and the product of so many still is a number. */
const MOST_FACTORS = 16;

/** Source: weighted sum-MSE minimisation on H·A (Shi et al., IEEE TSP 2011), SINR of Nguyen et al., Asilomar 2023, eq. (4). */
export const sumRateObjective: Objective = {
  name: 'sum-rate',
  at({ power, noise }, { equivalent: { channel, analog } }) {
    const effective = matmul(channel, analog);
    return {
      resolve: () => ({ digital: digitalForSumRate(channel, analog, power, noise) }),
      score: ({ digital }) => ({ value: ratesOfGains(matmul(effective, digital), noise).sumRate, metrics: {} }),
    };
  },
  surrogate: ({ channel, power, noise }) => uplinkSurrogate(channel, noise / power, sumRateRule(noise / power)),
};

function sumRateRule(relativeNoise: number): UplinkRule {
  return {
    settle(gram, powers) {
      const start = regularisedInverse(gram, 1, relativeNoise);
      const startGains = matmul(gram, start);
      const x = weightedMmseOfServed({
        gram,
        gains: startGains,
        gainsPower: realInner(start, startGains),
        relativeNoise,
        iterations: WMMSE_ITERATIONS,
        tolerance: SWEEP_TOLERANCE,
        accelerated: true,
      });
      return uplinkPowers(matmul(gram, x), relativeNoise, powers);
    },
    worth(errors) {
      // −Π eₖ is in the order of −Σ log₂ eₖ and needs no logarithm, but of more users than this may be 0.
      return errors.length <= MOST_FACTORS ? -product(errors, 0) : sumOfLogarithms(errors);
    },
  };
}

/** Of so many errors as a product has at most, from the k-th on. */
function product(errors: Float64Array, from: number): number {
  const to = Math.min(errors.length, from + MOST_FACTORS);
  let all = 1;
  for (let k = from; k < to; k++) all *= Math.max(errors[k], Number.EPSILON);
  return all;
}

/** −Σ log₂ eₖ */
function sumOfLogarithms(errors: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < errors.length; k += MOST_FACTORS) sum -= Math.log2(product(errors, k));
  return sum;
}

/**
 * Uplink powers of a stationary point of weighted MMSE, all but what is shared equally: its V is (HᴴΛH + η·I)⁻¹Hᴴ…, the receivers of the
 * uplink at q ∝ Λ.
 * @param gains G of power 1
 * @param powers filled with q, Σq = 1
 * @returns the sum rate
 */
function uplinkPowers({ rows: users, re, im }: CMatrix, noise: number, powers: Float64Array): number {
  let rate = 0;
  let sum = 0;
  for (let k = 0; k < users; k++) {
    let interference = noise;
    let desired = 0;
    for (let j = 0, at = k * users; j < users; j++, at++) {
      const power = re[at] * re[at] + im[at] * im[at];
      if (j === k) desired = power;
      else interference += power;
    }
    const received = interference + desired;
    rate += Math.log2(received / interference);
    powers[k] = desired / (received * interference); // wₖ|uₖ|²
    sum += powers[k];
  }
  for (let k = 0; k < users; k++) powers[k] = ((1 - SHARED_EQUALLY) * powers[k]) / sum + SHARED_EQUALLY / users;
  return rate;
}

/**
 * The D of this objective: WMMSE only climbs, so starting it from the regularised solution makes it the better of the two by construction.
 * @param channel K×N, rows h_kᴴ
 * @param analog A, N×M
 * @returns D, M×K, ‖A·D‖²_F = power
 * @throws {BeamrigError} `argument` when no user hears anything through A
 */
export function digitalForSumRate(channel: CMatrix, analog: CMatrix, power: number, noise: number): CMatrix {
  const settings = { method: 'wmmse', start: 'rzf', iterations: WMMSE_ITERATIONS, tolerance: WMMSE_TOLERANCE } as const;
  return digitalForAnalog(channel, analog, power, noise, settings);
}
