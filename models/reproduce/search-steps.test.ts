import { expect, it } from 'vitest';
import { matmul } from '../../core/signal/complex-matrix.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { fixedStepPga, paperSteps, type PgaSettings } from '../baselines/fixed-step-pga.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { classicMethods } from './methods.ts';
import { ARRAY, SNRS_DB } from './paper-001-figures.ts';
import { searchSteps } from './search-steps.ts';
import searched from './searched-steps.json' with { type: 'json' };
import { SCALES } from './tables.ts';

it('finds constant steps whose rate is what it says, and above that of the published steps', async () => {
  const { channels } = drawChannelSet({
    seed: 1,
    name: 'train',
    count: 3,
    elements: 16,
    users: 3,
    paths: 10,
    scale: 'unit-element',
  });
  const rateOf = (settings: PgaSettings): number => {
    const rates = channels.map((channel) => {
      const { analog, digital } = fixedStepPga({ channel, power: 1, noise: 0.1, rfChains: 3 }, settings);
      return sumRate(channel, matmul(analog, digital), 0.1);
    });
    return rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  };
  const tried: string[] = [];
  const found = await searchSteps({ layers: 3, innerSteps: 2 }, async (settings) => {
    tried.push(...settings.map((each) => JSON.stringify(each)));
    return settings.map(rateOf);
  });
  expect(found.rate).toBeCloseTo(rateOf(found), 2);
  expect(found.rate).toBeGreaterThan(rateOf({ ...paperSteps(32), layers: 3, innerSteps: 2 }));
  expect(new Set(tried).size).toBe(tried.length);
});

it('keeps the steps that tables ask for, one setting each, and no others', () => {
  const layers = classicMethods.flatMap(({ key }) => /^pga-(\d+)-searched$/.exec(key)?.[1] ?? []).map(Number);
  const asked = SCALES.flatMap((scale) =>
    SNRS_DB.flatMap((snrDb) => layers.map((count) => [ARRAY.elements, scale, snrDb, count])),
  );
  const kept = searched.results.map((entry) => [entry.elements, entry.scale, entry.snrDb, entry.layers]);
  const inOrder = (settings: readonly unknown[][]): string[] => settings.map((each) => each.join(' ')).sort();
  expect(inOrder(kept)).toEqual(inOrder(asked));
});
