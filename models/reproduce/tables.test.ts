import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { train } from '../training/train.ts';
import { family } from '../unfolded-pga/family.ts';
import type { SizedModelFile } from './sized-models.ts';
import { listSizedModels } from './sized-models.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import type { Method } from './methods.ts';
import { classicMethods, digitalMethods, networkMethod, networkWithDigitalSolved } from './methods.ts';
import { openRates, type ComputeRates, type Rates } from './rates.ts';
import { compare, differencesMarkdown, ratesMarkdown, testSet } from './tables.ts';

const array = { elements: 32, users: 4, seed: 1 };

const named = (key: string): Method => ({ key, title: `method ${key}`, short: key, source: { kind: 'classic', key } });

describe('the comparison of paper 001', () => {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-reproduce-'));
  let network: SizedModelFile;
  let rates: Rates;

  beforeAll(async () => {
    const output = join(folder, 'two-layers.onnx');
    await train(family, { output, layers: 2, innerSteps: 2, epochs: 0, validationChannels: 2 });
    [network] = listSizedModels(folder);
    rates = await openRates({ models: [network], threads: 2 });
  }, 60_000);
  afterAll(async () => {
    await rates.close();
    rmSync(folder, { recursive: true });
  });

  it('puts the hybrid methods between their start and the digital references, on the same test channels', async () => {
    const methods = [...classicMethods, networkMethod(network), networkWithDigitalSolved(network), ...digitalMethods];
    const cells = (await compare({ ...array, methods, pairs: [], snrsDb: [10], channels: 6 }, rates.compute)).rates;
    for (const scale of ['unit-element', 'paper-001']) {
      const rate = (key: string): number => cells.find((cell) => cell.scale === scale && cell.method === key)?.mean ?? NaN;
      for (const hybrid of ['pga-30-j1', 'pga-30-j10', 'pga-10-searched', 'pga-30-searched', 'two-layers', 'two-layers-wmmse']) {
        expect(rate(hybrid)).toBeGreaterThan(rate('aligned'));
        expect(rate(hybrid)).toBeLessThan(rate('wmmse'));
      }
      expect(rate('two-layers-wmmse')).toBeGreaterThan(rate('two-layers'));
    }
  });

  it('compares two methods channel by channel: a constant gain has no standard error', async () => {
    const methods = [named('a'), named('b')];
    const fixed: ComputeRates = async (jobs, count) =>
      jobs.map(({ source, set }) => {
        const first = source.kind === 'classic' && source.key === 'a' ? 3 : 2 - set.snrDb / 10;
        return Array.from({ length: count }, (_, i) => first + i);
      });
    const options = { ...array, methods, pairs: [['a', 'b'] as const, ['a', 'missing'] as const], snrsDb: [0, 10], channels: 4 };
    const comparison = await compare(options, fixed);
    expect(comparison.differences.map(({ mean, stderr }) => [mean, stderr])).toEqual([
      [1, 0],
      [2, 0],
      [1, 0],
      [2, 0],
    ]);
    expect(ratesMarkdown(comparison, methods, [0, 10])).toContain('| method a | 4.50 ± 0.65 | 4.50 ± 0.65 |');
    const differences = differencesMarkdown(comparison, options);
    expect(differences).toContain('| a − b | +1.00 ± 0.00 | +2.00 ± 0.00 |');
    expect(differences).not.toContain('missing');
  });

  it('draws test channels that differ from one another and come again', () => {
    const draw = (count: number) =>
      drawChannelSet({ ...testSet('unit-element', 10, { ...array, channels: count }), count }).channels;
    expect(draw(2)[1]).toEqual(draw(3)[1]);
    expect(draw(2)[0]).not.toEqual(draw(2)[1]);
  });
});
