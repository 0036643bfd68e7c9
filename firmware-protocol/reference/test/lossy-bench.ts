/** A bench whose line loses requests, or whose answers are not what they should be. */
import { crc32c } from '../../crc32c.ts';
import type { BenchBus } from '../bench-bus.ts';

export interface Line {
  /** Requests for which it says true never reach the bench. */
  loses: (request: Uint8Array) => boolean;
  /** What the board gets in place of an answer. */
  answers: (reply: Uint8Array) => Uint8Array[];
}

export const whole: Line = { loses: () => false, answers: (reply) => [reply] };

/** Puts a line before the bench; change its fields when something is to go wrong. */
export function putOn(bus: BenchBus): Line {
  const line = { ...whole };
  const receive = bus.receive.bind(bus);
  const onSend = bus.onSend.bind(bus);
  bus.receive = (frame) => {
    if (!line.loses(frame)) receive(frame);
  };
  bus.onSend = (listener) => onSend((reply) => line.answers(reply.slice()).forEach(listener));
  return line;
}

export const isTransfer = (frame: Uint8Array): boolean => (frame[1] & 0x7f) === 0x70;
/** The transfer at whose end the amplifiers go off. */
export const isMute = (frame: Uint8Array): boolean => frame[1] === 0x70 && (frame[4] & 2) !== 0;
/** A transfer that writes a good part of a beam and loads nothing. */
export const isStaging = (frame: Uint8Array): boolean => frame[1] === 0x70 && frame[4] === 0 && frame.length > 500;
export const isLoading = (frame: Uint8Array): boolean => frame[1] === 0x70 && (frame[4] & 1) !== 0;

/** The first `count` frames that are of this kind. */
export function first(count: number, kind: (frame: Uint8Array) => boolean): (frame: Uint8Array) => boolean {
  let seen = 0;
  return (frame) => kind(frame) && ++seen <= count;
}

/** A frame with another number or another payload byte, its CRC right again. */
export function forged(frame: Uint8Array, change: (bytes: DataView) => void): Uint8Array {
  const bytes = frame.slice();
  const view = new DataView(bytes.buffer);
  change(view);
  view.setUint32(bytes.length - 4, crc32c(bytes, 0, bytes.length - 4), true);
  return bytes;
}
