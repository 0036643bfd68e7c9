import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beamFrames, maxPlacesPerPatch, maxWeightsPerChunk, maxWordsPerChunk, patchMessages } from './chunking.ts';
import { decodeFrame, encodeFrame } from './codec.ts';
import { CRC_BYTES, HEADER_BYTES } from './limits.ts';
import { cobsFrame } from './serial-framing.ts';

const wordsOf = (count: number, bits: number): Uint16Array =>
  Uint16Array.from({ length: count }, (_, i) => (i * 40_503) % 2 ** bits);

const payloadLength = (frame: Uint8Array): number => frame.length - HEADER_BYTES - CRC_BYTES;

describe('cutting a beam into chunks', () => {
  it('fills the payload that the panel allows, in whole groups of eight words', () => {
    expect(maxWordsPerChunk(2048, 6)).toBe(2712);
    expect(maxWordsPerChunk(64, 16)).toBe(24);
    expect(maxWordsPerChunk(4096, 1)).toBe(32_672);
    expect(maxWeightsPerChunk(2048)).toBe(254);
    expect(maxWeightsPerChunk(64)).toBe(6);
  });

  it.each([0, 63, 4097, 100.5])('refuses a payload limit of %s bytes', (maxPayloadBytes) => {
    expect(() => maxWordsPerChunk(maxPayloadBytes, 6)).toThrow(/maxPayloadBytes/);
    expect(() => maxWeightsPerChunk(maxPayloadBytes)).toThrow(/maxPayloadBytes/);
  });

  it('covers every word, weight, enable and gain exactly once, within the payload limit, and ends with the commit', () => {
    const beams = fc.record({
      bits: fc.integer({ min: 1, max: 16 }),
      wordCount: fc.integer({ min: 1, max: 3000 }),
      gainBits: fc.integer({ min: 1, max: 16 }),
      weightCount: fc.integer({ min: 0, max: 600 }),
      maxPayloadBytes: fc.integer({ min: 64, max: 4096 }),
      firstSeq: fc.integer({ min: 0, max: 0xffff }),
    });
    fc.assert(
      fc.property(beams, ({ bits, gainBits, wordCount, weightCount, maxPayloadBytes, firstSeq }) => {
        const words = wordsOf(wordCount, bits);
        const weights = Float32Array.from({ length: 2 * weightCount }, (_, i) => i / 7);
        const digital = { users: 4, weights };
        const enabled = Uint8Array.from({ length: wordCount }, (_, i) => (i % 7) & 1);
        const gains = wordsOf(wordCount, gainBits);
        const beam = { slot: 1, beamId: 9, phaseBits: bits, words, digital, enabled, gains, gainBits };
        const frames = beamFrames({ ...beam, maxPayloadBytes, firstSeq });
        const stagedEnables: number[] = [];
        const stagedGains: number[] = [];
        const staged: number[] = [];
        const stagedWeights: number[] = [];
        frames.forEach((frame, index) => {
          const bytes = encodeFrame(frame);
          const decoded = decodeFrame(bytes);
          expect(payloadLength(bytes)).toBeLessThanOrEqual(maxPayloadBytes);
          expect(decoded).toEqual({ ok: true, frame });
          expect(frame.seq).toBe((firstSeq + index) % 65_536);
          const { message } = frame;
          if (message.type === 'set-phases') {
            expect(message.offset).toBe(staged.length);
            staged.push(...message.words);
          } else if (message.type === 'set-digital') {
            expect(message.offset).toBe(stagedWeights.length / 2);
            stagedWeights.push(...message.weights);
          } else if (message.type === 'set-enables') {
            expect(message.offset).toBe(stagedEnables.length);
            stagedEnables.push(...message.enabled);
          } else if (message.type === 'set-gains') {
            expect(message).toMatchObject({ offset: stagedGains.length, gainBits });
            stagedGains.push(...message.gains);
          }
        });
        expect(staged).toEqual([...words]);
        expect(stagedWeights).toEqual([...weights]);
        expect(stagedEnables).toEqual([...enabled]);
        expect(stagedGains).toEqual([...gains]);
        expect(frames.at(-1)?.message).toEqual({ type: 'commit', slot: 1, beamId: 9, atUs: 0n });
      }),
      { numRuns: 60 },
    );
  });
});

describe('a beam as what differs from the one radiated', () => {
  const patchOf = (from: Uint16Array, to: Uint16Array, maxPayloadBytes: number, phaseBits: number) =>
    patchMessages({ slot: 1, beamId: 9, fromBeamId: 8, phaseBits, from, to, maxPayloadBytes });

  it('names every word that differs once, within the payload limit, and no other', () => {
    const pairs = fc.integer({ min: 1, max: 16 }).chain((bits) =>
      fc.record({
        bits: fc.constant(bits),
        maxPayloadBytes: fc.integer({ min: 64, max: 4096 }),
        beams: fc.array(
          fc.tuple(fc.integer({ min: 0, max: 2 ** bits - 1 }), fc.integer({ min: 0, max: 2 ** bits - 1 }), fc.boolean()),
          { minLength: 1, maxLength: 900 },
        ),
      }),
    );
    fc.assert(
      fc.property(pairs, ({ bits, maxPayloadBytes, beams }) => {
        const from = Uint16Array.from(beams, ([word]) => word);
        const to = Uint16Array.from(beams, ([word, other, same]) => (same ? word : other));
        const messages = patchOf(from, to, maxPayloadBytes, bits);
        const patched = from.slice();
        const named: number[] = [];
        for (const message of messages) {
          const bytes = encodeFrame({ seq: 0, message });
          expect(payloadLength(bytes)).toBeLessThanOrEqual(maxPayloadBytes);
          expect(message.places.length).toBeLessThanOrEqual(maxPlacesPerPatch(maxPayloadBytes, bits));
          message.places.forEach((place, index) => (patched[place] = message.words[index]));
          named.push(...message.places);
        }
        expect(patched).toEqual(to);
        expect(new Set(named).size).toBe(named.length);
        const different = to.filter((word, place) => word !== from[place]).length;
        expect(named.length).toBe(Math.max(1, different));
      }),
      { numRuns: 60 },
    );
  });

  it('still takes one message when nothing differs, so that the slot is filled', () => {
    const words = wordsOf(16, 6);
    expect(patchOf(words, words.slice(), 64, 6)).toEqual([
      {
        type: 'patch-phases',
        slot: 1,
        beamId: 9,
        fromBeamId: 8,
        phaseBits: 6,
        places: Uint16Array.of(0),
        words: words.slice(0, 1),
      },
    ]);
  });

  it('fills the payload: one word more would not fit', () => {
    for (const bits of [1, 6, 7, 16]) {
      for (const limit of [64, 65, 100, 1024, 4096]) {
        const most = maxPlacesPerPatch(limit, bits);
        const length = (count: number): number => 12 + 2 * count + Math.ceil((count * bits) / 8);
        expect(length(most)).toBeLessThanOrEqual(limit);
        expect(length(most + 1)).toBeGreaterThan(limit);
      }
    }
  });

  it('refuses beams that are not of one panel', () => {
    expect(() => patchOf(wordsOf(16, 6), wordsOf(15, 6), 64, 6)).toThrow(/15 words .* one of 16/);
    expect(() => patchOf(new Uint16Array(65_537), new Uint16Array(65_537), 64, 6)).toThrow(/65537/);
  });
});

describe('the byte budget of a beam, commit included', () => {
  it.each([
    { elements: 64, chains: 4, limit: 1.25, maxPayloadBytes: 1024 },
    { elements: 64, chains: 4, limit: 1.25, maxPayloadBytes: 2048 },
    { elements: 1024, chains: 16, limit: 1.03, maxPayloadBytes: 1024 },
    { elements: 1024, chains: 16, limit: 1.03, maxPayloadBytes: 2048 },
    { elements: 1024, chains: 16, limit: 1.03, maxPayloadBytes: 4096 },
  ])('$elements × $chains at 6 bits, payloads of $maxPayloadBytes: at most $limit times its own bits', (beam) => {
    const { elements, chains, limit, maxPayloadBytes } = beam;
    // No zero byte anywhere in the words: COBS cannot do worse.
    const words = new Uint16Array(elements * chains).fill(63);
    const frames = beamFrames({ slot: 0, beamId: 0x01020304, phaseBits: 6, words, maxPayloadBytes, firstSeq: 0x0101 });
    const bare = frames.map((frame) => encodeFrame(frame));
    const onTheLine = bare.reduce((sum, bytes) => sum + cobsFrame(bytes).length, 0);
    const own = (6 * words.length) / 8;
    expect(onTheLine / own).toBeLessThanOrEqual(limit);
    expect(bare.reduce((sum, bytes) => sum + bytes.length, 0)).toBeLessThan(onTheLine);
  });
});
