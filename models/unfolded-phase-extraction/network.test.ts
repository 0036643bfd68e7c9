import { describe, expect, it } from 'vitest';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import {
  add,
  conjTranspose,
  frobeniusNorm,
  fromPhases,
  matmul,
  multiplyABh,
  multiplyAhB,
  scale,
  subtract,
  zeros,
} from '../../core/signal/complex-matrix.ts';
import { svd } from '../../core/signal/decompositions.ts';
import { digitalForAnalog } from '../../core/signal/precoders.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { alignedAnalog } from '../baselines/aligned.ts';
import { expectTrueGradients } from '../../test/central-differences.ts';
import { openSession } from '../graph/session.ts';
import type { Feed } from '../graph/session.ts';
import { drawChannelSet, packChannels } from '../training/channel-set.ts';
import { encodeModelGraph, encodeTrainingGraph, parameterShapes } from './graphs.ts';

const dimensions = { elements: 16, rfChains: 4, users: 4 };
const { channels } = drawChannelSet({
  seed: 4,
  name: 'test',
  count: 12,
  elements: 16,
  users: 4,
  paths: 10,
  scale: 'unit-element',
});
const LAYERS = 6;
const options = { dimensions, layers: LAYERS, digitalSteps: 8, clipNorm: 1 };
const learned = {
  momentum: Float64Array.from({ length: LAYERS }, (_, i) => 1 - 0.1 * i),
  extrapolation: new Float64Array(8).fill(0.7),
  extrapolationSlope: new Float64Array(8).fill(0.2),
};

/** U of A = U·P, exactly. */
function polar(a: CMatrix): CMatrix {
  const { u, v } = svd(a);
  return multiplyABh(u, v);
}

/** The layers as a plain float64 program has them, with exact factors. */
function reference(channel: CMatrix): CMatrix {
  const { u: q } = svd(conjTranspose(channel));
  let analog = alignedAnalog(channel, channel.rows);
  let before = scale(analog, 1 / Math.sqrt(channel.cols));
  for (const beta of learned.momentum) {
    const target = matmul(q, polar(multiplyAhB(q, analog)));
    const { re, im } = add(target, scale(subtract(target, before), beta));
    analog = fromPhases(
      re.map((value, i) => Math.atan2(im[i], value)),
      channel.cols,
      channel.rows,
    );
    before = target;
  }
  return analog;
}

/** Beams of the exported file at P = 1. */
async function exported(list: readonly CMatrix[], noise: number): Promise<{ analog: CMatrix; digital: CMatrix }[]> {
  const session = await openSession(encodeModelGraph(options, learned));
  const { analog_phase: phases, digital } = await session.run({
    channel: { values: packChannels(list).packed, shape: [list.length, 4, 16, 2] },
    power: { values: new Float32Array(list.length).fill(1), shape: [list.length] },
    noise: { values: new Float32Array(list.length).fill(noise), shape: [list.length] },
  });
  await session.close();
  return list.map((_, b) => {
    const weights = zeros(4, 4);
    for (let i = 0; i < 16; i++) {
      weights.re[i] = digital.values[2 * (16 * b + i)];
      weights.im[i] = digital.values[2 * (16 * b + i) + 1];
    }
    return { analog: fromPhases(Float64Array.from(phases.values.slice(64 * b, 64 * b + 64)), 16, 4), digital: weights };
  });
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('unfolded phase extraction', () => {
  it.each([0, 10, 20])(
    'has the phases of a plain program with exact factors, and a D near to the best for them: %d dB',
    async (snrDb) => {
      const noise = fromDb(-snrDb);
      const beams = await exported(channels, noise);
      const rateOf = (channel: CMatrix, analog: CMatrix, digital: CMatrix) => sumRate(channel, matmul(analog, digital), noise);
      const solved = (analogOf: (channel: CMatrix, b: number) => CMatrix) =>
        mean(
          channels.map((channel, b) => {
            const analog = analogOf(channel, b);
            return rateOf(channel, analog, digitalForAnalog(channel, analog, 1, noise));
          }),
        );
      const best = solved((_, b) => beams[b].analog);
      expect(Math.abs(best - solved(reference))).toBeLessThan(0.02);
      expect(best).toBeGreaterThan(solved((channel) => alignedAnalog(channel, 4)));
      const own = mean(channels.map((channel, b) => rateOf(channel, beams[b].analog, beams[b].digital)));
      expect(own / best).toBeGreaterThan(0.99);
      for (const { analog, digital } of beams) expect(frobeniusNorm(matmul(analog, digital))).toBeCloseTo(1, 4);
    },
  );

  it('stays finite for two users in one direction and for an element that hears nobody', async () => {
    const [twins] = drawChannelSet({
      seed: 5,
      name: 'test',
      count: 1,
      elements: 16,
      users: 4,
      paths: 10,
      scale: 'unit-element',
    }).channels;
    for (const part of [twins.re, twins.im]) {
      part.copyWithin(16, 0, 16);
      for (let k = 0; k < 4; k++) part[16 * k + 3] = 0;
    }
    const [{ analog, digital }] = await exported([twins], 0.1);
    expect([...analog.re, ...digital.re, ...digital.im].every(Number.isFinite)).toBe(true);
    expect(frobeniusNorm(matmul(analog, digital))).toBeCloseTo(1, 3);
  });

  it('learns along the true gradient, through the layers and the digital steps', async () => {
    const small = { dimensions: { elements: 6, rfChains: 2, users: 2 }, layers: 3, digitalSteps: 3, clipNorm: 1e9 };
    const parameters: Record<string, Feed> = {};
    for (const name of Object.keys(parameterShapes(small))) {
      parameters[name] = { values: Float64Array.of(0.6, 0.5, 0.3), shape: [3, 1] };
    }
    await expectTrueGradients(encodeTrainingGraph(small, 'float64'), parameters, 6);
  });

  it('refuses more users than RF chains, with a way out', () => {
    const wrong = { ...options, dimensions: { elements: 8, rfChains: 2, users: 3 } };
    expect(() => encodeModelGraph(wrong, learned)).toThrow(
      expect.objectContaining({ code: 'argument', message: expect.stringContaining('2 RF chains for 3 users') as string }),
    );
  });
});
