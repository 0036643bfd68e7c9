import { describe, expect, it } from 'vitest';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { fromParts } from '../core/signal/complex-matrix.ts';
import { createRandom } from '../core/signal/random.ts';
import { elementFlaws } from './element-health.ts';
import { CALIBRATION_METHODS } from './methods.ts';
import { coded } from './methods/coded.ts';
import { hadamard } from './methods/hadamard.ts';
import { offsetsOf } from './nominal-grid.ts';
import { stateDifference } from './state-difference.ts';
import { drawnArray, measured } from './drawn-array.ts';

const ERRORS = { phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 };
const array = (elements: number, phaseBits: number, seed: number, flaws: { dead?: number[]; stuck?: number[] } = {}): CMatrix =>
  drawnArray({ elements, phaseBits, random: createRandom(seed), ...ERRORS, ...flaws });
const offsets = (states: CMatrix): CMatrix => offsetsOf(states, states.cols);
const stateZero = (states: CMatrix) => (i: number) => i % states.cols === 0;

describe.each(CALIBRATION_METHODS)('$name', (method) => {
  it('takes as many readings as it says, and no elements off where it needs none', () => {
    for (const elements of [4, 7, 16]) {
      const setup = { elements, phaseBits: 3, elementEnable: true, random: createRandom(1), noise: 1e-4 };
      const run = method.run(setup);
      let [readings, off] = [0, false];
      for (let step = run.next(); step.done !== true;) {
        readings += step.value.readings;
        off ||= step.value.on?.includes(0) === true;
        expect(step.value.words.every((word) => word < 8)).toBe(true);
        step = run.next(
          fromParts(step.value.readings, 1, new Float64Array(step.value.readings).fill(1), new Float64Array(step.value.readings)),
        );
      }
      expect(readings).toBe(method.readings(setup));
      if (method.needsElementEnable) expect(off).toBe(true);
      const without = method.run({ ...setup, elementEnable: false }).next();
      if (!method.needsElementEnable) expect(without.done !== true && without.value.on).toBe(undefined);
    }
  });

  it('finds what it says it finds, the better the less noise there is', () => {
    const truth = array(16, 4, 3);
    const off = [0.1, 1e-6].map((noise) => {
      const found = measured(
        method,
        truth,
        { elements: 16, phaseBits: 4, elementEnable: true, random: createRandom(1), noise },
        noise,
        createRandom(2),
      ).states;
      return method.finds === 'states' ? stateDifference(found, truth) : stateDifference(offsets(found), offsets(truth));
    });
    // Offsets alone end at what the states read miss the grid by, about 3° over the square root of how many of them there were.
    expect(off[1].phaseDeg).toBeLessThan(method.finds === 'states' ? 0.2 : 4.5);
    expect(off[1].phaseDeg).toBeLessThan(off[0].phaseDeg);
  });
});

describe('at 64 elements of 6 bits, where one element and one pilot have 20 dB', () => {
  const noise = 0.01;
  const seeds = [1, 2, 3];
  const rms = (values: number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

  it.each([
    [128, 0.8],
    [256, 0.55],
  ])('offsets from %i readings of half the elements are within %f°', (readings, bound) => {
    const off = seeds.map((seed) => {
      const truth = array(64, 6, seed);
      const setup = { elements: 64, phaseBits: 6, elementEnable: true, random: createRandom(seed), readings, noise };
      return stateDifference(measured(hadamard, truth, setup, noise, createRandom(seed + 9)).states, truth, stateZero(truth))
        .phaseDeg;
    });
    expect(rms(off)).toBeLessThan(bound);
  });

  it('all states from 4,352 readings are within 0.6° and 0.1 dB, from 8,192 within 0.45°', () => {
    const truth = array(64, 6, 5);
    const off = [4352, 8192].map((readings) => {
      const setup = { elements: 64, phaseBits: 6, elementEnable: true, random: createRandom(1), readings, noise };
      return stateDifference(measured(coded, truth, setup, noise, createRandom(4)).states, truth);
    });
    expect(off[0].phaseDeg).toBeLessThan(0.6);
    expect(off[0].gainDb).toBeLessThan(0.1);
    expect(off[1].phaseDeg).toBeLessThan(0.45);
  });
});

it.each([
  [5, 11],
  // Those that pairs would stand on if nobody looked at them first.
  [0, 1],
  [1, 0],
])('finds element %i dead, %i stuck and no others, whatever the method that reads states', (dead, stuck) => {
  for (const method of CALIBRATION_METHODS.filter(({ finds }) => finds === 'states')) {
    for (const seed of [1, 2, 3, 4]) {
      const truth = array(16, 4, seed, { dead: [dead], stuck: [stuck] });
      const setup = { elements: 16, phaseBits: 4, elementEnable: true, random: createRandom(seed), noise: 0.01 };
      const { states, variance } = measured(method, truth, setup, 0.01, createRandom(seed + 9));
      expect(new Map(elementFlaws(states, variance, true)), `${method.name}, seed ${seed}`).toEqual(
        new Map([
          [dead, 'dead'],
          [stuck, 'stuck'],
        ]),
      );
    }
  }
});
