/**
 * A serial line from a bad dream: good frames of every type, flipped, cut, merged, padded, with garbage between, pushed through the frame
 * reader and the codec in pieces of any size. Nothing may throw, every good frame after a delimiter must be found, and what is understood
 * must be exactly what its message encodes to. bench/fuzz-reader.ts runs it by the millions, a test in short form.
 *
 *   good frames ─► mutation ─► stream ─► pieces ─► SerialFrameReader ─► decodeFrame ─► encodeFrame: the same bytes again?
 *                     ▲ a marker behind a delimiter now and then: must always come out
 */
import { DISCARD_REASONS, type DiscardReason, decodeFrame, encodeFrame } from '../../firmware-protocol/codec.ts';
import { crc32c } from '../../firmware-protocol/crc32c.ts';
import { FEATURES, type Message, NACK_CODES } from '../../firmware-protocol/messages.ts';
import { SerialFrameReader, type SerialDiscardReason, cobsFrame } from '../../firmware-protocol/serial-framing.ts';
import { TYPE_CODES, isFrozenCode } from '../../firmware-protocol/type-codes.ts';

export interface ReaderFuzzFigures {
  /** Fuzzed frames put on the line, markers included. */
  framesIn: number;
  bytesIn: number;
  /** Frames whose length and CRC were good. */
  framesOut: number;
  /** Those of them that the codec understood. */
  understood: number;
  readerDiscards: Record<SerialDiscardReason, number>;
  codecDiscards: Record<DiscardReason, number>;
  markers: { sent: number; found: number };
  /** Understood, but their message encodes to other bytes. */
  changed: number;
}

export interface ReaderFuzz {
  /** Puts so many more fuzzed frames through. What the reader or the codec throws passes through. */
  run(frames: number): void;
  figures(): ReaderFuzzFigures;
}

/** One in so many frames is a marker: a delimiter, and a ping whose nonce is new. */
const FRAMES_A_MARKER = 100;
const LONGEST_GARBAGE = 60;
const LONGEST_RUN = 6000;

/** @param uniform draws from [0, 1); all of the dream comes from it */
export function createReaderFuzz(uniform: () => number): ReaderFuzz {
  const below = (limit: number): number => Math.floor(uniform() * limit);
  const bare = goodMessages().map((message, seq) => encodeFrame({ seq, message }));
  const codes = Object.values(TYPE_CODES);
  const codecDiscards = Object.fromEntries(DISCARD_REASONS.map((reason) => [reason, 0])) as Record<DiscardReason, number>;
  const markers = { sent: 0, found: 0 };
  let framesIn = 0;
  let bytesIn = 0;
  let understood = 0;
  let changed = 0;

  const reader = new SerialFrameReader({
    onFrame: (bytes) => {
      const decoded = decodeFrame(bytes);
      if (!decoded.ok) {
        codecDiscards[decoded.reason] += 1;
        return;
      }
      understood += 1;
      const { seq, message } = decoded.frame;
      if (message.type === 'ping' && seq === MARKER_SEQ && message.nonce === markers.sent) markers.found += 1;
      if (!isFrozenCode(bytes[1]) && !sameBytes(encodeFrame(decoded.frame), bytes)) changed += 1;
    },
  });

  const anyBytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => below(256));

  /** A frame with a good CRC around any payload: only so are the readers of payloads reached. */
  const plausible = (): Uint8Array => {
    const template = bare[below(bare.length)];
    const frame =
      below(2) === 0 ? template.slice() : Uint8Array.of(0x10, codes[below(codes.length)], 0, 0, ...anyBytes(below(48)));
    for (let changes = below(4); changes > 0; changes -= 1) frame[below(frame.length)] = below(below(2) === 0 ? 256 : 4);
    const end = frame.length - 4;
    if (end >= 4) new DataView(frame.buffer).setUint32(end, crc32c(frame, 0, end), true);
    return cobsFrame(frame);
  };

  const fuzzed = (): Uint8Array => {
    const good = cobsFrame(bare[below(bare.length)]);
    const at = below(good.length);
    switch (below(10)) {
      case 0:
        return good;
      case 1:
      case 2:
        return plausible();
      case 3:
        good[at] ^= 1 << below(8);
        return good;
      case 4:
        good[at] = below(256);
        return good;
      case 5:
        return good.subarray(0, at); // cut: what follows runs into it
      case 6:
        return good.subarray(at);
      case 7:
        return good.subarray(0, good.length - 1); // merged with the next
      case 8:
        return anyBytes(below(LONGEST_GARBAGE));
      default:
        return below(50) === 0 ? new Uint8Array(below(LONGEST_RUN)).fill(1 + below(255)) : Uint8Array.of(...good, 0, 0);
    }
  };

  const push = (bytes: Uint8Array): void => {
    for (let from = 0; from < bytes.length;) {
      const to = Math.min(bytes.length, from + 1 + below(below(4) === 0 ? 8 : 512));
      reader.push(bytes.subarray(from, to));
      from = to;
    }
    bytesIn += bytes.length;
  };

  return {
    run(frames) {
      for (let i = 0; i < frames; i += 1) {
        framesIn += 1;
        if (framesIn % FRAMES_A_MARKER === 0) {
          markers.sent += 1;
          push(Uint8Array.of(0, ...cobsFrame(encodeFrame({ seq: MARKER_SEQ, message: { type: 'ping', nonce: markers.sent } }))));
        } else {
          push(fuzzed());
        }
      }
    },
    figures: () => ({
      framesIn,
      bytesIn,
      framesOut: reader.frames,
      understood,
      readerDiscards: { ...reader.discards },
      codecDiscards: { ...codecDiscards },
      markers: { ...markers },
      changed,
    }),
  };
}

const MARKER_SEQ = 0xbeef;

/** Every type once or more, small and large. */
function goodMessages(): Message[] {
  const words = (count: number, bits: number): Uint16Array =>
    Uint16Array.from({ length: count }, (_, i) => (i * 40_503 + 7) % 2 ** bits);
  const weights = Float32Array.from({ length: 8 }, (_, i) => i / 4 - 1);
  const phases = (count: number, phaseBits: number, offset = 0): Message => {
    return { type: 'set-phases', slot: 0, beamId: 9, phaseBits, offset, words: words(count, phaseBits) };
  };
  return [
    { type: 'hello', minMajor: 1, maxMajor: 1, host: 'bench' },
    { type: 'ping', nonce: 0x01020304 },
    { type: 'get-status' },
    phases(8, 6),
    phases(64, 7, 64),
    phases(256, 6),
    phases(33, 16),
    { type: 'set-digital', slot: 1, beamId: 9, users: 2, offset: 0, weights },
    { type: 'set-gains', slot: 0, beamId: 9, gainBits: 5, offset: 0, gains: words(64, 5) },
    { type: 'set-gains', slot: 1, beamId: 10, gainBits: 16, offset: 8, gains: words(9, 16) },
    { type: 'set-enables', slot: 0, beamId: 9, offset: 0, enabled: Uint8Array.from(words(256, 1)) },
    { type: 'set-enables', slot: 0, beamId: 9, offset: 256, enabled: Uint8Array.of(1, 0, 1) },
    {
      type: 'patch-phases',
      slot: 0,
      beamId: 10,
      fromBeamId: 9,
      phaseBits: 6,
      places: Uint16Array.of(3, 255, 0),
      words: words(3, 6),
    },
    { type: 'commit', slot: 0, beamId: 9, atUs: 0n },
    { type: 'commit', slot: 1, beamId: 10, atUs: 2n ** 63n },
    { type: 'cancel-commit', beamId: 10, atUs: 2n ** 63n },
    { type: 'read-phases', source: 'radiated', slot: 0, offset: 0, count: 64 },
    { type: 'measure-snr', beamId: 9, pilots: 64 },
    { type: 'measure-pilots', beamId: 9, user: 1, pilots: 16 },
    { type: 'store-beam', slot: 0, beamId: 9, position: 3 },
    { type: 'select-beam', position: 3, beamId: 11 },
    { type: 'set-safe-state', state: 'hold', position: 0, silenceMs: 500, enter: false },
    { type: 'sync-time', hostSendUs: 123_456_789n },
    { type: 'challenge', hostNonce: 0x1122334455667788n },
    {
      type: 'capabilities',
      role: 'array',
      panelSerial: 'BOARD-0001',
      arrayId: 0,
      firmware: '1.2.3',
      protocolMajor: 1,
      protocolMinor: 3,
      elements: 64,
      rfChains: 4,
      phaseBits: 6,
      gainBits: 5,
      users: 4,
      maxPayloadBytes: 1024,
      stagingSlots: 2,
      beamMemory: 16,
      features: [...FEATURES],
    },
    { type: 'pong', nonce: 0x01020304, timeUs: 99n },
    { type: 'status', state: 'radiating', beamId: 9, temperatureCentiC: -5, uptimeMs: 77, bootCount: 1, badFrames: 0 },
    { type: 'ack' },
    { type: 'committed', beamId: 9, wordsCrc32c: 0xdeadbeef, timeUs: 100n },
    { type: 'phases', beamId: 9, offset: 0, phaseBits: 6, words: words(64, 6) },
    { type: 'snr-report', beamId: 9, timeUs: 5n, pilots: 64, firstUser: 0, snrCentiDb: Int16Array.of(1234, -321, 0, 5) },
    { type: 'pilot-report', beamId: 9, timeUs: 6n, pilots: 16, user: 1, values: weights },
    { type: 'synced', hostSendUs: 1n, panelReceiveUs: 2n, panelSendUs: 3n },
    { type: 'challenged', hostNonce: 1n, lastCounter: 65_536n },
    ...NACK_CODES.map((code): Message => ({ type: 'nack', code, detail: 1 })),
  ];
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
