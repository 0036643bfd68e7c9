/** What every family must keep, whatever its network is. */
import { describe, expect, it } from 'vitest';
import { frobeniusNorm, fromPhases, matmul } from '../core/signal/complex-matrix.ts';
import { createRandom } from '../core/signal/random.ts';
import { sumRate } from '../core/signal/rate.ts';
import { FAMILY_IDS, findFamily } from './families.ts';
import type { Network } from './family.ts';
import { openSession, type Feed } from './graph/session.ts';
import type { ChannelSet } from './training/channel-set.ts';
import { openJudge, parameterFeeds } from './training/judge.ts';
import { parseOptions } from './training/parse-options.ts';
import { openTrainingEngine } from './training/training-engine.ts';

const shape = { elements: 8, rfChains: 2, users: 2 };
const startOf = ({ parameters }: Network): Float64Array[] => parameters.map(({ start }) => start);

/** The model's beams on a set, with the channel in some unit c: H·c and σ²·c² at power P. */
async function beams(network: Network, { packed, channels }: ChannelSet, power: number, noise: number, unit = 1) {
  const count = channels.length;
  const session = await openSession(network.modelGraph(startOf(network)));
  const { analog_phase: phases, digital } = await session.run({
    channel: { values: packed.map((value) => value * unit), shape: [count, 2, 8, 2] },
    power: { values: new Float32Array(count).fill(power), shape: [count] },
    noise: { values: new Float32Array(count).fill(noise * unit ** 2), shape: [count] },
    ...sensingFeeds(network, noise),
  });
  await session.close();
  return channels.map((_, b) => {
    const weights = digital.values.slice(8 * b, 8 * b + 8);
    const part = (index: number) => Float64Array.from({ length: 4 }, (_, i) => weights[2 * i + index]);
    const analog = fromPhases(Float64Array.from(phases.values.slice(16 * b, 16 * b + 16)), 8, 2);
    return matmul(analog, { rows: 2, cols: 2, re: part(0), im: part(1) });
  });
}

/** What it senses while it is trained, where P = SNR and σ² = 1: in another unit of the power τ is another number, and ω with it. */
function sensingFeeds({ sensing }: Network, noise: number): Record<string, Feed> {
  if (sensing === undefined) return {};
  const { columns, weight } = sensing;
  const { rows, cols, re, im } = sensing.factor();
  const factor = new Float32Array(2 * rows * columns);
  for (let i = 0; i < re.length; i++) {
    const at = 2 * (Math.floor(i / cols) * columns + (i % cols));
    factor.set([re[i], im[i]], at);
  }
  return {
    sensing_factor: { values: factor, shape: [rows, columns, 2] },
    sensing_weight: { values: Float32Array.of(weight / noise ** 2), shape: [1] },
  };
}

describe.each(FAMILY_IDS)('%s', async (id) => {
  const family = await findFamily(id);
  const options = parseOptions(family, shape);
  const network = family.network(options);
  const set = family.drawChannels(options, { name: 'test', count: 3, scale: 'unit-element' });

  it('is called as its folder, and its channels come again from the seed and differ by stream', () => {
    expect(family.id).toBe(id);
    expect(family.drawChannels(options, { name: 'test', count: 3, scale: 'unit-element' })).toEqual(set);
    expect(family.drawChannels(options, { name: 'train', count: 3, scale: 'unit-element' })).not.toEqual(set);
  });

  it('radiates full power and reaches what its rate graph says', async () => {
    const judge = await openJudge(network);
    for (const snrDb of [0, 20]) {
      const noise = 5 * 10 ** (-snrDb / 10);
      const { rate: rates } = await judge.figures(startOf(network), set, snrDb);
      const precoders = await beams(network, set, 5, noise);
      set.channels.forEach((channel, b) => {
        expect(frobeniusNorm(precoders[b]) ** 2 / 5).toBeCloseTo(1, 3);
        expect(sumRate(channel, precoders[b], noise)).toBeCloseTo(rates[b], 2);
      });
    }
    await judge.close();
  });

  it('gives the same beam in any unit of the channel', async () => {
    const [plain, volts] = [await beams(network, set, 1, 0.1), await beams(network, set, 1, 0.1, 1e-3)];
    plain.forEach((x, b) => x.re.forEach((value, i) => expect(volts[b].re[i]).toBeCloseTo(value, 2)));
  });

  it('has a loss and a gradient of every parameter, in its shape', async () => {
    const session = await openSession(network.trainingGraph());
    const results = await session.run({
      ...parameterFeeds(network, startOf(network)),
      channel: { values: set.packed, shape: [3, 2, 8, 2] },
      noise: { values: Float32Array.of(1, 0.1, 0.01), shape: [3] },
    });
    await session.close();
    expect(Number.isFinite(results.loss.values[0])).toBe(true);
    for (const { name, shape: lengths, start } of network.parameters) {
      const { values, shape: found } = results[`d_${name}`];
      expect(found).toEqual(lengths);
      expect(values).toHaveLength(start.length);
      expect(Array.from(values).every(Number.isFinite)).toBe(true);
    }
  });

  it('learns the same from a batch at once in onnxruntime as from its channels one by one, compiled', async () => {
    // None of these is chaotic: of one that is, two engines agree on the gradient no better than two roundings do.
    const count = 12;
    const { packed, channels } = family.drawChannels(options, { name: 'train', count, scale: 'unit-element' });
    const noise = Float32Array.from({ length: count }, (_, b) => 10 ** (0.8 - b / 8));
    const batch = { channel: packed, shape: [count, 2, 8, 2], noise, random: createRandom(1) };
    const learned = startOf(network);
    const runtime = await openTrainingEngine(network, { choice: 'onnxruntime' });
    const compiled = await openTrainingEngine(network, { choice: 'compiled', threads: 2 });
    const [expected, found] = [await runtime.learn(learned, batch), await compiled.learn(learned, batch)];
    expect(found.loss).toBeCloseTo(expected.loss, 4);
    const flat = ({ gradients }: typeof found): number[] => gradients.flatMap((gradient) => Array.from(gradient));
    const numbers = flat(expected);
    const difference = Math.hypot(...flat(found).map((value, i) => value - numbers[i]));
    expect(difference).toBeLessThan(1e-4 * Math.hypot(...numbers));
    const validation = { packed, channels, stride: packed.length / count };
    const [rates, same] = [
      (await runtime.judge.figures(learned, validation, 10)).rate,
      (await compiled.judge.figures(learned, validation, 10)).rate,
    ];
    Array.from(rates).forEach((rate, b) => expect(same[b]).toBeCloseTo(rate, 2));
    await Promise.all([runtime.close(), compiled.close()]);
  });
});
