/**
 * Beams to sound a channel with, as phase words, a slot each: every RF chain shows a beam of its own, and one commit with its pilots gives a
 * reading of each user on each of the M chains,
 *
 *   y_km = h_kᴴ·f_m + n,   n ~ CN(0, σ²),
 *
 * with f_m the column that the words of chain m make of what its elements can show: ideal states, or measured ones. A chain that does not reach
 * every element shows its part of a beam and hears with that part.
 */
import { counted } from '../core/errors/counted.ts';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { ArrayStates } from '../core/signal/beam-contract.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { zeros } from '../core/signal/complex-matrix.ts';
import type { ArrayGeometry } from '../core/signal/geometry.ts';
import { elementCount } from '../core/signal/geometry.ts';
import { quantisePhases, quantiseToStates } from '../core/signal/quantise.ts';
import type { Random } from '../core/signal/random.ts';
import { statesShown } from '../core/signal/realise-beam.ts';

/** The array that is sounded with. */
export interface SoundingArray {
  readonly geometry: ArrayGeometry;
  /** M */
  readonly rfChains: number;
  /** N·M of 0/1; absent: every chain reaches every element. */
  readonly connection?: Uint8Array;
  readonly states: ArrayStates;
}

/** Words of one slot, N·M, word (n, m) at n·M + m. */
export type SlotWords = Uint16Array;

/** Words that are drawn evenly: every beam hears all directions, each in a way of its own. */
export function randomBeams(array: SoundingArray, slots: number, random: Random): SlotWords[] {
  requireCount('slots', slots);
  const states = 2 ** array.states.bits;
  return Array.from({ length: slots }, () => {
    const words = new Uint16Array(placesOf(array));
    for (let place = 0; place < words.length; place++) {
      const word = Math.floor(states * random.uniform());
      if (array.connection === undefined || array.connection[place] === 1) words[place] = word;
    }
    return words;
  });
}

/**
 * Beams of evenly spaced directions, as many as M chains show in so many slots; where these are N, those of the discrete Fourier transform.
 * On a planar array the two sides share them out, and those beyond the horizon are left in: without them no N beams tell N elements apart.
 */
export function dftBeams(array: SoundingArray, slots: number): SlotWords[] {
  requireCount('slots', slots);
  const { geometry, rfChains } = array;
  const count = slots * rfChains;
  const down = geometry.kind === 'ula' ? 1 : nearestDivisor(count, Math.sqrt((count * geometry.rows) / geometry.columns));
  const across = count / down;
  const beams = Array.from({ length: count }, (_, beam) => {
    // A step of its own for the row: with the last chain of a slot, the next direction begins the next slot.
    const u = (2 * (beam % across) + 1) / across - 1;
    const v = down === 1 ? 0 : (2 * Math.floor(beam / across) + 1) / down - 1;
    return linearPhases(geometry, u, v);
  });
  return Array.from({ length: slots }, (_, slot) => wordsOfPhases(array, (m) => beams[slot * rfChains + m]));
}

/** φ of each element for the direction u, v in sines: 2π·d·(column·u + row·v), so that a user who is there is heard loudest. */
function linearPhases(geometry: ArrayGeometry, u: number, v: number): Float64Array {
  const columns = geometry.kind === 'ula' ? geometry.elements : geometry.columns;
  const wavelength = 2 * Math.PI * geometry.spacingWavelengths;
  return Float64Array.from(
    { length: elementCount(geometry) },
    (_, n) => wavelength * ((n % columns) * u + Math.floor(n / columns) * v),
  );
}

/** @param phasesOf N phases of chain m, radians */
export function wordsOfPhases(array: SoundingArray, phasesOf: (chain: number) => Float64Array): SlotWords {
  const { rfChains, connection, states } = array;
  const phases = new Float64Array(placesOf(array));
  for (let m = 0; m < rfChains; m++) {
    const own = phasesOf(m);
    for (let n = 0; n < own.length; n++) phases[n * rfChains + m] = own[n];
  }
  const words = states.of === undefined ? quantisePhases(phases, states.bits) : quantiseToStates(phases, states.of);
  if (connection !== undefined) for (let place = 0; place < words.length; place++) if (connection[place] === 0) words[place] = 0;
  return words;
}

/**
 * What the array shows in some slots.
 * @returns F, N×(slots·M), column slot·M + m the beam of chain m
 */
export function shownBeams(array: SoundingArray, slots: readonly SlotWords[]): CMatrix {
  const elements = elementCount(array.geometry);
  const { rfChains } = array;
  const beams = zeros(elements, slots.length * rfChains);
  slots.forEach((words, slot) => {
    const shown = statesShown({ elements, ...array }, words, array.states);
    for (let n = 0; n < elements; n++) {
      const to = n * beams.cols + slot * rfChains;
      beams.re.set(shown.re.subarray(n * rfChains, (n + 1) * rfChains), to);
      beams.im.set(shown.im.subarray(n * rfChains, (n + 1) * rfChains), to);
    }
  });
  return beams;
}

const placesOf = ({ geometry, rfChains }: SoundingArray): number => elementCount(geometry) * rfChains;

/** The divisor of a count that lies nearest to what is wished for, as a ratio. */
function nearestDivisor(count: number, wished: number): number {
  let best = 1;
  for (let divisor = 1; divisor <= count; divisor++) {
    if (count % divisor === 0 && Math.abs(Math.log(divisor / wished)) < Math.abs(Math.log(best / wished))) best = divisor;
  }
  return best;
}

function requireCount(what: string, count: number): void {
  if (Number.isInteger(count) && count >= 1) return;
  throw new BeamrigError('argument', `a sounding of ${counted(count, 'slot')}`, {
    wayOut: `give a whole number of ${what} from 1 on`,
  });
}
