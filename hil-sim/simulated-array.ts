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
import { matmul, zeros } from '../core/signal/complex-matrix.ts';
import { connectionMask } from '../core/signal/geometry.ts';
import type { Random } from '../core/signal/random.ts';

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
  /** C, N×N; identity when absent. */
  coupling?: CMatrix;
  /**
   * The 2^Q complex states of the chip in place of ideal ones, by word (a vector modulator's table has ripple of its own); state errors come
   * on top.
   */
  states?: { re: Float64Array; im: Float64Array };
}

/** What the phase shifters of some elements show: (i, m) at i·M + m, i counting those elements in their own order. */
export interface ShownStates {
  re: Float64Array;
  im: Float64Array;
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
/** Above this many states only their factors are kept, so that memory stays bounded at Q = 16. */
const MOST_STATES_KEPT = 2 ** 18;
/** Sections of a shifter whose states are kept together as one factor, four of them: of those, multiplying takes the least time and room. */
const SECTIONS_A_FACTOR = 2;
const FACTOR_STATES = 2 ** SECTIONS_A_FACTOR;

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
  const shifters = new Shifters(options);
  const offsets = drawElements(elements, impairments, random);
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
  /** E(t)·S; S itself may be where it goes. */
  const behindShifters = (shown: CMatrix, timeS: number, out: CMatrix): CMatrix => {
    const { re: elementRe, im: elementIm } = elementsAt(timeS);
    const { re: shownRe, im: shownIm } = shown;
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

/** S: what each phase shifter answers to a word, stuck elements included. */
class Shifters {
  readonly #bits: number;
  readonly #rfChains: number;
  /** ε_b and its like for the gain (nepers) of section b of the shifter at a place, at place·Q + b. */
  readonly #phaseErrorRad: Float64Array;
  readonly #gainErrorNeper: Float64Array;
  /** By element; -1 where it obeys. */
  readonly #stuckWord: Int32Array;
  /** By word, where the chip's states are not the ideal ones. */
  readonly #states: ShownStates | undefined;
  /** All states of all shifters where they are few enough to be kept: re, im from 2·(place·2^Q + word) on, side by side for the cache. */
  readonly #table: Float64Array | undefined;
  /**
   * Where they are too many: a state is the product of what its sections do, and that is kept for a few sections at a time. Factor f of a place
   * in state s: re, im from 2·((place·factors + f)·FACTOR_STATES + s) on. Sine and cosine of every shifter took most of a measurement.
   */
  readonly #factors: Float64Array | undefined;
  /** Factors of a place. */
  readonly #factorCount: number;
  readonly #computed = new Float64Array(2);

  constructor({ elements, rfChains, phaseBits, random, impairments = {}, states }: SimulatedArrayOptions) {
    this.#bits = phaseBits;
    this.#factorCount = Math.ceil(phaseBits / SECTIONS_A_FACTOR);
    this.#states = states && { re: states.re.slice(), im: states.im.slice() };
    this.#rfChains = rfChains;
    const places = elements * rfChains;
    const draw = (name: string, deviation: number): Float64Array => {
      const from = random.stream(name);
      return Float64Array.from({ length: places * phaseBits }, () => (2 * deviation * from.normal()) / Math.sqrt(phaseBits));
    };
    this.#phaseErrorRad = draw('phase states', DEG * (impairments.phaseStateErrorDeg ?? 0));
    this.#gainErrorNeper = draw('gain states', DB_TO_NEPER * (impairments.gainStateErrorDb ?? 0));

    this.#stuckWord = new Int32Array(elements).fill(-1);
    const stuckAt = random.stream('stuck');
    for (const stuck of impairments.stuckElements ?? []) {
      const drawn = Math.floor(stuckAt.uniform() * 2 ** phaseBits);
      if (typeof stuck === 'number') this.#stuckWord[stuck] = drawn;
      else this.#stuckWord[stuck.element] = stuck.word;
    }
    if (places * 2 ** phaseBits <= MOST_STATES_KEPT) this.#table = this.#allStates(places);
    else this.#factors = this.#allFactors(places);
  }

  /** Writes the responses to the words of some elements into their rows; places that are not connected stay as they are. */
  showWords(words: Uint16Array, connection: Uint8Array, elements: Int32Array, { re, im }: CMatrix): void {
    const rfChains = this.#rfChains;
    const stuckWord = this.#stuckWord;
    const table = this.#table;
    const factors = this.#factors;
    const factorCount = this.#factorCount;
    const own = this.#states;
    const states = 2 ** this.#bits;
    for (let given = 0, i = 0; i < elements.length; i++) {
      const n = elements[i];
      const stuck = stuckWord[n];
      for (let place = n * rfChains, end = place + rfChains; place < end; place++, given++) {
        const told = words[given];
        if (told >= states) this.#refuse(given, told);
        if (connection[place] === 0) continue;
        const word = stuck < 0 ? told : stuck;
        if (table) {
          re[place] = table[2 * (place * states + word)];
          im[place] = table[2 * (place * states + word) + 1];
        } else if (factors) {
          multiplyFactors(factors, factorCount, word, re, im, place);
          if (own) turnBy(own.re[word], own.im[word], re, im, place);
        }
      }
    }
  }

  /** The same where the states are known and not the words. */
  showStates(states: ShownStates, connection: Uint8Array, elements: Int32Array, { re, im }: CMatrix): void {
    const rfChains = this.#rfChains;
    const stuckWord = this.#stuckWord;
    const computed = this.#computed;
    for (let given = 0, i = 0; i < elements.length; i++) {
      const n = elements[i];
      for (let place = n * rfChains; place < (n + 1) * rfChains; place++, given++) {
        if (connection[place] === 0) continue;
        if (stuckWord[n] >= 0) this.#compute(place, stuckWord[n], computed, 0);
        re[place] = stuckWord[n] < 0 ? states.re[given] : computed[0];
        im[place] = stuckWord[n] < 0 ? states.im[given] : computed[1];
      }
    }
  }

  #refuse(place: number, word: number): never {
    throw new BeamrigError('argument', `word ${place} is ${word}, beyond ${counted(this.#bits, 'bit')}`, {
      wayOut: `Send words below ${2 ** this.#bits}.`,
    });
  }

  #compute(place: number, word: number, into: Float64Array, at: number): void {
    const states = this.#states;
    let phase = states ? 0 : (2 * Math.PI * word) / 2 ** this.#bits;
    let neper = 0;
    for (let bit = 0, section = place * this.#bits; bit < this.#bits; bit++, section++) {
      const half = (word >> bit) & 1 ? 0.5 : -0.5;
      phase += half * this.#phaseErrorRad[section];
      neper += half * this.#gainErrorNeper[section];
    }
    const gain = Math.exp(neper);
    const re = gain * Math.cos(phase);
    const im = gain * Math.sin(phase);
    into[at] = states ? re * states.re[word] - im * states.im[word] : re;
    into[at + 1] = states ? re * states.im[word] + im * states.re[word] : im;
  }

  #allFactors(places: number): Float64Array {
    const bits = this.#bits;
    const step = this.#states ? 0 : (2 * Math.PI) / 2 ** bits;
    const factors = new Float64Array(2 * places * this.#factorCount * FACTOR_STATES);
    for (let place = 0, at = 0; place < places; place++) {
      for (let from = 0; from < bits; from += SECTIONS_A_FACTOR) {
        for (let state = 0; state < FACTOR_STATES; state++, at += 2) {
          let phase = step * (state << from);
          let neper = 0;
          for (let bit = from; bit < Math.min(from + SECTIONS_A_FACTOR, bits); bit++) {
            const half = (state >> (bit - from)) & 1 ? 0.5 : -0.5;
            phase += half * this.#phaseErrorRad[place * bits + bit];
            neper += half * this.#gainErrorNeper[place * bits + bit];
          }
          const gain = Math.exp(neper);
          factors[at] = gain * Math.cos(phase);
          factors[at + 1] = gain * Math.sin(phase);
        }
      }
    }
    return factors;
  }

  #allStates(places: number): Float64Array {
    const states = 2 ** this.#bits;
    const table = new Float64Array(2 * places * states);
    for (let place = 0; place < places; place++) {
      for (let word = 0; word < states; word++) this.#compute(place, word, table, 2 * (place * states + word));
    }
    return table;
  }
}

/** Writes the product of a place's factors that a word chooses: its state, as computed but for rounding. */
function multiplyFactors(
  factors: Float64Array,
  factorCount: number,
  word: number,
  re: Float64Array,
  im: Float64Array,
  place: number,
): void {
  let first = place * factorCount * FACTOR_STATES;
  let at = 2 * (first + (word & (FACTOR_STATES - 1)));
  let productRe = factors[at];
  let productIm = factors[at + 1];
  for (let rest = word >> SECTIONS_A_FACTOR, f = 1; f < factorCount; f++, rest >>= SECTIONS_A_FACTOR) {
    first += FACTOR_STATES;
    at = 2 * (first + (rest & (FACTOR_STATES - 1)));
    const wasRe = productRe;
    productRe = wasRe * factors[at] - productIm * factors[at + 1];
    productIm = wasRe * factors[at + 1] + productIm * factors[at];
  }
  re[place] = productRe;
  im[place] = productIm;
}

function turnBy(byRe: number, byIm: number, re: Float64Array, im: Float64Array, place: number): void {
  const wasRe = re[place];
  re[place] = wasRe * byRe - im[place] * byIm;
  im[place] = wasRe * byIm + im[place] * byRe;
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
