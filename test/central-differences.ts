/** Whether a training graph learns along the true gradient: what it gives is held to central differences of its own loss. */
import { expect } from 'vitest';
import { openSession } from '../models/graph/session.ts';
import type { Feed } from '../models/graph/session.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';

const STEP = 1e-6;

/**
 * @param graph a training graph in float64 for 6 elements and 2 users: `loss`, and `d_NAME` of each parameter
 * @param parameters their values, by name
 * @param digits after the point that gradient and differences have in common
 * @param given what the graph takes beside, for its three channels
 */
export async function expectTrueGradients(
  graph: Uint8Array,
  parameters: Record<string, Feed>,
  digits: number,
  given: Readonly<Record<string, Feed>> = {},
): Promise<void> {
  const session = await openSession(graph, { exact: true });
  const set = drawChannelSet({ seed: 2, name: 'train', count: 3, elements: 6, users: 2, paths: 4, scale: 'unit-element' });
  const feeds: Record<string, Feed> = {
    channel: { values: Float64Array.from(set.packed), shape: [3, 2, 6, 2] },
    noise: { values: Float64Array.of(0.1, 0.5, 0.02), shape: [3] },
    ...given,
    ...parameters,
  };
  const exact = await session.run(feeds);
  for (const [name, { values }] of Object.entries(parameters)) {
    for (let i = 0; i < values.length; i++) {
      const before = values[i];
      values[i] = before + STEP;
      const up = (await session.run(feeds)).loss.values[0];
      values[i] = before - STEP;
      const down = (await session.run(feeds)).loss.values[0];
      values[i] = before;
      expect(exact[`d_${name}`].values[i], `${name}[${i}]`).toBeCloseTo((up - down) / (2 * STEP), digits);
    }
  }
  await session.close();
}
