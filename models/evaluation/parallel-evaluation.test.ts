import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Problem } from '../../core/signal/beam-contract.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { patternGrid, wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { runBaseline } from '../baselines/baselines.ts';
import { openCompiled } from '../engine/compiled-session.ts';
import { fitModel } from '../fitted-model.ts';
import { findModel, verifyModel } from '../zoo.ts';
import { beamOf, flatInputs } from '../model-tensors.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { listSizedModels } from '../reproduce/sized-models.ts';
import { evaluateBeamformer } from './evaluate.ts';
import { evaluateInParallel, type ParallelEvaluation } from './parallel-evaluation.ts';

const [{ path, card }] = listSizedModels().filter(({ id }) => id === 'unfolded-phase-extraction-n32');
const onnx = readFileSync(path);
const { elements, users, rfChains } = card.dimensions;
const { channels } = drawChannelSet({ seed: 1, name: 'test', count: 12, elements, users, paths: 10, scale: 'unit-element' });
const request = {
  model: card.id,
  channels,
  rfChains,
  file: 'own.npy',
  snrsDb: [0, 15],
  bits: [2, 'inf'],
} satisfies Partial<ParallelEvaluation>;

describe('an evaluation on several threads', () => {
  it('gives the very figures of one channel after the other, however many there are', async () => {
    const session = openCompiled(onnx);
    const { inputs, outputs } = session;
    const compute = (problem: Problem) => {
      const flat = flatInputs(card, problem);
      inputs['channel'].set(flat.subarray(0, -2));
      inputs['power'][0] = flat[flat.length - 2];
      inputs['noise'][0] = flat[flat.length - 1];
      session.run();
      return beamOf(card, [...outputs['analog_phase'], ...outputs['digital']]);
    };
    const expected = await evaluateBeamformer({ ...request, compute, objective: OBJECTIVES['min-rate'], ownDigital: true });
    for (const threads of [1, 2, 3]) {
      const source = { card, onnx };
      const found = await evaluateInParallel({ ...request, source, objective: 'min-rate', ownDigital: true, threads });
      expect(found).toEqual(expected);
    }
  }, 60_000);

  it('is had of a baseline, too, and tells how far it is', async () => {
    const compute = (problem: Problem) => runBaseline('aligned', problem);
    const quantiser = { quantiser: 'array', sweeps: 2 } as const;
    const expected = await evaluateBeamformer({ ...request, compute, objective: OBJECTIVES['sum-rate'], quantiser });
    const seen: number[] = [];
    const found = await evaluateInParallel({
      ...request,
      source: { baseline: 'aligned' },
      objective: 'sum-rate',
      quantiser,
      threads: 2,
      onProgress: (done, total) => seen.push(done / total),
    });
    expect(found).toEqual(expected);
    expect([seen[0], seen.at(-1)]).toEqual([0, 1]);
  });

  it('is of the array as it is wired, whatever gives its beams', async () => {
    const connection = connectionMask('sub', elements, rfChains);
    const compute = (problem: Problem) => runBaseline('aligned', problem);
    const wired = { ...request, connection, objective: OBJECTIVES['sum-rate'] };
    const expected = await evaluateBeamformer({ ...wired, compute });
    const source = { baseline: 'aligned' } as const;
    expect(await evaluateInParallel({ ...wired, source, objective: 'sum-rate', threads: 2 })).toEqual(expected);
    // A file that serves every array: the graph of this one has its wiring inside.
    const { verified, array } = { verified: verifyModel(findModel('phase-net')), array: { elements, rfChains, users } };
    const rates = await Promise.all(
      (['sub', 'full'] as const).map(async (kind) => {
        const fitted = await fitModel(verified, { ...array, connection: kind, steps: 5 });
        const mask = kind === 'full' ? {} : { connection };
        const asked = { ...request, ...mask, source: fitted, objective: 'sum-rate' as const, threads: 2 };
        return (await evaluateInParallel(asked)).results.map(({ sumRate }) => sumRate.mean);
      }),
    );
    rates[0].forEach((rate, i) => expect(rate).toBeLessThan(rates[1][i]));
    rates[0].forEach((rate, i) => expect(rate).toBeGreaterThan(expected.results[i].sumRate.mean));
  }, 60_000);

  it('tells how far beams are from what sensing wishes for, at each SNR from its own', async () => {
    const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
    const sensing = [0, 0.5].map((direction) => {
      const pattern = { directionsRad: [direction], halfWidthRad: 0.1, streams: users };
      const factor = wantedCovarianceFactor(geometry, pattern);
      return { factor, weight: 0.3, grid: patternGrid(geometry, factor) };
    });
    const source = { baseline: 'aligned' } as const;
    const compute = (problem: Problem) => runBaseline('aligned', problem);
    const expected = await evaluateBeamformer({ ...request, compute, objective: OBJECTIVES['rate-sensing'], sensing });
    const found = await evaluateInParallel({ ...request, source, objective: 'rate-sensing', threads: 2, sensing });
    expect(found).toEqual(expected);
    const [quantised] = expected.results;
    expect(quantised.objective?.mean).toBeCloseTo(quantised.score.mean, 9);
    expect(quantised.objective?.mean).toBeCloseTo(quantised.sumRate.mean - 0.3 * (quantised.tau?.mean ?? NaN), 9);
    expect(quantised.beampatternMse?.mean).toBeGreaterThan(0);
    // The covariance of the first for all is another thing at the second SNR alone.
    const one = await evaluateBeamformer({ ...request, compute, objective: OBJECTIVES['rate-sensing'], sensing: [sensing[0]] });
    expect(one.results.map(({ tau }, i) => tau?.mean === expected.results[i].tau?.mean)).toEqual([true, true, false, false]);
  }, 60_000);

  it('ends with the error of the first channel that has one', async () => {
    const spoilt = channels.map((channel, i) => (i === 3 || i === 5 ? zeros(users, elements) : channel));
    const baseline = { baseline: 'aligned' } as const;
    const compute = (problem: Problem) => runBaseline('aligned', problem);
    const bad = { ...request, channels: spoilt };
    const alone: unknown = await evaluateBeamformer({ ...bad, compute, objective: OBJECTIVES['sum-rate'] }).catch(
      (e: unknown) => e,
    );
    const together: unknown = await evaluateInParallel({ ...bad, source: baseline, objective: 'sum-rate', threads: 2 }).catch(
      (e: unknown) => e,
    );
    expect(alone).toMatchObject({
      code: 'no-figure',
      message: expect.stringMatching(
        /^own\.npy: \[3\] at 0 dB has no figure by unfolded-phase-extraction-n32: no user hears anything/,
      ) as string,
      wayOut: expect.stringMatching(/^Check the channel.*\. Leave that channel or that SNR out/) as string,
    });
    const told = ({ code, message, wayOut }: BeamrigError) => ({ code, message, wayOut });
    expect(told(together as BeamrigError)).toEqual(told(alone as BeamrigError));
    await expect(
      evaluateInParallel({ ...request, channels: [], source: baseline, objective: 'sum-rate', threads: 2 }),
    ).rejects.toThrow(/no channels/);
  });
});
