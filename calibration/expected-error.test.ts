import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/signal/random.ts';
import { isBeamrigError } from '../core/errors/beamrig-error.ts';
import { againstReference } from './against-reference.ts';
import { drawnArray, measured } from './drawn-array.ts';
import { expectedError } from './expected-error.ts';
import { CALIBRATION_METHODS } from './methods.ts';
import { stateDifference } from './state-difference.ts';

const [ELEMENTS, ARRAYS, NOISE] = [16, 20, 0.01];
const all = CALIBRATION_METHODS.flatMap((method) =>
  method.hears === 'complex' ? [method, { ...againstReference(method), name: `${method.name} by power` }] : [method],
);

describe.each(all)('what $name says of its own error', (method) => {
  it.each([1, 2, 3, 6].filter((bits) => bits >= (method.least?.phaseBits ?? 1)))(
    'holds at Q = %i over 20 arrays',
    (phaseBits) => {
      let [squares, claimed, heard] = [0, 0, 0];
      for (let seed = 1; seed <= ARRAYS; seed++) {
        const random = createRandom(9000 + seed);
        const errors = { phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 };
        const truth = drawnArray({ elements: ELEMENTS, phaseBits, random: random.stream('array'), ...errors });
        const plan = { elements: ELEMENTS, phaseBits, elementEnable: true, random: random.stream('plan') };
        try {
          const estimate = measured(method, truth, { ...plan, noise: NOISE }, NOISE, random.stream('noise'));
          squares += stateDifference(estimate.states, truth).phaseDeg ** 2;
          claimed += expectedError([estimate]).phaseDeg ** 2;
          heard++;
        } catch (error) {
          // Elements that nearly cancel are refused by those that hear each of them beside all others.
          if (!isBeamrigError(error) || error.code !== 'calibration') throw error;
        }
      }
      expect(heard).toBeGreaterThanOrEqual(ARRAYS / 2);
      expect(Math.sqrt(squares / claimed)).toBeGreaterThan(0.7);
      expect(Math.sqrt(squares / claimed)).toBeLessThan(1.3);
    },
  );
});
