import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeTroubledModel } from '../../test/integration/troubled-networks.ts';
import { meanAndError } from '../evaluation/statistics.ts';
import { layerRates, type PgaCourse } from './layer-rates.ts';
import { openRates } from './rates.ts';
import { openResultCache } from './result-cache.ts';
import { listSizedModels } from './sized-models.ts';
import type { RateSource, TestSet } from './methods.ts';

const COUNT = 5;
const set: TestSet = { seed: 1, name: 'test', elements: 32, users: 4, paths: 10, scale: 'paper-001', snrDb: 10 };
const folder = mkdtempSync(join(tmpdir(), 'beamrig-layers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const work = { cache: openResultCache(join(folder, 'cache')), signal: new AbortController().signal };
const course: PgaCourse = { iterations: 30, innerSteps: 10, mu: 0.01, lambda: 1e-4, start: 'aligned' };
const models = listSizedModels().filter(({ id }) => id === 'unfolded-pga-n32-3' || id === 'unfolded-pga-n32');

describe('rates after every layer', () => {
  it('end where the tables have the method, and begin at its start', async () => {
    const rates = await openRates({ models, threads: 2 });
    const sources: RateSource[] = [
      { kind: 'classic', key: 'pga-30-j10' },
      { kind: 'classic', key: 'aligned' },
      ...models.map(({ id }): RateSource => ({ kind: 'network', id, bits: 'own' })),
    ];
    const found = await rates.compute(
      sources.map((source) => ({ source, set })),
      COUNT,
    );
    await rates.close();
    const [pga, start, ...networks] = found.map((values) => meanAndError(values));
    const course30 = await layerRates({ kind: 'pga', course }, set, COUNT, work);
    expect(course30.mean).toHaveLength(31);
    expect(course30.mean[0]).toBeCloseTo(start.mean, 9);
    expect(course30.mean[30]).toBeCloseTo(pga.mean, 9);
    expect(course30.stderr[30]).toBeCloseTo(pga.stderr, 9);
    for (const [i, model] of models.entries()) {
      const { mean } = await layerRates({ kind: 'network', model }, set, COUNT, work);
      expect(mean).toHaveLength((model.card.layers ?? 0) + 1);
      // The file's own float32.
      expect(mean[0]).toBeCloseTo(start.mean, 3);
      expect(mean[mean.length - 1]).toBeCloseTo(networks[i].mean, 3);
      expect(mean).toEqual(mean.toSorted((a, b) => a - b));
    }
  }, 60_000);

  it('begin below half from the start as it is printed', async () => {
    const printed = await layerRates(
      { kind: 'pga', course: { ...course, iterations: 1, start: 'as-printed' } },
      set,
      COUNT,
      work,
    );
    const aligned = await layerRates({ kind: 'pga', course: { ...course, iterations: 1 } }, set, COUNT, work);
    expect(printed.mean[0]).toBeLessThan(0.5 * aligned.mean[0]);
  });

  it('are not to be had of a file that has none', async () => {
    writeTroubledModel(folder, 'loop');
    const [model] = listSizedModels(folder);
    await expect(layerRates({ kind: 'network', model }, set, COUNT, work)).rejects.toMatchObject({
      code: 'model-mismatch',
      message: 'model loop: its file has no rates of its layers',
    });
  });

  it('are given up when that is asked for', async () => {
    const stop = new AbortController();
    stop.abort();
    const asked = { cache: openResultCache(join(folder, 'empty')), signal: stop.signal };
    await expect(layerRates({ kind: 'pga', course }, set, COUNT, asked)).rejects.toMatchObject({ code: 'stopped' });
  });
});
