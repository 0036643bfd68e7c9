/** What is not compiled says why, whatever a file holds. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FunctionProtoSchema, ModelProtoSchema, TensorProtoSchema } from 'onnx-buf';
import { TensorProto_DataLocation, TensorProto_DataType as Data } from 'onnx-buf';
import type { ModelProto } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { encodeForeign, type Constant, type ForeignModel } from '../../test/foreign-model.ts';
import { encodeModel } from '../graph/encode.ts';
import { Graph, type Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';
import { compileModel } from './compile.ts';
import { openCompiled } from './compiled-session.ts';
import { NotCompiled } from './onnx-graph.ts';

/** What such a file is refused for; fails where it is compiled, or where another error comes. */
function refusal(onnx: Uint8Array): string {
  try {
    openCompiled(onnx);
  } catch (error) {
    expect(error).toBeInstanceOf(NotCompiled);
    return (error as Error).message;
  }
  throw new Error('it was compiled');
}

const integers = (...list: number[]): Constant => ({ integers: list });

/** A builder's model with something in it changed. */
function changed(build: (graph: Graph) => Tensor, change: (model: ModelProto) => void): Uint8Array {
  const graph = new Graph();
  graph.output('out', build(graph));
  const model = fromBinary(ModelProtoSchema, encodeModel(graph, 'test'));
  change(model);
  return toBinary(ModelProtoSchema, model);
}

const square = (graph: Graph): Tensor =>
  ops.matmul(graph.input('a', [3, 3]), graph.constant(new Float64Array(9).fill(2), [3, 3]));

describe('what is not compiled says what it has', () => {
  const one = (
    model: Omit<ForeignModel, 'inputs'> & { a?: readonly number[]; inputs?: ForeignModel['inputs'] },
  ): ForeignModel => ({
    inputs: { a: model.a ?? [2, 3] },
    ...model,
  });
  const refused: [string, ForeignModel, string][] = [
    ['an op that is not known', one({ nodes: [{ op: 'Erf', inputs: ['a'] }] }), 'the op Erf'],
    [
      'an op of somebody else by a known name',
      one({ nodes: [{ op: 'Add', inputs: ['a', 'a'], domain: 'com.example' }] }),
      'the op Add of com.example',
    ],
    [
      'numbers of two kinds',
      one({
        nodes: [{ op: 'Add', inputs: ['a', 'b'] }],
        constants: { b: { reals: [1], shape: [], type: 'float64' } },
      }),
      'numbers of two kinds, float32 and float64',
    ],
    [
      'an input of integers',
      one({ nodes: [{ op: 'Neg', inputs: ['a'] }], inputType: Data.INT64 }),
      "'a', which is neither float32 nor float64",
    ],
    [
      'an input of conditions',
      one({ nodes: [{ op: 'Not', inputs: ['a'] }], inputType: Data.BOOL }),
      "'a', which is neither float32 nor float64",
    ],
    [
      'constant conditions',
      one({ nodes: [{ op: 'Where', inputs: ['b', 'a', 'a'] }], constants: { b: { booleans: [true, false, true] } } }),
      "the constant 'b', which is neither of real numbers nor of integers of 64 bits",
    ],
    ['an output of conditions', one({ nodes: [{ op: 'Greater', inputs: ['a', 'a'] }] }), "arithmetic with the conditions 'out'"],
    [
      'conditions that are added',
      one({
        nodes: [
          { op: 'Greater', inputs: ['a', 'a'], outputs: ['b'] },
          { op: 'Add', inputs: ['b', 'a'] },
        ],
      }),
      'the op Add of conditions, numbers',
    ],
    [
      'conditions that are summed',
      one({
        nodes: [
          { op: 'Greater', inputs: ['a', 'a'], outputs: ['b'] },
          { op: 'ReduceMax', inputs: ['b'] },
        ],
      }),
      "arithmetic with the conditions 'b'",
    ],
    [
      'numbers for a condition',
      one({ nodes: [{ op: 'Where', inputs: ['a', 'a', 'a'] }] }),
      'the op Where of numbers, numbers, numbers',
    ],
    [
      'arithmetic with integers',
      one({
        nodes: [
          { op: 'Shape', inputs: ['a'], outputs: ['b'] },
          { op: 'Neg', inputs: ['b'] },
        ],
      }),
      "arithmetic with the integers 'b'",
    ],
    [
      'lengths that it works out itself',
      one({ nodes: [{ op: 'Reshape', inputs: ['a', 'a'] }] }),
      "'a', which is needed before the model runs and is worked out by it",
    ],
    ['a name that is nowhere', one({ nodes: [{ op: 'Add', inputs: ['a', 'b'] }] }), "no value 'b' where one is read"],
    [
      'names in a circle',
      one({
        nodes: [
          { op: 'Add', inputs: ['a', 'out'], outputs: ['b'] },
          { op: 'Neg', inputs: ['b'] },
        ],
      }),
      "no value 'out' where one is read",
    ],
    [
      'an output that nothing makes',
      one({ nodes: [{ op: 'Neg', inputs: ['a'], outputs: ['b'] }] }),
      "no value 'out' where one is read",
    ],
    [
      'an old version of ONNX',
      one({ nodes: [{ op: 'Neg', inputs: ['a'] }], opset: 6 }),
      'ops of ONNX version 6, which is older than 9',
    ],
    ['an axis of no length', one({ nodes: [{ op: 'Neg', inputs: ['a'] }], a: [2, 0] }), "the input 'a' with an axis of length 0"],
    [
      'shapes that do not broadcast',
      one({ nodes: [{ op: 'Add', inputs: ['a', 'b'] }], inputs: { a: [2, 3], b: [2] } }),
      'shapes that do not fit together, [2, 3] and [2]',
    ],
    [
      'a product of shapes that do not fit',
      one({ nodes: [{ op: 'MatMul', inputs: ['a', 'a'] }] }),
      'a product of shapes that do not fit together, [2, 3] and [2, 3]',
    ],
    [
      'a product with a single number',
      one({ nodes: [{ op: 'MatMul', inputs: ['a', 'b'] }], inputs: { a: [2, 3], b: [] } }),
      'a product of matrices with a single number',
    ],
    ['a Gemm of three axes', one({ nodes: [{ op: 'Gemm', inputs: ['a', 'a'] }], a: [1, 2, 2] }), 'a Gemm of a tensor [1, 2, 2]'],
    [
      'a bias that is larger than its product',
      one({ nodes: [{ op: 'Gemm', inputs: ['a', 'a', 'b'] }], inputs: { a: [1, 1], b: [2, 1] } }),
      'a Gemm [1, 1] with a bias [2, 1]',
    ],
    [
      'an inverse of an oblong',
      one({ nodes: [{ op: 'Inverse', inputs: ['a'], domain: 'com.microsoft' }] }),
      'Inverse of a tensor [2, 3]',
    ],
    [
      'an axis out of range',
      one({ nodes: [{ op: 'ReduceSum', inputs: ['a', 'b'] }], constants: { b: integers(2) } }),
      'the axis 2 of a tensor of 2',
    ],
    [
      'an axis out of range at the other end',
      one({ nodes: [{ op: 'Flatten', inputs: ['a'], attributes: { axis: { int: -3 } } }] }),
      'the axis -3 of a tensor of 2',
    ],
    [
      'an order of other axes',
      one({ nodes: [{ op: 'Transpose', inputs: ['a'], attributes: { perm: { ints: [0, 2] } } }] }),
      'a Transpose of 2 axes by [0, 2]',
    ],
    [
      'a Reshape that loses entries',
      one({ nodes: [{ op: 'Reshape', inputs: ['a', 'b'] }], constants: { b: integers(5) } }),
      'a Reshape of [2, 3] to [5]',
    ],
    [
      'a Reshape with two lengths open',
      one({ nodes: [{ op: 'Reshape', inputs: ['a', 'b'] }], constants: { b: integers(-1, -1) } }),
      'a Reshape of [2, 3] to [-1, -1]',
    ],
    [
      'a Squeeze of a longer axis',
      one({ nodes: [{ op: 'Squeeze', inputs: ['a', 'b'] }], constants: { b: integers(0) } }),
      'a Squeeze of [2, 3] where it is not 1',
    ],
    [
      'an entry that is not there',
      one({ nodes: [{ op: 'Gather', inputs: ['a', 'b'] }], constants: { b: { integers: [-3], shape: [] } } }),
      'a Gather of entry -3 of 2',
    ],
    [
      'several entries',
      one({ nodes: [{ op: 'Gather', inputs: ['a', 'b'] }], constants: { b: integers(0, 1) } }),
      'a Gather of more than one entry',
    ],
    [
      'parts of other lengths',
      one({ nodes: [{ op: 'Split', inputs: ['a', 'b'], outputs: ['out', 'rest'] }], constants: { b: integers(1, 2) } }),
      'a Split of 2 into [1, 2]',
    ],
    [
      'parts that do not fit side by side',
      one({ nodes: [{ op: 'Concat', inputs: ['a', 'b'], attributes: { axis: { int: 1 } } }], inputs: { a: [2, 3], b: [3, 3] } }),
      'a Concat of [2, 3], [3, 3]',
    ],
    [
      'a Slice backwards',
      one({
        nodes: [{ op: 'Slice', inputs: ['a', 'from', 'to', '', 'step'] }],
        constants: { from: integers(-1), to: integers(-9), step: integers(-1) },
      }),
      'a Slice that goes backwards, or is empty',
    ],
    [
      'a tensor that no memory holds',
      one({ nodes: [{ op: 'Expand', inputs: ['a', 'b'] }], constants: { b: integers(2 ** 31, 2, 3) } }),
      '49152 MiB to hold in memory',
    ],
    [
      'an input that no memory holds',
      one({ nodes: [{ op: 'Neg', inputs: ['a'] }], a: [2 ** 20, 2 ** 20] }),
      '4194304 MiB to hold in memory',
    ],
    [
      'too few inputs of an op',
      one({ nodes: [{ op: 'Add', inputs: ['a'] }] }),
      expect.stringMatching(/^something that is not understood \(/) as string,
    ],
  ];
  it.each(refused)('%s', (_, model, message) => {
    expect(refusal(encodeForeign(model))).toEqual(message);
  });

  it('weights that do not fill their shape, are cut off, or lie elsewhere', () => {
    const weights = (change: (tensor: ModelProto['graph'] & object) => void): string =>
      refusal(
        changed(square, ({ graph }) => {
          if (graph !== undefined) change(graph);
        }),
      );
    expect(weights(({ initializer }) => (initializer[0].dims = [3n, 4n]))).toMatch(/, whose 9 numbers do not fill \[3, 4\]$/);
    expect(weights(({ initializer }) => (initializer[0].rawData = new Uint8Array(35)))).toMatch(
      /, whose 35 bytes are no whole numbers$/,
    );
    expect(weights(({ initializer }) => (initializer[0].dataLocation = TensorProto_DataLocation.EXTERNAL))).toMatch(
      / in a file of its own$/,
    );
  });

  it('inputs that say nothing of their axes, a function of its own, no graph, no ONNX', () => {
    const noShape = changed(square, ({ graph }) => {
      const type = graph?.input[0].type?.value;
      if (type?.case === 'tensorType') delete type.value.shape;
    });
    expect(refusal(noShape)).toBe("the input 'a', whose number of axes it does not say");
    const own = changed(square, (model) =>
      model.functions.push(create(FunctionProtoSchema, { name: 'Gelu', domain: 'com.example' })),
    );
    expect(refusal(own)).toBe('the function Gelu');
    expect(refusal(changed(square, (model) => delete model.graph))).toBe('no graph inside');
    expect(refusal(Uint8Array.of(1, 2, 3, 255))).toBe('bytes that are no ONNX file');
  });

  it('a system of many equations, before any code of it is written', () => {
    const model = { nodes: [{ op: 'Inverse', inputs: ['a'], domain: 'com.microsoft' }], inputs: { a: [161, 161] } };
    expect(refusal(encodeForeign(model))).toBe('a system of 161 equations, which onnxruntime solves faster');
  });

  it('more arithmetic in one piece than fits a function', () => {
    const nodes = Array.from({ length: 900 }, (_, i) => ({
      ...{ op: 'MatMul', inputs: [i === 0 ? 'a' : `t_${i - 1}`, 'a'], outputs: [i === 899 ? 'out' : `t_${i}`] },
    }));
    expect(refusal(encodeForeign({ nodes, inputs: { a: [37, 37] } }))).toMatch(
      /^more arithmetic in one piece than fits a function/,
    );
  });
});

describe('a Scan', () => {
  const looped = (change: (graph: NonNullable<ModelProto['graph']>) => void): Uint8Array =>
    changed(
      (graph) => {
        const list = graph.input('list', [4, 2]);
        return scan([graph.input('start', [2])], [list], ([x], [y]) => ({ carries: [ops.add(x, y)] })).carries[0];
      },
      ({ graph }) => {
        if (graph !== undefined) change(graph);
      },
    );

  it('of no step is refused', () => {
    // An axis that no input may have, and no Slice leaves: by a constant.
    const none = looped((graph) => {
      graph.input = graph.input.filter(({ name }) => name !== 'list');
      graph.initializer.push(create(TensorProtoSchema, { name: 'list', dims: [0n, 2n], dataType: Data.FLOAT }));
    });
    expect(refusal(none)).toBe('a Scan of 0 steps');
  });

  it('of 2³¹ steps is refused, and one of 2²⁵ is compiled as it stands', () => {
    const steps = (count: bigint): Uint8Array =>
      looped((graph) => {
        const type = graph.input.find(({ name }) => name === 'list')?.type?.value;
        if (type?.case === 'tensorType' && type.value.shape !== undefined)
          type.value.shape.dim[0].value = { case: 'dimValue', value: count };
      });
    expect(refusal(steps(2n ** 31n))).toBe('16384 MiB to hold in memory');
    expect(compileModel(steps(2n ** 25n)).memoryBytes).toBeGreaterThan(2 ** 28);
  });

  it('with a carry that changes its shape, or inputs of other lengths, or none at all, is refused', () => {
    const other = looped((graph) => {
      const type = graph.input.find(({ name }) => name === 'start')?.type?.value;
      if (type?.case === 'tensorType' && type.value.shape !== undefined)
        type.value.shape.dim[0].value = { case: 'dimValue', value: 1n };
    });
    expect(refusal(other)).toBe('a Scan that carries [1] on as [2]');
    const none = looped((graph) => {
      const attribute = graph.node[0].attribute.find(({ name }) => name === 'num_scan_inputs');
      if (attribute !== undefined) attribute.i = 0n;
    });
    expect(refusal(none)).toBe('a Scan of 0 inputs');
  });
});
