import { describe, expect, it } from 'vitest';
import { salehValenzuela } from '../../core/signal/channel.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromPhases, matmul } from '../../core/signal/complex-matrix.ts';
import { wmmse, zeroForcing } from '../../core/signal/precoders.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { Problem } from '../../core/signal/beam-contract.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { realiseBeam, realiseExactly } from '../../core/signal/realise-beam.ts';
import { runBaseline } from '../baselines/baselines.ts';
import { evaluateBeamformer } from './evaluate.ts';
import { meanAndError } from './statistics.ts';

const random = createRandom(1).stream('test');
const geometry = { kind: 'ula', elements: 16, spacingWavelengths: 0.5 } as const;
const channels = Array.from({ length: 8 }, () =>
  salehValenzuela({ random, geometry, users: 3, paths: 10, scale: 'unit-element' }),
);
const aligned = (problem: Problem) => runBaseline('aligned', problem);
const objective = OBJECTIVES['sum-rate'];
/** As a rig at 10 dB has it. */
const problemOf = (channel: CMatrix): Problem => ({ channel, rfChains: 3, power: 10, noise: 1 });
const base = { model: 'aligned', compute: aligned, channels, rfChains: 3, objective, file: 'own.npy' };

describe('evaluating a beamformer', () => {
  it('gives one row per SNR and number of bits, with the digital references on the same channels', async () => {
    const result = await evaluateBeamformer({ ...base, snrsDb: [0, 10], bits: [2, 'inf'] });
    expect(result.model).toBe('aligned');
    expect(result.channels).toEqual({ file: 'own.npy', count: 8 });
    expect(result.results.map(({ snrDb, bits }) => [snrDb, bits])).toEqual([
      [0, 2],
      [0, 'inf'],
      [10, 2],
      [10, 'inf'],
    ]);
    const row = result.results[3];
    expect(row.ofWmmse).toBe(row.sumRate.mean / row.wmmse.mean);
    expect(row.zf).toEqual(meanAndError(channels.map((h) => sumRate(h, zeroForcing(h, 10), 1))));
    expect(row.wmmse).toEqual(meanAndError(channels.map((h) => sumRate(h, wmmse(h, 10, 1), 1))));
  });

  it('has no share of WMMSE where that reaches nothing', async () => {
    const faint = channels.map((channel) => ({
      ...channel,
      re: channel.re.map((x) => 1e-6 * x),
      im: channel.im.map((x) => 1e-6 * x),
    }));
    const { results } = await evaluateBeamformer({ ...base, channels: faint, snrsDb: [-100], bits: [2] });
    expect(results[0]).toMatchObject({ wmmse: { mean: 0 }, ofWmmse: null });
  });

  it('solves D again at infinite bits as at finite ones, unless the own D of the beamformer is to be kept', async () => {
    const own = await evaluateBeamformer({ ...base, snrsDb: [10], bits: ['inf'], ownDigital: true });
    const again = await evaluateBeamformer({ ...base, snrsDb: [10], bits: ['inf'] });
    const rates = (resolve: boolean) =>
      channels.map((channel) => {
        const problem = problemOf(channel);
        const beam = aligned(problem);
        if (resolve) return realiseExactly(problem, beam, objective).sumRate;
        return sumRate(channel, matmul(fromPhases(beam.analogPhase, 16, 3), beam.digital), 1);
      });
    expect(own.results[0].sumRate.mean).toBeCloseTo(meanAndError(rates(false)).mean, 12);
    expect(again.results[0].sumRate).toEqual(meanAndError(rates(true)));
    expect(again.results[0].sumRate.mean).toBeGreaterThan(own.results[0].sumRate.mean);
  });

  it('solves D again for quantised phases', async () => {
    const { results } = await evaluateBeamformer({ ...base, snrsDb: [10], bits: [1, 3, 8] });
    const expected = channels.map((channel) => {
      const problem = problemOf(channel);
      return realiseBeam(problem, aligned(problem), { states: { bits: 3 }, objective }).sumRate;
    });
    expect(results[1].sumRate).toEqual(meanAndError(expected));
    expect(results[0].sumRate.mean).toBeLessThan(results[1].sumRate.mean);
    expect(results[1].sumRate.mean).toBeLessThan(results[2].sumRate.mean);
  });

  it('takes each channel by itself, whichever quantiser makes its words, and says which', async () => {
    const quantiser = { quantiser: 'array', sweeps: 2 } as const;
    const asked = { ...base, snrsDb: [10], bits: [1, 2] };
    const told = await evaluateBeamformer({ ...asked, quantiser });
    const alone = await evaluateBeamformer({ ...asked, channels: channels.slice(-1), quantiser });
    const last: number[] = [];
    await evaluateBeamformer({
      ...asked,
      quantiser,
      onBeam: (channel, beam) => void (channel === channels.length - 1 && last.push(beam.sumRate)),
    });
    expect(last).toEqual(alone.results.map(({ sumRate: { mean } }) => mean));
    const nearest = await evaluateBeamformer(asked);
    expect(told).toMatchObject(quantiser);
    expect(nearest.quantiser).toBe('nearest');
    expect(nearest).not.toHaveProperty('sweeps');
    told.results.forEach(({ score }, i) => expect(score.mean).toBeGreaterThan(1.02 * nearest.results[i].score.mean));
  });

  it('waits for beamformers that take their time, and reports progress', async () => {
    const seen: number[] = [];
    const compute = async (problem: Problem) => Promise.resolve(aligned(problem));
    const slow = await evaluateBeamformer({
      ...base,
      compute,
      snrsDb: [10],
      bits: ['inf'],
      onProgress: (done) => seen.push(done),
    });
    expect(slow).toEqual(await evaluateBeamformer({ ...base, snrsDb: [10], bits: ['inf'] }));
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('refuses to evaluate on nothing', async () => {
    await expect(evaluateBeamformer({ ...base, channels: [], snrsDb: [10], bits: ['inf'] })).rejects.toThrow(/no channels/);
  });

  it('has the standard error of the mean, worked by hand', () => {
    expect(meanAndError([1, 2, 3, 4])).toEqual({ mean: 2.5, stderr: Math.sqrt(5 / 3 / 4) });
    expect(meanAndError([7])).toEqual({ mean: 7, stderr: NaN });
  });
});
