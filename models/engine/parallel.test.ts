import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { encodeModel } from '../graph/encode.ts';
import { Graph } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { openCompiled } from './compiled-session.ts';
import { NotCompiled } from './onnx-graph.ts';
import { openParallel, type ParallelModels } from './parallel.ts';

/** y = x·s + x, one number a channel; s is the same for all. */
function scaled(): Uint8Array {
  const graph = new Graph('float32');
  const x = graph.input('x', ['B']);
  const s = graph.input('s', [1]);
  graph.output('y', ops.add(ops.multiply(x, s), x));
  return encodeModel(graph, 'scaled');
}

/** Σ of the square roots of a channel's three numbers. */
function roots(): Uint8Array {
  const graph = new Graph('float32');
  const x = graph.input('x', ['B', 3]);
  graph.output('sum', ops.reduceSum(ops.sqrt(x), [1]));
  return encodeModel(graph, 'roots');
}

const random = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => 1 + ((i * 7919) % 1013) / 97);
const opened: ParallelModels<string>[] = [];
const open = <Name extends string>(graphs: Record<Name, Uint8Array>, threads: number): ParallelModels<Name> => {
  const models = openParallel(graphs, { threads });
  opened.push(models);
  return models;
};
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.splice(0).map((models) => models.close()));
});

describe('many channels, a thread a core', () => {
  it('come out as one after the other, on any number of threads', async () => {
    const one = openCompiled(roots());
    const x = random(3 * 50);
    const expected = Float32Array.from({ length: 50 }, (_, channel) => {
      one.inputs['x'].set(x.subarray(3 * channel, 3 * channel + 3));
      one.run();
      return one.outputs['sum'][0];
    });
    for (const threads of [1, 2, 3]) {
      const { sum } = await open({ roots: roots() }, threads).run('roots', 50, { x });
      expect(sum).toEqual(expected);
    }
  });

  it('of two models in turn, in batches of any size, with inputs that all channels share', async () => {
    const models = open({ scaled: scaled(), roots: roots() }, 2);
    for (const count of [5, 3, 7, 1]) {
      const x = random(count);
      const { y } = await models.run('scaled', count, { x }, { s: Float32Array.of(2) });
      expect(y).toEqual(x.map((value) => value * 2 + value));
      const { sum } = await models.run('roots', count, { x: new Float32Array(3 * count).fill(4) });
      expect(sum).toEqual(new Float32Array(count).fill(6));
    }
    const s = Float32Array.of(1, 2, 3);
    const { y } = await models.run('scaled', 3, { x: Float32Array.of(1, 1, 1), s });
    expect(y).toEqual(Float32Array.of(2, 3, 4));
  });

  it('are refused where numbers are missing', async () => {
    const models = open({ roots: roots() }, 1);
    await expect(models.run('roots', 2, { x: new Float32Array(5) })).rejects.toMatchObject({
      code: 'shape',
      message: "input 'x': 5 numbers, 6 are needed",
    });
  });

  it('start no thread for a model that is not compiled', () => {
    const start = vi.spyOn(Worker.prototype, 'unref');
    expect(() => openParallel({ roots: roots(), none: new Uint8Array() })).toThrow(NotCompiled);
    expect(start).not.toHaveBeenCalled();
  });

  it('end with a clear error when a thread does, now and from then on', async () => {
    const models = open({ roots: roots() }, 2);
    const posted = vi.spyOn(Worker.prototype, 'postMessage');
    await models.run('roots', 4, { x: random(12) });
    await (posted.mock.contexts[1] as Worker).terminate();
    const lost = { code: 'internal', message: expect.stringMatching(/^a thread that computes ended/) as string };
    await expect(models.run('roots', 4, { x: random(12) })).rejects.toMatchObject(lost);
    await expect(models.run('roots', 4, { x: random(12) })).rejects.toMatchObject(lost);
  });
});
