import { describe, expect, it } from 'vitest';
import { drawnArray } from '../../calibration/drawn-array.ts';
import { estimateStates } from '../../calibration/estimate-states.ts';
import { coded } from '../../calibration/methods/coded.ts';
import { ReadingModel } from '../../calibration/reading-model.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { expectedError } from '../../calibration/expected-error.ts';
import { stateDifference } from '../../calibration/state-difference.ts';
import { requireExplained } from './reading-quality.ts';

const [ELEMENTS, BITS, NOISE] = [16, 4, 0.001];

/**
 * What is made of readings that something spoils.
 * @param turnedDeg by how much element n is turned in reading i
 */
function judged(
  spoil: (readings: CMatrix) => void,
  turnedDeg: (i: number, n: number, readings: number) => number = () => 0,
  asked = 1024,
): { missedDeg: number; claimedDeg: number } {
  const random = createRandom(5);
  const errors = { phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 };
  const array = drawnArray({ elements: ELEMENTS, phaseBits: BITS, random: random.stream('array'), ...errors });
  const setup = { elements: ELEMENTS, phaseBits: BITS, elementEnable: true, random: random.stream('plan'), noise: NOISE };
  const step = coded.run({ ...setup, readings: asked }).next();
  if (step.done === true) throw new Error('no plan');
  const shown = new ReadingModel(step.value).shownBy(array);
  const readings = zeros(shown.rows, 1);
  const from = random.stream('noise');
  for (let i = 0; i < readings.rows; i++) {
    const error = from.complexNormal();
    readings.re[i] = Math.sqrt(NOISE) * error.re;
    readings.im[i] = Math.sqrt(NOISE) * error.im;
    for (let n = 0, at = i * ELEMENTS; n < ELEMENTS; n++, at++) {
      const by = (turnedDeg(i, n, readings.rows) * Math.PI) / 180;
      readings.re[i] += shown.re[at] * Math.cos(by) - shown.im[at] * Math.sin(by);
      readings.im[i] += shown.re[at] * Math.sin(by) + shown.im[at] * Math.cos(by);
    }
  }
  spoil(readings);
  const estimate = estimateStates(step.value, readings, { noise: NOISE, drift: true });
  requireExplained([{ elements: Array.from({ length: ELEMENTS }, (_, n) => 100 + n), estimate }], coded);
  return { missedDeg: stateDifference(estimate.states, array).phaseDeg, claimedDeg: expectedError([estimate]).phaseDeg };
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

  it.each([1024, 320, 256])(
    'of a receiver whose phase steps in the middle give no table that is worse than it says: %i of them',
    (asked) => {
      for (const stepDeg of [2, 40, 90, 180]) {
        let refusal = '';
        let [missedDeg, claimedDeg] = [0, 1];
        try {
          ({ missedDeg, claimedDeg } = judged(
            (readings) => {
              for (let i = readings.rows / 2; i < readings.rows; i++) turned(readings, i, stepDeg);
            },
            undefined,
            asked,
          ));
        } catch (error) {
          refusal = (error as Error).message;
        }
        if (stepDeg > 2) expect(refusal, `a step of ${stepDeg}°`).toMatch(/do not fit one another/);
        expect(missedDeg / claimedDeg, `a step of ${stepDeg}°`).toBeLessThan(1.5);
      }
    },
  );

  it('of a probe that moves in the middle are not, and it is named', () => {
    // It goes aside: every element is turned by as much as it stands away from the middle.
    expect(() =>
      judged(
        () => undefined,
        (i, n, readings) => (i < readings / 2 ? 0 : 8 * (n - ELEMENTS / 2)),
      ),
    ).toThrow(
      /do not fit one another: [\d.]+ times their noise.*; what is heard of most elements changed at about reading \d+.*: the probe moved/,
    );
  });

  it.each([
    ['later on', (i: number, readings: number) => i >= readings / 2],
    ['now and then', (i: number) => (i * 7919) % 10 < 3],
  ])('of an element that answers differently %s are not, and it is named', (_, isOther) => {
    expect(() =>
      judged(
        () => undefined,
        (i, n, readings) => (n === 3 && isOther(i, readings) ? 60 : 0),
      ),
    ).toThrow(/do not fit one another: [\d.]+ times their noise.*; element 103 answers differently at times/);
  });

  it('of a receiver at its limit are not', () => {
    expect(() =>
      judged((readings) => {
        for (let i = 0; i < readings.rows; i++) {
          const size = Math.hypot(readings.re[i], readings.im[i]);
          if (size > 2) [readings.re[i], readings.im[i]] = [(2 * readings.re[i]) / size, (2 * readings.im[i]) / size];
        }
      }),
    ).toThrow(/do not fit one another: [\d.]+ times their noise/);
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
