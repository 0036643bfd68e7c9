/** Each op that is compiled, as other programs write it, against onnxruntime: versions of ONNX, negative axes, vectors and single numbers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { disagreement, drawInputs, encodeForeign, type Constant, type ForeignModel } from '../../test/foreign-model.ts';

const NEAR = 3e-6;

async function expectAgreement(model: ForeignModel, range?: readonly [number, number], near = NEAR): Promise<void> {
  expect(await disagreement(encodeForeign(model), drawInputs(model, 5, range))).toBeLessThan(near);
}

/** For all that `arbitrary` gives. */
async function always<T>(arbitrary: fc.Arbitrary<T>, check: (drawn: T) => Promise<void>, numRuns = 40): Promise<void> {
  await fc.assert(fc.asyncProperty(arbitrary, check), { numRuns });
}

const length = fc.integer({ min: 1, max: 9 });
const shapeOf = (minLength: number, maxLength: number): fc.Arbitrary<number[]> => fc.array(length, { minLength, maxLength });
/** Shapes that broadcast. */
const together = (count: number): fc.Arbitrary<number[][]> =>
  shapeOf(0, 4).chain((whole) => {
    const part = fc
      .tuple(fc.nat(whole.length), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
      .map(([from, ones]) => whole.slice(from).map((each, i) => (ones[i] ? 1 : each)));
    return fc.array(part, { minLength: count, maxLength: count });
  });
const integers = (...list: number[]): Constant => ({ integers: list });
const number = (value: number): Constant => ({ reals: [value], shape: [] });

describe('arithmetic element by element', () => {
  const unary: [string, readonly [number, number]][] = [
    ['Neg', [-2, 2]],
    ['Abs', [-2, 2]],
    ['Sign', [-2, 2]],
    ['Relu', [-2, 2]],
    ['Sqrt', [0, 9]],
    ['Reciprocal', [0.1, 3]],
    ['Exp', [-20, 5]],
    ['Log', [1e-3, 50]],
    ['Sigmoid', [-30, 30]],
    ['Atan', [-9, 9]],
    ['Sin', [-100, 100]],
    ['Cos', [-100, 100]],
  ];
  it.each(unary)('%s', async (op, range) => {
    await always(shapeOf(0, 3), (shape) => expectAgreement({ nodes: [{ op, inputs: ['a'] }], inputs: { a: shape } }, range), 12);
  });

  it.each(['Add', 'Sub', 'Mul', 'Div'])('%s of shapes that broadcast', async (op) => {
    await always(
      together(2),
      ([a, b]) => expectAgreement({ nodes: [{ op, inputs: ['a', 'b'] }], inputs: { a, b } }, [0.5, 2]),
      20,
    );
  });

  it.each(['Max', 'Min'])('%s of one, two and three', async (op) => {
    await always(together(3), async ([a, b, c]) => {
      for (const inputs of [{ a }, { a, b }, { a, b, c }]) {
        await expectAgreement({ nodes: [{ op, inputs: Object.keys(inputs) }], inputs });
      }
    });
  });

  it.each(['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Equal'])('%s, and a choice by it', async (op) => {
    await always(together(4), ([a, b, yes, no]) =>
      expectAgreement({
        nodes: [
          // Whole numbers, some of which are equal.
          { op: 'Sign', inputs: ['a'], outputs: ['x'] },
          { op: 'Sign', inputs: ['b'], outputs: ['y'] },
          { op, inputs: ['x', 'y'], outputs: ['is'] },
          { op: 'Where', inputs: ['is', 'yes', 'no'] },
        ],
        inputs: { a, b, yes, no },
      }),
    );
  });

  it.each(['And', 'Or', 'Equal'])('%s and Not of conditions, moved about', async (op) => {
    await always(together(2), ([a, b]) =>
      expectAgreement({
        nodes: [
          { op: 'Greater', inputs: ['a', 'zero'], outputs: ['x'] },
          { op: 'Less', inputs: ['b', 'zero'], outputs: ['y'] },
          { op: 'Not', inputs: ['y'], outputs: ['not'] },
          { op, inputs: ['x', 'not'], outputs: ['both'] },
          { op: 'Unsqueeze', inputs: ['both', 'axis'], outputs: ['higher'] },
          { op: 'Transpose', inputs: ['higher'], outputs: ['turned'] },
          { op: 'Where', inputs: ['turned', 'one', 'zero'] },
        ],
        inputs: { a, b },
        constants: { zero: number(0), one: number(1), axis: integers(0) },
      }),
    );
  });

  it('numbers that are no numbers, and infinite ones', async () => {
    const odd: Constant = { reals: [NaN, Infinity, -Infinity, 0, -0, 1e-42, -3], shape: [7] };
    const ops = ['Abs', 'Sign', 'Relu', 'Sqrt', 'Reciprocal', 'Exp', 'Log', 'Sigmoid', 'Atan', 'Neg'];
    const nodes = [
      { op: 'Add', inputs: ['odd', 'zero'], outputs: ['x'] },
      ...ops.map((op) => ({ op, inputs: ['x'], outputs: [op] })),
      ...['Max', 'Min', 'Mul', 'Div'].map((op) => ({ op, inputs: ['x', 'a'], outputs: [op] })),
      ...['ReduceMax', 'ReduceMin', 'ReduceSum', 'ReduceL2'].map((op) => ({ op, inputs: ['x'], outputs: [op] })),
      { op: 'Greater', inputs: ['x', 'zero'], outputs: ['is'] },
      { op: 'Where', inputs: ['is', 'x', 'a'], outputs: ['chosen'] },
    ];
    const outputs = nodes.flatMap((node) => (['x', 'is'].includes(node.outputs[0]) ? [] : node.outputs));
    for (const name of outputs) {
      const model: ForeignModel = { nodes, inputs: { a: [7] }, constants: { odd, zero: number(0) }, outputs: [name] };
      expect([name, await disagreement(encodeForeign(model), drawInputs(model, 5))]).toEqual([
        name,
        expect.toSatisfy((d: number) => d < NEAR),
      ]);
    }
  });
});

describe('sums and extrema', () => {
  const ops = ['ReduceSum', 'ReduceSumSquare', 'ReduceMean', 'ReduceL2', 'ReduceMax', 'ReduceMin'];
  const drawn = shapeOf(0, 4).chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      axes: fc
        .subarray([...shape.keys()])
        .chain((axes) => fc.tuple(...axes.map((axis) => fc.constantFrom(axis, axis - shape.length)))),
      keepdims: fc.constantFrom(0, 1),
    }),
  );
  it.each(ops)('%s over axes as an input or as an attribute, which stay or go', async (op) => {
    await always(drawn, async ({ shape, axes, keepdims }) => {
      const kept = { keepdims: { int: keepdims } };
      const asInput = {
        nodes: [{ op, inputs: ['a', 'axes'], attributes: kept }],
        constants: { axes: integers(...axes) },
        opset: 18,
      };
      await expectAgreement({ ...asInput, inputs: { a: shape } });
      if (op === 'ReduceSum' || axes.length === 0) return;
      await expectAgreement({
        nodes: [{ op, inputs: ['a'], attributes: { ...kept, axes: { ints: axes } } }],
        inputs: { a: shape },
        opset: 11 + (shape.length % 3) * 3,
      });
    });
  });

  it.each(ops)('%s over all axes, and over none where the node says so', async (op) => {
    await expectAgreement({ nodes: [{ op, inputs: ['a'] }], inputs: { a: [3, 4] }, opset: 18 });
    const none = { op, inputs: ['a'], attributes: { noop_with_empty_axes: { int: 1 } } };
    await expectAgreement({ nodes: [none], inputs: { a: [3, 4] }, opset: 18 });
  });
});

describe('products', () => {
  it('MatMul of matrices, vectors and batches that broadcast', async () => {
    const drawn = fc.record({
      m: length,
      k: length,
      n: length,
      batches: together(2),
      vectors: fc.constantFrom('', 'a', 'b', 'ab'),
    });
    await always(drawn, ({ m, k, n, batches: [left, right], vectors }) => {
      const a = vectors.includes('a') ? [k] : [...left, m, k];
      const b = vectors.includes('b') ? [k] : [...right, k, n];
      return expectAgreement({ nodes: [{ op: 'MatMul', inputs: ['a', 'b'] }], inputs: { a, b } }, [-1, 1], 1e-5);
    });
  });

  it('Gemm, turned or not, with factors and a bias that broadcasts', async () => {
    const drawn = fc.record({
      ...{ m: length, k: length, n: length, transA: fc.nat(1), transB: fc.nat(1) },
      bias: fc.constantFrom('none', 'number', 'one', 'row', 'wide row', 'column', 'whole'),
      alpha: fc.constantFrom(1, 0.5),
      beta: fc.constantFrom(1, -2),
    });
    await always(drawn, ({ m, k, n, transA, transB, bias, alpha, beta }) => {
      const biases = { none: [], number: [], one: [1], row: [n], 'wide row': [1, n], column: [m, 1], whole: [m, n] };
      const inputs = {
        a: transA ? [k, m] : [m, k],
        b: transB ? [n, k] : [k, n],
        ...(bias === 'none' ? {} : { c: biases[bias] }),
      };
      const attributes = { transA: { int: transA }, transB: { int: transB }, alpha: { float: alpha }, beta: { float: beta } };
      return expectAgreement({ nodes: [{ op: 'Gemm', inputs: Object.keys(inputs), attributes }], inputs }, [-1, 1], 1e-5);
    });
  });

  it('Inverse of any matrix, where a pivot on the diagonal is small or 0', async () => {
    await always(fc.record({ size: fc.integer({ min: 1, max: 9 }), seed: fc.nat(1000) }), async ({ size, seed }) => {
      // A permutation, its entries from 1 to 2, and a little everywhere.
      const turned = Array.from({ length: size }, (_, i) => (i + 1 + (seed % size)) % size);
      const large = turned.flatMap((column) => Array.from({ length: size }, (_, j) => (j === column ? 1.5 : 0)));
      const model: ForeignModel = {
        nodes: [
          { op: 'Add', inputs: ['a', 'large'], outputs: ['sum'] },
          { op: 'Inverse', inputs: ['sum'], domain: 'com.microsoft' },
        ],
        inputs: { a: [2, size, size] },
        constants: { large: { reals: large, shape: [size, size] } },
      };
      expect(await disagreement(encodeForeign(model), drawInputs(model, seed, [-0.1, 0.1]))).toBeLessThan(2e-5);
    });
  });

  it('weights whose columns have few entries, as a bias too', async () => {
    const pairs: Constant = { reals: Array.from({ length: 64 }, (_, i) => (i % 9 === 0 ? 1 : 0)), shape: [8, 8] };
    const single: Constant = { reals: [0, 0, 1, 0, 0, 0, 0, 0], shape: [8, 1] };
    await expectAgreement({
      nodes: [
        { op: 'MatMul', inputs: ['a', 'pairs'], outputs: ['x'] },
        { op: 'MatMul', inputs: ['row', 'pairs'], outputs: ['y'] },
        { op: 'MatMul', inputs: ['a', 'single'], outputs: ['z'] },
        { op: 'Gemm', inputs: ['a', 'pairs', 'y'], outputs: ['with_row'] },
        { op: 'Gemm', inputs: ['a', 'pairs', 'z'], outputs: ['with_column'] },
        { op: 'MatMul', inputs: ['vector', 'pairs'], outputs: ['of_vector'] },
        { op: 'ReduceSum', inputs: ['x'], outputs: ['sum'] },
      ],
      inputs: { a: [5, 8], row: [1, 8], vector: [8] },
      constants: { pairs, single },
      outputs: ['with_row', 'with_column', 'of_vector', 'sum', 'z'],
    });
  });
});
