import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fromPhases, identity, matmul, scale } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { wmmse } from '../../core/signal/precoders.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { writeTroubledModel } from '../../test/integration/troubled-networks.ts';
import { runBaseline } from '../baselines/baselines.ts';
import { openBeams } from '../compiled-beams.ts';
import { compileImage } from '../engine/compiled-session.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { listSizedModels } from './sized-models.ts';
import { rateOfBeam, testCases } from './channel-rate.ts';
import type { RateJob, RateSource, TestSet } from './methods.ts';
import { withRates } from './pace.ts';
import { openRates, type Rates, type RatesOptions } from './rates.ts';

const COUNT = 7;
const [model] = listSizedModels().filter(({ id }) => id === 'unfolded-pga-n32-3');
const set: TestSet = { seed: 1, name: 'test', elements: 32, users: 4, paths: 10, scale: 'unit-element', snrDb: 10 };
const small: TestSet = { ...set, elements: 16, users: 2 };
const wmmseSource: RateSource = { kind: 'classic', key: 'wmmse' };
const cases = (at: TestSet) => testCases(drawChannelSet({ ...at, count: COUNT }).channels, at);
const problems = (at: TestSet) => cases(at).map(({ problem }) => problem);

const opened: Rates[] = [];
const open = async (options: RatesOptions): Promise<Rates> => {
  const rates = await openRates(options);
  opened.push(rates);
  return rates;
};
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.splice(0).map((rates) => rates.close()));
});

describe('rates on all cores', () => {
  it('are the same on any number of threads, whatever they are of', async () => {
    const sources: RateSource[] = [
      wmmseSource,
      { kind: 'classic', key: 'pga-10-searched' },
      { kind: 'baseline', name: 'wmmse-factored', bits: 'own' },
      { kind: 'baseline', name: 'aligned', bits: 3 },
      { kind: 'extraction', steps: 3, bits: 'inf' },
      { kind: 'network', id: model.id, bits: 'own' },
      { kind: 'network', id: model.id, bits: 'inf' },
      { kind: 'pga', settings: { layers: 2, innerSteps: 2, mu: 0.1, lambda: 0.01 } },
    ];
    const sets: TestSet[] = [set, { ...set, scale: 'paper-001', snrDb: 20 }];
    const jobs = sets.flatMap((each) => sources.map((source): RateJob => ({ source, set: each })));
    const alone = await (await open({ models: [model], threads: 1 })).compute(jobs, COUNT);
    const together = await (await open({ models: [model], threads: 2 })).compute(jobs, COUNT);
    expect(together).toEqual(alone);
    expect(alone.map(({ length }) => length)).toEqual(jobs.map(() => COUNT));
    expect(alone[0]).toEqual(problems(set).map(({ channel, noise }) => sumRate(channel, wmmse(channel, 1, noise), noise)));
    const beamOf = openBeams({ card: model.card, image: compileImage(readFileSync(model.path)) });
    expect(alone[6]).toEqual(cases(set).map((each) => rateOfBeam(each, beamOf(each.problem), 'inf')));
    // There are no searched steps for other SNRs than those of the tables.
    const [none] = await opened[0].compute([{ source: sources[1], set: { ...set, snrDb: 11 } }], 2);
    expect(none).toEqual([NaN, NaN]);
  }, 60_000);

  it('are of beams made for estimates, on the channels themselves, for any number of chains and any connection', async () => {
    const source: RateSource = { kind: 'baseline', name: 'phase-extraction', bits: 'own' };
    const errors = [undefined, -100, -10, 0].map((estimateErrorDb) => (estimateErrorDb === undefined ? {} : { estimateErrorDb }));
    const jobs = errors.map((error): RateJob => ({ source, set: { ...small, rfChains: 3, connection: 'sub', ...error } }));
    const found = await (await open({ threads: 1 })).compute(jobs, COUNT);
    const [exact, close, rough, rougher] = found.map((rates) => rates.reduce((sum, rate) => sum + rate, 0));
    expect(close).toBeCloseTo(exact, 2);
    expect(rough).toBeLessThan(0.95 * exact);
    expect(rougher).toBeLessThan(0.95 * rough);
    const [{ problem }] = cases(jobs[0].set);
    const { analogPhase, digital } = runBaseline('phase-extraction', problem);
    const analog = fromPhases(analogPhase, 16, 3, connectionMask('sub', 16, 3));
    expect(found[0][0]).toBe(sumRate(problem.channel, matmul(analog, digital), problem.noise));
  });

  it('of a network that is not compiled are had from onnxruntime, among the others, and it is told why', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'beamrig-rates-'));
    writeTroubledModel(folder, 'loop');
    const models = listSizedModels(folder);
    const told = vi.spyOn(console, 'error').mockReturnValue();
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const jobs = [wmmseSource, { kind: 'network', id: 'loop', bits: 'own' } as const, wmmseSource].map((source) => ({
      source,
      set: small,
    }));
    const [first, network, last] = await withRates(models, (computeRates) => computeRates(jobs, COUNT));
    rmSync(folder, { recursive: true });
    // Its phases are the real part of the channel, in float32, and D is the identity at full power.
    const expected = problems(small).map(({ channel, noise }) => {
      const phases = Float64Array.from({ length: 32 }, (_, i) => Math.fround(channel.re[(i % 2) * 16 + (i >> 1)]));
      return sumRate(channel, matmul(fromPhases(phases, 16, 2), scale(identity(2), Math.fround(1 / 4))), noise);
    });
    expect(network).toEqual(expected);
    expect(last).toEqual(first);
    expect(first).toEqual(problems(small).map(({ channel, noise }) => sumRate(channel, wmmse(channel, 1, noise), noise)));
    expect(told.mock.calls.flat()).toEqual([
      "onnxruntime computes the network 'loop', which has the op Loop",
      expect.stringMatching(/^21 channels at \d+\/s, counted once for each method and SNR, on \d+ threads?$/),
    ]);
  });

  it('tell how far they are, from nothing to all', async () => {
    const seen: [number, number][] = [];
    const rates = await open({ threads: 2, onProgress: (done, total) => seen.push([done, total]) });
    await rates.compute([{ source: wmmseSource, set }], COUNT);
    expect([seen[0], seen.at(-1)]).toEqual([
      [0, COUNT],
      [COUNT, COUNT],
    ]);
  });

  it('end with the error of the first channel that has one, and can be had again', async () => {
    const rates = await open({ threads: 2 });
    const nobody: RateJob = { source: { kind: 'classic', key: 'nobody' }, set };
    const good: RateJob = { source: wmmseSource, set };
    const refused = { code: 'argument', message: "there is no method 'nobody'" };
    await expect(rates.compute([good, nobody, good], COUNT)).rejects.toMatchObject(refused);
    expect((await rates.compute([good], COUNT))[0]).toHaveLength(COUNT);
  });

  it('end with what was thrown where a thread breaks', async () => {
    const rates = await open({ threads: 2 });
    const broken: RateJob = { source: wmmseSource, set: { ...set, seed: NaN, users: -1 } };
    await expect(rates.compute([broken], COUNT)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/^a thread that computes ended by itself: ./) as string,
    });
  });
});
