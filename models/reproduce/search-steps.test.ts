import { expect, it } from 'vitest';
import { matmul } from '../../core/signal/complex-matrix.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { PAPER_PGA, fixedStepPga } from '../baselines/fixed-step-pga.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { searchSteps } from './search-steps.ts';

it('finds constant steps whose rate is what it says, and above that of the published steps', () => {
  const { channels } = drawChannelSet({
    seed: 1,
    name: 'train',
    count: 3,
    elements: 16,
    users: 3,
    paths: 10,
    scale: 'unit-element',
  });
  const found = searchSteps({ channels, rfChains: 3, snrDb: 10, layers: 3, innerSteps: 2 });
  const rateOf = (mu: number, lambda: number): number => {
    const rates = channels.map((channel) => {
      const settings = { layers: 3, innerSteps: 2, mu, lambda };
      const { analog, digital } = fixedStepPga({ channel, power: 1, noise: 0.1, rfChains: 3 }, settings);
      return sumRate(channel, matmul(analog, digital), 0.1);
    });
    return rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  };
  expect(found.rate).toBeCloseTo(rateOf(found.mu, found.lambda), 2);
  expect(found.rate).toBeGreaterThan(rateOf(PAPER_PGA.mu, PAPER_PGA.lambda));
});
