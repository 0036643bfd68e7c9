import fc from 'fast-check';
import { Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import type { CMatrix } from './complex-matrix.ts';
import {
  add,
  clone,
  conjTranspose,
  frobeniusNorm,
  fromParts,
  fromPhases,
  identity,
  matmul,
  multiplyABh,
  multiplyAhB,
  scale,
  subtract,
} from './complex-matrix.ts';

const size = fc.integer({ min: 1, max: 6 });
const entries = (count: number): fc.Arbitrary<number[]> =>
  fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: count, maxLength: count });
const matrix = (rows: number, cols: number): fc.Arbitrary<CMatrix> =>
  fc.tuple(entries(rows * cols), entries(rows * cols)).map(([re, im]) => fromParts(rows, cols, re, im));

/** [[Re, −Im], [Im, Re]] in another library. */
function embed({ rows, cols, re, im }: CMatrix): Matrix {
  const real = Matrix.from1DArray(rows, cols, re);
  const imaginary = Matrix.from1DArray(rows, cols, im);
  const out = new Matrix(2 * rows, 2 * cols);
  out.setSubMatrix(real, 0, 0).setSubMatrix(real, rows, cols);
  return out.setSubMatrix(imaginary, rows, 0).setSubMatrix(imaginary.clone().neg(), 0, cols);
}

const expectSame = (a: CMatrix, b: CMatrix): void => {
  expect([a.rows, a.cols]).toEqual([b.rows, b.cols]);
  expect(frobeniusNorm(subtract(a, b))).toBeLessThan(1e-9 * (1 + frobeniusNorm(b)));
};

describe('complex matrices', () => {
  it('multiply as their real embeddings do', () => {
    const pair = fc.tuple(size, size, size).chain(([m, r, n]) => fc.tuple(matrix(m, r), matrix(r, n)));
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const peer = embed(a).mmul(embed(b));
        expect(Matrix.sub(embed(matmul(a, b)), peer).norm()).toBeLessThan(1e-9 * (1 + peer.norm()));
      }),
    );
  });

  it('multiply by a conjugate transpose as if it had been formed', () => {
    const pair = fc.tuple(size, size, size).chain(([m, r, n]) => fc.tuple(matrix(m, r), matrix(r, n)));
    fc.assert(
      fc.property(pair, ([a, b]) => {
        expectSame(multiplyAhB(conjTranspose(a), b), matmul(a, b));
        expectSame(multiplyABh(a, conjTranspose(b)), matmul(a, b));
      }),
    );
  });

  it('add, subtract and scale entry by entry, and leave their arguments alone', () => {
    const a = fromParts(1, 2, [1, 2], [3, 4]);
    const b = fromParts(1, 2, [10, 20], [30, 40]);
    const before = clone(a);
    expect(add(a, b)).toEqual(fromParts(1, 2, [11, 22], [33, 44]));
    expect(subtract(b, a)).toEqual(fromParts(1, 2, [9, 18], [27, 36]));
    expect(scale(a, 2)).toEqual(fromParts(1, 2, [2, 4], [6, 8]));
    expect(a).toEqual(before);
    expect(frobeniusNorm(a)).toBeCloseTo(Math.sqrt(30), 12);
  });

  it('are made from phases, with nothing where no wire runs', () => {
    const a = fromPhases(Float64Array.of(0, Math.PI / 2, Math.PI, 0), 2, 2, Uint8Array.of(1, 1, 1, 0));
    expectSame(a, fromParts(2, 2, [1, 0, -1, 0], [0, 1, 0, 0]));
  });

  it('refuse shapes that do not fit, and name them', () => {
    const a = identity(2);
    const b = identity(3);
    for (const product of [matmul, multiplyABh, multiplyAhB, add, subtract]) expect(() => product(a, b)).toThrow(/2×2 and 3×3/);
    expect(() => fromParts(2, 2, [1], [1])).toThrow(/needs 4/);
    expect(() => fromPhases(new Float64Array(3), 2, 2)).toThrow(/needs 4 phases/);
    expect(() => fromPhases(new Float64Array(4), 2, 2, new Uint8Array(3))).toThrow(/needs 4 entries/);
  });
});
