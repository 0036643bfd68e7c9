import { describe, expect, it } from 'vitest';
import { complex, complexRelu, dense, gramSchmidt } from './complex.ts';
import { encodeModel } from './encode.ts';
import { gradients } from './gradients.ts';
import { Graph } from './graph.ts';
import type { Dim, Tensor } from './graph.ts';
import * as ops from './ops.ts';
import { scan } from './scan.ts';
import { openSession } from './session.ts';

type Shapes = Record<string, readonly number[]>;
type Build = (inputs: Record<string, Tensor>, graph: Graph) => Tensor;

/** Positive values well apart, so that roots, logarithms and comparisons stay away from their corners. */
function sampleValues(shape: readonly number[], salt: number): Float64Array {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return Float64Array.from({ length: count }, (_, i) => 0.4 + Math.abs(Math.sin(1.7 * i + salt)));
}

/** The largest relative difference between the graph's gradient and central differences, over all entries of all inputs. */
async function gradientError(shapes: Shapes, build: Build): Promise<number> {
  const graph = new Graph('float64');
  const names = Object.keys(shapes);
  const inputs = Object.fromEntries(names.map((name) => [name, graph.input(name, shapes[name])]));
  const value = build(inputs, graph);
  // A weighted sum tells entries apart that a plain sum would let cancel.
  const lengths = value.shape.map((dim) => dim as number);
  const weights = graph.constant(sampleValues(lengths, 9), lengths);
  const all = lengths.map((_, axis) => axis);
  const loss = all.length === 0 ? value : ops.reduceSum(ops.multiply(value, weights), all);
  const gradient = gradients(
    loss,
    names.map((name) => inputs[name]),
  );
  graph.output('loss', loss);
  gradient.forEach((tensor, i) => graph.output(`d_${names[i]}`, tensor));
  const session = await openSession(encodeModel(graph, 'check'), { exact: true });
  const values = Object.fromEntries(names.map((name, i) => [name, sampleValues(shapes[name], i)]));
  const feeds = () => Object.fromEntries(names.map((name) => [name, { values: values[name], shape: shapes[name] }]));
  const exact = await session.run(feeds());
  let worst = 0;
  const step = 1e-5;
  for (const name of names) {
    expect(exact[`d_${name}`].shape).toEqual(shapes[name]);
    for (let i = 0; i < values[name].length; i++) {
      const before = values[name][i];
      values[name][i] = before + step;
      const up = (await session.run(feeds())).loss.values[0];
      values[name][i] = before - step;
      const down = (await session.run(feeds())).loss.values[0];
      values[name][i] = before;
      const numeric = (up - down) / (2 * step);
      worst = Math.max(worst, Math.abs(numeric - exact[`d_${name}`].values[i]) / Math.max(1, Math.abs(numeric)));
    }
  }
  await session.close();
  return worst;
}

/** AᵀA + I, which is positive definite. */
function gramOf(a: Tensor, graph: Graph): Tensor {
  const size = a.shape.at(-1) as number;
  const identity = Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  return ops.add(ops.matmul(ops.swapLast(a), a), graph.constant(identity, [size, size]));
}

/** Columns well apart: sample values alone are nearly the same. */
function spread(a: Tensor): Tensor {
  const [rows, cols] = a.shape.slice(-2) as number[];
  const turns = Float64Array.from({ length: rows * cols }, (_, i) => 2 * Math.cos(i * i));
  return ops.multiply(a, a.graph.constant(turns, [rows, cols]));
}

const pair: Shapes = { a: [2, 3], b: [3] };
const one: Shapes = { a: [2, 3] };
const cases: Record<string, [Shapes, Build]> = {
  'add, broadcast': [pair, ({ a, b }) => ops.add(a, b)],
  'subtract, broadcast': [pair, ({ a, b }) => ops.subtract(b, a)],
  'multiply, broadcast': [pair, ({ a, b }) => ops.multiply(a, b)],
  'divide, broadcast': [pair, ({ a, b }) => ops.divide(b, a)],
  'a number against a matrix': [{ a: [], b: [2, 2] }, ({ a, b }) => ops.divide(a, b)],
  'a stretched middle axis': [{ a: [2, 1, 3], b: [2, 2, 3] }, ({ a, b }) => ops.multiply(a, b)],
  negate: [one, ({ a }) => ops.negate(a)],
  sqrt: [one, ({ a }) => ops.sqrt(a)],
  exp: [one, ({ a }) => ops.exp(a)],
  log: [one, ({ a }) => ops.log(a)],
  abs: [one, ({ a }, g) => ops.abs(ops.subtract(a, g.constant(0.93)))],
  maximum: [{ a: [2, 3], b: [2, 3] }, ({ a, b }) => ops.maximum(a, b)],
  minimum: [{ a: [2, 3], b: [2, 3] }, ({ a, b }) => ops.minimum(a, b)],
  select: [pair, ({ a, b }, g) => ops.select(ops.greaterOrEqual(a, g.constant(0.93)), a, ops.multiply(b, b))],
  matmul: [{ a: [2, 3], b: [3, 4] }, ({ a, b }) => ops.matmul(a, b)],
  'matmul, batch stretched': [{ a: [2, 2, 3], b: [3, 2] }, ({ a, b }) => ops.matmul(a, b)],
  cholesky: [{ a: [2, 3, 3] }, ({ a }, g) => ops.cholesky(gramOf(a, g))],
  'cholesky of one number': [{ a: [2, 1, 1] }, ({ a }, g) => ops.cholesky(gramOf(a, g))],
  'a lower triangular system': [{ a: [2, 3, 3], b: [3, 2] }, ({ a, b }) => ops.solveLowerTriangular(a, b)],
  'an upper triangular system': [{ a: [3, 3], b: [2, 3, 2] }, ({ a, b }) => ops.solveUpperTriangular(a, b)],
  'orthonormal columns': [{ a: [2, 3, 4] }, ({ a }) => gramSchmidt(complex(spread(a))).parts],
  'two complex layers': [
    { rows: [3, 4], first: [2, 6], bias: [1, 6], second: [3, 2] },
    ({ rows, first, bias, second }, g) => {
      const shifted = (t: Tensor) => complex(ops.subtract(t, g.constant(0.93)));
      const hidden = complexRelu(dense(shifted(rows), shifted(first), shifted(bias)));
      return dense(hidden, complex(second), complex(g.constant([0.1, -0.2], [1, 2]))).parts;
    },
  ],
  transpose: [{ a: [2, 3, 4] }, ({ a }) => ops.transpose(a, [2, 0, 1])],
  reshape: [one, ({ a }) => ops.reshape(a, [3, 2])],
  'unsqueeze and squeeze': [one, ({ a }) => ops.squeeze(ops.unsqueeze(a, [0, 2]), [2])],
  concat: [{ a: [2, 3], b: [2, 1] }, ({ a, b }) => ops.concat([a, b, a], 1)],
  slice: [{ a: [2, 4] }, ({ a }) => ops.slice(a, 1, 1, 3)],
  'sum over axes': [{ a: [2, 3, 2] }, ({ a }) => ops.reduceSum(a, [0, 2])],
  'sum of squares': [{ a: [2, 3, 2] }, ({ a }) => ops.reduceSumSquare(a, [1])],
  expand: [{ a: [2, 1], b: [2, 3] }, ({ a, b }) => ops.expandLike(ops.multiply(a, a), b)],
  identity: [one, ({ a }) => ops.identity(a)],
  'the same tensor used twice': [one, ({ a }) => ops.multiply(a, ops.add(a, ops.exp(a)))],
  'a Scan with carries, inputs, outputs and a captured tensor': [
    { start: [2, 2], steps: [3, 2, 1], captured: [2, 2], unused: [2] },
    ({ start, steps, captured }) => {
      const { carries, outputs } = scan([start], [steps], ([state], [now]) => {
        const next = ops.sqrt(ops.add(ops.matmul(captured, state), now));
        return { carries: [next], outputs: [ops.multiply(next, state)] };
      });
      return ops.add(carries[0], ops.squeeze(ops.reduceSum(outputs[0], [0]), [0]));
    },
  ],
  'a Scan inside a Scan, both capturing': [
    { start: [2, 2], outer: [2, 1], inner: [2, 3, 1], captured: [2, 2] },
    ({ start, outer, inner, captured }) => {
      const { carries } = scan([start], [outer, inner], ([state], [weight, nowInner]) => {
        const squared = ops.multiply(captured, captured);
        const loop = scan([state], [nowInner], ([x], [t]) => ({
          carries: [ops.sqrt(ops.add(ops.matmul(squared, ops.multiply(x, t)), ops.multiply(captured, weight)))],
        }));
        return { carries: [ops.multiply(loop.carries[0], weight)] };
      });
      return carries[0];
    },
  ],
  'three Scans deep': [
    { start: [2], weights: [2, 2, 3, 2], captured: [2] },
    ({ start, weights, captured }) =>
      scan([start], [weights], ([a], [w]) => ({
        carries: scan([a], [w], ([b], [v]) => ({
          carries: scan([b], [v], ([c], [u]) => ({ carries: [ops.sqrt(ops.add(ops.multiply(c, u), captured))] })).carries,
        })).carries,
      })).carries[0],
  ],
  'two carries that swap, one also stacked': [
    { a: [2], b: [2], steps: [3, 2] },
    ({ a, b, steps }) => {
      const { carries, outputs } = scan([a, b], [steps], ([x, y], [t]) => {
        const next = ops.multiply(x, t);
        return { carries: [y, next], outputs: [next, x, t] };
      });
      const sums = outputs.map((output) => ops.squeeze(ops.reduceSum(output, [0]), [0]));
      return ops.add(ops.add(carries[0], ops.multiply(carries[1], sums[0])), ops.multiply(sums[1], sums[2]));
    },
  ],
};

describe('gradients agree with central differences in float64', () => {
  for (const [name, [shapes, build]] of Object.entries(cases)) {
    it(name, async () => {
      expect(await gradientError(shapes, build)).toBeLessThan(1e-8);
    });
  }

  it('atan, which onnxruntime has in float32 only, by its known derivative', async () => {
    const graph = new Graph();
    const a = graph.input('a', [3]);
    const [gradient] = gradients(ops.reduceSum(ops.atan(a), [0]), [a]);
    graph.output('gradient', gradient);
    const session = await openSession(encodeModel(graph, 'atan'));
    const { values } = (await session.run({ a: { values: Float32Array.of(-2, 0.5, 3), shape: [3] } })).gradient;
    [-2, 0.5, 3].forEach((x, i) => expect(values[i]).toBeCloseTo(1 / (1 + x * x), 6));
    await session.close();
  });

  it('refuses a loss that is more than one number', () => {
    const graph = new Graph();
    const a = graph.input('a', [2]);
    expect(() => gradients(a, [a])).toThrow(/\[2\] is not one number/);
  });
});

describe('a Scan whose outputs are awkward', () => {
  it('returns body inputs, captured values and doubled values as they are, where onnxruntime alone would return zeros', async () => {
    const graph = new Graph();
    const start = graph.input('start', [2]);
    const steps = graph.input('steps', [3, 2]);
    const captured = graph.input('captured', [2]);
    const result = scan([start, start], [steps], ([state, still], [now]) => {
      const next = ops.add(state, now);
      return { carries: [next, still], outputs: [next, next, now, state, captured] };
    });
    [...result.carries, ...result.outputs].forEach((tensor, i) => graph.output(`out${i}`, tensor));
    const session = await openSession(encodeModel(graph, 'awkward'));
    const out = await session.run({
      start: { values: Float32Array.of(1, 2), shape: [2] },
      steps: { values: Float32Array.of(1, 1, 2, 2, 3, 3), shape: [3, 2] },
      captured: { values: Float32Array.of(7, 8), shape: [2] },
    });
    const sums = [2, 3, 4, 5, 7, 8];
    expect([0, 1, 2, 3, 4, 5, 6].map((i) => Array.from(out[`out${i}`].values))).toEqual([
      [7, 8],
      [1, 2],
      sums,
      sums,
      [1, 1, 2, 2, 3, 3],
      [1, 2, 2, 3, 4, 5],
      [7, 8, 7, 8, 7, 8],
    ]);
    await session.close();
  });
});

describe('shapes are checked where the graph is built', () => {
  const tensors = (...shapes: Dim[][]): Tensor[] => {
    const graph = new Graph();
    return shapes.map((shape, i) => graph.input(`x${i}`, shape));
  };
  const wrong: Record<string, [() => unknown, RegExp]> = {
    'a product of matrices that do not fit': [
      () => ops.matmul(...(tensors([2, 3], [4, 2]) as [Tensor, Tensor])),
      /\[2, 3\] and \[4, 2\]/,
    ],
    'a sum that cannot broadcast': [() => ops.add(...(tensors(['B', 3], [2, 3]) as [Tensor, Tensor])), /B against 2/],
    'a reshape that loses entries': [() => ops.reshape(tensors(['B', 6])[0], ['B', 5]), /\[B, 6\] does not fit \[B, 5\]/],
    'a slice beyond the end': [() => ops.slice(tensors([3])[0], 0, 1, 4), /1…4 is not inside axis 0 of \[3\]/],
    'a Cholesky factor of an oblong': [() => ops.cholesky(tensors([2, 3])[0]), /not square/],
    'a triangular system of an oblong': [
      () => ops.solveLowerTriangular(...(tensors([2, 3], [2, 3]) as [Tensor, Tensor])),
      /the first must be square/,
    ],
    'a system of an oblong': [() => ops.solvePositiveDefinite(tensors([2, 3])[0], tensors([2, 1])[0]), /must be square/],
    'a sum over an axis that is not there': [() => ops.reduceSum(tensors([3])[0], [1]), /axes \[1\]/],
    'a constant of the wrong length': [() => new Graph().constant([1, 2], [3]), /2 values do not fill shape \[3\]/],
    'a Scan whose steps differ': [
      () => {
        const [carry, a, b] = tensors([2], [3, 2], [4, 2]);
        return scan([carry], [a, b], ([x]) => ({ carries: [x] }));
      },
      /does not count 3 steps/,
    ],
    'a carry that changes its shape': [
      () => {
        const [carry, a] = tensors([2], [3, 2]);
        return scan([carry], [a], ([x]) => ({ carries: [ops.unsqueeze(x, [0])] }));
      },
      /enters a step as \[2\] and leaves it as \[1, 2\]/,
    ],
    'a tensor of another graph': [() => ops.add(tensors([2])[0], tensors([2])[0]), /another graph/],
  };
  for (const [name, [build, message]] of Object.entries(wrong)) {
    it(`refuses ${name}`, () => {
      expect(build).toThrow(expect.objectContaining({ code: 'shape', message: expect.stringMatching(message) as string }));
    });
  }
});

it('the same graph is the same file, byte for byte', () => {
  const build = () => {
    const graph = new Graph();
    const x = graph.input('x', ['B', 2]);
    graph.output('y', ops.add(ops.multiply(x, graph.constant([1, 2], [2])), graph.constant([1, 2], [2])));
    return encodeModel(graph, 'same');
  };
  expect(build()).toEqual(build());
});
