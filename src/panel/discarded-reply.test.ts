/** What a firmware author is told of an answer that could not be used. */
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../firmware-protocol/crc32c.ts';
import { decodeFrame, encodeFrame } from '../../firmware-protocol/codec.ts';
import { CRC_BYTES, HEADER_BYTES } from '../../firmware-protocol/limits.ts';
import type { Reply } from '../../firmware-protocol/messages.ts';
import { createRandom } from '../../core/signal/random.ts';
import { discardedText, noFrameText, strayText } from './discarded-reply.ts';

const CAPABILITIES: Reply = {
  type: 'capabilities',
  role: 'array',
  panelSerial: 'BOARD-0001',
  arrayId: 0,
  firmware: 'mine 0.1',
  protocolMajor: 1,
  protocolMinor: 1,
  elements: 64,
  rfChains: 4,
  phaseBits: 6,
  gainBits: 0,
  users: 4,
  maxPayloadBytes: 512,
  stagingSlots: 1,
  beamMemory: 0,
  features: [],
};
const REPLIES: readonly Reply[] = [
  CAPABILITIES,
  { type: 'pong', nonce: 1, timeUs: 2n },
  { type: 'status', state: 'idle', beamId: 0, temperatureCentiC: 0, uptimeMs: 1, bootCount: 1, badFrames: 0 },
  { type: 'ack' },
  { type: 'committed', beamId: 1, wordsCrc32c: 1, timeUs: 1n },
  { type: 'phases', beamId: 1, offset: 0, phaseBits: 3, words: Uint16Array.of(1, 2, 3) },
  { type: 'snr-report', beamId: 1, timeUs: 1n, pilots: 1, firstUser: 0, snrCentiDb: Int16Array.of(100, 200) },
  { type: 'pilot-report', beamId: 1, timeUs: 1n, pilots: 1, user: 0, values: Float32Array.of(1, 2) },
  { type: 'synced', hostSendUs: 1n, panelReceiveUs: 2n, panelSendUs: 3n },
  { type: 'challenged', hostNonce: 1n, lastCounter: 2n },
  { type: 'nack', code: 'busy', detail: 0 },
];

/** The same frame with other bytes in it, and its CRC made right again. */
function changed(frame: Uint8Array, change: (bytes: Uint8Array) => Uint8Array | undefined): Uint8Array {
  const copy = Uint8Array.from(frame);
  const bytes = change(copy) ?? copy;
  new DataView(bytes.buffer).setUint32(bytes.length - CRC_BYTES, crc32c(bytes, 0, bytes.length - CRC_BYTES), true);
  return bytes;
}
const payload =
  (offset: number, ...values: number[]) =>
  (bytes: Uint8Array) =>
    void bytes.set(values, HEADER_BYTES + offset);

function words(bytes: Uint8Array): string {
  const decoded = decodeFrame(bytes);
  if (decoded.ok) throw new Error('the decoder takes it');
  return discardedText(bytes, decoded);
}
const capabilities = (change: (bytes: Uint8Array) => Uint8Array | undefined): string =>
  words(changed(encodeFrame({ seq: 1, message: CAPABILITIES }), change));

describe('an answer that was discarded', () => {
  it.each([
    [payload(3, 17), 'phaseBits 17 in capabilities, allowed 1 to 16'],
    [payload(3, 0), 'phaseBits 0 in capabilities, allowed 1 to 16'],
    [payload(6, 17, 0), 'maxPayloadBytes 17 in capabilities, allowed 64 to 4096'],
    [payload(12, 0, 0), 'elements 0 in capabilities, allowed 1 or more'],
    [payload(14, 0, 0), 'rfChains 0 in capabilities, allowed 1 or more'],
    [payload(0, 7), 'role 7 in capabilities, allowed 0 to 1'],
    [payload(21, 0), 'stagingSlots 0 in capabilities, allowed 1 to 255'],
    [payload(22, 0), 'length of panelSerial 0 in capabilities, allowed 1 to 32'],
    [payload(22, 11), 'capabilities with 42 bytes of payload instead of 43'],
    [payload(24, 0xff, 0xfe), 'panelSerial that is not UTF-8 in capabilities (ff fe 41 52 44 2d 30 30 30 31)'],
    [payload(25, 0), "panelSerial with a zero byte in capabilities ('B·ARD-0001')"],
    [payload(34, 0xc3, 0x28), 'firmware that is not UTF-8'],
    [(bytes: Uint8Array) => bytes.slice(0, 20), 'capabilities with 12 bytes of payload instead of 24'],
  ])('%# names the field and its value', (change, expected) => {
    expect(capabilities(change)).toContain(expected);
  });

  it('is told by what stands in its header', () => {
    const pong = encodeFrame({ seq: 1, message: REPLIES[1] });
    expect(words(changed(pong, (bytes) => void (bytes[0] = 0x20)))).toBe('pong in a frame of protocol version 2');
    expect(words(changed(pong, (bytes) => void (bytes[0] = 0x11)))).toBe('pong, sealed with a key, and the rig has none');
    expect(words(changed(pong, (bytes) => void (bytes[0] = 0x14)))).toContain('flags 0x4');
    expect(words(changed(pong, (bytes) => void (bytes[1] = 0x99)))).toBe('a reply of type 0x99, which is none');
    const phases = encodeFrame({ seq: 1, message: REPLIES[5] });
    expect(words(changed(phases, payload(0, 5)))).toBe('reserved 5 in phases, allowed 0');
    expect(words(changed(phases, payload(13, 0x80)))).toBe('phases whose last padding bits are not 0');
    const nack = encodeFrame({ seq: 1, message: REPLIES[10] });
    expect(words(changed(nack, payload(4, 0)))).toBe('code 0 in nack, allowed 1 to 255');
    const report = encodeFrame({ seq: 1, message: REPLIES[7] });
    expect(words(changed(report, payload(20, 0, 0, 0xc0, 0x7f)))).toBe('value 0 of pilot-report is NaN, not finite');
  });

  it('is shown as it begins when it is no frame', () => {
    const log = Buffer.from('rst:0x1 (POWERON_RESET),boot:0x13');
    expect(words(log)).toBe("33 bytes that are no frame, beginning 'rst:0x1 (POWERON'");
    expect(noFrameText(214, log.subarray(0, 16))).toBe("214 bytes that are no frame, beginning 'rst:0x1 (POWERON'");
    expect(noFrameText(1, Uint8Array.of(0xf8))).toBe('1 byte that is no frame, beginning f8');
  });

  it('is recognised when it is our own request, or the answer to another one', () => {
    expect(strayText(5, { type: 'get-status' })).toMatch(/^our own get-status, sent back/);
    expect(strayText(5, { type: 'ack' })).toMatch(/^ack with sequence number 5/);
  });

  it('has words for whatever the decoder refuses, and none is empty', () => {
    const random = createRandom(11);
    let refused = 0;
    for (let turn = 0; turn < 20_000; turn++) {
      const message = REPLIES[turn % (REPLIES.length - 1)]; // all but nack, whose codes are many
      const frame = changed(encodeFrame({ seq: 1, message }), (bytes) => {
        const length = random.uniform() < 0.3 ? HEADER_BYTES + CRC_BYTES + Math.floor(random.uniform() * 60) : bytes.length;
        const other = new Uint8Array(length);
        other.set(bytes.subarray(0, length));
        const places = length - CRC_BYTES - HEADER_BYTES;
        for (let i = 0; i < 2 && places > 0; i++) {
          other[HEADER_BYTES + Math.floor(random.uniform() * places)] = Math.floor(random.uniform() * 256);
        }
        return other;
      });
      const decoded = decodeFrame(frame);
      if (decoded.ok) continue;
      refused++;
      const said = discardedText(frame, decoded);
      expect(said, `${message.type} ${Buffer.from(frame).toString('hex')}`).not.toMatch(/that is malformed$|undefined|NaN in/);
    }
    expect(refused).toBeGreaterThan(5000);
  });
});
