/** The rate of the user who has the least, minₖ log₂(1 + SINRₖ): fairness before throughput. D is the exact optimum for the array as set. */
import type { Objective } from '../beam-contract.ts';
import { matmul } from '../complex-matrix.ts';
import { balanceUplink, maxMinInRowSpace } from '../max-min.ts';
import { digitalForAnalog } from '../precoders.ts';
import { ratesOfGains } from '../rate.ts';
import type { UplinkRule } from './uplink-surrogate.ts';
import { uplinkSurrogate } from './uplink-surrogate.ts';

/** Source: max-min SINR under a sum power by uplink-downlink duality (Schubert and Boche, IEEE Trans. Veh. Technol. 53(1), 2004). */
export const minRateObjective: Objective = {
  name: 'min-rate',
  at: ({ power, noise }, { equivalent: { channel, analog } }) => ({
    resolve: () => ({ digital: digitalForAnalog(channel, analog, power, noise, { method: 'max-min' }) }),
    score({ digital }) {
      const { sinr } = ratesOfGains(matmul(matmul(channel, analog), digital), noise);
      return { value: Math.log2(1 + Math.min(...sinr)), metrics: {} };
    },
  }),
  surrogate: ({ channel, power, noise }) => uplinkSurrogate(channel, noise / power, minRateRule(channel.rows, noise / power)),
};

/**
 * With q held, some users' SINR rise and others' fall, and the balanced one moves, to first order, by their logarithms' mean with the weights
 * qₖ·|Gₖₖ|² (both Perron vectors of the coupling that is balanced). A harmonic mean by these weights has just that slope, and leans to the weak.
 *
 * Source: Friedland and Karlin, Duke Math. J. 42(3), 1975, theorem 3.1.
 */
function minRateRule(users: number, relativeNoise: number): UplinkRule {
  const weights = new Float64Array(users);
  return {
    settle(gram, powers) {
      const uplink = balanceUplink(gram, 1, relativeNoise);
      if (uplink === undefined) {
        // Somebody hears nothing and no state may change that: the others are served as well as they can be.
        powers.fill(1 / users);
        weights.fill(1 / users);
        return 0;
      }
      const gains = matmul(gram, maxMinInRowSpace(gram, uplink, 1, relativeNoise));
      let sum = 0;
      for (let k = 0, at = 0; k < users; k++, at += users + 1) {
        powers[k] = uplink.powers[k];
        weights[k] = powers[k] * (gains.re[at] * gains.re[at] + gains.im[at] * gains.im[at]);
        sum += weights[k];
      }
      for (let k = 0; k < users; k++) weights[k] /= sum;
      return Math.log2(1 + Math.min(...ratesOfGains(gains, relativeNoise).sinr));
    },
    worth(errors) {
      let worth = 0;
      for (let k = 0; k < users; k++) worth -= (weights[k] * errors[k]) / Math.max(1 - errors[k], Number.EPSILON);
      return worth;
    },
  };
}
