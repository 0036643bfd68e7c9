import { describe, expect, it } from 'vitest';
import type { CMatrix } from './complex-matrix.ts';
import { clone, fromParts, matmul, multiplyABh, multiplyAhB, realInner, zeros } from './complex-matrix.ts';
import { gramInverse, regularisedInverse } from './gram-inverse.ts';
import { digitalForAnalog, wmmse } from './precoders.ts';
import { createRandom } from './random.ts';
import { fromDb, ratesOfGains, sumRate } from './rate.ts';
import { weightedMmseOfServed } from './served-users.ts';
import type { WeightedMmseProblem } from './weighted-mmse.ts';
import { weightedMmseInRowSpace } from './weighted-mmse.ts';

function draw(users: number, elements: number, seed: number): CMatrix {
  const random = createRandom(seed);
  const out = zeros(users, elements);
  for (let i = 0; i < out.re.length; i++) ({ re: out.re[i], im: out.im[i] } = random.complexNormal());
  return out;
}

/** Row `to` becomes a multiple of row `from`, and a share of what it was. */
function moved(channel: CMatrix, from: number, to: number, factor: number, own = 0): CMatrix {
  const out = clone(channel);
  for (const part of ['re', 'im'] as const) {
    for (let n = 0; n < out.cols; n++) {
      const at = to * out.cols + n;
      out[part][at] = factor * channel[part][from * out.cols + n] + own * channel[part][at];
    }
  }
  return out;
}

function problemOf(channel: CMatrix, relativeNoise: number): WeightedMmseProblem {
  const gram = multiplyABh(channel, channel);
  const start = regularisedInverse(gram, 1, relativeNoise);
  const gains = matmul(gram, start);
  const gainsPower = realInner(start, gains);
  return { gram, gains, gainsPower, relativeNoise, iterations: 100, tolerance: 1e-6, accelerated: true };
}

function rateOf({ gram, relativeNoise }: WeightedMmseProblem, x: CMatrix): number {
  const gains = matmul(gram, x);
  expect(realInner(x, gains)).toBeCloseTo(1, 6);
  return ratesOfGains(gains, relativeNoise).sumRate;
}

/** log₂(1 + ‖h‖²·P/σ²) of the user who hears most. */
function aloneRate({ gram, relativeNoise }: WeightedMmseProblem): number {
  const strongest = Math.max(...Array.from({ length: gram.rows }, (_, k) => gram.re[k * gram.rows + k]));
  return Math.log2(1 + strongest / relativeNoise);
}

const SNRS_DB = [-20, 0, 20, 40, 60, 100];

describe('weighted MMSE of the users worth serving', () => {
  it('is weighted MMSE to the last bit where users can be told apart', () => {
    for (let seed = 0; seed < 30; seed++) {
      for (const snrDb of SNRS_DB) {
        const problem = problemOf(draw(4, 8, seed), fromDb(-snrDb));
        expect(weightedMmseOfServed(problem)).toEqual(weightedMmseInRowSpace(problem));
      }
    }
  });

  it.each([
    ['in one place', 0],
    ['all but in one place', 1e-6],
    ['a thousandth apart', 1e-3],
    ['a hundredth apart', 1e-2],
  ])('gives no less than the strongest user alone would have, of four users %s', (_, own) => {
    for (let seed = 0; seed < 5; seed++) {
      let channel = draw(4, 16, seed);
      for (const user of [1, 2, 3]) channel = moved(channel, 0, user, seed === 0 ? 2 : 1, own);
      for (const snrDb of SNRS_DB) {
        const problem = problemOf(channel, fromDb(-snrDb));
        expect(rateOf(problem, weightedMmseOfServed(problem))).toBeGreaterThan(aloneRate(problem) - 1e-6);
      }
    }
  });

  it('serves one user of each place where there are two', () => {
    for (let seed = 0; seed < 5; seed++) {
      const places = draw(4, 16, seed);
      const problem = problemOf(moved(moved(places, 0, 1, 1), 2, 3, -1), fromDb(-60));
      const pair = fromParts(
        2,
        16,
        [...places.re.slice(0, 16), ...places.re.slice(32, 48)],
        [...places.im.slice(0, 16), ...places.im.slice(32, 48)],
      );
      const best = problemOf(pair, fromDb(-60));
      const x = weightedMmseOfServed(problem);
      expect(rateOf(problem, x)).toBeCloseTo(rateOf(best, weightedMmseInRowSpace(best)), 6);
      const served = [0, 1, 2, 3].filter((k) => x.re[k * 5] !== 0);
      expect(served).toHaveLength(2);
    }
  });

  it('stands a user who hears but a sum of what others hear, with no noise to speak of', () => {
    for (let seed = 0; seed < 5; seed++) {
      const channel = draw(3, 16, seed);
      const sum = moved(moved(channel, 0, 2, 1), 1, 2, 1, 1);
      for (const snrDb of SNRS_DB) {
        const problem = problemOf(sum, fromDb(-snrDb));
        expect(rateOf(problem, weightedMmseOfServed(problem))).toBeGreaterThan(aloneRate(problem) - 1e-6);
      }
    }
  });

  it('is behind the digital reference and the D of a given array', () => {
    const channel = moved(moved(draw(3, 16, 1), 0, 1, 1), 0, 2, 1);
    const analog = draw(16, 3, 2);
    const heard = matmul(channel, analog);
    const through = multiplyABh(digitalBasis(heard, analog), heard);
    for (const snrDb of SNRS_DB) {
      const power = fromDb(snrDb);
      const alone = Math.log2(1 + power * multiplyABh(channel, channel).re[0]);
      expect(sumRate(channel, wmmse(channel, power, 1), 1)).toBeGreaterThan(alone - 1e-6);
      const digital = digitalForAnalog(channel, analog, power, 1);
      expect(sumRate(channel, matmul(analog, digital), 1)).toBeGreaterThan(Math.log2(1 + power * through.re[0]) - 1e-6);
    }
  });
});

/** HA·(AᴴA)⁻¹ */
const digitalBasis = (heard: CMatrix, analog: CMatrix): CMatrix => matmul(heard, gramInverse(multiplyAhB(analog, analog)));
