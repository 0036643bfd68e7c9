/**
 * Words about who is there, sealed (PROTOCOL.md section 10.5). On a rig with a key an end that says that it holds a topic proves that it knows
 * the panel's key, and, where it matters, that it is there now: it answers a nonce that was drawn just before.
 *
 *     tag = first 16 bytes of HMAC-SHA-256(panel key, "beamrig seat" ‖ 0 ‖ topic ‖ 0 ‖ state ‖ 0 ‖ instance ‖ 0 ‖ nonce ‖ 0 ‖ answers)
 *
 * No frame begins with these bytes, so that no tag of a frame is one of a word.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { PresenceMessage } from './mqtt-topics.ts';

const LABEL = 'beamrig seat';
const TAG_BYTES = 16;

export interface PresenceSeal {
  /** The same message with its tag. */
  seal(message: Omit<PresenceMessage, 'tag'>): PresenceMessage;
  /** Whether somebody who knows the key made it; when is another question. */
  isGood(message: PresenceMessage): boolean;
}

/** @param panelKey of the panel whose topic it is */
export function createPresenceSeal(panelKey: Uint8Array, topic: string): PresenceSeal {
  const tagOf = ({ state, instance, nonce = '', answers = '' }: Omit<PresenceMessage, 'tag'>): Buffer =>
    createHmac('sha256', panelKey)
      .update([LABEL, topic, state, instance, nonce, answers].join('\0'), 'utf8')
      .digest()
      .subarray(0, TAG_BYTES);
  return {
    seal: (message) => ({ ...message, tag: tagOf(message).toString('hex') }),
    isGood: (message) => {
      const given = Buffer.from(message.tag ?? '', 'hex');
      return given.length === TAG_BYTES && timingSafeEqual(given, tagOf(message));
    },
  };
}

/** What nobody can foresee. */
export const drawPresenceNonce = (): string => randomBytes(8).toString('hex');
