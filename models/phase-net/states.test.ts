import { describe, expect, it } from 'vitest';
import { quantisePhases, wordsToPhases } from '../../core/signal/quantise.ts';
import { createRandom } from '../../core/signal/random.ts';
import { openCompiled } from '../engine/compiled-session.ts';
import { complex } from '../graph/complex.ts';
import { encodeModel } from '../graph/encode.ts';
import { Graph } from '../graph/graph.ts';
import { nearestStates } from './states.ts';

const COUNT = 200;

/** exp(j·phase) of each, and 0 as the last. */
function statesOf(phases: Float64Array, bits: number): { re: Float64Array; im: Float64Array } {
  const graph = new Graph();
  const shown = nearestStates(complex(graph.input('a', [1, 2 * (COUNT + 1)])), bits);
  graph.output('shown', shown.parts);
  const session = openCompiled(encodeModel(graph, 'states'));
  session.inputs['a'].set([...phases.map(Math.cos), 0, ...phases.map(Math.sin), 0]);
  session.run();
  const found = Float64Array.from(session.outputs['shown']);
  return { re: found.subarray(0, COUNT + 1), im: found.subarray(COUNT + 1) };
}

describe('the nearest states in the graph', () => {
  it.each([1, 2, 3, 4])('are those of the quantiser at Q = %i, and word 0 where there is nothing', (bits) => {
    const random = createRandom(bits);
    const phases = Float64Array.from({ length: COUNT }, () => 20 * (random.uniform() - 0.5));
    const expected = wordsToPhases(quantisePhases(phases, bits), bits);
    const { re, im } = statesOf(phases, bits);
    expected.forEach((phase, i) => {
      expect(re[i]).toBeCloseTo(Math.cos(phase), 6);
      expect(im[i]).toBeCloseTo(Math.sin(phase), 6);
    });
    expect([re[COUNT], im[COUNT]]).toEqual([1, 0]);
  });
});
