/**
 * What the phase shifters of a simulated array answer to their words: the chip's states, their errors, stuck words.
 */
import { counted } from '../core/errors/counted.ts';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import type { Random } from '../core/signal/random.ts';

/** What the phase shifters of some elements show: (i, m) at i·M + m, i counting those elements in their own order. */
export interface ShownStates {
  re: Float64Array;
  im: Float64Array;
}

export interface PhaseShifterOptions {
  readonly elements: number;
  readonly rfChains: number;
  readonly phaseBits: number;
  readonly random: Random;
  readonly phaseStateErrorDeg: number;
  readonly gainStateErrorDb: number;
  readonly stuckElements: readonly (number | { element: number; word: number })[];
  /** By word, where they are not the ideal ones. */
  readonly states?: ShownStates;
}

const DB_TO_NEPER = Math.LN10 / 20;
const DEG = Math.PI / 180;
/** Above this many states only their factors are kept, so that memory stays bounded at Q = 16. */
const MOST_STATES_KEPT = 2 ** 18;
/** Sections of a shifter whose states are kept together as one factor, four of them: of those, multiplying takes the least time and room. */
const SECTIONS_A_FACTOR = 2;
const FACTOR_STATES = 2 ** SECTIONS_A_FACTOR;

/** S: what each phase shifter answers to a word, stuck elements included. */
export class PhaseShifters {
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

  constructor({ elements, rfChains, phaseBits, random, states, ...errors }: PhaseShifterOptions) {
    this.#bits = phaseBits;
    this.#factorCount = Math.ceil(phaseBits / SECTIONS_A_FACTOR);
    this.#states = states && { re: states.re.slice(), im: states.im.slice() };
    this.#rfChains = rfChains;
    const places = elements * rfChains;
    const draw = (name: string, deviation: number): Float64Array => {
      const from = random.stream(name);
      return Float64Array.from({ length: places * phaseBits }, () => (2 * deviation * from.normal()) / Math.sqrt(phaseBits));
    };
    this.#phaseErrorRad = draw('phase states', DEG * errors.phaseStateErrorDeg);
    this.#gainErrorNeper = draw('gain states', DB_TO_NEPER * errors.gainStateErrorDb);

    this.#stuckWord = new Int32Array(elements).fill(-1);
    const stuckAt = random.stream('stuck');
    for (const stuck of errors.stuckElements) {
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
        // Stuck is the word; a channel that is off shows nothing all the same.
        const stuck = stuckWord[n] >= 0 && (states.re[given] !== 0 || states.im[given] !== 0);
        if (stuck) this.#compute(place, stuckWord[n], computed, 0);
        re[place] = stuck ? computed[0] : states.re[given];
        im[place] = stuck ? computed[1] : states.im[given];
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
