import { expect, it } from 'vitest';
import { matmul } from '../core/signal/complex-matrix.ts';
import { ratesOfGains } from '../core/signal/rate.ts';
import { product } from './graph/complex.ts';
import { encodeModel } from './graph/encode.ts';
import { Graph } from './graph/graph.ts';
import { openSession } from './graph/session.ts';
import { normalise, sumRate, trainingInputs } from './network-ends.ts';
import { drawChannelSet } from './training/channel-set.ts';

it('the rate of a graph is that of the signal room, whatever the unit of the channel', async () => {
  const dimensions = { elements: 6, rfChains: 3, users: 3 };
  const { channels, packed } = drawChannelSet({
    seed: 1,
    name: 'test',
    count: 2,
    elements: 6,
    users: 3,
    paths: 4,
    scale: 'paper-001',
  });
  const graph = new Graph('float64');
  const { channel, noise } = normalise(trainingInputs(graph, dimensions), dimensions);
  const precoder = {
    rows: 6,
    cols: 3,
    re: Float64Array.from({ length: 18 }, (_, i) => Math.sin(i)),
    im: Float64Array.from({ length: 18 }, (_, i) => Math.cos(i)),
  };
  const parts = Array.from({ length: 6 }, (_, n) =>
    [precoder.re, precoder.im].flatMap((part) => [...part.subarray(3 * n, 3 * n + 3)]),
  ).flat();
  const x = { parts: graph.constant(parts, [1, 6, 6]), rows: 6, cols: 3 };
  graph.output('rate', sumRate(product(channel, x), noise));
  const session = await openSession(encodeModel(graph, 'rate'), { exact: true });
  const { rate } = await session.run({
    channel: { values: Float64Array.from(packed), shape: [2, 3, 6, 2] },
    noise: { values: Float64Array.of(0.3, 2), shape: [2] },
  });
  await session.close();
  channels.forEach((h, b) => expect(rate.values[b]).toBeCloseTo(ratesOfGains(matmul(h, precoder), [0.3, 2][b]).sumRate, 5));
});
