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
 * Not modelled: gains (a gain of 0 is silence, any other is full), bias and trim registers (kept, without effect), RAM for bias, stepping
 * through RAM, RAM positions of single channels, a write to all addresses at once, the load pins, the clock edges that a real chip wants
 * after a load, detectors and ADC, imperfections of a single chip. Registers are 0 after a reset; RAM keeps what it holds.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { ADAR1000_STEPS, modulatorStep } from '../../hil-sim/adar1000.ts';

export const ADAR1000_CHANNELS = 4;
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
const BEAM_BYTES = 3 * ADAR1000_CHANNELS;

export interface Vector {
  re: number;
  im: number;
}

/** One chip with its two address pins strapped. */
export class Adar1000 {
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
  transmitted(channel: number): Vector {
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
    for (let channel = 0; channel < ADAR1000_CHANNELS; channel++) {
      const entry = TRANSMIT.ram + (position << 4) + 4 * channel;
      this.#fetched.set(this.#ram.subarray(entry, entry + 3), 3 * channel);
    }
  }

  #beamRegisters({ gains, vectors }: typeof TRANSMIT): Beam {
    const beam = new Uint8Array(BEAM_BYTES);
    for (let channel = 0; channel < ADAR1000_CHANNELS; channel++) {
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
  if (beam[3 * channel] === 0) return { re: 0, im: 0 };
  return { re: modulatorStep(beam[3 * channel + 1]), im: modulatorStep(beam[3 * channel + 2]) };
}

const WORD_OF_VECTOR = new Map(Array.from(ADAR1000_STEPS.re, (re, word) => [`${re},${ADAR1000_STEPS.im[word]}`, word]));

/** The word whose state this vector (in steps of the modulator) is; undefined when it is none of the 128. */
export const adar1000Word = ({ re, im }: Vector): number | undefined => WORD_OF_VECTOR.get(`${re},${im}`);
