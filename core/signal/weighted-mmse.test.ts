import { describe, expect, it } from 'vitest';
import type { CMatrix } from './complex-matrix.ts';
import { fromParts, identity, matmul, multiplyABh, zeros } from './complex-matrix.ts';
import { createRandom } from './random.ts';
import { ratesOfGains } from './rate.ts';
import { weightedMmseInRowSpace } from './weighted-mmse.ts';

const NOISE = 0.1;

const randomSquare = (size: number, seed: number): CMatrix => {
  const random = createRandom(seed);
  const out = zeros(size, size);
  for (let i = 0; i < size * size; i++) ({ re: out.re[i], im: out.im[i] } = random.complexNormal());
  return out;
};

/** Re tr(XᴴG), the power of V = Hᴴ·X. */
const powerOf = (x: CMatrix, gains: CMatrix): number =>
  x.re.reduce((sum, re, i) => sum + re * gains.re[i] + x.im[i] * gains.im[i], 0);

const improve = (gram: CMatrix, start: CMatrix, iterations: number, tolerance = 0): CMatrix => {
  const gains = matmul(gram, start);
  const accelerated = tolerance > 0;
  return weightedMmseInRowSpace({
    ...{ gram, gains, gainsPower: powerOf(start, gains), relativeNoise: NOISE },
    ...{ iterations, tolerance, accelerated },
  });
};

describe('weighted MMSE in the row space of the channel', () => {
  it.each([1, 2, 3, 4, 7])('climbs with every update and keeps the power at 1, for %i users', (users) => {
    for (let seed = 0; seed < 10; seed++) {
      const channel = randomSquare(users, seed);
      const gram = multiplyABh(channel, channel);
      let before = 0;
      for (let iterations = 1; iterations < 12; iterations++) {
        const x = improve(gram, randomSquare(users, seed + 100), iterations);
        const gains = matmul(gram, x);
        expect(powerOf(x, gains)).toBeCloseTo(1, 12);
        const rate = ratesOfGains(gains, NOISE).sumRate;
        expect(rate).toBeGreaterThan(before - 1e-9);
        before = rate;
      }
      expect(
        ratesOfGains(matmul(gram, improve(gram, randomSquare(users, seed + 100), 100, 1e-9)), NOISE).sumRate,
      ).toBeGreaterThan(before - 1e-6);
    }
  });

  it('leaves every stream the phase that it starts with', () => {
    const channel = randomSquare(3, 1);
    const gram = multiplyABh(channel, channel);
    const start = randomSquare(3, 2);
    const turns = [0.3, -2, 3];
    const diagonal = zeros(3, 3);
    turns.forEach((turn, k) => ([diagonal.re[4 * k], diagonal.im[4 * k]] = [Math.cos(turn), Math.sin(turn)]));
    const x = matmul(improve(gram, start, 8), diagonal);
    const turned = improve(gram, matmul(start, diagonal), 8);
    for (let i = 0; i < 9; i++) expect(Math.hypot(x.re[i] - turned.re[i], x.im[i] - turned.im[i])).toBeLessThan(1e-12);
  });

  it('never lights a user who starts switched off, and serves the others as if he were not there', () => {
    const channel = randomSquare(3, 5);
    const gram = multiplyABh(channel, channel);
    const start = identity(3);
    start.re[8] = 0;
    const x = improve(gram, start, 30);
    for (const i of [2, 5, 8]) expect(Math.hypot(x.re[i], x.im[i])).toBe(0);
    const pick = (part: Float64Array): number[] => [0, 1, 3, 4].map((i) => part[i]);
    const pair = fromParts(2, 2, pick(gram.re), pick(gram.im));
    const rate = ratesOfGains(matmul(gram, x), NOISE).sumRate;
    expect(rate).toBeCloseTo(ratesOfGains(matmul(pair, improve(pair, identity(2), 30)), NOISE).sumRate, 9);
  });
});
