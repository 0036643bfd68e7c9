/** G, its parts and its changes against what a pseudo-inverse of the whole array says. */
import { describe, expect, it } from 'vitest';
import { ArraySpan } from './array-span.ts';
import type { CMatrix } from './complex-matrix.ts';
import { clone, matmul, multiplyABh, subtract, zeros, frobeniusNorm } from './complex-matrix.ts';
import { pseudoInverse } from './decompositions.ts';
import { createRandom } from './random.ts';

const random = createRandom(7);

function randomMatrix(rows: number, cols: number): CMatrix {
  const a = zeros(rows, cols);
  for (let i = 0; i < rows * cols; i++) {
    const { re, im } = random.complexNormal();
    a.re[i] = re;
    a.im[i] = im;
  }
  return a;
}

/** C·P·Cᴴ with P = A·A⁺. */
function gramByPseudoInverse(rows: CMatrix, analog: CMatrix): CMatrix {
  return multiplyABh(matmul(matmul(rows, analog), pseudoInverse(analog)), rows);
}

/** G of the whole array, while a chain is lifted. */
const gramOf = (span: ArraySpan): CMatrix => multiplyABh(span.seen(), span.seen());

const distance = (a: CMatrix, b: CMatrix): number => frobeniusNorm(subtract(a, b)) / frobeniusNorm(b);

function without(analog: CMatrix, chain: number): CMatrix {
  const rest = clone(analog);
  for (let i = chain; i < rest.re.length; i += rest.cols) rest.re[i] = rest.im[i] = 0;
  return rest;
}

describe('the span of an array', () => {
  it('gives G with and without each chain, for any number of rows, chains and elements', () => {
    for (const [p, elements, chains] of [
      [3, 9, 4],
      [1, 5, 1],
      [6, 8, 3],
      [2, 4, 4],
    ]) {
      const rows = randomMatrix(p, elements);
      const analog = randomMatrix(elements, chains);
      const span = new ArraySpan(rows, clone(analog));
      for (let m = 0; m < chains; m++) {
        span.lift(m);
        expect(distance(gramOf(span), gramByPseudoInverse(rows, analog))).toBeLessThan(1e-10);
        const rest = gramByPseudoInverse(rows, without(analog, m));
        expect(frobeniusNorm(subtract(span.chain.gram, rest))).toBeLessThan(1e-10);
        span.lower();
      }
    }
  });

  it('follows its places as they move, and tells beforehand what a move does', () => {
    const rows = randomMatrix(3, 10);
    const analog = randomMatrix(10, 4);
    const span = new ArraySpan(rows, clone(analog));
    const moved = clone(analog);
    for (let sweep = 0; sweep < 3; sweep++) {
      for (let m = 0; m < 4; m++) {
        span.lift(m);
        for (let n = 0; n < 10; n++) {
          span.at(n);
          const { re, im } = random.complexNormal();
          const [none, alongRe, alongIm, square] = span.place.rho;
          const told = none + alongRe * re + alongIm * im + square * (re * re + im * im);
          span.move(re, im);
          moved.re[n * 4 + m] = re;
          moved.im[n * 4 + m] = im;
          expect(span.chain.rho).toBeCloseTo(told, 10);
          expect(distance(gramOf(span), gramByPseudoInverse(rows, moved))).toBeLessThan(1e-9);
        }
        span.lower();
      }
    }
    expect(span.analog).toEqual(moved);
  });

  it('takes chains that show the same, or nothing, for what they add: nothing', () => {
    const rows = randomMatrix(3, 8);
    const analog = randomMatrix(8, 4);
    for (let n = 0; n < 8; n++) {
      analog.re[n * 4 + 2] = -2 * analog.im[n * 4];
      analog.im[n * 4 + 2] = 2 * analog.re[n * 4];
      analog.re[n * 4 + 3] = analog.im[n * 4 + 3] = 0;
    }
    const span = new ArraySpan(rows, analog);
    for (let m = 0; m < 4; m++) {
      span.lift(m);
      expect(distance(gramOf(span), gramByPseudoInverse(rows, analog))).toBeLessThan(1e-7);
      if (m !== 1) expect(span.chain.rho).toBeLessThanOrEqual(span.chain.leastRho);
      else expect(span.chain.rho).toBeGreaterThan(span.chain.leastRho);
      span.lower();
    }
  });

  it('begins anew from A as it is then', () => {
    const rows = randomMatrix(2, 6);
    const span = new ArraySpan(rows, randomMatrix(6, 2));
    const other = randomMatrix(6, 2);
    span.analog.re.set(other.re);
    span.analog.im.set(other.im);
    span.begin();
    span.lift(0);
    expect(distance(gramOf(span), gramByPseudoInverse(rows, other))).toBeLessThan(1e-10);
  });
});
