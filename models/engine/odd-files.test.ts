/** What is large, damaged, no number, or needs another machine: compiled or refused, and never an error of another kind. */
import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { ModelProtoSchema, TensorProto_DataType as Data } from 'onnx-buf';
import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { disagreement, drawInputs, encodeForeign, type ForeignModel } from '../../test/foreign-model.ts';
import { encodeModel } from '../graph/encode.ts';
import { Graph } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';
import { compileModel } from './compile.ts';
import { openCompiled } from './compiled-session.ts';
import { NotCompiled } from './onnx-graph.ts';

/** The type of a tensor of float32. */
const floats = (...shape: number[]) => ({
  value: {
    case: 'tensorType' as const,
    value: {
      elemType: Data.FLOAT,
      shape: { dim: shape.map((length) => ({ value: { case: 'dimValue' as const, value: BigInt(length) } })) },
    },
  },
});

describe('a machine', () => {
  const model = encodeForeign({
    nodes: [
      { op: 'Mul', inputs: ['a', 'a'], outputs: ['b'] },
      { op: 'Add', inputs: ['b', 'a'] },
    ],
    inputs: { a: [9] },
  });

  it('without vector instructions has nothing compiled', () => {
    const error: unknown = expect.objectContaining({
      message: 'to run on a machine without vector instructions, which is this one',
    });
    expect(() => openCompiled(model, { validate: () => false })).toThrow(error);
    expect(() => openCompiled(model, { validate: () => false })).toThrow(NotCompiled);
  });

  it('without fused instructions says so where they are asked for, and has them where V8 is told', () => {
    let asked = 0;
    const noneRelaxed = (): boolean => (asked += 1) === 1;
    expect(() => openCompiled(model, { fused: true, validate: noneRelaxed })).toThrow(
      /in one instruction \(fused\) is not to be had here/,
    );
    if (process.versions.node.startsWith('20.')) {
      expect(() => openCompiled(model, { fused: true })).toThrow(expect.objectContaining({ code: 'argument' }) as Error);
      setFlagsFromString('--experimental-wasm-relaxed-simd');
    }
    const [plain, fused] = [openCompiled(model), openCompiled(model, { fused: true })];
    expect(fused.model.module).not.toEqual(plain.model.module);
    for (const session of [plain, fused]) {
      session.inputs['a'].forEach((_, i, all) => (all[i] = 0.1 * i - 0.3));
      session.run();
    }
    fused.outputs['out'].forEach((value, i) => expect(value).toBeCloseTo(plain.outputs['out'][i], 6));
  });
});

describe('weights', () => {
  it('that are no numbers give what onnxruntime gives', async () => {
    const model: ForeignModel = {
      nodes: [
        { op: 'MatMul', inputs: ['a', 'weights'], outputs: ['x'] },
        { op: 'Add', inputs: ['x', 'bias'], outputs: ['y'] },
        { op: 'Relu', inputs: ['y'] },
      ],
      inputs: { a: [3, 4] },
      constants: {
        weights: { reals: Array.from({ length: 20 }, (_, i) => (i === 7 ? NaN : Math.sin(i))), shape: [4, 5] },
        bias: { reals: [0, Infinity, -1, NaN, 0.5], shape: [5] },
      },
    };
    expect(await disagreement(encodeForeign(model), drawInputs(model, 3))).toBeLessThan(1e-6);
  });

  it('of 100 MB are held once', () => {
    const [rows, columns] = [25_000, 1000];
    const model = create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: 20n }],
      graph: {
        name: 'large',
        node: [{ opType: 'MatMul', input: ['a', 'weights'], output: ['out'] }],
        initializer: [
          {
            ...{ name: 'weights', dims: [BigInt(rows), BigInt(columns)], dataType: Data.FLOAT },
            rawData: new Uint8Array(new Float32Array(rows * columns).fill(0.5).buffer),
          },
        ],
        input: [{ name: 'a', type: floats(1, rows) }],
        output: [{ name: 'out', type: floats(1, columns) }],
      },
    });
    const bytes = toBinary(ModelProtoSchema, model);
    const held = process.memoryUsage().arrayBuffers;
    const compiled = compileModel(bytes);
    // A number of 4 bytes may begin anywhere in a file: one copy at most.
    expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(110e6);
    expect(compiled.memoryBytes).toBeLessThan(102e6);
  });
});

it('any file that is not as it was is compiled or refused, in words', () => {
  const graph = new Graph();
  const list = graph.input('list', [4, 2]);
  const sums = scan([graph.input('start', [2])], [list], ([x], [y]) => ({ carries: [ops.exp(ops.add(x, y))], outputs: [x] }));
  graph.output('out', ops.matmul(sums.outputs[0], graph.constant([1, 2, 3, 4], [2, 2])));
  const bytes = encodeModel(graph, 'test');
  const attempt = fc.property(
    fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    fc.option(fc.nat(bytes.length)),
    (flips, cut) => {
      const spoilt = Uint8Array.from(bytes).subarray(0, cut ?? bytes.length);
      for (const [at, value] of flips) if (at < spoilt.length) spoilt[at] = value;
      try {
        expect(WebAssembly.validate(compileModel(spoilt).module)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(NotCompiled);
      }
    },
  );
  fc.assert(attempt, { numRuns: 1500 });
}, 60_000);
