import { describe, expect, it } from 'vitest';
import { frobeniusNorm, subtract, zeros, type CMatrix } from '../core/signal/complex-matrix.ts';
import { createRandom } from '../core/signal/random.ts';
import { chainsByPower, turnedTowards } from './power-only.ts';

const drawn = (chains: number, seed: number): CMatrix => {
  const random = createRandom(seed);
  const row = zeros(1, chains);
  for (let m = 0; m < chains; m++) {
    const { re, im } = random.complexNormal();
    row.re[m] = re;
    row.im[m] = im;
  }
  return row;
};

describe('chains that are told apart by powers', () => {
  it.each([1, 2, 3, 4, 5])('are known but for one phase, which the expected row gives (draw %i)', (seed) => {
    const row = drawn(4, seed);
    const powers = Array.from(row.re, (re, m) => re ** 2 + row.im[m] ** 2);
    const reference = powers.indexOf(Math.max(...powers));
    const [re, im] = [row.re[reference], row.im[reference]];
    const pairs = powers.map((_, m): [number, number] => [
      (row.re[m] + re) ** 2 + (row.im[m] + im) ** 2,
      (row.re[m] - im) ** 2 + (row.im[m] + re) ** 2, // j·(re + j·im)
    ]);
    const heard = chainsByPower(powers, pairs, reference);
    expect(heard.im[reference]).toBe(0);
    expect(frobeniusNorm(subtract(turnedTowards(heard, row), row))).toBeLessThan(1e-9);
  });

  it('take a power below nothing, which noise makes now and then, for nothing', () => {
    const heard = chainsByPower(
      [4, -0.1],
      [
        [0, 0],
        [4, 4],
      ],
      0,
    );
    expect(Array.from(heard.re)).toEqual([2, 0]);
    expect(Array.from(heard.im)).toEqual([0, 0]);
  });
});
