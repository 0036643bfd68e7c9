import { describe, expect, it } from 'vitest';
import type { ElementStates } from './quantise.ts';
import { idealStates } from './quantise.ts';
import { createRandom } from './random.ts';
import type { SpanSurrogate } from './span-surrogate.ts';
import { bestWord } from './state-search.ts';
import { zeros } from './complex-matrix.ts';

/** A surrogate that knows nothing but a function of the state. */
function surrogateOf(value: (re: number, im: number) => number): SpanSurrogate & { asked: number } {
  const surrogate = {
    asked: 0,
    rows: zeros(1, 1),
    settle: () => 0,
    liftChain: () => undefined,
    liftPlace: () => undefined,
    move: () => undefined,
    value: (re: number, im: number) => {
      surrogate.asked++;
      return value(re, im);
    },
  };
  return surrogate;
}

/** As the rate of one user in a place: a ratio of two waves around the circle. */
const wave = (angle: number) =>
  surrogateOf((re, im) => (3 + Math.cos(angle) * re + Math.sin(angle) * im) / (4 - Math.cos(angle) * re));

function bestOfAll({ re, im }: ElementStates, surrogate: SpanSurrogate): number {
  const values = Array.from(re, (x, word) => surrogate.value(x, im[word]));
  return values.indexOf(Math.max(...values));
}

describe('the best state of a place', () => {
  it('is the best of all for any Q, and few of many are tried', () => {
    for (const bits of [1, 2, 4, 5, 8, 12]) {
      const states = idealStates(bits);
      for (let angle = 0; angle < 6.28; angle += 0.37) {
        const surrogate = wave(angle);
        const word = bestWord(surrogate, states, Math.floor(angle * 3) % states.re.length);
        expect(surrogate.asked).toBeLessThanOrEqual(bits <= 4 ? 1 + states.re.length : 8 + 2 * (bits - 3));
        expect(word).toBe(bestOfAll(states, wave(angle)));
      }
    }
  });

  it('is found among measured ones, whatever word stands for which phase', () => {
    const random = createRandom(3);
    const ideal = idealStates(6);
    const order = Array.from({ length: 64 }, (_, word) => (word * 37) % 64);
    const measured = {
      re: Float64Array.from(order, (word) => ideal.re[word] * (1 + 0.02 * random.normal())),
      im: Float64Array.from(order, (word) => ideal.im[word] * (1 + 0.02 * random.normal())),
    };
    for (let angle = 0; angle < 6.28; angle += 0.37) {
      const valueOf = (word: number): number => wave(angle).value(measured.re[word], measured.im[word]);
      const found = bestWord(wave(angle), measured, 5);
      const best = bestOfAll(measured, wave(angle));
      // Gains are no smooth function of the phase: the very best may be missed by what they scatter.
      expect(valueOf(found)).toBeGreaterThan(0.985 * valueOf(best));
    }
  });

  it('is the present one where no other is better, or nothing is a number', () => {
    for (const bits of [2, 7]) {
      expect(
        bestWord(
          surrogateOf(() => 1),
          idealStates(bits),
          3,
        ),
      ).toBe(3);
      expect(
        bestWord(
          surrogateOf(() => NaN),
          idealStates(bits),
          3,
        ),
      ).toBe(3);
    }
  });
});
