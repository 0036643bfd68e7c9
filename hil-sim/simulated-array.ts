/**
 * The array as it really is, not as the controller believes it to be: what its elements answer to the words they are given.
 *
 *   x = C · E(t) · S(words) · D · s
 *
 *   S  N×M  phase shifters, one a connected (element, chain): the chip's states, their errors and stuck words act here
 *   E  N×N  diagonal, the element behind them: gain and phase offset, temperature drift, dead elements
 *   C  N×N  mutual coupling between the radiators (identity when none is given)
 *
 * The controller scales D so that the *ideal* array radiates ‖A·D‖²_F = P; nothing here scales again. A dead element or a weak gain is power
 * that is really missing, and coupling may add or take some.
 */
import { counted } from '../core/errors/counted.ts';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { clone, matmul, zeros } from '../core/signal/complex-matrix.ts';
import { connectionMask } from '../core/signal/geometry.ts';
import { PhaseShifters, type ShownStates, type StateErrors } from './phase-shifters.ts';
import type { Random } from '../core/signal/random.ts';
import { laterFaults, laterStuck, type ArrayFault } from './array-faults.ts';

/** Everything that makes an array less than ideal; what is left out is ideal. Keys as in the rig file. */
export interface Impairments {
  /** Standard deviation over elements of their gain, dB. */
  gainErrorDb?: number;
  /** Standard deviation over elements of their phase offset, degrees. */
  phaseErrorDeg?: number;
  /** Standard deviation over elements and states of what a phase state misses its nominal phase by, degrees. */
  phaseStateErrorDeg?: number;
  /** The same of the gain of a state, dB. */
  gainStateErrorDb?: number;
  /** Whether states are wrong by what their switched sections are wrong by (default), or each by itself. */
  stateErrors?: StateErrors;
  /** Elements that radiate nothing, 0-based. */
  deadElements?: readonly number[];
  /** Elements that show one word on all their chains whatever they are told; a bare number is stuck at a word drawn from the seed. */
  stuckElements?: readonly (number | { element: number; word: number })[];
  /** Standard deviation over elements of the phase drift at switch-on, degrees a minute; it dies out as the array gets warm. */
  temperatureDriftDegPerMinute?: number;
  /** Minutes to 63 % of the final temperature (default 10). */
  warmUpMinutes?: number;
}

export interface SimulatedArrayOptions {
  elements: number;
  rfChains: number;
  phaseBits: number;
  connection?: 'full' | 'sub';
  random: Random;
  impairments?: Impairments;
  /** What happens to it later. */
  faults?: readonly ArrayFault[];
  /** C, N×N; identity when absent. */
  coupling?: CMatrix;
  /**
   * The 2^Q complex states of the chip in place of ideal ones, by word (a vector modulator's table has ripple of its own); state errors come
   * on top.
   */
  states?: { re: Float64Array; im: Float64Array };
}

export interface SimulatedArray {
  readonly elements: number;
  readonly rfChains: number;
  readonly phaseBits: number;
  /** N·M of 0/1, row-major. */
  readonly connection: Uint8Array;
  /** Board temperature after so long in operation, °C. */
  temperatureC(timeS: number): number;
  /**
   * C·E(t)·S(words): N×M, column m is what chain m radiates when driven with 1.
   * @param words N·M words, (n, m) at n·M + m
   * @param timeS seconds since the array was switched on
   * @throws {BeamrigError} 'shape' when there are not N·M words, 'argument' when one does not fit in Q bits
   */
  radiatedAnalog(words: Uint16Array, timeS: number): CMatrix;
  /**
   * S of some elements: writes what their shifters answer to their words into the rows of `into` (N×M) that are theirs.
   * @param words (i, m) at i·M + m, i counting `elements`
   * @throws {BeamrigError} 'shape' when there are not as many words as places, 'argument' when one does not fit in Q bits
   */
  showWords(words: Uint16Array, elements: Int32Array, into: CMatrix): void;
  /**
   * The same for chips that were decoded at the level of registers: these states, and not words, are what the shifters show. Elements that
   * are stuck stay so, places that are not connected stay dark; errors of the states are those of the chips and nobody else's.
   * @throws {BeamrigError} 'shape' when there are not as many states as places
   */
  showStates(states: ShownStates, elements: Int32Array, into: CMatrix): void;
  /**
   * C·E(t)·S for S as `showWords` and `showStates` have left it, N×M; S stays as it is.
   * @param into N×M, where E(t)·S goes and, without coupling, the result; absent: a new matrix
   */
  radiatedStates(shown: CMatrix, timeS: number, into?: CMatrix): CMatrix;
  /** C·E(t)·S(words)·D: N×K, the precoder that really goes out. `digital` is M×K. */
  radiatedPrecoder(words: Uint16Array, digital: CMatrix, timeS: number): CMatrix;
}

const AMBIENT_C = 25;
const WARM_UP_RISE_C = 20;
const DEFAULT_WARM_UP_MINUTES = 10;
const DB_TO_NEPER = Math.LN10 / 20;
const DEG = Math.PI / 180;
/** Drift is slow: it is renewed at this step of time, so that beams within one step share it. */
const DRIFT_STEP_S = 0.25;

/**
 * An array whose faults are all drawn from `random`.
 *
 * State errors are those of a shifter made of Q switched sections: section b is wrong by ε_b, and a word is wrong by Σ_b (bit_b − ½)·ε_b.
 * With ε_b ~ N(0, 4σ²/Q) every state has standard deviation σ, at any Q, without a table of 2^Q.
 * Drift of element n: c_n·r·τ·(1 − e^(−t/τ)), c_n ~ N(0, 1), r in degrees a minute, τ the warm-up in minutes.
 *
 * @throws {BeamrigError} 'argument' when an option is outside its range, 'shape' when the coupling is not N×N
 */
export function createSimulatedArray(options: SimulatedArrayOptions): SimulatedArray {
  const { elements, rfChains, phaseBits, random, impairments = {}, coupling } = options;
  requireFitting(options);
  const connection = connectionMask(options.connection ?? 'full', elements, rfChains);
  const shifters = new PhaseShifters({
    ...{ elements, rfChains, phaseBits, random },
    phaseStateErrorDeg: impairments.phaseStateErrorDeg ?? 0,
    gainStateErrorDb: impairments.gainStateErrorDb ?? 0,
    stateErrors: impairments.stateErrors ?? 'sections',
    stuckElements: impairments.stuckElements ?? [],
    ...(options.states === undefined ? {} : { states: options.states }),
  });
  const offsets = drawElements(elements, impairments, random);
  const later = laterFaults(elements, options.faults ?? [], random);
  const stuck = laterStuck(elements, phaseBits, options.faults ?? [], random);
  const warmUpS = 60 * (impairments.warmUpMinutes ?? DEFAULT_WARM_UP_MINUTES);
  const warmth = (timeS: number): number => 1 - Math.exp(-Math.max(0, timeS) / warmUpS);

  const driven = { step: -1, re: new Float64Array(elements), im: new Float64Array(elements) };
  const elementsAt = (timeS: number): typeof driven => {
    const step = thermalStep(timeS);
    if (step === driven.step) return driven;
    driven.step = step;
    const drifted = (warmth(step * DRIFT_STEP_S) * warmUpS) / 60;
    for (let n = 0; n < elements; n++) {
      const phase = offsets.phaseRad[n] + offsets.driftRadPerMinute[n] * drifted;
      driven.re[n] = offsets.gain[n] * Math.cos(phase);
      driven.im[n] = offsets.gain[n] * Math.sin(phase);
    }
    later(step * DRIFT_STEP_S, driven);
    return driven;
  };

  const everyElement = Int32Array.from({ length: elements }, (_, n) => n);
  const requirePlaces = (what: string, given: number, count: number): void => {
    if (given === count * rfChains) return;
    throw new BeamrigError('shape', `${given} ${what} for ${counted(count, 'element')} × ${counted(rfChains, 'RF chain')}`, {
      wayOut: `Give exactly ${count * rfChains} ${what}.`,
    });
  };
  const showWords = (words: Uint16Array, rows: Int32Array, into: CMatrix): void => {
    requirePlaces('words', words.length, rows.length);
    shifters.showWords(words, connection, rows, into);
  };
  const stuckRow = zeros(elements, rfChains);
  /** S, where elements that have stuck by then show their word; what is off stays dark. */
  const asStuck = (shown: CMatrix, timeS: number): CMatrix => {
    const by = stuck.elements.filter((n) => stuck.wordAt(n, timeS) !== undefined);
    if (by.length === 0) return shown;
    const out = clone(shown);
    for (const n of by) {
      showWords(new Uint16Array(rfChains).fill(stuck.wordAt(n, timeS) ?? 0), Int32Array.of(n), stuckRow);
      for (let place = n * rfChains; place < (n + 1) * rfChains; place++) {
        if (shown.re[place] === 0 && shown.im[place] === 0) continue;
        out.re[place] = stuckRow.re[place];
        out.im[place] = stuckRow.im[place];
      }
    }
    return out;
  };
  /** E(t)·S; S itself may be where it goes. */
  const behindShifters = (told: CMatrix, timeS: number, out: CMatrix): CMatrix => {
    const { re: elementRe, im: elementIm } = elementsAt(timeS);
    const { re: shownRe, im: shownIm } = asStuck(told, timeS);
    const { re: outRe, im: outIm } = out;
    for (let place = 0, n = 0; n < elements; n++) {
      const gainRe = elementRe[n];
      const gainIm = elementIm[n];
      for (let m = 0; m < rfChains; m++, place++) {
        const re = shownRe[place];
        const im = shownIm[place];
        outRe[place] = gainRe * re - gainIm * im;
        outIm[place] = gainRe * im + gainIm * re;
      }
    }
    return out;
  };
  const uncoupled = (words: Uint16Array, timeS: number): CMatrix => {
    const out = zeros(elements, rfChains);
    showWords(words, everyElement, out);
    return behindShifters(out, timeS, out);
  };
  const coupled = (analog: CMatrix): CMatrix => (coupling ? matmul(coupling, analog) : analog);
  const radiatedAnalog = (words: Uint16Array, timeS: number): CMatrix => coupled(uncoupled(words, timeS));

  return {
    elements,
    rfChains,
    phaseBits,
    connection,
    temperatureC: (timeS) => AMBIENT_C + WARM_UP_RISE_C * warmth(timeS),
    radiatedAnalog,
    showWords,
    showStates(states, rows, into) {
      requirePlaces('states', Math.min(states.re.length, states.im.length), rows.length);
      shifters.showStates(states, connection, rows, into);
    },
    radiatedStates: (shown, timeS, into = zeros(elements, rfChains)) => coupled(behindShifters(shown, timeS, into)),
    radiatedPrecoder: (words, digital, timeS) => matmul(radiatedAnalog(words, timeS), digital),
  };
}

/** Which step of the drift a time lies in: within one, the same words radiate the same. */
export function thermalStep(timeS: number): number {
  return Math.floor(Math.max(0, timeS) / DRIFT_STEP_S);
}

/** E at switch-on, and how each element drifts. */
function drawElements(elements: number, impairments: Impairments, random: Random) {
  const draw = (name: string, deviation: number): Float64Array => {
    const from = random.stream(name);
    return Float64Array.from({ length: elements }, () => deviation * from.normal());
  };
  const gain = draw('gain', DB_TO_NEPER * (impairments.gainErrorDb ?? 0)).map(Math.exp);
  for (const dead of impairments.deadElements ?? []) gain[dead] = 0;
  return {
    gain,
    phaseRad: draw('phase', DEG * (impairments.phaseErrorDeg ?? 0)),
    driftRadPerMinute: draw('drift', DEG * (impairments.temperatureDriftDegPerMinute ?? 0)),
  };
}

function requireFitting({ elements, rfChains, phaseBits, impairments = {}, coupling, states }: SimulatedArrayOptions): void {
  requireWhole('elements', elements, 1, 65_535);
  requireWhole('rfChains', rfChains, 1, elements);
  requireWhole('phaseBits', phaseBits, 1, 16);
  for (const dead of impairments.deadElements ?? []) requireWhole('deadElements', dead, 0, elements - 1);
  for (const stuck of impairments.stuckElements ?? []) {
    requireWhole('stuckElements', typeof stuck === 'number' ? stuck : stuck.element, 0, elements - 1);
    if (typeof stuck !== 'number') requireWhole('stuckElements.word', stuck.word, 0, 2 ** phaseBits - 1);
  }
  if (states && (states.re.length !== 2 ** phaseBits || states.im.length !== 2 ** phaseBits)) {
    throw new BeamrigError('shape', `${states.re.length} and ${states.im.length} states (re, im) for ${phaseBits} phase bits`, {
      wayOut: `Give exactly ${2 ** phaseBits} complex states.`,
    });
  }
  for (const name of DEVIATIONS) {
    const value = impairments[name] ?? 0;
    if (!(value >= 0 && value < Infinity)) {
      throw new BeamrigError('argument', `${name} is ${value}; a deviation is never negative`, { wayOut: `Choose ${name} ≥ 0.` });
    }
  }
  if (!((impairments.warmUpMinutes ?? 1) > 0)) {
    throw new BeamrigError('argument', `warmUpMinutes is ${impairments.warmUpMinutes}`, { wayOut: 'Choose warmUpMinutes > 0.' });
  }
  if (coupling && (coupling.rows !== elements || coupling.cols !== elements)) {
    throw new BeamrigError('shape', `the coupling matrix is ${coupling.rows}×${coupling.cols}, not ${elements}×${elements}`, {
      wayOut: 'Give one row and one column for each element.',
    });
  }
}

const DEVIATIONS = [
  'gainErrorDb',
  'phaseErrorDeg',
  'phaseStateErrorDeg',
  'gainStateErrorDb',
  'temperatureDriftDegPerMinute',
] as const satisfies readonly (keyof Impairments)[];

function requireWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new BeamrigError('argument', `${name} is ${value}, outside ${least} … ${most}`, {
    wayOut: `Choose whole numbers between ${least} and ${most} for ${name}.`,
  });
}
