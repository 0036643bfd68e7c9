/** Every op, and graphs drawn at random, against onnxruntime. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { difference, NEAR } from '../../test/engine-difference.ts';
import { complex, complexRelu, dense, gramSchmidt } from '../graph/complex.ts';
import { encodeModel } from '../graph/encode.ts';
import { gradients } from '../graph/gradients.ts';
import { Graph, type Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';
import { openCompiled } from './compiled-session.ts';

const unary: [string, (a: Tensor) => Tensor, readonly [number, number]][] = [
  ['negate', ops.negate, [-2, 2]],
  ['sqrt', ops.sqrt, [0, 9]],
  ['exp', ops.exp, [-20, 10]],
  ['log', ops.log, [1e-6, 50]],
  ['abs', ops.abs, [-2, 2]],
];

describe.each(['float32', 'float64'] as const)('compiled to %s, as onnxruntime has it', (float) => {
  const near = NEAR[float];

  it.each(unary)('%s', async (_, op, range) => {
    expect(await difference({ float, inputs: [[3, 5]], range, build: ([a]) => ({ out: op(a) }) })).toBeLessThan(near);
  });

  it('sums, products, quotients and choices of broadcast shapes', async () => {
    const build = ([a, b, c]: Tensor[]): Record<string, Tensor> => ({
      sum: ops.add(a, b),
      difference: ops.subtract(b, c),
      product: ops.multiply(a, c),
      quotient: ops.divide(a, ops.add(ops.multiply(b, b), b.graph.constant(0.5))),
      largest: ops.maximum(a, b),
      smallest: ops.minimum(ops.minimum(a, c), b),
    });
    expect(await difference({ float, inputs: [[4, 3, 6], [3, 1], [6]], build })).toBeLessThan(near);
  });

  it('views: transposed, cut, squeezed, reshaped and joined', async () => {
    const build = ([a]: Tensor[]): Record<string, Tensor> => {
      const turned = ops.transpose(a, [2, 0, 1]);
      const cut = ops.slice(turned, 0, 1, 6);
      return {
        turned,
        cut: ops.reshape(cut, [5, 12]),
        joined: ops.concat([ops.swapLast(cut), ops.swapLast(ops.slice(turned, 0, 0, 5))], 2),
        squeezed: ops.squeeze(ops.slice(a, 1, 2, 3), [1]),
        unsqueezed: ops.unsqueeze(ops.slice(a, 0, 1, 2), [1, 4]),
      };
    };
    expect(await difference({ float, inputs: [[3, 4, 7]], build })).toBeLessThan(near);
  });

  it('sums and sums of squares over any axes', async () => {
    const axes = [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]];
    const build = ([a]: Tensor[]): Record<string, Tensor> =>
      Object.fromEntries(
        axes.flatMap((list) => [
          [`sum_${list.join('')}`, ops.reduceSum(a, list)],
          [`square_${list.join('')}`, ops.reduceSumSquare(ops.swapLast(a), list)],
        ]),
      );
    for (const shape of [
      [3, 5, 7],
      [2, 4, 8],
      [1, 9, 1],
      [6, 1, 4],
    ]) {
      expect(await difference({ float, inputs: [shape], build })).toBeLessThan(near);
    }
  });

  it('products of any shape, turned or not, batched or broadcast', async () => {
    for (const [m, k, n] of [
      [1, 1, 1],
      [4, 3, 8],
      [7, 5, 1],
      [2, 9, 3],
      [13, 4, 11],
      [1, 16, 6],
    ]) {
      const build = ([a, b, c]: Tensor[]): Record<string, Tensor> => ({
        plain: ops.matmul(a, b),
        turned: ops.matmul(ops.swapLast(b), ops.swapLast(a)),
        broadcast: ops.matmul(a, c),
        gram: ops.matmul(ops.swapLast(a), a),
      });
      const inputs = [
        [2, m, k],
        [2, k, n],
        [k, n],
      ];
      expect(await difference({ float, inputs, build })).toBeLessThan(4 * near);
    }
  });

  it('products with constants of few entries, alone and amid other arithmetic', async () => {
    const build = ([a]: Tensor[]): Record<string, Tensor> => {
      const { graph } = a;
      const pairs = graph.constant(
        Float64Array.from({ length: 64 }, (_, i) => (Math.floor(i / 8) % 4 === i % 4 ? 1 : 0)),
        [8, 8],
      );
      const turn = graph.constant(
        Float64Array.from({ length: 64 }, (_, i) => {
          const [row, col] = [Math.floor(i / 8), i % 8];
          if (row % 4 !== col % 4 || row === col) return 0;
          return row < 4 ? 1 : -1;
        }),
        [8, 8],
      );
      const squares = ops.matmul(ops.multiply(a, a), pairs);
      return {
        unit: ops.divide(a, ops.sqrt(squares)),
        turned: ops.swapLast(ops.matmul(a, turn)),
        sum: ops.reduceSum(squares, [1]),
      };
    };
    expect(await difference({ float, inputs: [[5, 8]], build })).toBeLessThan(near);
    // Narrower than a vector, amid products that are worked out turned.
    const narrow = ([a, b]: Tensor[]): Record<string, Tensor> => {
      const turned = ops.matmul(a, a.graph.constant(Float64Array.of(0, 1, -1, 0), [2, 2]));
      return {
        left: ops.matmul(turned, b),
        right: ops.matmul(ops.swapLast(a), turned),
        scaled: ops.matmul(ops.multiply(turned, a), b),
      };
    };
    expect(
      await difference({
        float,
        inputs: [
          [9, 2],
          [2, 2],
        ],
        build: narrow,
      }),
    ).toBeLessThan(4 * near);
  });

  it('orthonormal columns, and complex layers, with their gradients', async () => {
    const build = ([a, weight, bias]: Tensor[]): Record<string, Tensor> => {
      const rows = a.shape[1] as number;
      const spread = a.graph.constant(
        Float64Array.from({ length: rows * 6 }, (_, i) => ((i % 6) % 3 === Math.floor(i / 6) ? 3 : 0)),
        [rows, 6],
      );
      const columns = gramSchmidt(complex(ops.add(a, spread)));
      const layer = complexRelu(dense(columns, complex(weight), complex(bias)));
      const loss = ops.reduceSumSquare(layer.parts, [0, 1, 2]);
      const [byA, byWeight, byBias] = gradients(loss, [a, weight, bias]);
      return { columns: columns.parts, layer: layer.parts, byA, byWeight, byBias };
    };
    const inputs = [
      [2, 5, 6],
      [3, 8],
      [1, 8],
    ];
    expect(await difference({ float, inputs, range: [-1, 1], build })).toBeLessThan(100 * near);
  });

  it('Scans: nested, reversed, with carries that read each other, and what they capture', async () => {
    const build = ([start, list, weight]: Tensor[]): Record<string, Tensor> => {
      const twice = ops.multiply(weight, weight);
      const outer = scan([start, ops.negate(start)], [list], ([x, y], [entry]) => {
        const inner = scan([x], [ops.add(list, entry)], ([z], [each]) => ({
          carries: [ops.multiply(ops.add(z, each), twice)],
          outputs: [ops.add(z, y)],
        }));
        // The second reads the first as it was, turned round.
        return {
          carries: [ops.add(y, entry), ops.swapLast(x)],
          outputs: [inner.carries[0], ops.reduceSum(inner.outputs[0], [0])],
        };
      });
      const back = scan(
        [start],
        [list],
        ([x], [entry]) => ({ carries: [ops.add(ops.multiply(x, twice), entry)], outputs: [x] }),
        {
          reverse: true,
        },
      );
      return {
        first: outer.carries[0],
        second: outer.carries[1],
        stacked: outer.outputs[0],
        sums: outer.outputs[1],
        back: back.carries[0],
        stackedBack: back.outputs[0],
      };
    };
    const inputs = [
      [3, 3],
      [4, 3, 3],
      [1, 3],
    ];
    expect(await difference({ float, inputs, range: [-0.8, 0.8], build })).toBeLessThan(4 * near);
  });

  it('gradients through nested Scans', async () => {
    const build = ([start, list, weight]: Tensor[]): Record<string, Tensor> => {
      const outer = scan([start], [list], ([x], [entry]) => {
        const inner = scan([x], [list], ([z], [each]) => ({ carries: [ops.divide(ops.matmul(ops.add(z, each), weight), x)] }));
        return { carries: [ops.add(inner.carries[0], entry)], outputs: [ops.reduceSumSquare(inner.carries[0], [0, 1])] };
      });
      const loss = ops.add(
        ops.reduceSumSquare(outer.carries[0], [0, 1]),
        ops.reshape(ops.reduceSum(outer.outputs[0], [0]), [1, 1]),
      );
      const [byStart, byList, byWeight] = gradients(loss, [start, list, weight]);
      return { loss, byStart, byList, byWeight };
    };
    const inputs = [
      [2, 3],
      [3, 2, 3],
      [3, 3],
    ];
    expect(await difference({ float, inputs, range: [0.4, 0.8], build })).toBeLessThan(100 * near);
  });
});

it('angles, which onnxruntime has in float32 alone', async () => {
  expect(await difference({ inputs: [[40, 10]], range: [-8, 8], build: ([a]) => ({ out: ops.atan(a) }) })).toBeLessThan(2e-7);
});

it('elementary functions at their ends', async () => {
  const ends = [0, -0, 1, -1, Infinity, -Infinity, NaN, 1e-30, 1e30, 88.5, 90, -120];
  const build = ([a]: Tensor[]): Record<string, Tensor> => {
    const odd = a.graph.constant(ends, [ends.length]);
    const zero = ops.reduceSum(ops.multiply(a, a.graph.constant(0)), [0]);
    const at = ops.add(odd, zero);
    return { exp: ops.exp(at), log: ops.log(at), root: ops.sqrt(at), atan: ops.atan(at), abs: ops.abs(at) };
  };
  expect(await difference({ inputs: [[4]], build })).toBeLessThan(1e-6);
});

it('sine, cosine and angle in float64, against Math', () => {
  const graph = new Graph('float64');
  const a = graph.input('a', [1001]);
  for (const op of ['Sin', 'Cos', 'Atan']) graph.output(op, graph.emit(op, [a], [1001], [null]));
  const session = openCompiled(encodeModel(graph, 'test'));
  session.inputs['a'].forEach((_, i, all) => (all[i] = (i - 500) / 7));
  session.run();
  for (const [op, exact] of [
    ['Sin', Math.sin],
    ['Cos', Math.cos],
    ['Atan', Math.atan],
  ] as const) {
    session.outputs[op].forEach((value, i) => expect(value).toBeCloseTo(exact((i - 500) / 7), 14));
  }
});

it('any graph of arithmetic, views, products and loops', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(9), fc.nat(1000), fc.nat(1000)), { minLength: 1, maxLength: 14 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      async (choices, rows, cols) => {
        const build = (inputs: Tensor[]): Record<string, Tensor> => {
          const pool = [...inputs];
          for (const [kind, x, y] of choices) {
            const a = pool[x % pool.length];
            // Of the same shape, or turned so that it is.
            const b = pool[y % pool.length];
            pool.push(anyOp(kind, a, b));
          }
          return Object.fromEntries(pool.slice(-4).map((tensor, i) => [`out_${i}`, ops.identity(tensor)]));
        };
        const inputs = [
          [rows, cols],
          [rows, cols],
          [cols, rows],
        ];
        expect(await difference({ inputs, range: [-1, 1], build })).toBeLessThan(2e-5);
        expect(await difference({ float: 'float64', inputs, range: [-1, 1], build })).toBeLessThan(2e-13);
      },
    ),
    { numRuns: 120 },
  );
}, 120_000);

/** Bounded, so that nothing overflows however long the chain. */
function anyOp(kind: number, a: Tensor, b: Tensor): Tensor {
  const like = b.shape.join() === a.shape.join() ? b : ops.swapLast(b);
  const fits = like.shape.join() === a.shape.join();
  const bounded = (x: Tensor): Tensor => ops.divide(x, ops.add(ops.abs(x), x.graph.constant(1)));
  switch (kind) {
    case 0:
      return fits ? bounded(ops.add(a, like)) : ops.negate(a);
    case 1:
      return fits ? ops.multiply(a, like) : ops.abs(a);
    case 2:
      return ops.swapLast(a);
    case 3:
      return bounded(ops.matmul(ops.matmul(a, ops.swapLast(a)), a));
    case 4:
      return fits ? ops.select(ops.greaterOrEqual(a, like), a, ops.negate(like)) : bounded(a);
    case 5:
      return ops.expandLike(bounded(ops.reduceSum(a, [0])), a);
    case 6:
      return ops.add(a, ops.sqrt(ops.reduceSumSquare(bounded(a), [1])));
    case 7: {
      const length = a.shape[0] as number;
      const top = ops.slice(a, 0, 0, Math.ceil(length / 2));
      return length === 1 ? a : ops.slice(ops.concat([ops.slice(a, 0, Math.ceil(length / 2), length), top], 0), 0, 0, length);
    }
    case 8: {
      const step = ops.unsqueeze(bounded(a), [0]);
      const three = ops.concat([step, ops.negate(step), step], 0);
      return bounded(
        scan([a], [three], ([x], [y]) => ({ carries: [ops.swapLast(ops.swapLast(ops.subtract(x, y)))] })).carries[0],
      );
    }
    default:
      return bounded(ops.exp(bounded(a)));
  }
}
