import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../core/signal/beam-contract.ts';
import { frobeniusNorm, matmul } from '../../core/signal/complex-matrix.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { covarianceError, type Sensing } from '../../core/signal/sensing.ts';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { alignedAnalog, nearestToZeroForcing } from '../baselines/aligned.ts';
import { reportMarkdown } from '../report/markdown.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { train } from '../training/train.ts';
import { family } from '../upganet/family.ts';
import { paper000Claims, rowAt } from './paper-000-claims.ts';
import { reportOf } from './paper-000-report.ts';
import { PRINTED, PROGRAM, SNRS_DB } from './paper-000-theirs.ts';
import { paper000Figures, type Once, type Paper000Data, type Paper000Figures } from './paper-000.ts';
import { listSizedModels } from './sized-models.ts';
import { stoppedManopt } from './stopped-manopt.ts';

const array = { elements: 8, rfChains: 2, users: 2 };
const line = { kind: 'ula', elements: 8, spacingWavelengths: 0.5 } as const;
const factor = wantedCovarianceFactor(line, { directionsRad: [-0.8, 0.6], halfWidthRad: 0.15, streams: 2 });
const { channels } = drawChannelSet({ seed: 5, name: 'test', count: 2, elements: 8, users: 2, paths: 4, scale: 'unit-element' });

describe('the figures and claims of paper 000', () => {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-paper-000-'));
  const kept = new Map<string, unknown>();
  const computed: string[] = [];
  /** As a cache that writes JSON does. */
  const once: Once = async (unit, schema, work) => {
    const key = JSON.stringify(unit);
    if (!kept.has(key)) {
      computed.push(key);
      kept.set(key, JSON.parse(JSON.stringify(await work())));
    }
    return schema.parse(kept.get(key));
  };
  let data: Paper000Data;
  let figures: Paper000Figures;

  beforeAll(async () => {
    for (const innerSteps of [1, 10, 20]) {
      const output = join(folder, `tiny-j${innerSteps}.onnx`);
      await train(family, { output, ...array, innerSteps, epochs: 1, channels: 2, batch: 2, validationChannels: 2 });
    }
    data = { channels, factors: [factor], models: listSizedModels(folder) };
    figures = await paper000Figures(data, { once, threads: 2 });
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has each method at each SNR, the long run at 12 dB alone, and each curve, and no unit of work twice', () => {
    for (const { key } of figures.methods) {
      const measured = figures.rows.filter(({ method }) => method === key).map(({ snrDb }) => snrDb);
      expect(measured).toEqual(key === 'long-run' ? [12] : SNRS_DB);
    }
    expect(computed.length).toBe(figures.rows.length + figures.curves.length);
    expect(new Set(computed).size).toBe(computed.length);
  });

  it('finds what was kept, and then computes nothing', async () => {
    const before = computed.length;
    const told: string[] = [];
    const again = await paper000Figures(data, { once, threads: 1, onProgress: (unit) => told.push(unit) });
    expect(computed.length).toBe(before);
    expect(told).toEqual([]);
    expect(again).toEqual(figures);
  });

  it('begins each curve where its start is: (17), and the singular vectors, which are digital ZF', () => {
    const power = fromDb(12);
    const begun = channels.map((channel) => {
      const analog = alignedAnalog(channel, 2);
      const x = matmul(analog, nearestToZeroForcing(channel, analog, power));
      return sumRate(channel, x, 1) - 0.3 * covarianceError({ factor, weight: 0.3 }, x, power);
    });
    for (const { start, mean } of figures.curves) {
      if (start === 'aligned') expect(mean[0]).toBeCloseTo((begun[0] + begun[1]) / 2, 3);
      if (start === 'svd') expect(mean[0]).toBeCloseTo(rowAt(figures, 'zf', 12).objective.mean, 3);
    }
  });

  it('has R − ωτ of its R and τ, and less τ than digital ZF where sensing weighs most', () => {
    // The steps of the paper's PGA are made for 64 elements, and run away here.
    const steady = figures.rows.filter(({ method }) => !method.startsWith('pga'));
    for (const { rate, tau, objective } of steady) expect(objective.mean).toBeCloseTo(rate.mean - 0.3 * tau.mean, 9);
    for (const key of ['sca-manopt', 'sca-manopt-stopped', 'phase-extraction'])
      expect(rowAt(figures, key, 12).tau.mean).toBeLessThan(rowAt(figures, 'zf', 12).tau.mean);
  });

  it('has nothing above the digital beam for R − ωτ, and the long run above what is hybrid', () => {
    const of = (method: string, snrDb: number): number => rowAt(figures, method, snrDb).objective.mean;
    for (const { snrDb, objective } of figures.rows)
      if (Number.isFinite(objective.mean)) expect(objective.mean).toBeLessThanOrEqual(of('digital', snrDb) + 1e-9);
    for (const method of ['phase-net-10', 'phase-net-400', 'sca-manopt', 'phase-extraction', 'upganet-j20'])
      expect(of(method, 12)).toBeLessThanOrEqual(of('long-run', 12) + 1e-9);
  });

  it.each([false, true])('names each claim by itself, and says when it holds, on channels of the authors: %s', (ofAuthors) => {
    const claims = paper000Claims(figures, ofAuthors);
    expect(new Set(claims.map(({ claim }) => claim)).size).toBe(claims.length);
    expect(claims.filter(({ rule }) => rule === '')).toEqual([]);
    const [asGood, better] = claims.filter(({ claim }) => claim.includes('run to its end') && claim.startsWith('UPGANet'));
    expect([asGood.rule, better.rule]).toEqual([
      'rate at least 24.7 % above, and less pattern error',
      'rate at least 33.2 % above, and less pattern error',
    ]);
  });

  const authors = { source: 'of a test', authors: true, command: 'test' };

  it('says of each claim whether it holds, in the report and on the page', () => {
    const report = reportOf(figures, authors);
    const page = reportMarkdown(report);
    for (const { claim, ours, holds } of report.claims) {
      const row = page.split('\n').find((each) => each.startsWith(`| ${claim} |`) && each.includes(ours));
      expect(row).toMatch(holds ? /\| holds \|$/ : /\| \*\*does not hold\*\* \|$/);
    }
    expect(page).toMatch(/\n\| long run, 8 starts( \| –){6} \| [\d.]+ ± [\d.]+ \|\n/);
    for (const { title } of report.sections) expect(page).toContain(`\n## ${title}\n`);
  });

  it('turns a claim when its figures turn', () => {
    const verdict = (of: Paper000Figures, start: string): boolean[] =>
      paper000Claims(of, true).flatMap(({ claim, holds }) => (claim.startsWith(start) ? [holds] : []));
    const withCurve = (key: string, marks: readonly number[]): Paper000Figures => ({
      ...figures,
      curves: figures.curves.map((curve) => {
        if (curve.key !== key || curve.start !== 'aligned') return curve;
        const [a, b, c] = marks;
        return { ...curve, mean: curve.mean.map((_, layer) => (layer < 70 ? a : layer < 120 ? b : c)) };
      }),
    });
    expect(verdict(withCurve('pga-j10', PROGRAM['pga-j10']), 'Fig. 2: PGA, J = 10')).toEqual([true]);
    expect(verdict(withCurve('pga-j10', [-17.2, -5.8, -1]), 'Fig. 2: PGA, J = 10')).toEqual([false]);
    expect(verdict(withCurve('upganet-j20', [0, 11, 13.6]), 'Fig. 2: UPGANet, J = 20, after')).toEqual([true]);
    expect(verdict(withCurve('upganet-j20', [0, 11, 13.4]), 'Fig. 2: UPGANet, J = 20, after')).toEqual([false]);
    const withObjective = (method: string, snrDb: number, mean: number): Paper000Figures => ({
      ...figures,
      rows: figures.rows.map((row) =>
        row.method === method && row.snrDb === snrDb ? { ...row, objective: { mean, stderr: 0 } } : row,
      ),
    });
    expect(verdict(withObjective('long-run', 12, 17.31), 'Beyond the paper: long run')).toEqual([true]);
    expect(verdict(withObjective('long-run', 12, 17.29), 'Beyond the paper: long run')).toEqual([false]);
    const most = rowAt(figures, 'digital', 6).objective.mean;
    expect(verdict(withObjective('phase-net-10', 6, most - 0.01), 'Beyond the paper: nothing has more')).toEqual([true]);
    expect(verdict(withObjective('phase-net-10', 6, most + 0.01), 'Beyond the paper: nothing has more')).toEqual([false]);
    const withRates = (method: 'zf' | 'sca-manopt', factor: number): Paper000Figures => ({
      ...figures,
      rows: figures.rows.map((row) =>
        row.method === method
          ? { ...row, rate: { mean: factor * PRINTED[method].rate[SNRS_DB.indexOf(row.snrDb)], stderr: 0 } }
          : row,
      ),
    });
    expect(verdict(withRates('zf', 1.019), 'Digital ZF: sum rate')).toEqual([true, true]);
    expect(verdict(withRates('zf', 1.021), 'Digital ZF: sum rate')).toEqual([false, false]);
    expect(verdict(withRates('sca-manopt', 0.91), 'SCA-ManOpt, run to its end: sum rate')).toEqual([true]);
    expect(verdict(withRates('sca-manopt', 0.89), 'SCA-ManOpt, run to its end: sum rate')).toEqual([false]);
  });
});

describe('SCA-ManOpt that is stopped early', () => {
  const sensing: Sensing = { factor, weight: 0.3 };
  const problemOf = (sensed: boolean): Problem => ({
    ...{ channel: channels[0], rfChains: 2, power: 4, noise: 1 },
    ...(sensed ? { sensing } : {}),
  });

  it('has full power, and is drawn towards what sensing wishes for', () => {
    const [drawn, free] = [true, false].map((sensed) => stoppedManopt(problemOf(sensed)));
    for (const x of [drawn, free]) expect(frobeniusNorm(x)).toBeCloseTo(2, 9);
    expect(covarianceError(sensing, drawn, 4)).toBeLessThan(covarianceError(sensing, free, 4));
  });
});
