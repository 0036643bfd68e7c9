import fc from 'fast-check';
import {
  EigenvalueDecomposition,
  Matrix,
  SingularValueDecomposition,
  pseudoInverse as realPseudoInverse,
  solve,
} from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import type { CMatrix } from './complex-matrix.ts';
import {
  add,
  conjTranspose,
  frobeniusNorm,
  fromParts,
  identity,
  matmul,
  multiplyAhB,
  scale,
  subtract,
  zeros,
} from './complex-matrix.ts';
import { invertInPlace, solveHermitian } from './cholesky.ts';
import { eigHermitian, pseudoInverse, pseudoInverseHermitian, qrThin, svd } from './decompositions.ts';
import { createRandom } from './random.ts';

/** The real matrix [[Re, −Im], [Im, Re]]: the same algebra, done by another library. */
function embed(a: CMatrix): Matrix {
  return new Matrix(
    Array.from({ length: 2 * a.rows }, (_, i) =>
      Array.from({ length: 2 * a.cols }, (_, j) => {
        const at = (i % a.rows) * a.cols + (j % a.cols);
        if (i < a.rows === j < a.cols) return a.re[at];
        return i < a.rows ? -a.im[at] : a.im[at];
      }),
    ),
  );
}

function randomMatrix(rows: number, cols: number, seed: number): CMatrix {
  const random = createRandom(seed);
  const out = zeros(rows, cols);
  for (let i = 0; i < out.re.length; i++) {
    const z = random.complexNormal();
    out.re[i] = z.re;
    out.im[i] = z.im;
  }
  return out;
}

function diagonal(values: ArrayLike<number>): CMatrix {
  const out = zeros(values.length, values.length);
  for (let i = 0; i < values.length; i++) out.re[i * values.length + i] = values[i];
  return out;
}

const distance = (a: CMatrix, b: CMatrix): number => frobeniusNorm(subtract(a, b));
const expectOrthonormal = (a: CMatrix): void =>
  expect(distance(multiplyAhB(a, a), identity(a.cols))).toBeLessThan(1e-12 * (1 + a.cols));
const expectSame = (a: CMatrix, b: CMatrix, tolerance = 1e-11): void =>
  expect(distance(a, b)).toBeLessThan(tolerance * Math.max(1, frobeniusNorm(b)));

const size = fc.integer({ min: 1, max: 9 });
const seed = fc.integer({ min: 0, max: 1_000_000 });
/** Any shape, any rank from 0 to full, over twelve decades of size. */
const anyMatrix = fc
  .record({ rows: size, cols: size, rank: fc.integer({ min: 0, max: 9 }), exponent: fc.integer({ min: -6, max: 6 }), seed })
  .map(({ rows, cols, rank, exponent, seed: s }) =>
    rank === 0 ? zeros(rows, cols) : scale(matmul(randomMatrix(rows, rank, s), randomMatrix(rank, cols, s + 1)), 10 ** exponent),
  );

describe('Hermitian solve', () => {
  it('agrees with the real embedding', () => {
    fc.assert(
      fc.property(size, size, seed, (n, m, s) => {
        const factor = randomMatrix(n, n, s);
        const a = add(matmul(factor, conjTranspose(factor)), identity(n));
        const b = randomMatrix(n, m, s + 1);
        const peer = solve(embed(a), embed(b));
        expect(Matrix.sub(embed(solveHermitian(a, b)), peer).norm()).toBeLessThan(1e-10 * (1 + peer.norm()));
      }),
    );
  });

  it('solves the system worked by hand', () => {
    // [[2, j], [−j, 2]]·x = [1, 0] has x = [2/3, j/3].
    const x = solveHermitian(fromParts(2, 2, [2, 0, 0, 2], [0, 1, -1, 0]), fromParts(2, 1, [1, 0], [0, 0]));
    expectSame(x, fromParts(2, 1, [2 / 3, 0], [0, 1 / 3]), 1e-15);
  });

  it('refuses a matrix that is not positive definite', () => {
    for (const a of [zeros(2, 2), diagonal([1, -1]), fromParts(2, 2, [1, 1, 1, 1], [0, 0, 0, 0])]) {
      expect(() => solveHermitian(a, identity(2))).toThrow(/not positive definite/);
    }
  });
});

describe('the inverse of a Hermitian positive definite matrix, in its place', () => {
  it('is the solution for the identity, in the lower triangle', () => {
    fc.assert(
      fc.property(size, seed, (n, s) => {
        const factor = randomMatrix(n, n, s);
        const a = add(matmul(factor, conjTranspose(factor)), identity(n));
        const expected = solveHermitian(a, identity(n));
        expect(invertInPlace(a, 0)).toBe(true);
        for (let i = 0; i < n; i++) {
          for (let at = i * n; at <= i * n + i; at++) {
            const im = at === i * n + i ? 0 : a.im[at];
            expect(Math.hypot(a.re[at] - expected.re[at], im - expected.im[at])).toBeLessThan(1e-11);
          }
        }
      }),
    );
  });

  it('is not there where a pivot is not above 0', () => {
    expect(invertInPlace(diagonal([1, -1]), 0)).toBe(false);
    expect(invertInPlace(diagonal([1, NaN]), 0)).toBe(false);
    expect(invertInPlace(diagonal([1, -1e-18]), 1e-3)).toBe(true);
  });
});

describe('thin QR', () => {
  it('gives back its matrix, with orthonormal columns and a real diagonal, whatever the rank', () => {
    fc.assert(
      fc.property(anyMatrix, (any) => {
        const a = any.rows < any.cols ? conjTranspose(any) : any;
        const { q, r } = qrThin(a);
        expect(distance(matmul(q, r), a)).toBeLessThanOrEqual(1e-13 * (1 + a.rows) * frobeniusNorm(a));
        expectOrthonormal(q);
        for (let i = 0; i < r.rows; i++) {
          expect(r.re[i * r.cols + i]).toBeGreaterThanOrEqual(-1e-13 * frobeniusNorm(a));
          for (let j = 0; j < i; j++) expect([r.re[i * r.cols + j], r.im[i * r.cols + j]]).toEqual([0, 0]);
        }
      }),
    );
  });

  it('refuses a matrix wider than tall', () => {
    expect(() => qrThin(zeros(2, 3))).toThrow(/at least as many rows/);
  });
});

describe('Hermitian eigenvalues', () => {
  it('agree with the real embedding, where each comes twice', () => {
    fc.assert(
      fc.property(size, seed, (n, s) => {
        const factor = randomMatrix(n, n, s);
        const a = add(factor, conjTranspose(factor));
        const peer = new EigenvalueDecomposition(embed(a), { assumeSymmetric: true }).realEigenvalues.sort((x, y) => x - y);
        eigHermitian(a).values.forEach((value, i) => expect(Math.abs(value - peer[2 * i])).toBeLessThan(1e-11 * n));
      }),
    );
  });

  it('rebuild their matrix from chosen values: repeated, zero, and far apart', () => {
    const chosen = fc.array(fc.constantFrom(-3, 0, 0, 1e-9, 1, 1, 2, 1e6), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(chosen, seed, (values, s) => {
        const { q } = qrThin(randomMatrix(values.length, values.length, s));
        const a = matmul(matmul(q, diagonal(values)), conjTranspose(q));
        const found = eigHermitian(a);
        const span = Math.max(...values.map(Math.abs));
        [...values]
          .sort((x, y) => x - y)
          .forEach((value, i) => expect(Math.abs(found.values[i] - value)).toBeLessThanOrEqual(1e-13 * span));
        expectOrthonormal(found.vectors);
        const rebuilt = matmul(matmul(found.vectors, diagonal(found.values)), conjTranspose(found.vectors));
        expect(distance(rebuilt, a)).toBeLessThanOrEqual(1e-13 * span * values.length);
      }),
    );
  });

  it('are found at the size of a large array', () => {
    const factor = randomMatrix(128, 20, 5);
    const a = matmul(factor, conjTranspose(factor));
    const { values, vectors } = eigHermitian(a);
    expectSame(matmul(matmul(vectors, diagonal(values)), conjTranspose(vectors)), a, 1e-12);
    expect(values.slice(0, 108).every((value) => Math.abs(value) < 1e-10)).toBe(true);
  });

  it('say so when the matrix has entries that are not finite', () => {
    expect(() => eigHermitian(fromParts(2, 2, [1, NaN, NaN, 1], [0, 0, 0, 0]))).toThrow(/not finite/);
    expect(() => svd(fromParts(2, 2, [1, NaN, NaN, 1], [0, 0, 0, 0]))).toThrow(/not finite/);
  });
});

describe('singular values', () => {
  it('rebuild any matrix, with orthonormal u and v even where rank is missing', () => {
    fc.assert(
      fc.property(anyMatrix, (a) => {
        const { u, s, v } = svd(a);
        expect(distance(matmul(matmul(u, diagonal(s)), conjTranspose(v)), a)).toBeLessThanOrEqual(
          1e-13 * (1 + a.rows) * frobeniusNorm(a),
        );
        expectOrthonormal(u);
        expectOrthonormal(v);
        expect([...s]).toEqual([...s].sort((x, y) => y - x));
      }),
    );
  });

  it('agree with the real embedding, where each comes twice', () => {
    fc.assert(
      fc.property(size, size, seed, (rows, cols, s) => {
        const a = randomMatrix(rows, cols, s);
        const peer = new SingularValueDecomposition(embed(a), { autoTranspose: true }).diagonal;
        svd(a).s.forEach((value, i) => expect(Math.abs(value - peer[2 * i])).toBeLessThan(1e-11));
      }),
    );
  });
});

describe('pseudo-inverse', () => {
  it('meets the four Penrose conditions at any shape and rank', () => {
    fc.assert(
      fc.property(anyMatrix, (scaled) => {
        // At unit size, so that the four conditions can share a tolerance; the cutoff itself is relative.
        const norm = frobeniusNorm(scaled);
        const a = norm === 0 ? scaled : scale(scaled, 1 / norm);
        const p = pseudoInverse(a);
        const tolerance = 1e-12 * (1 + frobeniusNorm(p)) ** 2;
        expect(distance(matmul(matmul(a, p), a), a)).toBeLessThan(tolerance);
        expect(distance(matmul(matmul(p, a), p), p)).toBeLessThan(tolerance * (1 + frobeniusNorm(p)));
        expect(distance(conjTranspose(matmul(a, p)), matmul(a, p))).toBeLessThan(tolerance);
        expect(distance(conjTranspose(matmul(p, a)), matmul(p, a))).toBeLessThan(tolerance);
      }),
    );
  });

  it('agrees with the real embedding', () => {
    const a = matmul(randomMatrix(6, 3, 1), randomMatrix(3, 5, 2));
    expect(Matrix.sub(embed(pseudoInverse(a)), realPseudoInverse(embed(a))).norm()).toBeLessThan(1e-10);
  });

  it('of a semidefinite matrix is the same by its eigenvalues', () => {
    const factor = randomMatrix(6, 3, 3);
    const a = matmul(factor, conjTranspose(factor));
    expectSame(pseudoInverseHermitian(a), pseudoInverse(a), 1e-9);
    expect(frobeniusNorm(pseudoInverseHermitian(zeros(3, 3)))).toBe(0);
  });
});
