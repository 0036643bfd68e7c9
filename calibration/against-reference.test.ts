import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/signal/random.ts';
import { againstReference, REFERENCE_READINGS } from './against-reference.ts';
import { drawnArray, measured } from './drawn-array.ts';
import { elementFlaws } from './element-health.ts';
import { expectedError } from './expected-error.ts';
import type { CalibrationMethod } from './method.ts';
import { coded } from './methods/coded.ts';
import { hadamard } from './methods/hadamard.ts';
import { stateDifference } from './state-difference.ts';

const [ELEMENTS, BITS, NOISE] = [64, 6, 0.01];
const ERRORS = { phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 };

describe('64 elements of 6 bits by power alone against a reference, one element at 20 dB', () => {
  it.each([1, 2])('knows all states to 0.75° in 8,192 readings, and as well as it says, seed %i', (seed) => {
    const random = createRandom(seed);
    const truth = drawnArray({ elements: ELEMENTS, phaseBits: BITS, random: random.stream('array'), ...ERRORS });
    const setup = { elements: ELEMENTS, phaseBits: BITS, elementEnable: true, random: random.stream('plan'), noise: NOISE };
    const method = againstReference(coded);
    expect(method.readings({ ...setup, readings: 8192 })).toBe(8192);
    const { states, variance } = measured(method, truth, { ...setup, readings: 8192 }, NOISE, random.stream('noise'));
    const { phaseDeg, gainDb } = stateDifference(states, truth);
    expect(phaseDeg).toBeLessThan(0.75);
    expect(gainDb).toBeLessThan(0.115);
    const claimed = (180 / Math.PI) * Math.sqrt(variance / 2);
    expect(phaseDeg / claimed).toBeGreaterThan(0.7);
    expect(phaseDeg / claimed).toBeLessThan(1.3);
  });

  it('knows offsets to 0.8° RMS over arrays in twice as many readings as complex ones take', () => {
    const method = againstReference(hadamard);
    const readings = 256 + REFERENCE_READINGS;
    const squares = [1, 2, 3, 4, 5].map((seed) => {
      const random = createRandom(seed);
      const truth = drawnArray({ elements: ELEMENTS, phaseBits: BITS, random: random.stream('array'), ...ERRORS });
      const plan = { elements: ELEMENTS, phaseBits: BITS, elementEnable: true, random: random.stream('plan') };
      const setup = { ...plan, noise: NOISE, readings };
      expect(method.readings(setup)).toBe(readings);
      const { states } = measured(method, truth, setup, NOISE, random.stream('noise'));
      return stateDifference(states, truth, (at) => at % truth.cols === 0).phaseDeg ** 2;
    });
    expect(Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length)).toBeLessThan(0.8);
  });
});

it('leaves out readings that are out of range, those of the reference alone among them', () => {
  const random = createRandom(5);
  const truth = drawnArray({ elements: 16, phaseBits: 4, random: random.stream('array'), ...ERRORS });
  const setup = { elements: 16, phaseBits: 4, elementEnable: true, random: random.stream('plan'), noise: NOISE };
  const without = (lost: (i: number) => boolean): CalibrationMethod => {
    const method = againstReference(coded);
    return {
      ...method,
      *run(own) {
        const run = method.run(own);
        const { value: plan } = run.next();
        if (!('readings' in plan)) throw new Error('nothing planned');
        const { re, im } = yield plan;
        const { done, value } = run.next({ re: re.map((power, i) => (lost(i) ? NaN : power)), im, rows: re.length, cols: 1 });
        if (done !== true) throw new Error('planned again');
        return value;
      },
    };
  };
  const missedDeg = (lost: (i: number) => boolean): number =>
    stateDifference(measured(without(lost), truth, setup, NOISE, createRandom(6)).states, truth).phaseDeg;
  const all = missedDeg(() => false);
  expect(all).toBeLessThan(2.5);
  expect(missedDeg((i) => i % 20 === 3)).toBeLessThan(1.3 * all);
  expect(() => missedDeg((i) => i < REFERENCE_READINGS)).toThrow('the reference alone is out of what a receiver can report');
});

it('names dead and stuck elements by power alone', () => {
  const random = createRandom(4);
  const flaws = { dead: [5], stuck: [11] };
  const truth = drawnArray({ elements: 16, phaseBits: 4, random: random.stream('array'), ...ERRORS, ...flaws });
  const setup = { elements: 16, phaseBits: 4, elementEnable: true, random: random.stream('plan'), noise: NOISE };
  const { states, variance } = measured(againstReference(coded), truth, setup, NOISE, random.stream('noise'));
  expect([...elementFlaws(states, variance, true)]).toEqual([
    [5, 'dead'],
    [11, 'stuck'],
  ]);
});

it.each([
  ['by power', againstReference(coded), 512 + REFERENCE_READINGS],
  ['by pilots', coded, 256],
])(
  'names a stuck element so in hardly more readings than there are states, %s, and the others are as exact as told',
  (_by, method, readings) => {
    for (const seed of [4, 9]) {
      const random = createRandom(seed);
      const flawed = { dead: [3], stuck: [11] };
      const truth = drawnArray({ elements: 16, phaseBits: 4, random: random.stream('a'), ...ERRORS, ...flawed });
      const setup = {
        elements: 16,
        phaseBits: 4,
        elementEnable: true,
        random: random.stream('m'),
        noise: NOISE,
        drift: true,
        readings,
      };
      const found = measured(method, truth, setup, NOISE, random.stream('n'));
      expect([...elementFlaws(found.states, found.variance, true)]).toEqual([
        [3, 'dead'],
        [11, 'stuck'],
      ]);
      const { phaseDeg } = stateDifference(found.states, truth, (at) => ![3, 11].includes(Math.floor(at / truth.cols)));
      const share = phaseDeg / expectedError([found]).phaseDeg;
      expect(share).toBeGreaterThan(0.7);
      expect(share).toBeLessThan(1.3);
    }
  },
);
