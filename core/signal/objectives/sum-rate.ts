/** The sum rate Σₖ log₂(1 + SINRₖ), as most papers have it; D by weighted MMSE for the array as set. */
import type { Objective } from '../beam-contract.ts';
import { matmul } from '../complex-matrix.ts';
import { digitalForAnalog } from '../precoders.ts';
import { ratesOfGains } from '../rate.ts';

/** WMMSE stops when a step gains less than this share of the rate: at N = 64 that is converged to 0.01 bit/s/Hz up to 20 dB. */
const WMMSE_TOLERANCE = 1e-6;
const WMMSE_ITERATIONS = 100;

/** Source: weighted sum-MSE minimisation on H·A (Shi et al., IEEE TSP 2011), SINR of Nguyen et al., Asilomar 2023, eq. (4). */
export const sumRateObjective: Objective = {
  name: 'sum-rate',
  at({ power, noise }, { equivalent: { channel, analog } }) {
    const effective = matmul(channel, analog);
    return {
      resolve() {
        // WMMSE only climbs, so starting it from the regularised solution makes it the better of the two by construction.
        const settings = { method: 'wmmse', start: 'rzf', iterations: WMMSE_ITERATIONS, tolerance: WMMSE_TOLERANCE } as const;
        return { digital: digitalForAnalog(channel, analog, power, noise, settings) };
      },
      score: ({ digital }) => ({ value: ratesOfGains(matmul(effective, digital), noise).sumRate, metrics: {} }),
    };
  },
};
