/** The least error that a method's own readings allow. */
import { drawnArray } from '../calibration/drawn-array.ts';
import { estimateStates, USUAL_SPREAD } from '../calibration/estimate-states.ts';
import type { CalibrationMethod, MethodSetup } from '../calibration/method.ts';
import type { ReadingPlan } from '../calibration/reading-plan.ts';
import { shownIn } from '../calibration/reading-plan.ts';
import { ReadingModel } from '../calibration/reading-model.ts';
import { solveHermitian } from '../core/signal/cholesky.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { identity, multiplyAhB, zeros } from '../core/signal/complex-matrix.ts';
import { createRandom } from '../core/signal/random.ts';

const DEG = 180 / Math.PI;

/** Every plan of a method's run on such an array, without noise. */
function plansOf(method: CalibrationMethod, setup: MethodSetup, array: CMatrix): ReadingPlan[] {
  const plans: ReadingPlan[] = [];
  const run = method.run(setup);
  for (let step = run.next(); step.done !== true;) {
    plans.push(step.value);
    const heard = new ReadingModel(step.value).heard(array);
    if (method.hears === 'power') {
      heard.re.forEach((re, i) => (heard.re[i] = re * re + heard.im[i] ** 2));
      heard.im.fill(0);
    }
    step = run.next(heard);
  }
  return plans;
}

/** Of elements of power 1. For offsets by least squares on what is shown; for all states with the spread known, as the estimator's posterior has it. */
export function complexBoundDeg(method: CalibrationMethod, setup: MethodSetup, noise: number, allStates: boolean): number {
  const unit = drawnArray({
    ...{
      elements: setup.elements,
      phaseBits: setup.phaseBits,
      random: createRandom(1),
      phaseStateErrorDeg: 0,
      gainStateErrorDb: 0,
    },
  });
  const [plan] = plansOf(method, setup, unit);
  if (allStates) {
    const readings = new ReadingModel(plan).heard(unit);
    const { variance, states } = estimateStates(plan, readings, { noise, spread: USUAL_SPREAD });
    return DEG * Math.sqrt(variance / meanPower(states) / 2);
  }
  // What is shown of each element, turned to state 0: one unknown an element.
  const design = zeros(plan.readings, plan.elements);
  for (let i = 0; i < plan.readings; i++) {
    for (let n = 0; n < plan.elements; n++) {
      const word = shownIn(plan, i, n);
      if (word === undefined) continue;
      const turn = (2 * Math.PI * word) / 2 ** plan.phaseBits;
      design.re[i * plan.elements + n] = Math.cos(turn);
      design.im[i * plan.elements + n] = Math.sin(turn);
    }
  }
  const inverse = solveHermitian(multiplyAhB(design, design), identity(plan.elements));
  let trace = 0;
  for (let n = 0; n < plan.elements; n++) trace += (noise * inverse.re[n * plan.elements + n]) / plan.elements;
  return DEG * Math.sqrt(trace / 2);
}

/**
 * Of amplitudes, each with an error of σ²/2, as at high SNR (Rice): of offsets with all elements unknown at once and one common phase free; of pairs each state by itself,
 * the element that stays being known.
 */
export function amplitudeBoundDeg(method: CalibrationMethod, setup: MethodSetup, array: CMatrix, noise: number): number {
  const { elements, phaseBits } = setup;
  const states = 2 ** phaseBits;
  const plans = plansOf(method, setup, array);
  const perState = method.finds === 'states';
  const unknowns = perState ? elements * states : elements;
  /** Information on (re, im) of each unknown: all together, or each by itself. */
  const whole = perState ? undefined : zeros(2 * elements, 2 * elements);
  const own = new Float64Array(3 * unknowns);
  for (const plan of plans) {
    const heard = new ReadingModel(plan).heard(array);
    for (let i = 0; i < plan.readings; i++) {
      const size = Math.hypot(heard.re[i], heard.im[i]);
      const [uRe, uIm] = [heard.re[i] / size, heard.im[i] / size];
      const gradient = new Float64Array(2 * elements);
      for (let n = 0; n < elements; n++) {
        const word = shownIn(plan, i, n);
        if (word === undefined) continue;
        const turn = perState ? 0 : (2 * Math.PI * word) / states;
        const along = uRe * Math.cos(turn) + uIm * Math.sin(turn);
        const across = uIm * Math.cos(turn) - uRe * Math.sin(turn);
        gradient[2 * n] = along;
        gradient[2 * n + 1] = across;
        const at = 3 * (perState ? n * states + word : n);
        own[at] += along * along;
        own[at + 1] += along * across;
        own[at + 2] += across * across;
      }
      if (whole !== undefined) addOuter(whole, gradient);
    }
  }
  const scale = 2 / noise;
  if (whole === undefined) {
    let sum = 0;
    for (let k = 0; k < unknowns; k++) {
      const [a, b, c] = own.subarray(3 * k, 3 * k + 3).map((value) => value * scale);
      const power = array.re[k] ** 2 + array.im[k] ** 2;
      sum += (a + c) / (a * c - b * b) / 2 / power / unknowns;
    }
    return DEG * Math.sqrt(sum);
  }
  // A common turn of all changes no amplitude: held by a stiff spring, and no error of any phase beside the others.
  const turn = new Float64Array(2 * elements);
  for (let n = 0; n < elements; n++) {
    turn[2 * n] = -array.im[n * states];
    turn[2 * n + 1] = array.re[n * states];
  }
  const stiff = whole.re.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const norm = Math.hypot(...turn);
  addOuter(
    whole,
    turn.map((value) => (value / norm) * Math.sqrt(stiff)),
  );
  const covariance = solveHermitian(whole, identity(2 * elements));
  return rmsTurnDeg(turn, covariance) / Math.sqrt(scale);
}

/**
 * RMS over elements of the error of a phase.
 * @param turn of (re, im) of each where its phase grows
 * @param covariance of (re, im) of all
 */
export function rmsTurnDeg(turn: Float64Array, { re, cols }: CMatrix): number {
  const elements = turn.length / 2;
  let sum = 0;
  for (let n = 0; n < elements; n++) {
    const power = turn[2 * n] ** 2 + turn[2 * n + 1] ** 2;
    for (const i of [2 * n, 2 * n + 1])
      for (const j of [2 * n, 2 * n + 1]) sum += (turn[i] * turn[j] * re[i * cols + j]) / power ** 2 / elements;
  }
  return DEG * Math.sqrt(sum);
}

function addOuter({ re, cols }: CMatrix, vector: Float64Array): void {
  for (let i = 0; i < cols; i++) {
    if (vector[i] === 0) continue;
    for (let j = 0; j < cols; j++) re[i * cols + j] += vector[i] * vector[j];
  }
}

function meanPower({ re, im }: CMatrix): number {
  let sum = 0;
  for (let i = 0; i < re.length; i++) sum += (re[i] ** 2 + im[i] ** 2) / re.length;
  return sum;
}
