import { describe, expect, it } from 'vitest';
import type { CMatrix } from './complex-matrix.ts';
import { frobeniusNorm, identity, matmul, multiplyABh, multiplyAhB, scale, subtract, zeros } from './complex-matrix.ts';
import { svd } from './decompositions.ts';
import { polarFactor } from './polar-factor.ts';
import { createRandom } from './random.ts';

function normalMatrix(seed: number, rows: number, cols: number): CMatrix {
  const random = createRandom(seed);
  const out = zeros(rows, cols);
  for (let i = 0; i < out.re.length; i++) {
    const { re, im } = random.complexNormal();
    out.re[i] = re;
    out.im[i] = im;
  }
  return out;
}

const distance = (a: CMatrix, b: CMatrix): number => frobeniusNorm(subtract(a, b));

describe('the polar factor', () => {
  it.each([
    [4, 4],
    [4, 6],
    [6, 3],
    [1, 5],
  ])('of a %i×%i matrix is U·Vᴴ of its singular value decomposition, at any scale', (rows, cols) => {
    for (let seed = 0; seed < 20; seed++) {
      const a = normalMatrix(seed, rows, cols);
      const { u, v } = svd(a);
      for (const factor of [1e-9, 1, 1e9])
        expect(distance(polarFactor(scale(a, factor), 12), multiplyABh(u, v))).toBeLessThan(1e-9);
    }
  });

  it('has orthonormal rows, or columns where it is taller than wide', () => {
    const wide = polarFactor(normalMatrix(1, 3, 5), 12);
    expect(distance(multiplyABh(wide, wide), identity(3))).toBeLessThan(1e-9);
    const tall = polarFactor(normalMatrix(1, 5, 3), 12);
    expect(distance(multiplyAhB(tall, tall), identity(3))).toBeLessThan(1e-9);
  });

  it('of a matrix that lacks rank has the directions that there are, and nothing else', () => {
    const a = matmul(normalMatrix(2, 4, 2), normalMatrix(3, 2, 4)); // rank 2
    const { u, v } = svd(a);
    const pick = (from: CMatrix): CMatrix => ({
      rows: 4,
      cols: 2,
      re: Float64Array.from({ length: 8 }, (_, i) => from.re[Math.floor(i / 2) * 4 + (i % 2)]),
      im: Float64Array.from({ length: 8 }, (_, i) => from.im[Math.floor(i / 2) * 4 + (i % 2)]),
    });
    expect(distance(polarFactor(a, 12), multiplyABh(pick(u), pick(v)))).toBeLessThan(1e-6);
    expect(frobeniusNorm(polarFactor(zeros(3, 4)))).toBe(0);
  });
});
