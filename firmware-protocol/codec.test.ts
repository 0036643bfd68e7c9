import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame, nackForDiscard } from './codec.ts';
import { crc32c } from './crc32c.ts';
import { MAX_FRAME_BYTES, MAX_PAYLOAD_BYTES } from './limits.ts';
import type { Capabilities, Message } from './messages.ts';

const capabilities: { type: 'capabilities' } & Capabilities = {
  type: 'capabilities',
  role: 'array',
  panelSerial: 'BR-0001',
  arrayId: 3,
  firmware: '1.0.0',
  protocolMajor: 1,
  protocolMinor: 0,
  elements: 64,
  rfChains: 4,
  phaseBits: 6,
  gainBits: 0,
  users: 4,
  maxPayloadBytes: 2048,
  stagingSlots: 2,
  beamMemory: 16,
  features: ['digital-weights', 'snr-report', 'authentication'],
};
const setGains = { type: 'set-gains', slot: 0, beamId: 7, gainBits: 5, offset: 0, gains: Uint16Array.of(31, 0) } as const;
const setEnables = { type: 'set-enables', slot: 0, beamId: 7, offset: 0, enabled: Uint8Array.of(1, 0) } as const;
const setPhases = { type: 'set-phases', slot: 0, beamId: 7, phaseBits: 6, offset: 0, words: Uint16Array.of(1, 2, 3) } as const;
const patchPhases = {
  type: 'patch-phases',
  slot: 0,
  beamId: 8,
  fromBeamId: 7,
  phaseBits: 6,
  places: Uint16Array.of(3, 1),
  words: Uint16Array.of(63, 1),
} as const;
const setDigital = { type: 'set-digital', slot: 0, beamId: 7, users: 2, offset: 0, weights: Float32Array.of(1, -1) } as const;
const snrReport = { type: 'snr-report', beamId: 7, timeUs: 5n, pilots: 8, firstUser: 0, snrCentiDb: Int16Array.of(-1) } as const;
const pilotReport = { type: 'pilot-report', beamId: 7, timeUs: 5n, pilots: 8, user: 1, values: Float32Array.of(0.5, 0) } as const;

/** A whole frame around a payload written by hand. */
function frameOf(typeCode: number, payload: number[], options: { first?: number; seq?: number } = {}): Uint8Array {
  const { first = 0x10, seq = 0x0201 } = options;
  const bytes = Uint8Array.of(first, typeCode, seq & 0xff, seq >> 8, ...payload, 0, 0, 0, 0);
  new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32c(bytes, 0, bytes.length - 4), true);
  return bytes;
}

const reasonFor = (bytes: Uint8Array): string => {
  const decoded = decodeFrame(bytes);
  return decoded.ok ? 'understood' : decoded.reason;
};

describe('the worked examples of PROTOCOL.md', () => {
  const page = readFileSync(new URL('PROTOCOL.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/^```hex\n(.*?)\n```$/gms)].map((match) => match[1].replaceAll('\n', ' '));

  it('are frames that go round byte for byte', () => {
    const types = examples.map((example) => {
      const bytes = Uint8Array.from(example.split(' '), (pair) => Number.parseInt(pair, 16));
      const decoded = decodeFrame(bytes);
      if (!decoded.ok) throw new Error(`${example}: ${decoded.reason}`);
      expect(encodeFrame(decoded.frame)).toEqual(bytes);
      return decoded.frame.message.type;
    });
    expect(types).toEqual(['ping', 'set-phases', 'commit', 'committed', 'set-enables', 'committed', 'snr-report', 'nack']);
  });
});

describe('encoding refuses what no frame can carry, and names the field', () => {
  it.each<[string, Message, RegExp]>([
    ['a slot above a byte', { ...setPhases, slot: 256 }, /set-phases: slot: 256/],
    ['beam 0', { ...setPhases, beamId: 0 }, /beamId: 0 .* from 1/],
    ['a beam above 32 bits', { ...setPhases, beamId: 2 ** 32 }, /beamId/],
    ['Q = 0', { ...setPhases, phaseBits: 0 }, /phaseBits is 0/],
    ['Q = 17', { ...setPhases, phaseBits: 17 }, /phaseBits is 17/],
    ['a word of too many bits', { ...setPhases, words: Uint16Array.of(64) }, /words\[0\] is 64/],
    ['no words', { ...setPhases, words: new Uint16Array(0) }, /words.length: 0/],
    ['more words than fit', { ...setPhases, words: new Uint16Array(6000) }, /4512 bytes, more than 4096; send it in chunks/],
    ['a negative offset', { ...setPhases, offset: -1 }, /offset: -1/],
    ['half a weight', { ...setDigital, weights: Float32Array.of(1) }, /pairs of re and im/],
    ['a weight that is no number', { ...setDigital, weights: Float32Array.of(1, Number.NaN) }, /weights\[1\]: NaN is not finite/],
    ['a gain of too many bits', { ...setGains, gains: Uint16Array.of(32) }, /words\[0\] is 32/],
    ['gains of 17 bits', { ...setGains, gainBits: 17 }, /set-gains: gainBits: 17/],
    ['a place that is neither on nor off', { ...setEnables, enabled: Uint8Array.of(1, 2) }, /enabled\[1\]: 2 is neither 0 nor 1/],
    ['no places', { ...setEnables, enabled: new Uint8Array(0) }, /enabled.length: 0/],
    ['a patch with a place too few', { ...patchPhases, places: Uint16Array.of(3) }, /patch-phases: places: 1 places for 2 words/],
    ['a patch without a beam to start from', { ...patchPhases, fromBeamId: 0 }, /fromBeamId: 0/],
    ['no users', { ...setDigital, users: 0 }, /users: 0/],
    ['a negative time', { type: 'commit', slot: 0, beamId: 1, atUs: -1n }, /atUs/],
    ['a time above 64 bits', { type: 'commit', slot: 0, beamId: 1, atUs: 2n ** 64n }, /atUs/],
    ['reading no words', { type: 'read-phases', source: 'staged', slot: 0, offset: 0, count: 0 }, /count: 0/],
    ['no pilots', { type: 'measure-snr', beamId: 1, pilots: 0 }, /pilots: 0/],
    ['a fractional nonce', { type: 'ping', nonce: 0.5 }, /nonce: 0.5/],
    ['versions the wrong way round', { type: 'hello', minMajor: 2, maxMajor: 1, host: '' }, /maxMajor: 1/],
    ['a long name', { type: 'hello', minMajor: 1, maxMajor: 1, host: 'é'.repeat(17) }, /34 bytes of UTF-8/],
    ['a zero in a name', { type: 'hello', minMajor: 1, maxMajor: 1, host: 'a\0b' }, /zero character/],
    ['half a surrogate pair', { type: 'hello', minMajor: 1, maxMajor: 1, host: '\ud800' }, /surrogate/],
    ['no serial number', { ...capabilities, panelSerial: '' }, /panelSerial: 0/],
    ['a panel of tiny payloads', { ...capabilities, maxPayloadBytes: 63 }, /maxPayloadBytes: 63/],
    ['a panel of huge payloads', { ...capabilities, maxPayloadBytes: 4097 }, /maxPayloadBytes: 4097/],
    ['a feature nobody knows', { ...capabilities, features: ['teleport'] } as unknown as Message, /'teleport' is none of/],
    ['a nack nobody knows', { type: 'nack', code: 'tired', detail: 0 } as unknown as Message, /'tired' is none of/],
    ['a known nack by its number', { type: 'nack', code: 'code-14', detail: 0 }, /'code-14' is none of/],
    ['a nack beyond a byte', { type: 'nack', code: 'code-256', detail: 0 }, /'code-256' is none of/],
    ['no SNR', { ...snrReport, snrCentiDb: new Int16Array(0) }, /snrCentiDb.length: 0/],
    ['half a pilot', { ...pilotReport, values: Float32Array.of(1, 2, 3) }, /pairs of re and im/],
    [
      'a temperature beyond 16 bits',
      { type: 'status', state: 'idle', beamId: 0, temperatureCentiC: 40_000, uptimeMs: 0, bootCount: 0, badFrames: 0 },
      /temperatureCentiC: 40000/,
    ],
  ])('%s', (_name, message, problem) => {
    expect(() => encodeFrame({ seq: 0, message })).toThrow(problem);
    expect(() => encodeFrame({ seq: 0, message })).toThrow(expect.objectContaining({ code: 'argument' }) as Error);
  });

  it.each([-1, 65_536, 1.5])('sequence number %s', (seq) => {
    expect(() => encodeFrame({ seq, message: { type: 'ack' } })).toThrow(/seq is/);
  });
});

describe('decoding names the reason why bytes are no frame', () => {
  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'too-short'],
    ['seven bytes', new Uint8Array(7), 'too-short'],
    ['more than any frame', new Uint8Array(MAX_FRAME_BYTES + 1), 'too-long'],
    ['a payload larger than any', frameOf(0x03, new Array<number>(MAX_PAYLOAD_BYTES + 1).fill(0)), 'too-long'],
    ['a wrong checksum', encodeFrame({ seq: 0, message: { type: 'ack' } }).fill(0, 7), 'bad-crc'],
    ['another major version', frameOf(0x03, [], { first: 0x20 }), 'unsupported-version'],
    ['no major version', frameOf(0x01, [1, 1, 0], { first: 0x00 }), 'unsupported-version'],
    ['an authenticated frame', frameOf(0x03, [], { first: 0x11 }), 'reserved-flags'],
    ['a flag of the future', frameOf(0x03, [], { first: 0x18 }), 'reserved-flags'],
    ['a request of the future', frameOf(0x70, [0, 0]), 'unknown-type'],
    ['a reply of the future', frameOf(0xf0, []), 'unknown-type'],
    ['a patch with fewer places than counted', frameOf(0x17, [0, 6, 2, 0, 8, 0, 0, 0, 7, 0, 0, 0, 1, 0, 1]), 'malformed'],
    ['a patch of a beam that is none', frameOf(0x17, [0, 6, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]), 'malformed'],
    ['a sync-time of four bytes', frameOf(0x50, [1, 2, 3, 4]), 'malformed'],
    ['a get-status with something to say', frameOf(0x03, [0]), 'malformed'],
    ['a ping cut short', frameOf(0x02, [1, 2, 3]), 'malformed'],
    ['a commit of beam 0', frameOf(0x12, new Array<number>(13).fill(0)), 'malformed'],
    ['words of 0 bits', frameOf(0x10, [0, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0]), 'malformed'],
    ['words of 17 bits', frameOf(0x10, [0, 17, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0]), 'malformed'],
    ['no words', frameOf(0x10, [0, 6, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]), 'malformed'],
    ['fewer words than counted', frameOf(0x10, [0, 6, 2, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1]), 'malformed'],
    ['more words than counted', frameOf(0x10, [0, 6, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0]), 'malformed'],
    ['padding that is not zero', frameOf(0x10, [0, 6, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0x41]), 'malformed'],
    [
      'a weight that is infinite',
      frameOf(0x11, [0, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x80, 0x7f, 0, 0, 0, 0]),
      'malformed',
    ],
    [
      'reserved bytes of weights in use',
      frameOf(0x11, [0, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      'malformed',
    ],
    ['reserved bytes in use', frameOf(0x93, [1, 6, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1]), 'malformed'],
    ['a safe state nobody knows', frameOf(0x40, [0, 0, 0, 0, 0, 0, 3, 0]), 'malformed'],
    ['an entry that is neither yes nor no', frameOf(0x40, [0, 0, 0, 0, 0, 0, 0, 2]), 'malformed'],
    ['nack 0', frameOf(0xff, [0, 0, 0, 0, 0]), 'malformed'],
    ['versions the wrong way round', frameOf(0x01, [2, 1, 0]), 'malformed'],
    ['a name longer than its frame', frameOf(0x01, [1, 1, 2, 0x61]), 'malformed'],
    ['a name above 32 bytes', frameOf(0x01, [1, 1, 33, ...new Array<number>(33).fill(0x61)]), 'malformed'],
    ['a name that is not UTF-8', frameOf(0x01, [1, 1, 1, 0xff]), 'malformed'],
    ['a name with a zero', frameOf(0x01, [1, 1, 1, 0]), 'malformed'],
  ])('%s', (_name, bytes, reason) => {
    expect(reasonFor(bytes)).toBe(reason);
  });

  it('understands words up to exactly Q bits', () => {
    const decoded = decodeFrame(frameOf(0x10, [0, 6, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0x3f]));
    expect(decoded).toMatchObject({ ok: true, frame: { seq: 0x0201, message: { words: Uint16Array.of(63) } } });
  });

  it.each<Message>([setDigital, snrReport, pilotReport])(
    "takes the numbers of $type out of a piece of Node's shared buffer",
    (message) => {
      // Buffer.from takes its memory from a pool, and the slice of a Buffer is no copy.
      const decoded = decodeFrame(Buffer.from(encodeFrame({ seq: 1, message })));
      expect(decoded).toEqual({ ok: true, frame: { seq: 1, message } });
    },
  );
});

describe('versions', () => {
  it('can say hello, and be refused, across all major versions', () => {
    for (let major = 1; major <= 15; major += 1) {
      for (const message of [
        { type: 'hello', minMajor: 2, maxMajor: 9, host: 'lab' },
        { type: 'nack', code: 'unsupported-version', detail: 4 },
        { ...capabilities, protocolMajor: major },
      ] as const) {
        expect(decodeFrame(encodeFrame({ seq: 5, message }, { major }))).toEqual({ ok: true, frame: { seq: 5, message } });
      }
    }
  });

  it('leaves out what a later minor version appended to the handshake', () => {
    expect(decodeFrame(frameOf(0x01, [1, 3, 1, 0x61, 0xbe, 0xef], { first: 0x30 }))).toMatchObject({
      ok: true,
      frame: { message: { type: 'hello', minMajor: 1, maxMajor: 3, host: 'a' } },
    });
  });

  it.each([15, 128, 255])('is told a refusal that a later version has named by its number, %i', (number) => {
    const bytes = frameOf(0xff, [7, 0, 0, 0, number]);
    const message: Message = { type: 'nack', code: `code-${number}`, detail: 7 };
    expect(decodeFrame(bytes)).toEqual({ ok: true, frame: { seq: 0x0201, message } });
    expect(encodeFrame({ seq: 0x0201, message })).toEqual(bytes);
  });

  it('leaves out features that it does not know', () => {
    const bytes = encodeFrame({ seq: 0, message: capabilities });
    const payload = [...bytes.subarray(4, bytes.length - 4)];
    payload[11] = 0xff;
    const decoded = decodeFrame(frameOf(0x81, payload));
    expect(decoded).toMatchObject({ ok: true, frame: { message: { features: capabilities.features } } });
  });
});

describe('what a panel answers to a frame it cannot use', () => {
  it.each<[string, Uint8Array, unknown]>([
    ['another version', frameOf(0x10, [], { first: 0x20 }), { type: 'nack', code: 'unsupported-version', detail: 1 }],
    ['an unknown request', frameOf(0x70, []), { type: 'nack', code: 'unsupported-message', detail: 0x70 }],
    ['an authenticated request', frameOf(0x12, [], { first: 0x11 }), { type: 'nack', code: 'unsupported-message', detail: 0x12 }],
    ['a malformed request', frameOf(0x12, []), { type: 'nack', code: 'malformed', detail: 0x12 }],
  ])('%s: a nack with its sequence number', (_name, bytes, message) => {
    expect(nackForDiscard(decodeFrame(bytes))).toEqual({ seq: 0x0201, message });
  });

  it.each<[string, Uint8Array]>([
    ['a damaged frame', frameOf(0x12, []).fill(0, 4)],
    ['a reply, whatever is wrong with it', frameOf(0xf0, [])],
    ['too few bytes', new Uint8Array(3)],
    ['a frame that is right', encodeFrame({ seq: 0, message: setPhases })],
  ])('%s: silence', (_name, bytes) => {
    expect(nackForDiscard(decodeFrame(bytes))).toBeUndefined();
  });
});
