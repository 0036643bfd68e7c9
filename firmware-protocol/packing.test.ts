import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from './crc32c.ts';
import { packWords, packedLength, unpackWords, wordsCrc32c } from './packing.ts';

const bits = fc.integer({ min: 1, max: 16 });
const bitsAndWords = bits.chain((q) =>
  fc.tuple(
    fc.constant(q),
    fc.uint16Array({ max: 2 ** q - 1, maxLength: 100 }).map((words) => Uint16Array.from(words)),
  ),
);

describe('packing phase words', () => {
  it('puts the least significant bit of the first word first', () => {
    expect(packWords(Uint16Array.of(1, 2, 3, 63, 32), 6)).toEqual(Uint8Array.of(0x81, 0x30, 0xfc, 0x20));
    expect(packWords(Uint16Array.of(1, 0, 1, 1), 1)).toEqual(Uint8Array.of(0b1101));
    expect(packWords(Uint16Array.of(0x1234, 0xffff), 16)).toEqual(Uint8Array.of(0x34, 0x12, 0xff, 0xff));
  });

  it('takes exactly Q bits a word, and gives every list of words back', () => {
    fc.assert(
      fc.property(bitsAndWords, ([q, words]) => {
        const packed = packWords(words, q);
        expect(packed.length).toBe(Math.ceil((words.length * q) / 8));
        expect(unpackWords(packed, q, words.length)).toEqual(words);
      }),
    );
  });

  it('agrees with one big binary number of Q-digit places', () => {
    fc.assert(
      fc.property(bitsAndWords, ([q, words]) => {
        let whole = 0n;
        words.forEach((word, i) => (whole |= BigInt(word) << BigInt(i * q)));
        const expected = Uint8Array.from({ length: packedLength(words.length, q) }, (_, i) =>
          Number((whole >> BigInt(8 * i)) & 0xffn),
        );
        expect(packWords(words, q)).toEqual(expected);
      }),
    );
  });

  it('refuses a word that does not fit, naming it', () => {
    expect(() => packWords(Uint16Array.of(3, 64, 1), 6)).toThrow(/words\[1\] is 64, which does not fit 6 bits/);
    expect(() => packWords(Uint16Array.of(2), 1)).toThrow(expect.objectContaining({ code: 'argument' }) as Error);
  });

  it.each([0, 17, 2.5, Number.NaN])('refuses phases of %s bits', (q) => {
    expect(() => packWords(Uint16Array.of(0), q)).toThrow(/not a whole number from 1 to 16/);
    expect(() => unpackWords(Uint8Array.of(0), q, 1)).toThrow(/not a whole number from 1 to 16/);
  });

  it('refuses padding that is not zero, whichever of its bits is set', () => {
    for (let bit = 4; bit < 8; bit += 1) {
      expect(() => unpackWords(Uint8Array.of(1 << bit), 4, 1)).toThrow(/padding bits/);
    }
    expect(unpackWords(Uint8Array.of(0x0f), 4, 1)).toEqual(Uint16Array.of(15));
  });

  it('refuses bytes that are not those of so many words', () => {
    expect(() => unpackWords(new Uint8Array(4), 6, 4)).toThrow(/4 words of 6 bits do not take 4 bytes/);
    expect(() => unpackWords(new Uint8Array(3), 6, -1)).toThrow(/-1 words/);
  });

  it('checks a beam over its words as little-endian u16, wherever in a buffer they lie', () => {
    const words = Uint16Array.of(0xffff, 0x0102, 0x0304);
    expect(wordsCrc32c(words.subarray(1))).toBe(crc32c(Uint8Array.of(0x02, 0x01, 0x04, 0x03)));
    expect(wordsCrc32c(new Uint16Array(0))).toBe(0);
  });
});
