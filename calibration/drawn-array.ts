/** Arrays drawn at random and what is heard of them, to try methods on without a panel. */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { zeros } from '../core/signal/complex-matrix.ts';
import type { Random } from '../core/signal/random.ts';
import type { StateEstimate } from './estimate-states.ts';
import type { CalibrationMethod, MethodSetup } from './method.ts';
import { ReadingModel } from './reading-model.ts';

export interface DrawnArrayOptions {
  elements: number;
  phaseBits: number;
  random: Random;
  /** RMS, independent from state to state. */
  phaseStateErrorDeg: number;
  gainStateErrorDb: number;
  dead?: readonly number[];
  stuck?: readonly number[];
}

const DEG = Math.PI / 180;
/** Of the field that is added where a plan asks for one, in the fields that all elements have together at random. */
export const DRAWN_REFERENCE_SHARE = 3;
const GAIN_RANGE_DB = 1.5;

/** c, N×2^Q: offsets in ±π and ±1.5 dB, states with errors of their own. */
export function drawnArray({ elements, phaseBits, random, dead = [], stuck = [], ...errors }: DrawnArrayOptions): CMatrix {
  const states = 2 ** phaseBits;
  const out = zeros(elements, states);
  for (let n = 0; n < elements; n++) {
    const gainDb = GAIN_RANGE_DB * (2 * random.uniform() - 1);
    const phase = Math.PI * (2 * random.uniform() - 1);
    for (let s = 0; s < states; s++) {
      const size = dead.includes(n) ? 0 : 10 ** ((gainDb + errors.gainStateErrorDb * random.normal()) / 20);
      const turn = phase + (2 * Math.PI * s) / states + errors.phaseStateErrorDeg * DEG * random.normal();
      const at = n * states + s;
      out.re[at] = stuck.includes(n) && s > 0 ? out.re[n * states] : size * Math.cos(turn);
      out.im[at] = stuck.includes(n) && s > 0 ? out.im[n * states] : size * Math.sin(turn);
    }
  }
  return out;
}

/** Runs a method to its end on such an array. @param noise σ² of a complex reading */
export function measured(
  method: CalibrationMethod,
  array: CMatrix,
  setup: MethodSetup,
  noise: number,
  random: Random,
): StateEstimate {
  const run = method.run(setup);
  for (let step = run.next(); ;) {
    if (step.done === true) return step.value;
    const heard = new ReadingModel(step.value).heard(array);
    const { reference } = step.value;
    const added = DRAWN_REFERENCE_SHARE * Math.sqrt(setup.elements);
    for (let i = 0; i < heard.rows; i++) {
      if (reference !== undefined) (reference[i] % 2 === 0 ? heard.re : heard.im)[i] += reference[i] < 2 ? added : -added;
      const error = random.complexNormal();
      heard.re[i] += Math.sqrt(noise) * error.re;
      heard.im[i] += Math.sqrt(noise) * error.im;
      if (method.hears === 'complex') continue;
      heard.re[i] = heard.re[i] ** 2 + heard.im[i] ** 2;
      heard.im[i] = 0;
    }
    step = run.next(heard);
  }
}
