/**
 * Phases as Q-bit words: word w stands for the phase w·2π/2^Q. An element chooses among 2^Q complex states; the ideal ones lie evenly on the
 * unit circle, measured ones (a calibration table) wherever the hardware put them, and both are the same kind of alphabet here.
 */
import { BeamrigError } from '../errors/beamrig-error.ts';

/** The 2^Q complex responses that one element can show; index = word. */
export interface ElementStates {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/**
 * Each phase to the nearest of the 2^Q ideal states, around the circle: just below 360° wraps to word 0.
 * @param phaseRad any finite phases, any number of turns
 * @param bits Q, 1 … 16
 * @returns words, 0 … 2^Q − 1
 * @throws {BeamrigError} `argument` when Q is out of range or a phase is not finite
 */
export function quantisePhases(phaseRad: Float64Array, bits: number): Uint16Array {
  const states = stateCount(bits);
  const perRadian = states / (2 * Math.PI);
  const words = new Uint16Array(phaseRad.length);
  for (let i = 0; i < phaseRad.length; i++) {
    const nearest = Math.round(phaseRad[i] * perRadian);
    if (!Number.isFinite(nearest)) {
      throw new BeamrigError('argument', `phase ${i} is ${phaseRad[i]}: only finite phases can be quantised`);
    }
    // A bit mask wraps like % and many times faster, but only what fits in 32 bits; 2^Q divides 2^32, so it wraps below 0, too.
    words[i] = Math.abs(nearest) < 2 ** 31 ? nearest & (states - 1) : ((nearest % states) + states) % states;
  }
  return words;
}

/** The phases that words stand for: word·2π/2^Q, in [0, 2π). */
export function wordsToPhases(words: Uint16Array, bits: number): Float64Array {
  const step = (2 * Math.PI) / stateCount(bits);
  return Float64Array.from(words, (word) => word * step);
}

/** The alphabet of an element without errors: exp(j·word·2π/2^Q). */
export function idealStates(bits: number): ElementStates {
  const count = stateCount(bits);
  const step = (2 * Math.PI) / count;
  return {
    re: Float64Array.from({ length: count }, (_, word) => Math.cos(word * step)),
    im: Float64Array.from({ length: count }, (_, word) => Math.sin(word * step)),
  };
}

/** One alphabet a Q, kept: at most sixteen of them. */
const idealByBits = new Map<number, ElementStates>();

/** `idealStates`, made once; not to be written to. */
export function idealOf(bits: number): ElementStates {
  let states = idealByBits.get(bits);
  if (states === undefined) {
    states = idealStates(bits);
    idealByBits.set(bits, states);
  }
  return states;
}

/**
 * Each phase to the state of its element that lies nearest to exp(jφ) in the complex plane; with `idealStates` the same as `quantisePhases`.
 * @param statesOf the alphabet of phase i (N·M alphabets, or always the same one)
 * @throws {BeamrigError} `argument` when a phase is not finite
 */
export function quantiseToStates(phaseRad: Float64Array, statesOf: (index: number) => ElementStates): Uint16Array {
  const words = new Uint16Array(phaseRad.length);
  for (let i = 0; i < phaseRad.length; i++) {
    if (!Number.isFinite(phaseRad[i])) {
      throw new BeamrigError('argument', `phase ${i} is ${phaseRad[i]}: only finite phases can be quantised`);
    }
    const wantedRe = Math.cos(phaseRad[i]);
    const wantedIm = Math.sin(phaseRad[i]);
    const { re, im } = statesOf(i);
    let nearest = Infinity;
    for (let word = 0; word < re.length; word++) {
      const distance = (re[word] - wantedRe) ** 2 + (im[word] - wantedIm) ** 2;
      if (distance < nearest) {
        nearest = distance;
        words[i] = word;
      }
    }
  }
  return words;
}

function stateCount(bits: number): number {
  if (!Number.isInteger(bits) || bits < 1 || bits > 16) {
    throw new BeamrigError('argument', `phase bits must be a whole number from 1 to 16, got ${bits}`);
  }
  return 2 ** bits;
}
