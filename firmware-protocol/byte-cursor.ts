/**
 * The two ends of a payload. `PayloadWriter` refuses values outside their field's range with an error that names the field;
 * `PayloadReader` never throws: it remembers that something was wrong (`failed`) and the frame is discarded as a whole.
 * Everything is little-endian, and bytes are moved by hand: a DataView made for each small frame costs more than the frame.
 */
import { counted } from '../core/errors/counted.ts';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { MAX_TEXT_BYTES } from './limits.ts';
import { MAX_PHASE_BITS, packWordsInto, packedLength, unpackWordsFrom } from './packing.ts';

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const UTF8 = new TextEncoder();
// A byte order mark is kept: text goes round unchanged.
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const U32_MAX = 0xffffffff;

export class PayloadWriter {
  readonly bytes: Uint8Array;
  #at: number;
  readonly #messageType: string;

  constructor(bytes: Uint8Array, start: number, messageType: string) {
    this.bytes = bytes;
    this.#at = start;
    this.#messageType = messageType;
  }

  u8(field: string, value: number, min = 0, max = 0xff): void {
    this.#check(field, value, min, max);
    this.bytes[this.#at++] = value;
  }

  u16(field: string, value: number, min = 0, max = 0xffff): void {
    this.#check(field, value, min, max);
    this.bytes[this.#at++] = value;
    this.bytes[this.#at++] = value >>> 8;
  }

  i16(field: string, value: number): void {
    this.#check(field, value, -0x8000, 0x7fff);
    this.bytes[this.#at++] = value;
    this.bytes[this.#at++] = value >>> 8;
  }

  u32(field: string, value: number, min = 0): void {
    this.#check(field, value, min, U32_MAX);
    this.#raw32(value);
  }

  u64(field: string, value: bigint): void {
    if (typeof value !== 'bigint' || value < 0n || value > 0xffffffffffffffffn) {
      this.refuse(field, `${String(value)} is not a bigint from 0 to 2^64 - 1`);
    }
    this.#raw32(Number(value & 0xffffffffn));
    this.#raw32(Number(value >> 32n));
  }

  flag(value: boolean): void {
    this.bytes[this.#at++] = value ? 1 : 0;
  }

  /** The place of `value` in `values`, plus `first`. */
  choice<T extends string>(field: string, value: T, values: readonly T[], first = 0): void {
    const index = values.indexOf(value);
    if (index < 0) this.refuse(field, `'${String(value)}' is none of ${values.join(', ')}`);
    this.bytes[this.#at++] = index + first;
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  words(words: Uint16Array, bits: number): void {
    packWordsInto(words, bits, this.bytes, this.#at);
    this.#at += packedLength(words.length, bits);
  }

  floats(field: string, values: Float32Array): void {
    for (let i = 0; i < values.length; i += 1) {
      if (!Number.isFinite(values[i])) this.refuse(`${field}[${i}]`, `${values[i]} is not finite`);
    }
    this.raw(littleEndian(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 4));
  }

  shorts(values: Int16Array): void {
    this.raw(littleEndian(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 2));
  }

  /** Refuses a value for a reason of its own. */
  refuse(field: string, problem: string): never {
    throw new BeamrigError('argument', `${this.#messageType}: ${field}: ${problem}`, {
      wayOut: 'See the byte tables in firmware-protocol/PROTOCOL.md for the range of every field.',
    });
  }

  #check(field: string, value: number, min: number, max: number): void {
    if (!Number.isInteger(value) || value < min || value > max) {
      this.refuse(field, `${String(value)} is not a whole number from ${min} to ${max}`);
    }
  }

  #raw32(value: number): void {
    const { bytes } = this;
    bytes[this.#at++] = value;
    bytes[this.#at++] = value >>> 8;
    bytes[this.#at++] = value >>> 16;
    bytes[this.#at++] = value >>> 24;
  }
}

/** Reads `bytes[start, end)`. After a failure every read gives zeros, so a reader may go on and ask once at the end. */
export class PayloadReader {
  failed = false;
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  u8(min = 0, max = 0xff): number {
    return this.#take(1) ? this.#inRange(this.#bytes[this.#at - 1], min, max) : 0;
  }

  u16(min = 0, max = 0xffff): number {
    if (!this.#take(2)) return 0;
    const bytes = this.#bytes;
    const at = this.#at;
    return this.#inRange(bytes[at - 2] | (bytes[at - 1] << 8), min, max);
  }

  i16(): number {
    return (this.u16() << 16) >> 16;
  }

  u32(min = 0): number {
    if (!this.#take(4)) return 0;
    const bytes = this.#bytes;
    const at = this.#at;
    const value = (bytes[at - 4] | (bytes[at - 3] << 8) | (bytes[at - 2] << 16) | (bytes[at - 1] << 24)) >>> 0;
    return this.#inRange(value, min, U32_MAX);
  }

  u64(): bigint {
    const low = this.u32();
    return (BigInt(this.u32()) << 32n) | BigInt(low);
  }

  flag(): boolean {
    return this.u8(0, 1) === 1;
  }

  choice<T extends string>(values: readonly T[], first = 0): T {
    return values[this.u8(first, first + values.length - 1) - first] ?? values[0];
  }

  /** UTF-8 of at most 32 bytes without a zero byte, so that firmware may keep it as a C string. */
  text(length: number): string {
    if (length > MAX_TEXT_BYTES || !this.#take(length)) return this.fail('');
    const bytes = this.#bytes.subarray(this.#at - length, this.#at);
    if (bytes.includes(0)) return this.fail('');
    try {
      return STRICT_UTF8.decode(bytes);
    } catch {
      return this.fail('');
    }
  }

  words(count: number, bits: number): Uint16Array {
    const length = packedLength(count, bits);
    if (bits < 1 || bits > MAX_PHASE_BITS || !this.#take(length)) return this.fail(new Uint16Array(0));
    return unpackWordsFrom(this.#bytes, this.#at - length, bits, count) ?? this.fail(new Uint16Array(0));
  }

  /** Finite float32; anything else fails. */
  floats(count: number): Float32Array {
    if (!this.#take(4 * count)) return new Float32Array(0);
    const values = new Float32Array(littleEndian(this.#lastBytes(4 * count), 4).buffer);
    for (let i = 0; i < count; i += 1) if (!Number.isFinite(values[i])) this.failed = true;
    return values;
  }

  shorts(count: number): Int16Array {
    if (!this.#take(2 * count)) return new Int16Array(0);
    return new Int16Array(littleEndian(this.#lastBytes(2 * count), 2).buffer);
  }

  fail<T>(value: T): T {
    this.failed = true;
    return value;
  }

  /** A copy of what was taken last, in a buffer of its own: the slice of a Node Buffer would be a view into one that others share. */
  #lastBytes(count: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.subarray(this.#at - count, this.#at));
  }

  #take(count: number): boolean {
    if (this.failed || count > this.#end - this.#at) return this.fail(false);
    this.#at += count;
    return true;
  }

  #inRange(value: number, min: number, max: number): number {
    return value < min || value > max ? this.fail(min) : value;
  }
}

/** Text as it goes into a frame. @throws {BeamrigError} 'argument' when it is too long or cannot go round unchanged. */
export function encodeText(field: string, text: string): Uint8Array {
  const bytes = UTF8.encode(text);
  const problem =
    bytes.length > MAX_TEXT_BYTES
      ? `takes ${counted(bytes.length, 'byte')} of UTF-8, more than ${MAX_TEXT_BYTES}`
      : bytes.includes(0)
        ? 'contains a zero character'
        : STRICT_UTF8.decode(bytes) !== text
          ? 'contains half a surrogate pair'
          : undefined;
  if (problem !== undefined) {
    throw new BeamrigError('argument', `${field}: ${JSON.stringify(text)} ${problem}`, { wayOut: 'Use a shorter, plain name.' });
  }
  return bytes;
}

/** The bytes of typed-array values in wire order: themselves on a little-endian host, a swapped copy elsewhere. */
function littleEndian(bytes: Uint8Array<ArrayBuffer>, width: number): Uint8Array<ArrayBuffer>;
function littleEndian(bytes: Uint8Array, width: number): Uint8Array;
function littleEndian(bytes: Uint8Array, width: number): Uint8Array {
  if (HOST_IS_LITTLE_ENDIAN) return bytes;
  const swapped = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i += 1) swapped[i] = bytes[i - (i % width) + width - 1 - (i % width)];
  return swapped;
}
