/** The wire format is pinned by vectors that were derived from PROTOCOL.md without this codec. The format of the file: vectors/README.md. */
import { describe, expect, it } from 'vitest';
import { ReplayWindow, derivePanelKey, openFrame, sealFrame } from './authentication.ts';
import { decodeFrame, encodeFrame, nackForDiscard } from './codec.ts';
import { crc32c } from './crc32c.ts';
import type { Message } from './messages.ts';
import { beamCrc32c, packWords, unpackWordsFrom, wordsCrc32c } from './packing.ts';
import { SerialFrameReader, cobsDecode, cobsFrame } from './serial-framing.ts';
import { TYPE_CODES } from './type-codes.ts';
import { type JsonMessage, readVectors } from '../test/protocol-vectors.ts';

const PLAIN_TO_FIELD: Record<string, (value: never) => unknown> = {
  words: (list: number[]) => exactly(list, Uint16Array.from(list)),
  weights: (list: number[]) => exactly(list, Float32Array.from(list)),
  values: (list: number[]) => exactly(list, Float32Array.from(list)),
  snrCentiDb: (list: number[]) => exactly(list, Int16Array.from(list)),
  gains: (list: number[]) => exactly(list, Uint16Array.from(list)),
  enabled: (list: number[]) => exactly(list, Uint8Array.from(list)),
  places: (list: number[]) => exactly(list, Uint16Array.from(list)),
  atUs: (digits: string) => BigInt(digits),
  timeUs: (digits: string) => BigInt(digits),
  hostSendUs: (digits: string) => BigInt(digits),
  panelReceiveUs: (digits: string) => BigInt(digits),
  panelSendUs: (digits: string) => BigInt(digits),
  hostNonce: (digits: string) => BigInt(digits),
  lastCounter: (digits: string) => BigInt(digits),
};

/** A vector that a typed array cannot hold as it stands is a mistake in the file. */
function exactly<T extends ArrayLike<number>>(list: number[], array: T): T {
  expect(Array.from(array)).toEqual(list);
  return array;
}

function messageFrom(json: JsonMessage): Message {
  const fields = Object.entries(json).map(([field, value]) => [field, PLAIN_TO_FIELD[field]?.(value as never) ?? value] as const);
  return Object.fromEntries(fields) as unknown as Message;
}

const fromHex = (hex: string): Uint8Array => {
  expect(hex).toMatch(/^([0-9a-f]{2})*$/);
  return Uint8Array.from(Buffer.from(hex, 'hex'));
};
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const crcText = (crc: number): string => `0x${crc.toString(16).padStart(8, '0')}`;

describe('test vectors', () => {
  const vectors = readVectors();

  it('are there for every message, and for CRC, packing, COBS and authentication', () => {
    expect(new Set(vectors.frames.map((vector) => vector.message.type))).toEqual(new Set(Object.keys(TYPE_CODES)));
    const { crc32c: checksums, beamCrc32c: beams, packing, cobs, panelKeys, sealed, unopened, replays } = vectors;
    for (const list of [checksums, beams, packing, cobs, panelKeys, sealed, unopened, replays])
      expect(list.length).toBeGreaterThan(0);
  });

  it('give the same bytes for every frame, bare and on a serial line', () => {
    for (const { name, seq, message, frame, serial } of vectors.frames) {
      const bytes = encodeFrame({ seq, message: messageFrom(message) });
      expect(toHex(bytes), name).toBe(frame);
      expect(toHex(cobsFrame(bytes)), name).toBe(serial);
    }
  });

  it('give the same frame for all bytes, bare and from a serial line', () => {
    for (const { name, seq, message, frame, serial } of vectors.frames) {
      const expected = { ok: true, frame: { seq, message: messageFrom(message) } };
      expect(decodeFrame(fromHex(frame)), name).toEqual(expected);
      const received: Uint8Array[] = [];
      new SerialFrameReader({ onFrame: (bytes) => void received.push(bytes) }).push(fromHex(serial));
      expect(received.map(toHex), name).toEqual([frame]);
    }
  });

  it('name what is discarded, and what a panel answers', () => {
    for (const { name, frame, reason, nack } of vectors.discards) {
      const decoded = decodeFrame(fromHex(frame));
      expect(decoded, name).toMatchObject({ ok: false, reason });
      expect(nackForDiscard(decoded), name).toEqual(
        nack === null ? undefined : { seq: nack.seq, message: messageFrom(nack.message) },
      );
    }
  });

  it('name what is understood although we would not send it so', () => {
    for (const { name, seq, message, frame } of vectors.accepted) {
      expect(decodeFrame(fromHex(frame)), name).toEqual({ ok: true, frame: { seq, message: messageFrom(message) } });
    }
  });

  it('name what a reader finds in a stream', () => {
    for (const { name, stream, frames, discards } of vectors.streams) {
      const received: Uint8Array[] = [];
      const reader = new SerialFrameReader({ onFrame: (bytes) => void received.push(bytes) });
      reader.push(fromHex(stream));
      expect(received.map(toHex), name).toEqual(frames);
      const counted = Object.fromEntries(Object.entries(reader.discards).filter(([, count]) => count > 0));
      expect(counted, name).toEqual(discards);
    }
  });

  it('give the same checksums', () => {
    for (const { name, bytes, crc32c: expected } of vectors.crc32c) expect(crcText(crc32c(fromHex(bytes))), name).toBe(expected);
    for (const { name, words, crc32c: expected } of vectors.wordsCrc32c) {
      expect(crcText(wordsCrc32c(Uint16Array.from(words))), name).toBe(expected);
    }
    for (const { name, words, enabled, gains, crc32c: expected } of vectors.beamCrc32c) {
      const beam = {
        words: Uint16Array.from(words),
        enabled: enabled === null ? undefined : Uint8Array.from(enabled),
        gains: gains === null ? undefined : Uint16Array.from(gains),
      };
      expect(crcText(beamCrc32c(beam)), name).toBe(expected);
    }
  });

  it('give the same packed words, both ways', () => {
    for (const { name, bits, words, packed } of vectors.packing) {
      expect(toHex(packWords(Uint16Array.from(words), bits)), name).toBe(packed);
      expect([...(unpackWordsFrom(fromHex(packed), 0, bits, words.length) ?? [])], name).toEqual(words);
    }
  });

  it('give the same COBS, both ways', () => {
    for (const { name, bytes, encoded } of vectors.cobs) {
      expect(toHex(cobsFrame(fromHex(bytes))), name).toBe(`${encoded}00`);
      expect(toHex(cobsDecode(fromHex(encoded)) ?? Uint8Array.of(0xff)), name).toBe(bytes);
    }
  });

  it('give the same panel keys', () => {
    for (const { name, rigKey, panelSerial, panelKey } of vectors.panelKeys) {
      expect(toHex(derivePanelKey(fromHex(rigKey), panelSerial)), name).toBe(panelKey);
    }
  });

  it('give the same sealed frames, both ways', () => {
    for (const { name, panelKey, counter, frame, sealed, serial } of vectors.sealed) {
      expect(toHex(sealFrame(fromHex(frame), fromHex(panelKey), BigInt(counter))), name).toBe(sealed);
      expect(toHex(cobsFrame(fromHex(sealed))), name).toBe(serial);
      expect(openFrame(fromHex(sealed), fromHex(panelKey)), name).toEqual({
        ok: true,
        frame: fromHex(frame),
        counter: BigInt(counter),
      });
    }
  });

  it('name what an end with a key does not open', () => {
    for (const { name, panelKey, bytes, reason, nack } of vectors.unopened) {
      const opened = openFrame(fromHex(bytes), fromHex(panelKey));
      expect(opened, name).toMatchObject({ ok: false, reason });
      if (nack) expect(opened, name).toMatchObject({ header: { seq: nack.seq } });
    }
  });

  it('name which counters are new', () => {
    for (const { name, start, steps } of vectors.replays) {
      const window = new ReplayWindow(BigInt(start));
      const verdicts = steps.map(({ counter }) => ({ counter, accepted: window.accept(BigInt(counter)) }));
      expect(verdicts, name).toEqual(steps);
    }
  });
});
