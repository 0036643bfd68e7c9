/** What must hold for any message and any bytes at all, tried with many of both. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from './codec.ts';
import { crc32c } from './crc32c.ts';
import { FEATURES, type Frame, type Message, NACK_CODES, PANEL_STATES, SAFE_STATES } from './messages.ts';
import { SerialFrameReader, cobsDecode, cobsFrame } from './serial-framing.ts';
import { TYPE_CODES, isFrozenCode } from './type-codes.ts';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const beamId = fc.integer({ min: 1, max: 0xffffffff });
const pilots = fc.integer({ min: 1, max: 0xffffffff });
const phaseBits = fc.integer({ min: 1, max: 16 });
const major = fc.integer({ min: 1, max: 15 });
const text = fc.string({ unit: 'grapheme', maxLength: 32 }).filter((s) => Buffer.byteLength(s) <= 32 && !s.includes('\0'));
const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
const complexList = fc
  .array(fc.tuple(finite, finite), { minLength: 1, maxLength: 60 })
  .map((pairs) => Float32Array.from(pairs.flat()));
const wordList = (bits: number): fc.Arbitrary<Uint16Array> =>
  fc.uint16Array({ min: 0, max: 2 ** bits - 1, minLength: 1, maxLength: 200 }).map((words) => Uint16Array.from(words));
const withWords = <T extends Message>(rest: (bits: number, words: Uint16Array) => fc.Arbitrary<T>): fc.Arbitrary<T> =>
  phaseBits.chain((bits) => wordList(bits).chain((words) => rest(bits, words)));
const is = <T extends string>(value: T): fc.Arbitrary<T> => fc.constant(value);

/** One arbitrary a type; the compiler asks for a new one when the contract gets a message. */
const MESSAGES: { [T in Message['type']]: fc.Arbitrary<Message & { type: T }> } = {
  hello: fc
    .record({ type: is('hello'), minMajor: major, maxMajor: major, host: text })
    .map((hello) => ({ ...hello, maxMajor: Math.max(hello.minMajor, hello.maxMajor) })),
  ping: fc.record({ type: is('ping'), nonce: u32 }),
  'get-status': fc.record({ type: is('get-status') }),
  'set-phases': withWords((bits, words) =>
    fc.record({
      type: is('set-phases'),
      slot: u8,
      beamId,
      phaseBits: fc.constant(bits),
      offset: u32,
      words: fc.constant(words),
    }),
  ),
  'set-digital': fc.record({
    type: is('set-digital'),
    slot: u8,
    beamId,
    users: fc.integer({ min: 1, max: 0xffff }),
    offset: u32,
    weights: complexList,
  }),
  'set-gains': withWords((bits, gains) =>
    fc.record({
      type: is('set-gains'),
      slot: u8,
      beamId,
      gainBits: fc.constant(bits),
      offset: u32,
      gains: fc.constant(gains),
    }),
  ),
  'set-enables': fc.record({
    type: is('set-enables'),
    slot: u8,
    beamId,
    offset: u32,
    enabled: fc.uint8Array({ max: 1, minLength: 1, maxLength: 200 }).map((enabled): Uint8Array => Uint8Array.from(enabled)),
  }),
  'patch-phases': withWords((bits, words) =>
    fc.record({
      type: is('patch-phases'),
      slot: u8,
      beamId,
      fromBeamId: beamId,
      phaseBits: fc.constant(bits),
      places: fc
        .uint16Array({ minLength: words.length, maxLength: words.length })
        .map((places): Uint16Array => Uint16Array.from(places)),
      words: fc.constant(words),
    }),
  ),
  commit: fc.record({ type: is('commit'), slot: u8, beamId, atUs: u64 }),
  'cancel-commit': fc.record({ type: is('cancel-commit'), beamId, atUs: u64 }),
  'read-phases': fc.record({
    type: is('read-phases'),
    source: fc.constantFrom('staged' as const, 'radiated' as const),
    slot: u8,
    offset: u32,
    count: fc.integer({ min: 1, max: 0xffff }),
  }),
  'measure-snr': fc.record({ type: is('measure-snr'), beamId, pilots }),
  'measure-pilots': fc.record({ type: is('measure-pilots'), beamId, user: u16, pilots }),
  'store-beam': fc.record({ type: is('store-beam'), slot: u8, beamId, position: u16 }),
  'select-beam': fc.record({ type: is('select-beam'), position: u16, beamId }),
  'set-safe-state': fc.record({
    type: is('set-safe-state'),
    state: fc.constantFrom(...SAFE_STATES),
    position: u16,
    silenceMs: u32,
    enter: fc.boolean(),
  }),
  'sync-time': fc.record({ type: is('sync-time'), hostSendUs: u64 }),
  challenge: fc.record({ type: is('challenge'), hostNonce: u64 }),
  capabilities: fc.record({
    type: is('capabilities'),
    role: fc.constantFrom('array' as const, 'user' as const),
    panelSerial: text.filter((serial) => serial !== ''),
    arrayId: u16,
    firmware: text,
    protocolMajor: major,
    protocolMinor: u8,
    elements: fc.integer({ min: 1, max: 0xffff }),
    rfChains: fc.integer({ min: 1, max: 0xffff }),
    phaseBits,
    gainBits: fc.integer({ min: 0, max: 16 }),
    users: u16,
    maxPayloadBytes: fc.integer({ min: 64, max: 4096 }),
    stagingSlots: fc.integer({ min: 1, max: 0xff }),
    beamMemory: u16,
    features: fc.subarray([...FEATURES]),
  }),
  pong: fc.record({ type: is('pong'), nonce: u32, timeUs: u64 }),
  status: fc.record({
    type: is('status'),
    state: fc.constantFrom(...PANEL_STATES),
    beamId: u32,
    temperatureCentiC: fc.integer({ min: -0x8000, max: 0x7fff }),
    uptimeMs: u32,
    bootCount: u32,
    badFrames: u32,
  }),
  ack: fc.record({ type: is('ack') }),
  committed: fc.record({ type: is('committed'), beamId, wordsCrc32c: u32, timeUs: u64 }),
  phases: withWords((bits, words) =>
    fc.record({ type: is('phases'), beamId: u32, offset: u32, phaseBits: fc.constant(bits), words: fc.constant(words) }),
  ),
  'snr-report': fc.record({
    type: is('snr-report'),
    beamId,
    timeUs: u64,
    pilots,
    firstUser: u16,
    snrCentiDb: fc.int16Array({ minLength: 1, maxLength: 60 }).map((values) => Int16Array.from(values)),
  }),
  'pilot-report': fc.record({ type: is('pilot-report'), beamId, timeUs: u64, pilots, user: u16, values: complexList }),
  synced: fc.record({ type: is('synced'), hostSendUs: u64, panelReceiveUs: u64, panelSendUs: u64 }),
  challenged: fc.record({ type: is('challenged'), hostNonce: u64, lastCounter: u64 }),
  nack: fc.record({ type: is('nack'), code: fc.constantFrom(...NACK_CODES, 'code-15', 'code-99', 'code-255'), detail: u32 }),
};
const message: fc.Arbitrary<Message> = fc.oneof(...Object.values(MESSAGES));
const frame: fc.Arbitrary<Frame> = fc.record({ seq: u16, message });
const bytes = fc
  .oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.uint8Array({ maxLength: 1200, max: 3 }),
    fc.uint8Array({ maxLength: 1200, min: 1 }),
  )
  .map((array) => Uint8Array.from(array));

/** Bytes in the shape of a frame: right header and CRC around any payload, so that the payload readers are reached. */
const plausible = fc
  .record({
    first: fc.oneof(fc.constant(0x10), u8),
    code: fc.oneof(fc.constantFrom(...Object.values(TYPE_CODES)), u8),
    // Small numbers make counts and lengths that nearly fit.
    payload: fc.oneof(bytes, fc.uint8Array({ maxLength: 40, max: 4 })),
  })
  .map(({ first, code, payload }) => {
    const whole = Uint8Array.of(first, code, 1, 2, ...payload, 0, 0, 0, 0);
    new DataView(whole.buffer).setUint32(whole.length - 4, crc32c(whole, 0, whole.length - 4), true);
    return whole;
  });

function readAll(...parts: Uint8Array[]): { received: Uint8Array[]; reader: SerialFrameReader } {
  const received: Uint8Array[] = [];
  const reader = new SerialFrameReader({ onFrame: (bare) => void received.push(bare) });
  for (const part of parts) reader.push(part);
  return { received, reader };
}

/** The buffer cut at the places named, which may be any numbers. */
function cut(whole: Uint8Array, places: number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return at.slice(1).map((end, i) => whole.subarray(at[i], end));
}

const joined = (parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

describe('any message', () => {
  it.each(Object.entries(MESSAGES))('%s goes round through its bytes', (_type, arbitrary) => {
    fc.assert(
      fc.property(u16, arbitrary as fc.Arbitrary<Message>, (seq, original) => {
        expect(decodeFrame(encodeFrame({ seq, message: original }))).toEqual({ ok: true, frame: { seq, message: original } });
      }),
      { numRuns: 100 },
    );
  });

  it('is caught with any one of its bits flipped', () => {
    fc.assert(
      fc.property(frame, (original) => {
        const encoded = encodeFrame(original);
        for (let bit = 0; bit < 8 * encoded.length; bit += 1) {
          encoded[bit >> 3] ^= 1 << (bit & 7);
          if (decodeFrame(encoded).ok) throw new Error(`bit ${bit} of ${original.message.type} went unnoticed`);
          encoded[bit >> 3] ^= 1 << (bit & 7);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('of the greatest length is caught with any one of its bits flipped', () => {
    const words = Uint16Array.from({ length: 5440 }, (_, i) => i & 63);
    const encoded = encodeFrame({ seq: 1, message: { type: 'set-phases', slot: 0, beamId: 1, phaseBits: 6, offset: 0, words } });
    const missed: number[] = [];
    for (let bit = 0; bit < 8 * encoded.length; bit += 1) {
      encoded[bit >> 3] ^= 1 << (bit & 7);
      if (decodeFrame(encoded).ok) missed.push(bit);
      encoded[bit >> 3] ^= 1 << (bit & 7);
    }
    expect(missed).toEqual([]);
  });

  it('is never delivered changed when one bit flips on the serial line, and the frame after the next is always found', () => {
    fc.assert(
      fc.property(frame, frame, frame, (first, second, third) => {
        const bare = [first, second, third].map((one) => encodeFrame(one));
        const sent = new Set(bare.map((one) => Buffer.from(one).toString('hex')));
        const line = joined(bare.map((one) => cobsFrame(one)));
        const damagedEnd = cobsFrame(bare[0]).length;
        for (let bit = 0; bit < 8 * damagedEnd; bit += 1) {
          line[bit >> 3] ^= 1 << (bit & 7);
          const { received } = readAll(line);
          for (const one of received)
            if (!sent.has(Buffer.from(one).toString('hex'))) throw new Error(`bit ${bit} gave a false frame`);
          // Only a flip in the closing zero takes the second frame along.
          expect(received.length).toBe(bit >> 3 === damagedEnd - 1 ? 1 : 2);
          expect(received.at(-1)).toEqual(bare[2]);
          line[bit >> 3] ^= 1 << (bit & 7);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('cut short or grown by a byte is caught', () => {
    fc.assert(
      fc.property(frame, u8, (original, more) => {
        const encoded = encodeFrame(original);
        for (let length = 0; length < encoded.length; length += 1)
          expect(decodeFrame(encoded.subarray(0, length)).ok).toBe(false);
        expect(decodeFrame(Uint8Array.of(...encoded, more)).ok).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});

describe('any bytes', () => {
  it('are a frame or a named reason, and what is a frame has this one encoding', () => {
    const understood = new Set<string>();
    fc.assert(
      fc.property(fc.oneof({ weight: 1, arbitrary: bytes }, { weight: 4, arbitrary: plausible }), (any) => {
        const before = Uint8Array.from(any);
        const decoded = decodeFrame(any);
        expect(any).toEqual(before);
        if (!decoded.ok) return;
        understood.add(decoded.frame.message.type);
        // The frozen messages may bring fields of later versions along, which we leave out.
        if (!isFrozenCode(any[1])) expect(encodeFrame(decoded.frame)).toEqual(any);
      }),
      { numRuns: 5000 },
    );
    // The generator is worth something only if it reaches the messages.
    expect(understood.size).toBeGreaterThan(5);
  });

  it('go round through COBS, without a zero byte inside', () => {
    fc.assert(
      fc.property(bytes, (any) => {
        const encoded = cobsFrame(any).subarray(0, -1);
        expect(encoded.includes(0)).toBe(false);
        expect(encoded.length).toBeLessThanOrEqual(any.length + Math.max(1, Math.ceil(any.length / 254)));
        expect(cobsDecode(encoded)).toEqual(any);
      }),
    );
  });

  it('never make COBS grow or throw when they are taken for it', () => {
    fc.assert(
      fc.property(bytes, (any) => {
        expect((cobsDecode(any) ?? []).length).toBeLessThanOrEqual(any.length);
      }),
    );
  });
});

describe('any stream', () => {
  const garbage = bytes.map((array) => Uint8Array.of(...array, 0));
  const places = fc.array(fc.nat({ max: 100_000 }), { maxLength: 30 });

  it('gives every good frame in order, with garbage before, among and after, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(garbage, frame), { maxLength: 6 }), garbage, places, (pairs, rest, cuts) => {
        const bare = pairs.map(([, one]) => encodeFrame(one));
        const line = joined([...pairs.flatMap(([noise], i) => [noise, cobsFrame(bare[i])]), rest]);
        const whole = readAll(line);
        const pieces = readAll(...cut(line, cuts));
        expect(whole.received).toEqual(bare);
        expect(pieces.received).toEqual(bare);
        expect(pieces.reader.discards).toEqual(whole.reader.discards);
      }),
      { numRuns: 300 },
    );
  });

  it('gives the frame after the next zero when garbage ends in none', () => {
    fc.assert(
      fc.property(bytes, frame, frame, (noise, first, second) => {
        const bare = [first, second].map((one) => encodeFrame(one));
        const { received, reader } = readAll(noise, cobsFrame(bare[0]), cobsFrame(bare[1]));
        expect(received.at(-1)).toEqual(bare[1]);
        expect(received.length).toBe(reader.frames);
      }),
    );
  });
});
