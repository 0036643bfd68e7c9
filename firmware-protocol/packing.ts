/**
 * Words on the wire, of phases and of gains: Q bits each, 1 ≤ Q ≤ 16, least significant bit first. Word i takes the bits i·Q … i·Q + Q − 1 of the stream;
 * bit b of the stream is bit b mod 8 of byte ⌊b / 8⌋. The last byte is filled with zero bits, and anything else there is refused, so one
 * list of words has one encoding.
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { crc32c } from './crc32c.ts';

export const MAX_PHASE_BITS = 16;

/** Bytes that `count` words of `bits` bits take. */
export const packedLength = (count: number, bits: number): number => Math.ceil((count * bits) / 8);

/**
 * Packs words at exactly `bits` bits each.
 * @throws {BeamrigError} 'argument' when `bits` is not 1 … 16 or a word is not below 2^bits
 */
export function packWords(words: Uint16Array, bits: number): Uint8Array {
  checkPhaseBits(bits);
  const packed = new Uint8Array(packedLength(words.length, bits));
  packWordsInto(words, bits, packed, 0);
  return packed;
}

/** `packWords` into a buffer that has room for it, from byte `at` on; `bits` was checked by the caller. */
export function packWordsInto(words: Uint16Array, bits: number, target: Uint8Array, at: number): void {
  const count = words.length;
  const twoBytesAWord = bits > 8;
  let seen = 0;
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < count; i += 1) {
    const word = words[i];
    seen |= word;
    // At most 7 + 16 bits wait here, which a 32-bit integer holds.
    pending |= word << pendingBits;
    pendingBits += bits;
    if (pendingBits >= 8) {
      target[at++] = pending;
      pending >>>= 8;
      pendingBits -= 8;
    }
    if (twoBytesAWord && pendingBits >= 8) {
      target[at++] = pending;
      pending >>>= 8;
      pendingBits -= 8;
    }
  }
  if (pendingBits > 0) target[at] = pending;
  if (seen >>> bits !== 0) refuseWideWord(words, bits);
}

/**
 * The `count` words packed in `bytes`.
 * @throws {BeamrigError} 'argument' when the length is not that of `count` words or the padding is not zero
 */
export function unpackWords(bytes: Uint8Array, bits: number, count: number): Uint16Array {
  checkPhaseBits(bits);
  if (!Number.isInteger(count) || count < 0 || bytes.length !== packedLength(count, bits)) {
    throw new BeamrigError('argument', `${count} words of ${bits} bits do not take ${bytes.length} bytes`, {
      wayOut: 'Pass exactly ⌈count·bits/8⌉ bytes.',
    });
  }
  const words = unpackWordsFrom(bytes, 0, bits, count);
  if (words === undefined) {
    throw new BeamrigError('argument', `the padding bits after ${count} words of ${bits} bits are not zero`, {
      wayOut: 'Fill the last byte with zero bits.',
    });
  }
  return words;
}

/** `unpackWords` from byte `at` on, whose range the caller has checked; undefined when the padding is not zero. */
export function unpackWordsFrom(bytes: Uint8Array, at: number, bits: number, count: number): Uint16Array | undefined {
  const words = new Uint16Array(count);
  const mask = (1 << bits) - 1;
  const twoBytesAWord = bits > 8;
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < count; i += 1) {
    if (pendingBits < bits) {
      pending |= bytes[at++] << pendingBits;
      pendingBits += 8;
    }
    if (twoBytesAWord && pendingBits < bits) {
      pending |= bytes[at++] << pendingBits;
      pendingBits += 8;
    }
    words[i] = pending & mask;
    pending >>>= bits;
    pendingBits -= bits;
  }
  return pending === 0 ? words : undefined;
}

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** What a beam is made of beside D, place n·M + m each. */
export interface BeamParts {
  words: Uint16Array;
  /** 0 or 1 a place; undefined where none were sent, and all are on. */
  enabled?: Uint8Array | undefined;
  /** Undefined where none were sent, and all are at full gain. */
  gains?: Uint16Array | undefined;
}

/** What a panel answers when it has latched a beam: CRC-32C over its words, then its enables, then its gains, where it has any. */
export function beamCrc32c({ words, enabled, gains }: BeamParts): number {
  if (enabled === undefined && gains === undefined) return wordsCrc32c(words);
  const bytes = new Uint8Array(words.byteLength + (enabled?.length ?? 0) + (gains?.byteLength ?? 0));
  bytes.set(wordBytes(words));
  if (enabled) bytes.set(enabled, words.byteLength);
  if (gains) bytes.set(wordBytes(gains), bytes.length - gains.byteLength);
  return crc32c(bytes);
}

/** CRC-32C over words as little-endian u16. */
export function wordsCrc32c(words: Uint16Array): number {
  return crc32c(wordBytes(words));
}

const wordBytes = (words: Uint16Array): Uint8Array =>
  HOST_IS_LITTLE_ENDIAN ? new Uint8Array(words.buffer, words.byteOffset, words.byteLength) : packWords(words, 16);

/** @throws {BeamrigError} 'argument' unless `bits` is a whole number from 1 to 16 */
export function checkPhaseBits(bits: number): void {
  if (!Number.isInteger(bits) || bits < 1 || bits > MAX_PHASE_BITS) {
    throw new BeamrigError('argument', `phaseBits is ${bits}, not a whole number from 1 to ${MAX_PHASE_BITS}`, {
      wayOut: "Use the panel's phaseBits.",
    });
  }
}

function refuseWideWord(words: Uint16Array, bits: number): never {
  const index = words.findIndex((word) => word >>> bits !== 0);
  throw new BeamrigError('argument', `words[${index}] is ${words[index]}, which does not fit ${bits} bits`, {
    wayOut: `Quantise phases to words below ${2 ** bits}.`,
  });
}
