/**
 * What a kind of phase-shifter chip is to the bench, the rig file and the firmware's tests: a chip as its bus sees it, and the states of its
 * phase shifters. A kind is a file of this folder and a line in chips.ts; it is written from the data sheet and not from any driver, so that
 * a driver can be held to it.
 *
 *   word of the bus ─► Chip.word ─► what is written, what is loaded ─► Chip.radiated(channel) ─► wordOf
 */

/** What a channel radiates, in the chip's own steps; `ChipKind.fullScale` of them are 1. */
export interface Vector {
  re: number;
  im: number;
}

/** One chip with its address pins strapped. */
export interface Chip {
  /**
   * Takes one word of the bus, most significant bit first, whose select line goes low before it and high after it.
   * @param bits 24 bits
   * @returns the byte that the chip drives on its data output; undefined when it drives none
   */
  word(bits: number): number | undefined;
  /** What a channel, from 0 on, radiates; 0 when it is silent. */
  radiated(channel: number): Vector;
  /** As after a power failure. */
  powerCycle(): void;
  /** Goes up when what is radiated may have changed. */
  readonly changes: number;
}

export interface ChipKind {
  /** As the rig file, the firmware's build and its folder of drivers call it. */
  readonly name: string;
  /** What its phase states are, for the page of the rig file: a clause. */
  readonly about: string;
  readonly phaseBits: number;
  /** Phase shifters of one chip. Place n·M + m of an array is channel (place mod channels) of its chip. */
  readonly channels: number;
  /** Chips on one select line, told apart by their address pins. */
  readonly chipsPerLine: number;
  /** @param address 0 … chipsPerLine − 1 */
  create(address: number): Chip;
  /** Whether a byte is read while this word goes out. */
  reads(bits: number): boolean;
  /** The complex states of the phase shifter, by word; their mean magnitude is 1. */
  states(): { re: Float64Array; im: Float64Array };
  /** Magnitude of a `Vector` that stands for 1. */
  readonly fullScale: number;
  /** The word whose state this vector is; undefined when it is none of them. */
  wordOf(vector: Vector): number | undefined;
}
