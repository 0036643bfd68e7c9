/** The rate of the user who has the least, minₖ log₂(1 + SINRₖ): fairness before throughput. D is the exact optimum for the array as set. */
import type { Objective } from '../beam-contract.ts';
import { matmul } from '../complex-matrix.ts';
import { digitalForAnalog } from '../precoders.ts';
import { ratesOfGains } from '../rate.ts';

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
};
