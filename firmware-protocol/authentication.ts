/**
 * Frames that nobody without the key can make, change or send again (PROTOCOL.md section 7). A sealed frame is
 *
 *     header (flag 0 set)   payload   counter (u64)   tag (8 bytes)   CRC-32C
 *                                                      └ first bytes of HMAC-SHA-256(panel key, all before it)
 *
 * The codec knows bare frames only: `sealFrame` comes after `encodeFrame`, `openFrame` before `decodeFrame`. Whether a counter is fresh is a
 * question of its own (`ReplayWindow`), because of a challenge only the tag is looked at.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { type FrameHeader, damageOf } from './codec.ts';
import { crc32c } from './crc32c.ts';
import { AUTHENTICATION_BYTES, CRC_BYTES, HEADER_BYTES, MAX_PAYLOAD_BYTES, MIN_FRAME_BYTES } from './limits.ts';

const AUTHENTICATED = 0b0001;
const COUNTER_BYTES = 8;
const TAG_BYTES = AUTHENTICATION_BYTES - COUNTER_BYTES;
const MIN_KEY_BYTES = 16;
const MAX_KEY_BYTES = 64;
const PANEL_KEY_LABEL = 'beamrig panel key';
export const MAX_COUNTER = 2n ** 64n - 1n;

/**
 * The key of one panel: a board that is stolen or opened gives away this one and not the rig's.
 * @param rigKey 16 to 64 bytes
 * @returns 32 bytes
 * @throws {BeamrigError} 'argument' for a key that is too short or too long (its bytes are in no message)
 */
export function derivePanelKey(rigKey: Uint8Array, panelSerial: string): Uint8Array {
  if (rigKey.length < MIN_KEY_BYTES || rigKey.length > MAX_KEY_BYTES) {
    throw new BeamrigError('argument', `the rig key has ${rigKey.length} bytes, not ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES}`, {
      wayOut: 'Make one with: openssl rand -hex 32',
    });
  }
  return Uint8Array.from(createHmac('sha256', rigKey).update(PANEL_KEY_LABEL).update(panelSerial, 'utf8').digest());
}

/**
 * @param frame a bare frame as encodeFrame makes it
 * @param counter above every one that this end has used with this key
 * @returns the same frame, authenticated: 16 bytes longer
 * @throws {BeamrigError} 'argument' when the frame is none, is sealed already, or the counter is no u64
 */
export function sealFrame(frame: Uint8Array, panelKey: Uint8Array, counter: bigint): Uint8Array {
  if (frame.length < MIN_FRAME_BYTES || frame.length > HEADER_BYTES + MAX_PAYLOAD_BYTES + CRC_BYTES) {
    refuse(`${frame.length} bytes are no bare frame to be sealed`);
  }
  if ((frame[0] & AUTHENTICATED) !== 0) refuse('the frame is sealed already');
  if (counter < 0n || counter > MAX_COUNTER) refuse(`the counter ${counter} is not a bigint from 0 to 2^64 - 1`);
  const bodyEnd = frame.length - CRC_BYTES;
  const tagAt = bodyEnd + COUNTER_BYTES;
  const sealed = new Uint8Array(frame.length + AUTHENTICATION_BYTES);
  sealed.set(frame.subarray(0, bodyEnd));
  sealed[0] |= AUTHENTICATED;
  const view = new DataView(sealed.buffer);
  view.setBigUint64(bodyEnd, counter, true);
  sealed.set(tagOf(sealed.subarray(0, tagAt), panelKey), tagAt);
  writeCrc(sealed, view);
  return sealed;
}

export type Opened =
  | { ok: true; frame: Uint8Array; counter: bigint }
  /** Damaged: answered by nobody, authenticated or not. */
  | { ok: false; reason: 'too-short' | 'too-long' | 'bad-crc' }
  /** Whole, but without a tag ('plain') or with a wrong one. The header is what the frame says of itself, for the seq of a nack. */
  | { ok: false; reason: 'plain' | 'not-authenticated'; header: FrameHeader };

/**
 * Takes the authentication off a frame. Total: any bytes, no throw; `bytes` is not changed and shares no memory with the result.
 * A good tag says who made the frame and not that it is fresh: ask a ReplayWindow about `counter`.
 * @returns the bare frame, flag 0 clear and its CRC right, as decodeFrame takes it
 */
export function openFrame(bytes: Uint8Array, panelKey: Uint8Array): Opened {
  const damage = damageOf(bytes);
  if (damage !== undefined) return { ok: false, reason: damage };
  const header = { major: bytes[0] >>> 4, flags: bytes[0] & 0x0f, typeCode: bytes[1], seq: bytes[2] | (bytes[3] << 8) };
  if ((header.flags & AUTHENTICATED) === 0) return { ok: false, reason: 'plain', header };
  if (bytes.length < MIN_FRAME_BYTES + AUTHENTICATION_BYTES) return { ok: false, reason: 'not-authenticated', header };
  const tagAt = bytes.length - CRC_BYTES - TAG_BYTES;
  const tag = bytes.subarray(tagAt, tagAt + TAG_BYTES);
  if (!timingSafeEqual(tag, tagOf(bytes.subarray(0, tagAt), panelKey))) return { ok: false, reason: 'not-authenticated', header };
  const bodyEnd = tagAt - COUNTER_BYTES;
  const counter = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(bodyEnd, true);
  const frame = new Uint8Array(bodyEnd + CRC_BYTES);
  frame.set(bytes.subarray(0, bodyEnd));
  frame[0] &= ~AUTHENTICATED;
  writeCrc(frame, new DataView(frame.buffer));
  return { ok: true, frame, counter };
}

const WINDOW = 64n;

/**
 * Which counters are fresh, each once: those above all accepted before, and of the 64 up to the newest those that have not come yet, since
 * a link may reorder (the window of RFC 4303, section 3.4.3). Ask only about frames whose tag is right.
 */
export class ReplayWindow {
  #top: bigint;
  /** Bit i: counter newest − i was accepted. */
  #seen = (1n << WINDOW) - 1n;

  /** @param newest every counter up to this one is refused */
  constructor(newest: bigint) {
    this.#top = newest;
  }

  get newest(): bigint {
    return this.#top;
  }

  /** Whether the counter is fresh; from then on it is not. */
  accept(counter: bigint): boolean {
    if (counter > this.#top) {
      this.#seen = BigInt.asUintN(Number(WINDOW), shifted(this.#seen, counter - this.#top)) | 1n;
      this.#top = counter;
      return true;
    }
    const age = this.#top - counter;
    if (age >= WINDOW || ((this.#seen >> age) & 1n) === 1n) return false;
    this.#seen |= 1n << age;
    return true;
  }
}

/** A jump may be as long as 2^64: not to be carried out bit by bit. */
const shifted = (bits: bigint, by: bigint): bigint => (by >= WINDOW ? 0n : bits << by);

function tagOf(covered: Uint8Array, panelKey: Uint8Array): Uint8Array {
  return createHmac('sha256', panelKey).update(covered).digest().subarray(0, TAG_BYTES);
}

function writeCrc(frame: Uint8Array, view: DataView): void {
  const end = frame.length - CRC_BYTES;
  view.setUint32(end, crc32c(frame, 0, end), true);
}

function refuse(problem: string): never {
  throw new BeamrigError('argument', problem, { wayOut: 'See firmware-protocol/PROTOCOL.md section 7.' });
}
