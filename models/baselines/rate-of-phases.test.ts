import { describe, expect, it } from 'vitest';
import { fromPhases, matmul } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { digitalForAnalog } from '../../core/signal/precoders.ts';
import { createRandom } from '../../core/signal/random.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { rateOfPhases } from './rate-of-phases.ts';

const [elements, users] = [12, 3];
const NOISE = 0.1;
const draw = { elements, users, paths: 6, scale: 'unit-element' } as const;
const { channels } = drawChannelSet({ seed: 1, name: 'test', count: 5, ...draw });

const randomPhases = (count: number, seed: number): Float64Array => {
  const random = createRandom(seed);
  return Float64Array.from({ length: count }, () => 2 * Math.PI * random.uniform());
};

describe('the sum rate as a function of the phases', () => {
  it.each([
    ['full', 3],
    ['full', 5],
    ['sub', 3],
  ] as const)('has the gradient of central differences (%s, %i chains)', (kind, rfChains) => {
    const connection = connectionMask(kind, elements, rfChains);
    for (const channel of channels) {
      const rate = rateOfPhases(channel, rfChains, NOISE, connection);
      const phases = randomPhases(kind === 'sub' ? elements : elements * rfChains, 2);
      const gradient = new Float64Array(phases.length);
      // D comes closer to the best one every time; the gradient is that of the best.
      for (let repeat = 0; repeat < 20; repeat++) rate.at(phases, gradient);
      const at = (moved: Float64Array): number => {
        const value = (): number => rate.at(moved, new Float64Array(moved.length));
        return Array.from({ length: 20 }, value)[19];
      };
      const step = 1e-3;
      for (let i = 0; i < phases.length; i += 5) {
        const along = (size: number): number => at(phases.map((phase, j) => (j === i ? phase + size : phase)));
        const difference = (8 * (along(step) - along(-step)) - (along(2 * step) - along(-2 * step))) / (12 * step);
        expect(gradient[i]).toBeCloseTo(difference, 3);
      }
    }
  });

  it('is the rate of the beam shown, which has full power and no worse D than weighted MMSE finds by itself', () => {
    for (const channel of channels) {
      const rate = rateOfPhases(channel, 3, NOISE);
      const phases = randomPhases(elements * 3, 3);
      const value = rate.at(phases, new Float64Array(phases.length));
      const { analog, digital } = rate.shown();
      expect(analog).toEqual(fromPhases(phases, elements, 3));
      expect(sumRate(channel, matmul(analog, digital), NOISE)).toBeCloseTo(value, 9);
      const alone = matmul(analog, digitalForAnalog(channel, analog, 1, NOISE, { start: 'rzf', tolerance: 1e-6 }));
      expect(value).toBeGreaterThan(sumRate(channel, alone, NOISE) - 1e-3);
    }
  });
});
