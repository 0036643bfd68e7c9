/**
 * What came from a panel and could not be used, as the author of its firmware needs to hear it: the field and its value, or how the bytes
 * begin that are no frame. It reads the bytes once more by the tables of PROTOCOL.md section 4; the decoder says only yes or no.
 */
import { counted } from '../../core/errors/counted.ts';
import type { Decoded } from '../../firmware-protocol/codec.ts';
import { CRC_BYTES, HEADER_BYTES, MAX_PAYLOAD_BYTES, MAX_TEXT_BYTES, MIN_PAYLOAD_BYTES } from '../../firmware-protocol/limits.ts';
import type { Message, Reply } from '../../firmware-protocol/messages.ts';
import { PANEL_STATES } from '../../firmware-protocol/messages.ts';
import { MAX_PHASE_BITS, packedLength, unpackWordsFrom } from '../../firmware-protocol/packing.ts';
import { TYPE_CODES, isRequestCode } from '../../firmware-protocol/type-codes.ts';

/** One number of a payload and the values it may have. */
interface Field {
  name: string;
  at: number;
  bytes: 1 | 2 | 4;
  min: number;
  max: number;
}

const AUTHENTICATED = 0b0001;
const U32_MAX = 0xffffffff;

const field = (name: string, at: number, bytes: 1 | 2 | 4, min = 0, max = bytes === 4 ? U32_MAX : 256 ** bytes - 1): Field => ({
  name,
  at,
  bytes,
  min,
  max,
});

const BEAM = field('beamId', 0, 4, 1);
/** What the decoder compares, in the order of the tables. */
const FIELDS: Readonly<Partial<Record<Reply['type'], readonly Field[]>>> = {
  capabilities: [
    field('role', 0, 1, 0, 1),
    field('protocolMajor', 1, 1, 1, 15),
    field('phaseBits', 3, 1, 1, MAX_PHASE_BITS),
    field('maxPayloadBytes', 6, 2, MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES),
    field('elements', 12, 2, 1),
    field('rfChains', 14, 2, 1),
    field('gainBits', 20, 1, 0, 16),
    field('stagingSlots', 21, 1, 1),
    field('length of panelSerial', 22, 1, 1, MAX_TEXT_BYTES),
    field('length of firmware', 23, 1, 0, MAX_TEXT_BYTES),
  ],
  status: [field('state', 18, 1, 0, PANEL_STATES.length - 1)],
  committed: [BEAM],
  phases: [field('reserved', 0, 1, 0, 0), field('phaseBits', 1, 1, 1, MAX_PHASE_BITS), field('count', 2, 2, 1)],
  'snr-report': [BEAM, field('pilots', 12, 4, 1), field('count', 18, 2, 1)],
  'pilot-report': [BEAM, field('pilots', 12, 4, 1), field('count', 18, 2, 1)],
  nack: [field('code', 4, 1, 1)],
};

/** Bytes of a payload of so many bytes that stands for this reply; it depends on counts in it. */
const LENGTHS: Readonly<Record<Reply['type'], (payload: DataView) => number>> = {
  capabilities: (payload) => 24 + payload.getUint8(22) + payload.getUint8(23),
  pong: () => 12,
  status: () => 19,
  ack: () => 0,
  committed: () => 16,
  phases: (payload) => 12 + packedLength(payload.getUint16(2, true), payload.getUint8(1)),
  'snr-report': (payload) => 20 + 2 * payload.getUint16(18, true),
  'pilot-report': (payload) => 20 + 8 * payload.getUint16(18, true),
  synced: () => 24,
  challenged: () => 16,
  nack: () => 5,
};
/** Bytes that are always there, up to the counts. */
const FIXED_BYTES: Readonly<Record<Reply['type'], number>> = {
  capabilities: 24,
  pong: 12,
  status: 19,
  ack: 0,
  committed: 16,
  phases: 12,
  'snr-report': 20,
  'pilot-report': 20,
  synced: 24,
  challenged: 16,
  nack: 5,
};
/** Later versions may append to these. */
const MAY_BE_LONGER: ReadonlySet<Reply['type']> = new Set(['capabilities', 'nack']);

/** What these bytes were that `decodeFrame` did not take, without a full stop: `phaseBits 17 in capabilities, allowed 1 to 16`. */
export function discardedText(bytes: Uint8Array, discarded: Decoded & { ok: false }): string {
  const { reason, header } = discarded;
  if (header === undefined) return noFrameText(bytes.length, bytes);
  const type = REPLY_OF.get(header.typeCode);
  const what = type ?? `type 0x${header.typeCode.toString(16).padStart(2, '0')}`;
  switch (reason) {
    case 'unsupported-version':
      return `${what} in a frame of protocol version ${header.major}`;
    case 'reserved-flags':
      return header.flags === AUTHENTICATED
        ? `${what}, sealed with a key, and the rig has none`
        : `${what} with flags 0x${header.flags.toString(16)}, of which some are reserved`;
    case 'unknown-type':
      return `a reply of type 0x${header.typeCode.toString(16).padStart(2, '0')}, which is none`;
    case 'too-short':
    case 'too-long':
    case 'bad-crc':
    case 'malformed': {
      const view = new DataView(bytes.buffer, bytes.byteOffset + HEADER_BYTES, bytes.length - HEADER_BYTES - CRC_BYTES);
      return type === undefined ? `${what} that is malformed` : malformedText(type, view);
    }
  }
}

/** A whole reply that answers nothing that was asked. */
export function strayText(seq: number, message: Message): string {
  if (isRequestCode(TYPE_CODES[message.type])) return `our own ${message.type}, sent back: the line or the other end echoes`;
  return `${message.type} with sequence number ${seq}, which answers nothing that was asked`;
}

/** @param bytes the first of them, at least */
export const noFrameText = (length: number, bytes: Uint8Array): string =>
  `${length} byte${length === 1 ? '' : 's'} that ${length === 1 ? 'is' : 'are'} no frame, beginning ${beginningOf(bytes)}`;

const SHOWN_BYTES = 16;

/** As text where they are text, else in hexadecimal digits. */
function beginningOf(bytes: Uint8Array): string {
  const first = bytes.subarray(0, SHOWN_BYTES);
  const isText = (byte: number): boolean => byte >= 0x20 && byte < 0x7f;
  if (first.length > 0 && first.filter(isText).length >= 0.75 * first.length) {
    return `'${Array.from(first, (byte) => (isText(byte) ? String.fromCharCode(byte) : '·')).join('')}'`;
  }
  return hex(first);
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

const REPLY_OF: ReadonlyMap<number, Reply['type']> = new Map(
  (Object.keys(LENGTHS) as Reply['type'][]).map((type) => [TYPE_CODES[type], type]),
);

function malformedText(type: Reply['type'], payload: DataView): string {
  const fixed = FIXED_BYTES[type];
  if (payload.byteLength >= fixed) {
    for (const { name, at, bytes, min, max } of FIELDS[type] ?? []) {
      const value = bytes === 1 ? payload.getUint8(at) : bytes === 2 ? payload.getUint16(at, true) : payload.getUint32(at, true);
      if (value >= min && value <= max) continue;
      const allowed = min === max ? String(min) : max === 256 ** bytes - 1 && bytes > 1 ? `${min} or more` : `${min} to ${max}`;
      return `${name} ${value} in ${type}, allowed ${allowed}`;
    }
  }
  const wanted = payload.byteLength < fixed ? fixed : LENGTHS[type](payload);
  if (payload.byteLength < wanted || (payload.byteLength > wanted && !MAY_BE_LONGER.has(type))) {
    return `${type} with ${counted(payload.byteLength, 'byte')} of payload instead of ${wanted}`;
  }
  return contentText(type, payload) ?? `${type} that is malformed`;
}

/** What is wrong behind the counts, where those are right. */
function contentText(type: Reply['type'], payload: DataView): string | undefined {
  const at = (start: number, length: number): Uint8Array => new Uint8Array(payload.buffer, payload.byteOffset + start, length);
  if (type === 'capabilities') {
    const serialBytes = payload.getUint8(22);
    const texts = { panelSerial: at(24, serialBytes), firmware: at(24 + serialBytes, payload.getUint8(23)) };
    for (const [name, bytes] of Object.entries(texts)) {
      if (bytes.includes(0)) return `${name} with a zero byte in capabilities (${beginningOf(bytes)})`;
      try {
        new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      } catch {
        return `${name} that is not UTF-8 in capabilities (${hex(bytes)})`;
      }
    }
  }
  if (type === 'pilot-report') {
    for (let i = 0; 20 + 4 * i < payload.byteLength; i++) {
      const value = payload.getFloat32(20 + 4 * i, true);
      if (!Number.isFinite(value)) return `value ${i} of pilot-report is ${value}, not finite`;
    }
  }
  if (type === 'phases') {
    const words = unpackWordsFrom(at(12, payload.byteLength - 12), 0, payload.getUint8(1), payload.getUint16(2, true));
    if (words === undefined) return 'phases whose last padding bits are not 0';
  }
  return undefined;
}
