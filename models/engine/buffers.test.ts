/** Buffers whose contents are over make room for others, and none does so too early. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { disagreement, drawInputs } from '../../test/foreign-model.ts';
import { encodeModel } from '../graph/encode.ts';
import { Graph, type Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';
import { compileModel } from './compile.ts';

/** Between −1 and 1. */
const bounded = (x: Tensor): Tensor => ops.divide(x, ops.add(ops.abs(x), x.graph.constant(1)));

it('a long chain of tensors, some of which are needed at its end, takes less memory than all of them', async () => {
  const [size, links] = [24, 60];
  const graph = new Graph('float64');
  const start = graph.input('start', [size, size]);
  const weight = graph.input('weight', [size, size]);
  const longLived: Tensor[] = [];
  let x = start;
  for (let link = 0; link < links; link++) {
    x = bounded(ops.matmul(x, weight));
    if (link % 9 === 4) longLived.push(x);
  }
  graph.output(
    'out',
    longLived.reduce((sum, each) => ops.add(sum, ops.swapLast(ops.matmul(each, sum))), x),
  );
  const onnx = encodeModel(graph, 'chain');
  const shape = [size, size];
  const feeds = drawInputs({ inputs: { start: shape, weight: shape }, float: 'float64' }, 3, [-1, 1]);
  expect(await disagreement(onnx, feeds)).toBeLessThan(1e-9);
  const bytesEach = size * size * 8;
  // Two inputs, an output, seven that live long, and a few at work at a time.
  expect(compileModel(onnx).memoryBytes).toBeLessThan(18 * bytesEach);
  expect(compileModel(onnx).memoryBytes).toBeGreaterThan(10 * bytesEach);
});

it('nested Scans with stacked outputs, amid tensors that live for a step, for a loop, or for all of it', async () => {
  const sizes = fc.record({
    ...{
      size: fc.integer({ min: 1, max: 6 }),
      outerSteps: fc.integer({ min: 1, max: 4 }),
      innerSteps: fc.integer({ min: 1, max: 4 }),
    },
    picks: fc.array(fc.nat(99), { minLength: 6, maxLength: 6 }),
    reverse: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(sizes, async ({ size, outerSteps, innerSteps, picks, reverse }) => {
      const graph = new Graph();
      const [start, weight] = [graph.input('start', [size, size]), graph.input('weight', [size, size])];
      const [list, steps] = [graph.input('list', [outerSteps, size, size]), graph.input('steps', [innerSteps, size])];
      const before = [bounded(ops.matmul(start, weight)), ops.swapLast(bounded(ops.matmul(weight, start)))];
      const pick = (pool: readonly Tensor[], at: number): Tensor => pool[picks[at] % pool.length];
      const outer = scan(
        [start, before[0]],
        [list],
        ([x, y], [entry]) => {
          const pool = [...before, x, y, entry, bounded(ops.matmul(x, y)), bounded(ops.matmul(entry, weight))];
          const inner = scan([pick(pool, 0), pick(pool, 1)], [steps, ops.multiply(steps, steps)], ([u, v], [now, squared]) => {
            const near = [...pool, u, v, bounded(ops.matmul(u, pick(pool, 2))), ops.multiply(u, now), ops.add(v, squared)];
            return { carries: [bounded(pick(near, 3)), bounded(ops.add(pick(near, 4), u))], outputs: [pick(near, 5), now] };
          });
          const [stacked, rows] = inner.outputs;
          return {
            carries: [bounded(ops.add(inner.carries[0], ops.squeeze(ops.reduceSum(stacked, [0]), [0]))), inner.carries[1]],
            outputs: [ops.multiply(stacked, pool[5]), rows, pick(pool, 3)],
          };
        },
        { reverse },
      );
      const all = [...outer.carries, ...outer.outputs, ops.add(before[1], outer.carries[0]), before[0]];
      all.forEach((tensor, i) => graph.output(`out_${i}`, tensor));
      const square = [size, size];
      const inputs = { start: square, weight: square, list: [outerSteps, ...square], steps: [innerSteps, size] };
      expect(await disagreement(encodeModel(graph, 'nested'), drawInputs({ inputs }, picks[0], [-1, 1]))).toBeLessThan(2e-5);
    }),
    { numRuns: 60 },
  );
}, 60_000);
