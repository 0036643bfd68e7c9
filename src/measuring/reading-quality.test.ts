import { describe, expect, it } from 'vitest';
import { drawnArray } from '../../calibration/drawn-array.ts';
import { estimateStates } from '../../calibration/estimate-states.ts';
import { coded } from '../../calibration/methods/coded.ts';
import { ReadingModel } from '../../calibration/reading-model.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { requireExplained } from './reading-quality.ts';

const [ELEMENTS, BITS, NOISE] = [16, 4, 0.001];

/** What is made of readings that something spoils. */
function judged(spoil: (readings: CMatrix, eachAt: (i: number) => number) => void): void {
  const random = createRandom(5);
  const errors = { phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 };
  const array = drawnArray({ elements: ELEMENTS, phaseBits: BITS, random: random.stream('array'), ...errors });
  const setup = { elements: ELEMENTS, phaseBits: BITS, elementEnable: true, random: random.stream('plan'), noise: NOISE };
  const step = coded.run({ ...setup, readings: 1024 }).next();
  if (step.done === true) throw new Error('no plan');
  const readings = new ReadingModel(step.value).heard(array);
  const from = random.stream('noise');
  for (let i = 0; i < readings.rows; i++) {
    const error = from.complexNormal();
    readings.re[i] += Math.sqrt(NOISE) * error.re;
    readings.im[i] += Math.sqrt(NOISE) * error.im;
  }
  spoil(readings, (i) => step.value.words[i * ELEMENTS + 3]);
  const estimate = estimateStates(step.value, readings, { noise: NOISE, drift: true });
  requireExplained([{ estimate, noise: NOISE }], coded);
}

const turned = (readings: CMatrix, i: number, degrees: number): void => {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  [readings.re[i], readings.im[i]] = [readings.re[i] * cos - readings.im[i] * sin, readings.re[i] * sin + readings.im[i] * cos];
};

describe('readings', () => {
  it('of an array that stands still are believed', () => {
    expect(() => judged(() => undefined)).not.toThrow();
  });

  it('of a receiver whose phase goes by evenly are believed', () => {
    expect(() =>
      judged((readings) => {
        for (let i = 0; i < readings.rows; i++) turned(readings, i, (20 * i) / readings.rows);
      }),
    ).not.toThrow();
  });

  it.each([
    [
      'a probe that moves in the middle',
      (readings: CMatrix) => {
        for (let i = readings.rows / 2; i < readings.rows; i++) turned(readings, i, 40);
      },
    ],
    [
      'an element that answers differently later on',
      (readings: CMatrix, wordAt: (i: number) => number) => {
        for (let i = readings.rows / 2; i < readings.rows; i++) {
          readings.re[i] -= 1.6 * Math.cos((2 * Math.PI * wordAt(i)) / 2 ** BITS);
          readings.im[i] -= 1.6 * Math.sin((2 * Math.PI * wordAt(i)) / 2 ** BITS);
        }
      },
    ],
    [
      'a receiver at its limit',
      (readings: CMatrix) => {
        for (let i = 0; i < readings.rows; i++) {
          const size = Math.hypot(readings.re[i], readings.im[i]);
          if (size > 2) [readings.re[i], readings.im[i]] = [(2 * readings.re[i]) / size, (2 * readings.im[i]) / size];
        }
      },
    ],
  ])('of %s are not', (_, spoil) => {
    expect(() => judged(spoil)).toThrow(/do not fit one another: [\d.]+ times their noise/);
  });

  it('of nothing but noise are not', () => {
    const noise = createRandom(9);
    expect(() =>
      judged((readings) => {
        for (let i = 0; i < readings.rows; i++) {
          const { re, im } = noise.complexNormal();
          [readings.re[i], readings.im[i]] = [Math.sqrt(NOISE) * re, Math.sqrt(NOISE) * im];
        }
      }),
    ).toThrow(/is not heard/);
  });
});
