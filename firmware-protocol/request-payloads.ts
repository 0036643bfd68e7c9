/** Requests as bytes and back, field by field in the order of PROTOCOL.md. */
import { encodeText, type PayloadReader, type PayloadWriter } from './byte-cursor.ts';
import { DIGITAL_PREFIX_BYTES, PATCH_PREFIX_BYTES, PHASES_PREFIX_BYTES } from './limits.ts';
import { type PhaseSource, type Request, SAFE_STATES } from './messages.ts';
import { MAX_PHASE_BITS, checkPhaseBits, packedLength } from './packing.ts';
import { TYPE_CODES } from './type-codes.ts';

export const PHASE_SOURCES: readonly PhaseSource[] = ['staged', 'radiated'];
const MAX_MAJOR = 15;
/** Of 'set-enables': a place is on or off. */
const ENABLE_BITS = 1;

/** Room for a payload: asks for a writer of exactly that many bytes. */
export type Allocate = (payloadBytes: number) => PayloadWriter;

/** @throws {BeamrigError} 'argument' naming the field that is out of range */
export function writeRequest(message: Request, allocate: Allocate): PayloadWriter {
  switch (message.type) {
    case 'hello': {
      const host = encodeText('hello: host', message.host);
      const out = allocate(3 + host.length);
      out.u8('minMajor', message.minMajor, 1, MAX_MAJOR);
      out.u8('maxMajor', message.maxMajor, message.minMajor, MAX_MAJOR);
      out.u8('host', host.length);
      out.raw(host);
      return out;
    }
    case 'ping': {
      const out = allocate(4);
      out.u32('nonce', message.nonce);
      return out;
    }
    case 'get-status':
      return allocate(0);
    case 'set-phases':
      return writeSetPhases(message, allocate);
    case 'set-digital':
      return writeSetDigital(message, allocate);
    case 'set-gains':
      return writeSetGains(message, allocate);
    case 'set-enables':
      return writeSetEnables(message, allocate);
    case 'patch-phases':
      return writePatchPhases(message, allocate);
    case 'commit': {
      const out = allocate(13);
      out.u32('beamId', message.beamId, 1);
      out.u64('atUs', message.atUs);
      out.u8('slot', message.slot);
      return out;
    }
    case 'cancel-commit': {
      const out = allocate(12);
      out.u32('beamId', message.beamId, 1);
      out.u64('atUs', message.atUs);
      return out;
    }
    case 'read-phases': {
      const out = allocate(8);
      out.choice('source', message.source, PHASE_SOURCES);
      out.u8('slot', message.slot);
      out.u16('count', message.count, 1);
      out.u32('offset', message.offset);
      return out;
    }
    case 'measure-snr': {
      const out = allocate(8);
      out.u32('beamId', message.beamId, 1);
      out.u32('pilots', message.pilots, 1);
      return out;
    }
    case 'measure-pilots': {
      const out = allocate(10);
      out.u32('beamId', message.beamId, 1);
      out.u32('pilots', message.pilots, 1);
      out.u16('user', message.user);
      return out;
    }
    case 'store-beam': {
      const out = allocate(7);
      out.u32('beamId', message.beamId, 1);
      out.u16('position', message.position);
      out.u8('slot', message.slot);
      return out;
    }
    case 'select-beam': {
      const out = allocate(6);
      out.u32('beamId', message.beamId, 1);
      out.u16('position', message.position);
      return out;
    }
    case 'set-safe-state': {
      const out = allocate(8);
      out.u32('silenceMs', message.silenceMs);
      out.u16('position', message.position);
      out.choice('state', message.state, SAFE_STATES);
      out.flag(message.enter);
      return out;
    }
    case 'sync-time': {
      const out = allocate(8);
      out.u64('hostSendUs', message.hostSendUs);
      return out;
    }
    case 'challenge': {
      const out = allocate(8);
      out.u64('hostNonce', message.hostNonce);
      return out;
    }
  }
}

function writeSetPhases(message: Request & { type: 'set-phases' }, allocate: Allocate): PayloadWriter {
  const { words, phaseBits } = message;
  checkPhaseBits(phaseBits);
  const out = allocate(PHASES_PREFIX_BYTES + packedLength(words.length, phaseBits));
  out.u8('slot', message.slot);
  out.u8('phaseBits', phaseBits, 1, MAX_PHASE_BITS);
  out.u16('words.length', words.length, 1);
  out.u32('beamId', message.beamId, 1);
  out.u32('offset', message.offset);
  out.words(words, phaseBits);
  return out;
}

function writeSetDigital(message: Request & { type: 'set-digital' }, allocate: Allocate): PayloadWriter {
  const { weights } = message;
  const out = allocate(DIGITAL_PREFIX_BYTES + weights.byteLength);
  if (weights.length % 2 !== 0) out.refuse('weights', `${weights.length} numbers are not pairs of re and im`);
  out.u8('slot', message.slot);
  out.u8('reserved', 0);
  out.u16('users', message.users, 1);
  out.u32('beamId', message.beamId, 1);
  out.u32('offset', message.offset);
  out.u16('weights.length / 2', weights.length / 2, 1);
  out.u16('reserved', 0);
  out.floats('weights', weights);
  return out;
}

function writeSetGains(message: Request & { type: 'set-gains' }, allocate: Allocate): PayloadWriter {
  const { gains, gainBits } = message;
  const out = allocate(PHASES_PREFIX_BYTES + packedLength(gains.length, gainBits));
  out.u8('slot', message.slot);
  out.u8('gainBits', gainBits, 1, MAX_PHASE_BITS);
  out.u16('gains.length', gains.length, 1);
  out.u32('beamId', message.beamId, 1);
  out.u32('offset', message.offset);
  out.words(gains, gainBits);
  return out;
}

function writeSetEnables(message: Request & { type: 'set-enables' }, allocate: Allocate): PayloadWriter {
  const { enabled } = message;
  const out = allocate(PHASES_PREFIX_BYTES + packedLength(enabled.length, ENABLE_BITS));
  const odd = enabled.findIndex((on) => on > 1);
  if (odd >= 0) out.refuse(`enabled[${odd}]`, `${enabled[odd]} is neither 0 nor 1`);
  out.u8('slot', message.slot);
  out.u8('bits', ENABLE_BITS);
  out.u16('enabled.length', enabled.length, 1);
  out.u32('beamId', message.beamId, 1);
  out.u32('offset', message.offset);
  out.words(Uint16Array.from(enabled), ENABLE_BITS);
  return out;
}

function writePatchPhases(message: Request & { type: 'patch-phases' }, allocate: Allocate): PayloadWriter {
  const { places, words, phaseBits } = message;
  checkPhaseBits(phaseBits);
  const out = allocate(PATCH_PREFIX_BYTES + places.byteLength + packedLength(words.length, phaseBits));
  if (places.length !== words.length) out.refuse('places', `${places.length} places for ${words.length} words`);
  out.u8('slot', message.slot);
  out.u8('phaseBits', phaseBits, 1, MAX_PHASE_BITS);
  out.u16('words.length', words.length, 1);
  out.u32('beamId', message.beamId, 1);
  out.u32('fromBeamId', message.fromBeamId, 1);
  out.words(places, 16);
  out.words(words, phaseBits);
  return out;
}

/** The request in a payload; undefined when there is none of that type code. Whether it was sound stands in `input.failed`. */
export function readRequest(typeCode: number, input: PayloadReader): Request | undefined {
  switch (typeCode) {
    case TYPE_CODES.hello: {
      const minMajor = input.u8(1, MAX_MAJOR);
      const maxMajor = input.u8(minMajor, MAX_MAJOR);
      return { type: 'hello', minMajor, maxMajor, host: input.text(input.u8()) };
    }
    case TYPE_CODES.ping:
      return { type: 'ping', nonce: input.u32() };
    case TYPE_CODES['get-status']:
      return { type: 'get-status' };
    case TYPE_CODES['set-phases']: {
      const slot = input.u8();
      const phaseBits = input.u8(1, MAX_PHASE_BITS);
      const count = input.u16(1);
      const beamId = input.u32(1);
      const offset = input.u32();
      return { type: 'set-phases', slot, beamId, phaseBits, offset, words: input.words(count, phaseBits) };
    }
    case TYPE_CODES['set-digital']: {
      const slot = input.u8();
      input.u8(0, 0);
      const users = input.u16(1);
      const beamId = input.u32(1);
      const offset = input.u32();
      const count = input.u16(1);
      input.u16(0, 0);
      return { type: 'set-digital', slot, beamId, users, offset, weights: input.floats(2 * count) };
    }
    case TYPE_CODES['set-gains']: {
      const slot = input.u8();
      const gainBits = input.u8(1, MAX_PHASE_BITS);
      const count = input.u16(1);
      const beamId = input.u32(1);
      const offset = input.u32();
      return { type: 'set-gains', slot, beamId, gainBits, offset, gains: input.words(count, gainBits) };
    }
    case TYPE_CODES['set-enables']: {
      const slot = input.u8();
      input.u8(ENABLE_BITS, ENABLE_BITS);
      const count = input.u16(1);
      const beamId = input.u32(1);
      const offset = input.u32();
      return { type: 'set-enables', slot, beamId, offset, enabled: Uint8Array.from(input.words(count, ENABLE_BITS)) };
    }
    case TYPE_CODES['patch-phases']: {
      const slot = input.u8();
      const phaseBits = input.u8(1, MAX_PHASE_BITS);
      const count = input.u16(1);
      const beamId = input.u32(1);
      const fromBeamId = input.u32(1);
      const places = input.words(count, 16);
      return { type: 'patch-phases', slot, beamId, fromBeamId, phaseBits, places, words: input.words(count, phaseBits) };
    }
    case TYPE_CODES['cancel-commit']:
      return { type: 'cancel-commit', beamId: input.u32(1), atUs: input.u64() };
    case TYPE_CODES.commit: {
      const beamId = input.u32(1);
      const atUs = input.u64();
      return { type: 'commit', slot: input.u8(), beamId, atUs };
    }
    case TYPE_CODES['read-phases']: {
      const source = input.choice(PHASE_SOURCES);
      const slot = input.u8();
      const count = input.u16(1);
      return { type: 'read-phases', source, slot, offset: input.u32(), count };
    }
    case TYPE_CODES['measure-snr']:
      return { type: 'measure-snr', beamId: input.u32(1), pilots: input.u32(1) };
    case TYPE_CODES['measure-pilots']: {
      const beamId = input.u32(1);
      const pilots = input.u32(1);
      return { type: 'measure-pilots', beamId, user: input.u16(), pilots };
    }
    case TYPE_CODES['store-beam']: {
      const beamId = input.u32(1);
      const position = input.u16();
      return { type: 'store-beam', slot: input.u8(), beamId, position };
    }
    case TYPE_CODES['select-beam']: {
      const beamId = input.u32(1);
      return { type: 'select-beam', position: input.u16(), beamId };
    }
    case TYPE_CODES['set-safe-state']: {
      const silenceMs = input.u32();
      const position = input.u16();
      const state = input.choice(SAFE_STATES);
      return { type: 'set-safe-state', state, position, silenceMs, enter: input.flag() };
    }
    case TYPE_CODES['sync-time']:
      return { type: 'sync-time', hostSendUs: input.u64() };
    case TYPE_CODES.challenge:
      return { type: 'challenge', hostNonce: input.u64() };
    default:
      return undefined;
  }
}
