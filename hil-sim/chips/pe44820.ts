/**
 * A PE44820 (pSemi: phase shifter, 1 channel, 8-bit phase) in its serial-addressable mode, as its three wires see it: a shift register of 13
 * bits, a latch, and four address pins that say whose word it is.
 *
 *   word ─► shift register ── LE rises, address is ours ──► latch ─► phase
 *
 * Clocked in first is the lowest bit of the phase: D0 … D7, OPT, A0 … A3. Of a word of 24 bits the last 13 stay: 12-5 D0 … D7, 4 OPT, 3-0
 * A0 … A3. OPT goes with the 90° bit, D6. The facts are those that public drivers of the chip agree on, with the example that they quote from
 * its data sheet: 205.3° is state 146, for address 3 the bits 0100 1001 0 1100.
 *
 * A word is shown as soon as it is latched, and chips that share their wires latch one after the other: there is no staged beam in them. Nothing
 * can be read, and a chip is never silent.
 *
 * Not modelled: OPT that does not go with D6 (shown half a step off, which is no state), what is shown before the first word (state 0 here),
 * the chaining output, direct parallel control, and errors of the phase: the states are the nominal ones, 1.40625° apart, of even magnitude.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Chip, ChipKind, Vector } from './chip.ts';

const PHASE_BITS = 8;
const STATES = 2 ** PHASE_BITS;
const ADDRESSES = 16;
const DEGREES_90 = 0x40;

/** One chip with its four address pins strapped. */
export class Pe44820 implements Chip {
  readonly #pins: number;
  /** In steps of 1.40625°. */
  #latched = 0;
  changes = 0;

  /** @param pins 0 … 15 */
  constructor(pins: number) {
    if (!Number.isInteger(pins) || pins < 0 || pins >= ADDRESSES)
      throw new BeamrigError('argument', `address pins are ${pins}, not 0 … ${ADDRESSES - 1}`);
    this.#pins = pins;
  }

  word(bits: number): undefined {
    if (reversed(bits & 0x0f, 4) !== this.#pins) return;
    const state = reversed((bits >>> 5) & 0xff, PHASE_BITS);
    const opt = (bits & 0x10) !== 0;
    this.#latched = opt === ((state & DEGREES_90) !== 0) ? state : state + 0.5;
    this.changes++;
  }

  radiated(): Vector {
    return vectorOf(this.#latched);
  }

  powerCycle(): void {
    this.#latched = 0;
    this.changes++;
  }
}

function reversed(value: number, bits: number): number {
  let turned = 0;
  for (let bit = 0; bit < bits; bit++) turned |= ((value >>> bit) & 1) << (bits - 1 - bit);
  return turned;
}

const vectorOf = (steps: number): Vector => ({
  re: Math.cos((2 * Math.PI * steps) / STATES),
  im: Math.sin((2 * Math.PI * steps) / STATES),
});

/** Of a state, a vector is no further away than rounding makes it. */
const SAME = 1e-6;

export const pe44820: ChipKind = {
  name: 'pe44820',
  about: 'evenly on the circle, as that chip nominally has them',
  phaseBits: PHASE_BITS,
  channels: 1,
  chipsPerLine: ADDRESSES,
  create: (address) => new Pe44820(address),
  reads: () => false,
  states() {
    const vectors = Array.from({ length: STATES }, (_, word) => vectorOf(word));
    return { re: Float64Array.from(vectors, ({ re }) => re), im: Float64Array.from(vectors, ({ im }) => im) };
  },
  fullScale: 1,
  wordOf(vector) {
    const word = (Math.round((Math.atan2(vector.im, vector.re) * STATES) / (2 * Math.PI)) + STATES) % STATES;
    const state = vectorOf(word);
    return Math.hypot(vector.re - state.re, vector.im - state.im) < SAME ? word : undefined;
  },
};
