import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { add, fromParts as matrix, identity, matmul, multiplyAhB, scale, zeros } from '../../core/signal/complex-matrix.ts';
import { qrThin } from '../../core/signal/decompositions.ts';
import { createRandom, type Random } from '../../core/signal/random.ts';
import * as c from './complex.ts';
import type { Complex } from './complex.ts';
import { encodeModel } from './encode.ts';
import { gradients } from './gradients.ts';
import { Graph } from './graph.ts';
import type { Tensor } from './graph.ts';
import * as ops from './ops.ts';
import { openSession } from './session.ts';
import type { Feed } from './session.ts';

const drawFrom = (random: Random, rows: number, cols: number): CMatrix => {
  const part = () => Float64Array.from({ length: rows * cols }, () => 2 * random.uniform() - 1);
  return matrix(rows, cols, part(), part());
};
const random = createRandom(7);
const draw = (rows: number, cols: number): CMatrix => drawFrom(random, rows, cols);

/** Batches of one, [1, R, 2C]. */
const feedOf = ({ rows, cols, re, im }: CMatrix): Feed => ({
  values: Float64Array.from({ length: 2 * rows * cols }, (_, i) => {
    const [row, col] = [Math.floor(i / (2 * cols)), i % (2 * cols)];
    return col < cols ? re[row * cols + col] : im[row * cols + col - cols];
  }),
  shape: [1, rows, 2 * cols],
});

function matrixOf({ values, shape }: Feed): CMatrix {
  const [, rows, width] = shape;
  const cols = width / 2;
  const part = (from: number) =>
    Float64Array.from({ length: rows * cols }, (_, i) => values[Math.floor(i / cols) * width + from + (i % cols)]);
  return matrix(rows, cols, part(0), part(cols));
}

/** What a graph makes of its inputs a, b, … in float64. */
async function run(inputs: CMatrix[], build: (tensors: Complex[]) => Record<string, Tensor>): Promise<Record<string, Feed>> {
  const graph = new Graph('float64');
  const names = inputs.map((_, i) => `in_${i}`);
  const tensors = inputs.map(({ rows, cols }, i) => c.complex(graph.input(names[i], ['B', rows, 2 * cols])));
  for (const [name, tensor] of Object.entries(build(tensors))) graph.output(name, tensor);
  const session = await openSession(encodeModel(graph, 'test'), { exact: true });
  const results = await session.run(Object.fromEntries(inputs.map((input, i) => [names[i], feedOf(input)])));
  await session.close();
  return results;
}

async function result(inputs: CMatrix[], build: (tensors: Complex[]) => Complex): Promise<CMatrix> {
  const { out } = await run(inputs, (tensors) => ({ out: build(tensors).parts }));
  return matrixOf(out);
}

function expectEqual(actual: CMatrix, expected: CMatrix, digits = 10): void {
  expect([actual.rows, actual.cols]).toEqual([expected.rows, expected.cols]);
  actual.re.forEach((value, i) => expect(value).toBeCloseTo(expected.re[i], digits));
  actual.im.forEach((value, i) => expect(value).toBeCloseTo(expected.im[i], digits));
}

describe('complex matrices in a graph', () => {
  const [h, a, d] = [draw(3, 8), draw(8, 3), draw(3, 3)];

  it('multiply: H·A·D, AᴴA, j·A', async () => {
    expectEqual(await result([h, a, d], ([x, y, z]) => c.product(c.product(x, y), z)), matmul(matmul(h, a), d));
    expectEqual(await result([a], ([x]) => c.product(c.hermitian(x), x)), multiplyAhB(a, a));
    expectEqual(
      await result([a], ([x]) => c.timesJ(x)),
      matrix(
        8,
        3,
        a.im.map((value) => -value),
        a.re,
      ),
    );
  });

  it('add, subtract, and scale by a real number', async () => {
    const twice = await result([a], ([x]) => c.subtract(c.add(c.add(x, x), x), x));
    expectEqual(twice, scale(a, 2));
    expectEqual(await result([a], ([x]) => c.scale(x, x.parts.graph.constant(2))), twice);
  });

  it('come to modulus one, and an entry that is 0 has phase 0', async () => {
    const spoilt = { ...a, re: a.re.map((value, i) => (i === 4 ? 0 : value)), im: a.im.map((value, i) => (i === 4 ? 0 : value)) };
    const unit = await result([spoilt], ([x]) => c.unitModulus(c.withPhase(x)));
    unit.re.forEach((re, i) => {
      expect(Math.hypot(re, unit.im[i])).toBeCloseTo(1, 12);
      expect(Math.atan2(unit.im[i], re)).toBeCloseTo(Math.atan2(spoilt.im[i], spoilt.re[i]), 10);
    });
  });

  it('are scaled to unit power: ‖A·D‖_F = 1', async () => {
    const scaled = await result([a, d], ([x, y]) => c.unitPower(x, y));
    const { re, im } = matmul(a, scaled);
    expect(re.reduce((sum, value, i) => sum + value ** 2 + im[i] ** 2, 0)).toBeCloseTo(1, 12);
  });

  it('are solved for by way of their embedding', async () => {
    const gram = add(multiplyAhB(d, d), identity(3));
    const solution = await result([gram, d], ([x, y]) => c.fromEmbedding(ops.solvePositiveDefinite(c.embed(x), c.embed(y))));
    expectEqual(matmul(gram, solution), d);
  });

  it('come in as pairs and go out as pairs', async () => {
    const { out } = await run([a], ([x]) => {
      const [re, im] = c.partsOfPairs(c.toPairs(x));
      return { out: c.fromParts(re, im).parts };
    });
    expectEqual(matrixOf(out), a);
  });

  it('have a polar factor: orthonormal columns, and UᴴA Hermitian', async () => {
    const u = await result([a], ([x]) => c.polarFactor(x, 12));
    expectEqual(multiplyAhB(u, u), identity(3));
    const p = multiplyAhB(u, a);
    expectEqual(p, multiplyAhB(p, identity(3)));
  });

  it('have an orthonormal basis, whatever the lengths of their columns', async () => {
    const uneven = { ...a, re: a.re.map((value, i) => value * 10 ** (i % 3)), im: a.im.map((value, i) => value * 10 ** (i % 3)) };
    const q = await result([uneven], ([x]) => c.orthonormalBasis(x));
    expectEqual(multiplyAhB(q, q), identity(3), 5);
    expectEqual(matmul(q, multiplyAhB(q, uneven)), uneven, 3); // QQᴴ leaves A as it is
  });

  it('are brought to orthonormal columns as Gram and Schmidt do it, as Householder does', async () => {
    const draws = fc.record({ cols: fc.integer({ min: 1, max: 5 }), more: fc.nat(4), seed: fc.nat(1000) });
    await fc.assert(
      fc.asyncProperty(draws, async ({ cols, more, seed }) => {
        const uneven = drawFrom(createRandom(seed), cols + more, cols);
        // Columns of length 1 … 100, and no two so near to each other that digits are lost.
        uneven.re.forEach((_, i, re) => (re[i] += i % (cols + 1) === 0 ? 3 : 0));
        uneven.re.forEach((_, i, re) => (re[i] *= 10 ** ((i % cols) % 3)));
        uneven.im.forEach((_, i, im) => (im[i] *= 10 ** ((i % cols) % 3)));
        const q = await result([uneven], ([x]) => c.gramSchmidt(x));
        expectEqual(q, qrThin(uneven).q, 8);
        expectEqual(multiplyAhB(q, q), identity(cols), 12);
      }),
      { numRuns: 25 },
    );
  });

  it('have no orthonormal columns of that kind where one is the multiple of another: NaN', async () => {
    const twins = matrix(3, 2, Float64Array.of(1, 2, 1, 2, 1, 2), new Float64Array(6));
    const q = await result([twins], ([x]) => c.gramSchmidt(x));
    expect(q.re.some(Number.isNaN)).toBe(true);
  });

  it('stay finite where columns coincide or nothing is there', async () => {
    const twins = { ...a, re: a.re.slice(), im: a.im.slice() };
    for (let row = 0; row < 8; row++) {
      twins.re[3 * row + 1] = twins.re[3 * row];
      twins.im[3 * row + 1] = twins.im[3 * row];
    }
    for (const odd of [twins, zeros(8, 3)]) {
      const q = await result([odd], ([x]) => c.orthonormalBasis(x));
      expect([...q.re, ...q.im].every(Number.isFinite)).toBe(true);
    }
  });

  it('carry gradients: of a polar factor, against central differences', async () => {
    const weights = draw(8, 3);
    const loss = ([x, w]: Complex[]): Tensor =>
      ops.squeeze(ops.reduceSum(ops.multiply(c.unitModulus(c.polarFactor(x, 6)).parts, w.parts), [0, 1, 2]), [0, 1, 2]);
    const { d: gradient } = await run([a, weights], (tensors) => ({ d: gradients(loss(tensors), [tensors[0].parts])[0] }));
    const found = matrixOf(gradient);
    const at = async (index: number, change: number): Promise<number> => {
      const moved = { ...a, re: a.re.map((value, i) => (i === index ? value + change : value)) };
      const { out } = await run([moved, weights], (tensors) => ({ out: loss(tensors) }));
      return out.values[0];
    };
    for (const index of [0, 7, 23]) {
      expect(found.re[index]).toBeCloseTo(((await at(index, 1e-5)) - (await at(index, -1e-5))) / 2e-5, 6);
    }
  });

  it('are refused where a tensor is no [Re | Im]', () => {
    expect(() => c.complex(new Graph().input('x', ['B', 3, 5]))).toThrow(/is no matrix of \[Re \| Im\]/);
  });
});
