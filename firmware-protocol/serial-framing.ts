/**
 * Frames on a byte stream: COBS (Cheshire and Baker, "Consistent Overhead Byte Stuffing", 1999) takes every zero byte out of a frame, and
 * a zero byte ends it. After any garbage the next zero byte is the next chance, so the reader is never lost for longer than one frame.
 *
 *     bytes ─► collect up to the next 0x00 ─► undo COBS ─► length and CRC good? ─► onFrame
 *                    │ too many                 │ bad-cobs     │ too-short, bad-crc
 *                    └► overflow: skip to the next 0x00        └► counted, dropped
 */
import { damageOf } from './codec.ts';
import { MAX_FRAME_BYTES } from './limits.ts';

/** Longest run of bytes that one code byte can stand for. */
const LONGEST_RUN = 254;

/** Most bytes a frame of `length` bytes takes on the wire, delimiter included. */
export const maxSerialLength = (length: number): number => length + Math.max(1, Math.ceil(length / LONGEST_RUN)) + 1;

/**
 * COBS of `bytes` without the delimiter. A run of exactly 254 non-zero bytes at the very end is not followed by an empty group.
 * The result holds no zero byte.
 */
export function cobsEncode(bytes: Uint8Array): Uint8Array {
  const target = new Uint8Array(maxSerialLength(bytes.length));
  return target.subarray(0, cobsEncodeInto(bytes, target));
}

/** A frame as it goes onto a serial line: COBS and the closing zero byte. */
export function cobsFrame(bytes: Uint8Array): Uint8Array {
  const target = new Uint8Array(maxSerialLength(bytes.length));
  const end = cobsEncodeInto(bytes, target);
  return target.subarray(0, end + 1);
}

function cobsEncodeInto(bytes: Uint8Array, target: Uint8Array): number {
  const { length } = bytes;
  let from = 0;
  let at = 0;
  // One group a turn; the zero imagined after the end makes the last one like the others.
  do {
    const limit = Math.min(length, from + LONGEST_RUN);
    const codeAt = at++;
    while (from < limit && bytes[from] !== 0) target[at++] = bytes[from++];
    target[codeAt] = at - codeAt;
    // A full group stands for no zero, so it ends the frame when nothing follows; any other took its zero along.
    if (at - codeAt > LONGEST_RUN) {
      if (from === length) return at;
    } else {
      from += 1;
    }
  } while (from <= length);
  return at;
}

/** The bytes that a COBS block without its delimiter stands for; undefined when a group runs past the end or a zero byte is inside. */
export function cobsDecode(block: Uint8Array): Uint8Array | undefined {
  const target = new Uint8Array(block.length);
  const { length } = block;
  let at = 0;
  let from = 0;
  while (from < length) {
    const code = block[from];
    const groupEnd = from + code;
    if (code === 0 || groupEnd > length) return undefined;
    for (from += 1; from < groupEnd; from += 1) {
      if (block[from] === 0) return undefined;
      target[at++] = block[from];
    }
    if (code <= LONGEST_RUN && from < length) target[at++] = 0;
  }
  return target.subarray(0, at);
}

export const SERIAL_DISCARD_REASONS = ['overflow', 'bad-cobs', 'too-short', 'too-long', 'bad-crc'] as const;
export type SerialDiscardReason = (typeof SERIAL_DISCARD_REASONS)[number];

export interface SerialFrameReaderOptions {
  /** Gets each bare frame whose length and CRC are good, as a buffer of its own. */
  onFrame: (frame: Uint8Array) => void;
  /** Largest bare frame accepted, bytes; the buffer is sized by it and never grows. */
  maxFrameBytes?: number;
}

/** Finds frames in a byte stream, however it is cut. Takes any bytes, keeps at most one frame, and looks at each byte once. */
export class SerialFrameReader {
  /** What was dropped and why, since the start. Silence between two delimiters is not counted. */
  readonly discards: Record<SerialDiscardReason, number> = {
    overflow: 0,
    'bad-cobs': 0,
    'too-short': 0,
    'too-long': 0,
    'bad-crc': 0,
  };
  frames = 0;
  readonly #onFrame: (frame: Uint8Array) => void;
  readonly #block: Uint8Array;
  #used = 0;
  #overflowing = false;

  constructor(options: SerialFrameReaderOptions) {
    this.#onFrame = options.onFrame;
    this.#block = new Uint8Array(maxSerialLength(options.maxFrameBytes ?? MAX_FRAME_BYTES) - 1);
  }

  /** All discards together. */
  get discarded(): number {
    return SERIAL_DISCARD_REASONS.reduce((sum, reason) => sum + this.discards[reason], 0);
  }

  /** Takes the next bytes of the stream. What onFrame throws passes through, and the rest of these bytes is lost with it. */
  push(bytes: Uint8Array): void {
    let start = 0;
    while (start < bytes.length) {
      const found = bytes.indexOf(0, start);
      const end = found < 0 ? bytes.length : found;
      this.#collect(bytes, start, end);
      if (found >= 0) this.#finish();
      start = end + 1;
    }
  }

  /** Forgets a frame begun, when the line was closed and opened again. */
  reset(): void {
    this.#used = 0;
    this.#overflowing = false;
  }

  #collect(bytes: Uint8Array, start: number, end: number): void {
    if (this.#overflowing) return;
    if (this.#used + end - start > this.#block.length) {
      this.#overflowing = true;
      this.discards.overflow += 1;
      return;
    }
    this.#block.set(bytes.subarray(start, end), this.#used);
    this.#used += end - start;
  }

  #finish(): void {
    const used = this.#used;
    const overflowing = this.#overflowing;
    this.reset();
    if (overflowing || used === 0) return;
    const frame = cobsDecode(this.#block.subarray(0, used));
    const damage = frame === undefined ? 'bad-cobs' : damageOf(frame);
    if (frame === undefined || damage !== undefined) {
      this.discards[damage ?? 'bad-cobs'] += 1;
      return;
    }
    this.frames += 1;
    this.#onFrame(frame);
  }
}
