/** What may go wrong while an array is measured, and what a table is worth: drift, elements that do not obey, beams. N = 64, Q = 6, `coded`. */
import { drawnArray, measured } from '../calibration/drawn-array.ts';
import { elementFlaws } from '../calibration/element-health.ts';
import { estimateStates } from '../calibration/estimate-states.ts';
import { coded } from '../calibration/methods/coded.ts';
import { ReadingModel } from '../calibration/reading-model.ts';
import { stateDifference } from '../calibration/state-difference.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { createRandom } from '../core/signal/random.ts';
import { beamLossDb } from '../test/array-truth.ts';

const [ELEMENTS, BITS] = [64, 6];
const SPREAD = { phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 };
const DRIFT_DEG = 2;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export interface Drifted {
  readings: number;
  arrays: number;
  /** RMS errors where nothing drifts is assumed, and where drift is found. */
  ignored: number;
  found: number;
}

/** Phases of elements that go by 2° RMS from the first reading to the last; what is compared is what they show in the middle. */
export function drifting(readings: number, arrays: number): Drifted {
  const noise = 0.01;
  const errors = Array.from({ length: arrays }, (_, seed) => {
    const random = createRandom(2000 + seed);
    const drawn = drawnArray({ elements: ELEMENTS, phaseBits: BITS, random: random.stream('array'), ...SPREAD });
    const setup = { elements: ELEMENTS, phaseBits: BITS, elementEnable: true, random: random.stream('plan'), readings, noise };
    const step = coded.run(setup).next();
    if (step.done === true) throw new Error('no plan');
    const model = new ReadingModel(step.value);
    const slopes = random.stream('slopes');
    // t runs from −1 to 1: half of the way each.
    for (let n = 0; n < ELEMENTS; n++) model.drift.slopes.im[n] = ((DRIFT_DEG / 2) * Math.PI * slopes.normal()) / 180;
    const heard = model.heard(drawn);
    const from = random.stream('noise');
    for (let i = 0; i < heard.rows; i++) {
      const error = from.complexNormal();
      heard.re[i] += Math.sqrt(noise) * error.re;
      heard.im[i] += Math.sqrt(noise) * error.im;
    }
    const [ignored, found] = [false, true].map(
      (drift) => stateDifference(estimateStates(step.value, heard, { noise, drift }).states, drawn).phaseDeg,
    );
    return { ignored, found };
  });
  return { readings, arrays, ignored: mean(errors.map((each) => each.ignored)), found: mean(errors.map((each) => each.found)) };
}

interface Measured {
  truth: CMatrix;
  states: CMatrix;
  variance: number;
  dead: number;
  stuck: number;
}

export interface Flawed {
  snrDb: number;
  arrays: number;
  named: number;
  missed: number;
  falsely: number;
  /** Of one beam of each array, dB: by words of the table, below words of the states as they are. */
  meanLossDb: number;
  worstLossDb: number;
}

/** A dead and a stuck element in each: whether they are named, and what beams by the table are worth. */
export function flawed(arrays: number, snrDb: number): Flawed {
  let [named, falsely] = [0, 0];
  const losses = Array.from({ length: arrays }, (_, seed) => {
    const { truth, states, variance, dead, stuck } = measuredWithFlaws(seed, snrDb);
    for (const [element, flaw] of elementFlaws(states, variance, true)) {
      const isSo = (element === dead && flaw === 'dead') || (element === stuck && flaw === 'stuck');
      if (isSo) named++;
      else falsely++;
    }
    return beamLossDb(states, truth, createRandom(4000 + seed).uniform() * 2 - 1);
  });
  const missed = 2 * arrays - named;
  return { snrDb, arrays, named, missed, falsely, meanLossDb: mean(losses), worstLossDb: Math.max(...losses) };
}

function measuredWithFlaws(seed: number, snrDb: number): Measured {
  const random = createRandom(3000 + seed);
  const where = random.stream('where');
  const dead = Math.floor(where.uniform() * ELEMENTS);
  const stuck = (dead + 1 + Math.floor(where.uniform() * (ELEMENTS - 1))) % ELEMENTS;
  const truth = drawnArray({
    ...{ elements: ELEMENTS, phaseBits: BITS, random: random.stream('array'), ...SPREAD, dead: [dead], stuck: [stuck] },
  });
  const noise = 10 ** (-snrDb / 10);
  const setup = { elements: ELEMENTS, phaseBits: BITS, elementEnable: true, random: random.stream('plan'), noise };
  const { states, variance } = measured(coded, truth, setup, noise, random.stream('noise'));
  return { truth, states, variance, dead, stuck };
}
