import type { LoopbackPeer } from '../../src/link/loopback.ts';

/** A peer that answers every frame with the same bytes, at once and from inside `receive`, and remembers what it got. */
export function echo(): LoopbackPeer & { received: Uint8Array[]; say: (frame: Uint8Array) => void } {
  let send: (frame: Uint8Array) => void = () => undefined;
  const received: Uint8Array[] = [];
  return {
    received,
    say: (frame) => send(frame),
    receive: (frame) => {
      received.push(frame);
      send(frame);
    },
    onSend: (listener) => {
      send = listener;
    },
  };
}
