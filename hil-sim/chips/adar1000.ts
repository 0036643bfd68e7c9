/**
 * An ADAR1000 (Analog Devices: beamformer, 4 channels, 7-bit phase) as its SPI port sees it: registers, what is loaded and what is only
 * written, beam RAM. Written from the data sheet's facts and not from any driver, so that a driver can be held to it.
 *
 *   SPI word ─► R/W, address pins ─► registers ── LD_WRK_REGS ──► loaded ─┐
 *                               └──► beam RAM ── fetch, then load ──┘      ├─► vector of each channel
 *                               └──► enables, direction: at once ──────────┘
 *
 * Of a word the bits are: 23 read, 22-21 chip address, 20 RAM, 19-8 register, 7-0 data.
 *
 * A gain of 0 is silence; of any other, bits 6-0 are word w of a nominal law, the amplitude (w + 1) / 128.
 *
 * Not modelled: the gain's own law, the attenuator (bit 7 of a gain), bias and trim registers (kept, without effect), RAM for bias, stepping
 * through RAM, RAM positions of single channels, a write to all addresses at once, the load pins, the clock edges that a real chip wants
 * after a load, detectors and ADC, imperfections of a single chip. Registers are 0 after a reset; RAM keeps what it holds.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Chip, ChipKind, Vector } from './chip.ts';

const CHANNELS = 4;
/** Phase states, 2.8125° apart. */
const STATES = 128;
/** Beams in RAM. */
const POSITIONS = 121;

const INTERFACE_CONFIG_A = 0x000;
const FIRST_BEAM_REGISTER = 0x010;
const LAST_BEAM_REGISTER = 0x027;
const LD_WRK_REGS = 0x028;
const TX_ENABLES = 0x02f;
const SW_CTRL = 0x031;
const MEM_CTRL = 0x038;
const TX_CHX_MEM = 0x03a;

/** Where a direction's four gains and four pairs of I, Q lie. */
const TRANSMIT = { gains: 0x01c, vectors: 0x020, ram: 0x800 };
const RECEIVE = { gains: 0x010, vectors: 0x014, ram: 0x000 };

/** Gain, I and Q of each channel, in this order. */
type Beam = Uint8Array;
const BEAM_BYTES = 3 * CHANNELS;

/** One chip with its two address pins strapped. */
export class Adar1000 implements Chip {
  readonly #registers = new Uint8Array(0x1000);
  readonly #ram = new Uint8Array(0x1000);
  readonly #pins: number;
  #loadedTransmit: Beam = new Uint8Array(BEAM_BYTES);
  #loadedReceive: Beam = new Uint8Array(BEAM_BYTES);
  #fetched: Beam = new Uint8Array(BEAM_BYTES);
  /** Goes up when what is radiated may have changed. */
  changes = 0;

  /** @param pins 0 … 3 */
  constructor(pins: number) {
    if (!Number.isInteger(pins) || pins < 0 || pins > 3)
      throw new BeamrigError('argument', `address pins are ${pins}, not 0 … 3`);
    this.#pins = pins;
  }

  /**
   * Takes one word of 24 bits.
   * @returns what the chip drives on its data output; undefined when the word is for another chip, is no read, or the output is off
   */
  word(bits: number): number | undefined {
    const instruction = (bits >>> 8) & 0xffff;
    if (((instruction >>> 13) & 3) !== this.#pins) return undefined;
    const inRam = (instruction & 0x1000) !== 0;
    const where = instruction & 0x0fff;
    if ((instruction & 0x8000) !== 0) {
      // Four-wire mode: bits 4 and 3 of the first register switch the output on.
      const driven = (this.#registers[INTERFACE_CONFIG_A] & 0x18) !== 0;
      return driven ? (inRam ? this.#ram : this.#registers)[where] : undefined;
    }
    if (inRam) this.#ram[where] = bits & 0xff;
    else this.#write(where, bits & 0xff);
    return undefined;
  }

  /** What a channel (0 … 3) radiates: its I and Q in steps of the modulator; 0 when it is switched off. */
  radiated(channel: number): Vector {
    const enables = this.#registers[TX_ENABLES];
    const control = this.#registers[SW_CTRL];
    // Driver, vector modulator and amplifier for all, and one bit for each channel from bit 6 down.
    const channelOn = (enables & 0x07) === 0x07 && (enables & (0x40 >>> channel)) !== 0;
    // Transmitter on (bit 6), direction from SPI (bit 2 clear), which says transmit (bit 1).
    const transmitting = (control & 0x46) === 0x42;
    return channelOn && transmitting ? vectorOf(this.#loadedTransmit, channel) : { re: 0, im: 0 };
  }

  /** The vector loaded for receiving on a channel. */
  received(channel: number): Vector {
    return vectorOf(this.#loadedReceive, channel);
  }

  /** As after a power failure: nothing is left, RAM included. */
  powerCycle(): void {
    this.#reset();
    this.#ram.fill(0);
  }

  #write(where: number, data: number): void {
    if (where === INTERFACE_CONFIG_A && (data & 0x81) === 0x81) {
      this.#reset();
      return;
    }
    if (where === LD_WRK_REGS) {
      if ((data & 0x02) !== 0) this.#loadTransmit();
      if ((data & 0x01) !== 0) this.#loadedReceive = this.#beamRegisters(RECEIVE);
      return;
    }
    this.#registers[where] = data;
    if (where === TX_CHX_MEM && (data & 0x80) !== 0 && (data & 0x7f) < POSITIONS) this.#fetch(data & 0x7f);
    if (where < FIRST_BEAM_REGISTER || where > LAST_BEAM_REGISTER) this.changes++;
  }

  #loadTransmit(): void {
    // Bit 6: beam RAM bypassed; bit 1: the same for the transmit channels alone.
    const fromRegisters = (this.#registers[MEM_CTRL] & 0x42) !== 0;
    this.#loadedTransmit = fromRegisters ? this.#beamRegisters(TRANSMIT) : this.#fetched.slice();
    this.changes++;
  }

  #fetch(position: number): void {
    for (let channel = 0; channel < CHANNELS; channel++) {
      const entry = TRANSMIT.ram + (position << 4) + 4 * channel;
      this.#fetched.set(this.#ram.subarray(entry, entry + 3), 3 * channel);
    }
  }

  #beamRegisters({ gains, vectors }: typeof TRANSMIT): Beam {
    const beam = new Uint8Array(BEAM_BYTES);
    for (let channel = 0; channel < CHANNELS; channel++) {
      beam[3 * channel] = this.#registers[gains + channel];
      beam[3 * channel + 1] = this.#registers[vectors + 2 * channel];
      beam[3 * channel + 2] = this.#registers[vectors + 2 * channel + 1];
    }
    return beam;
  }

  #reset(): void {
    this.#registers.fill(0);
    this.#loadedTransmit = new Uint8Array(BEAM_BYTES);
    this.#loadedReceive = new Uint8Array(BEAM_BYTES);
    this.#fetched = new Uint8Array(BEAM_BYTES);
    this.changes++;
  }
}

function vectorOf(beam: Beam, channel: number): Vector {
  const gain = beam[3 * channel];
  if (gain === 0) return { re: 0, im: 0 };
  const amplitude = ((gain & 0x7f) + 1) / 128;
  return { re: amplitude * modulatorStep(beam[3 * channel + 1]), im: amplitude * modulatorStep(beam[3 * channel + 2]) };
}

/** What an I or Q code stands for: bit 5 is the sign, 1 = positive, bits 4 … 0 the magnitude. */
function modulatorStep(code: number): number {
  const magnitude = code & 0x1f;
  if (magnitude === 0) return 0;
  return (code & 0x20) !== 0 ? magnitude : -magnitude;
}

/**
 * Codes I, Q of the phases 0° to 177.1875° in steps of 2.8125°, from the data sheet's tables of vector-modulator settings. The other half
 * circle has the same magnitudes with both signs turned.
 */
const HALF_CIRCLE_CODES = [
  '3f203f213f233f243f263e273e283d2a3d2b3c2d3c2e3b2f3a30393138333734',
  '3635353634373338323830392f3a2e3a2c3b2b3c2a3c283c273d253d243d223d',
  '213d013d033d043d063d073c083c0a3c0b3b0d3a0e3a0f391138123813371436',
  '163517341833193119301a2f1b2e1c2d1c2b1d2a1e281e271e261f241f231f21',
].join('');

/** The states of the phase shifter in steps of the modulator, by word: what the table's codes decode to. */
function modulatorStates(): { re: Float64Array; im: Float64Array } {
  const half = STATES / 2;
  const step = (at: number): number => modulatorStep(Number.parseInt(HALF_CIRCLE_CODES.slice(2 * at, 2 * at + 2), 16));
  const re = new Float64Array(STATES);
  const im = new Float64Array(STATES);
  for (let word = 0; word < half; word++) {
    re[word] = step(2 * word);
    im[word] = step(2 * word + 1);
    re[word + half] = -re[word];
    im[word + half] = -im[word];
  }
  return { re, im };
}

const MODULATOR = modulatorStates();
/** Steps of the modulator that a state has in the mean: what 1 stands for. */
const FULL_STEPS = MODULATOR.re.reduce((sum, re, w) => sum + Math.hypot(re, MODULATOR.im[w]), 0) / STATES;
const WORD_OF_VECTOR = new Map(Array.from(MODULATOR.re, (re, word) => [`${re},${MODULATOR.im[word]}`, word]));

/** Vectors are in steps of the modulator. */
export const adar1000: ChipKind = {
  name: 'adar1000',
  about: 'as that chip’s vector modulator has them',
  phaseBits: 7,
  channels: CHANNELS,
  chipsPerLine: 4,
  create: (address) => new Adar1000(address),
  reads: (bits) => (bits & 0x800000) !== 0,
  states: () => ({
    re: MODULATOR.re.map((steps) => steps / FULL_STEPS),
    im: MODULATOR.im.map((steps) => steps / FULL_STEPS),
  }),
  fullScale: FULL_STEPS,
  wordOf: ({ re, im }) => WORD_OF_VECTOR.get(`${re},${im}`),
};
