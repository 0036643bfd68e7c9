/** Replies as bytes and back, field by field in the order of PROTOCOL.md. */
import { encodeText, type PayloadReader, type PayloadWriter } from './byte-cursor.ts';
import { MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES, PHASES_PREFIX_BYTES } from './limits.ts';
import { FEATURES, NACK_CODES, PANEL_STATES } from './messages.ts';
import type { NackCode, PanelRole, Reply } from './messages.ts';
import { MAX_PHASE_BITS, checkPhaseBits, packedLength } from './packing.ts';
import type { Allocate } from './request-payloads.ts';
import { TYPE_CODES } from './type-codes.ts';

const ROLES: readonly PanelRole[] = ['array', 'user'];
const MAX_MAJOR = 15;
const MAX_GAIN_BITS = 16;
/** Code 0 is left out, so that memory of zeros is no valid reason. */
const FIRST_NACK_CODE = 1;
const LAST_NACK_CODE = 0xff;

/** @throws {BeamrigError} 'argument' naming the field that is out of range */
export function writeReply(message: Reply, allocate: Allocate): PayloadWriter {
  switch (message.type) {
    case 'capabilities':
      return writeCapabilities(message, allocate);
    case 'pong': {
      const out = allocate(12);
      out.u32('nonce', message.nonce);
      out.u64('timeUs', message.timeUs);
      return out;
    }
    case 'status': {
      const out = allocate(19);
      out.u32('beamId', message.beamId);
      out.u32('uptimeMs', message.uptimeMs);
      out.u32('bootCount', message.bootCount);
      out.u32('badFrames', message.badFrames);
      out.i16('temperatureCentiC', message.temperatureCentiC);
      out.choice('state', message.state, PANEL_STATES);
      return out;
    }
    case 'ack':
      return allocate(0);
    case 'committed': {
      const out = allocate(16);
      out.u32('beamId', message.beamId, 1);
      out.u64('timeUs', message.timeUs);
      out.u32('wordsCrc32c', message.wordsCrc32c);
      return out;
    }
    case 'phases': {
      const { words, phaseBits } = message;
      checkPhaseBits(phaseBits);
      const out = allocate(PHASES_PREFIX_BYTES + packedLength(words.length, phaseBits));
      out.u8('reserved', 0);
      out.u8('phaseBits', phaseBits, 1, MAX_PHASE_BITS);
      out.u16('words.length', words.length, 1);
      out.u32('beamId', message.beamId);
      out.u32('offset', message.offset);
      out.words(words, phaseBits);
      return out;
    }
    case 'snr-report': {
      const { snrCentiDb } = message;
      const out = allocate(20 + snrCentiDb.byteLength);
      out.u32('beamId', message.beamId, 1);
      out.u64('timeUs', message.timeUs);
      out.u32('pilots', message.pilots, 1);
      out.u16('firstUser', message.firstUser);
      out.u16('snrCentiDb.length', snrCentiDb.length, 1);
      out.shorts(snrCentiDb);
      return out;
    }
    case 'pilot-report': {
      const { values } = message;
      const out = allocate(20 + values.byteLength);
      if (values.length % 2 !== 0) out.refuse('values', `${values.length} numbers are not pairs of re and im`);
      out.u32('beamId', message.beamId, 1);
      out.u64('timeUs', message.timeUs);
      out.u32('pilots', message.pilots, 1);
      out.u16('user', message.user);
      out.u16('values.length / 2', values.length / 2, 1);
      out.floats('values', values);
      return out;
    }
    case 'synced': {
      const out = allocate(24);
      out.u64('hostSendUs', message.hostSendUs);
      out.u64('panelReceiveUs', message.panelReceiveUs);
      out.u64('panelSendUs', message.panelSendUs);
      return out;
    }
    case 'challenged': {
      const out = allocate(16);
      out.u64('hostNonce', message.hostNonce);
      out.u64('lastCounter', message.lastCounter);
      return out;
    }
    case 'nack': {
      const out = allocate(5);
      out.u32('detail', message.detail);
      out.u8('code', nackNumber(message.code, out), FIRST_NACK_CODE, LAST_NACK_CODE);
      return out;
    }
  }
}

function nackNumber(code: NackCode, out: PayloadWriter): number {
  const known = NACK_CODES.findIndex((name) => name === code);
  if (known >= 0) return known + FIRST_NACK_CODE;
  const later = Number(/^code-(\d+)$/.exec(code)?.[1]);
  if (later >= NACK_CODES.length + FIRST_NACK_CODE && later <= LAST_NACK_CODE) return later;
  return out.refuse('code', `'${code}' is none of ${NACK_CODES.join(', ')}, code-15 … code-${LAST_NACK_CODE}`);
}

const nackCode = (number: number): NackCode => NACK_CODES[number - FIRST_NACK_CODE] ?? `code-${number}`;

function writeCapabilities(message: Reply & { type: 'capabilities' }, allocate: Allocate): PayloadWriter {
  const serial = encodeText('capabilities: panelSerial', message.panelSerial);
  const firmware = encodeText('capabilities: firmware', message.firmware);
  const out = allocate(24 + serial.length + firmware.length);
  out.choice('role', message.role, ROLES);
  out.u8('protocolMajor', message.protocolMajor, 1, MAX_MAJOR);
  out.u8('protocolMinor', message.protocolMinor);
  out.u8('phaseBits', message.phaseBits, 1, MAX_PHASE_BITS);
  out.u16('arrayId', message.arrayId);
  out.u16('maxPayloadBytes', message.maxPayloadBytes, MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES);
  let features = 0;
  for (const feature of message.features) {
    const bit = FEATURES.indexOf(feature);
    if (bit < 0) out.refuse('features', `'${String(feature)}' is none of ${FEATURES.join(', ')}`);
    features |= 1 << bit;
  }
  out.u32('features', features >>> 0);
  out.u16('elements', message.elements, 1);
  out.u16('rfChains', message.rfChains, 1);
  out.u16('users', message.users);
  out.u16('beamMemory', message.beamMemory);
  out.u8('gainBits', message.gainBits, 0, MAX_GAIN_BITS);
  out.u8('stagingSlots', message.stagingSlots, 1);
  out.u8('panelSerial', serial.length, 1);
  out.u8('firmware', firmware.length);
  out.raw(serial);
  out.raw(firmware);
  return out;
}

/** The reply in a payload; undefined when there is none of that type code. Whether it was sound stands in `input.failed`. */
export function readReply(typeCode: number, input: PayloadReader): Reply | undefined {
  switch (typeCode) {
    case TYPE_CODES.capabilities:
      return readCapabilities(input);
    case TYPE_CODES.pong:
      return { type: 'pong', nonce: input.u32(), timeUs: input.u64() };
    case TYPE_CODES.status: {
      const beamId = input.u32();
      const uptimeMs = input.u32();
      const bootCount = input.u32();
      const badFrames = input.u32();
      const temperatureCentiC = input.i16();
      return { type: 'status', state: input.choice(PANEL_STATES), beamId, temperatureCentiC, uptimeMs, bootCount, badFrames };
    }
    case TYPE_CODES.ack:
      return { type: 'ack' };
    case TYPE_CODES.committed: {
      const beamId = input.u32(1);
      const timeUs = input.u64();
      return { type: 'committed', beamId, wordsCrc32c: input.u32(), timeUs };
    }
    case TYPE_CODES.phases: {
      input.u8(0, 0);
      const phaseBits = input.u8(1, MAX_PHASE_BITS);
      const count = input.u16(1);
      const beamId = input.u32();
      const offset = input.u32();
      return { type: 'phases', beamId, offset, phaseBits, words: input.words(count, phaseBits) };
    }
    case TYPE_CODES['snr-report']: {
      const beamId = input.u32(1);
      const timeUs = input.u64();
      const pilots = input.u32(1);
      const firstUser = input.u16();
      return { type: 'snr-report', beamId, timeUs, pilots, firstUser, snrCentiDb: input.shorts(input.u16(1)) };
    }
    case TYPE_CODES['pilot-report']: {
      const beamId = input.u32(1);
      const timeUs = input.u64();
      const pilots = input.u32(1);
      const user = input.u16();
      return { type: 'pilot-report', beamId, timeUs, pilots, user, values: input.floats(2 * input.u16(1)) };
    }
    case TYPE_CODES.synced:
      return { type: 'synced', hostSendUs: input.u64(), panelReceiveUs: input.u64(), panelSendUs: input.u64() };
    case TYPE_CODES.challenged:
      return { type: 'challenged', hostNonce: input.u64(), lastCounter: input.u64() };
    case TYPE_CODES.nack: {
      const detail = input.u32();
      return { type: 'nack', code: nackCode(input.u8(FIRST_NACK_CODE, LAST_NACK_CODE)), detail };
    }
    default:
      return undefined;
  }
}

function readCapabilities(input: PayloadReader): Reply {
  const role = input.choice(ROLES);
  const protocolMajor = input.u8(1, MAX_MAJOR);
  const protocolMinor = input.u8();
  const phaseBits = input.u8(1, MAX_PHASE_BITS);
  const arrayId = input.u16();
  const maxPayloadBytes = input.u16(MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES);
  // Bits of features that a later minor version added are left out: we could not use them.
  const featureBits = input.u32();
  const features = FEATURES.filter((_, bit) => (featureBits >>> bit) & 1);
  const elements = input.u16(1);
  const rfChains = input.u16(1);
  const users = input.u16();
  const beamMemory = input.u16();
  const gainBits = input.u8(0, MAX_GAIN_BITS);
  const stagingSlots = input.u8(1);
  const serialLength = input.u8(1);
  const firmwareLength = input.u8();
  const panelSerial = input.text(serialLength);
  const firmware = input.text(firmwareLength);
  return {
    type: 'capabilities',
    role,
    panelSerial,
    arrayId,
    firmware,
    protocolMajor,
    protocolMinor,
    elements,
    rfChains,
    phaseBits,
    gainBits,
    users,
    maxPayloadBytes,
    stagingSlots,
    beamMemory,
    features,
  };
}
