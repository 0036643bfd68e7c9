/**
 * Frames as bytes and back. A bare frame is
 *
 *     (major << 4) | flags   type   seq (u16)   payload …   CRC-32C (u32)
 *
 * little-endian throughout; over serial it is wrapped by serial-framing.ts. Decoding is total: any bytes give a frame or a named reason
 * why not, nothing throws, and nothing larger than the input is kept. The byte tables are in PROTOCOL.md.
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { PayloadReader, PayloadWriter } from './byte-cursor.ts';
import { crc32c } from './crc32c.ts';
import { CRC_BYTES, HEADER_BYTES, MAX_FRAME_BYTES, MAX_PAYLOAD_BYTES, MIN_FRAME_BYTES } from './limits.ts';
import { type Frame, PROTOCOL_MAJOR, type Reply } from './messages.ts';
import { readReply, writeReply } from './reply-payloads.ts';
import { readRequest, writeRequest } from './request-payloads.ts';
import { TYPE_CODES, isFrozenCode, isRequest, isRequestCode } from './type-codes.ts';

export const DISCARD_REASONS = [
  'too-short', // fewer bytes than header and CRC
  'too-long', // more bytes than any frame has
  'bad-crc',
  'unsupported-version', // another major, and not one of the messages that all versions share
  'reserved-flags', // a flag this version does not know, or authentication that was not taken off (authentication.ts)
  'unknown-type',
  'malformed', // payload of the wrong length or with an undefined value
] as const;
export type DiscardReason = (typeof DISCARD_REASONS)[number];

/** What a frame with a good CRC says of itself, whether or not the rest was understood. */
export interface FrameHeader {
  major: number;
  flags: number;
  typeCode: number;
  seq: number;
}

/** `header` is there when the CRC was good, so that a panel can answer a request it did not understand. */
export type Decoded = { ok: true; frame: Frame } | { ok: false; reason: DiscardReason; header?: FrameHeader };

/**
 * The bytes of a bare frame, CRC included.
 * @param options.major major version in the header; ours unless a test or a simulated panel plays another version
 * @throws {BeamrigError} 'argument' naming the field that is out of range
 */
export function encodeFrame(frame: Frame, options: { major?: number } = {}): Uint8Array {
  const { message, seq } = frame;
  const { major = PROTOCOL_MAJOR } = options;
  if (!Number.isInteger(seq) || seq < 0 || seq > 0xffff) refuse(`seq is ${seq}, not a whole number from 0 to 65535`);
  if (!Number.isInteger(major) || major < 0 || major > 15) refuse(`major is ${major}, not a whole number from 0 to 15`);
  const { bytes } = isRequest(message)
    ? writeRequest(message, (payloadBytes) => roomFor(payloadBytes, message.type))
    : writeReply(message, (payloadBytes) => roomFor(payloadBytes, message.type));
  bytes[0] = major << 4;
  bytes[1] = TYPE_CODES[message.type];
  bytes[2] = seq;
  bytes[3] = seq >>> 8;
  const end = bytes.length - CRC_BYTES;
  const crc = crc32c(bytes, 0, end);
  bytes[end] = crc;
  bytes[end + 1] = crc >>> 8;
  bytes[end + 2] = crc >>> 16;
  bytes[end + 3] = crc >>> 24;
  return bytes;
}

/** @throws {BeamrigError} 'argument' when it does not fit in one frame */
function roomFor(payloadBytes: number, type: Frame['message']['type']): PayloadWriter {
  if (!(payloadBytes <= MAX_PAYLOAD_BYTES)) {
    refuse(`${type}: the payload takes ${payloadBytes} bytes, more than ${MAX_PAYLOAD_BYTES}; send it in chunks`);
  }
  return new PayloadWriter(new Uint8Array(HEADER_BYTES + payloadBytes + CRC_BYTES), HEADER_BYTES, type);
}

/** The frame in a buffer that holds exactly one bare frame. Never throws; the frame shares no memory with `bytes`. */
export function decodeFrame(bytes: Uint8Array): Decoded {
  const damage = damageOf(bytes);
  if (damage !== undefined) return { ok: false, reason: damage };
  const typeCode = bytes[1];
  const header = { major: bytes[0] >>> 4, flags: bytes[0] & 0x0f, typeCode, seq: bytes[2] | (bytes[3] << 8) };
  if (header.major !== PROTOCOL_MAJOR && (header.major === 0 || !isFrozenCode(typeCode))) {
    return { ok: false, reason: 'unsupported-version', header };
  }
  if (header.flags !== 0) return { ok: false, reason: 'reserved-flags', header };
  const payloadEnd = bytes.length - CRC_BYTES;
  if (payloadEnd - HEADER_BYTES > MAX_PAYLOAD_BYTES) return { ok: false, reason: 'too-long', header };
  const input = new PayloadReader(bytes, HEADER_BYTES, payloadEnd);
  const message = isRequestCode(typeCode) ? readRequest(typeCode, input) : readReply(typeCode, input);
  if (message === undefined) return { ok: false, reason: 'unknown-type', header };
  if (input.failed || (input.remaining > 0 && !isFrozenCode(typeCode))) return { ok: false, reason: 'malformed', header };
  return { ok: true, frame: { seq: header.seq, message } };
}

/** Why these bytes are no frame at all, whatever it may say: its length or its CRC. Undefined when both are good. */
export function damageOf(bytes: Uint8Array): 'too-short' | 'too-long' | 'bad-crc' | undefined {
  const { length } = bytes;
  if (length < MIN_FRAME_BYTES) return 'too-short';
  if (length > MAX_FRAME_BYTES) return 'too-long';
  const end = length - CRC_BYTES;
  const stored = bytes[end] | (bytes[end + 1] << 8) | (bytes[end + 2] << 16) | (bytes[end + 3] << 24);
  return stored >>> 0 === crc32c(bytes, 0, end) ? undefined : 'bad-crc';
}

/**
 * What a panel answers to a frame it could not use; undefined when silence is right (damaged frames have no trustworthy sequence number,
 * and replies are never answered).
 */
export function nackForDiscard(decoded: Decoded): { seq: number; message: Reply & { type: 'nack' } } | undefined {
  if (decoded.ok || decoded.header === undefined || !isRequestCode(decoded.header.typeCode)) return undefined;
  const { seq, typeCode } = decoded.header;
  switch (decoded.reason) {
    case 'unsupported-version':
      return { seq, message: { type: 'nack', code: 'unsupported-version', detail: PROTOCOL_MAJOR } };
    case 'reserved-flags':
    case 'unknown-type':
      return { seq, message: { type: 'nack', code: 'unsupported-message', detail: typeCode } };
    case 'too-long':
    case 'malformed':
      return { seq, message: { type: 'nack', code: 'malformed', detail: typeCode } };
    case 'too-short':
    case 'bad-crc':
      return undefined;
  }
}

function refuse(problem: string): never {
  throw new BeamrigError('argument', problem, { wayOut: 'See firmware-protocol/PROTOCOL.md for the range of every field.' });
}
