/** Frames between a stream of bytes and the panel that is at the end of it. */
import { SerialFrameReader } from '../../../firmware-protocol/serial-framing.ts';
import type { LoopbackPeer } from '../loopback.ts';
import { createFrameBytes } from './frame-bytes.ts';

export interface PanelFrames {
  /** The peer gets what comes in, and what it says goes out. */
  connect(peer: LoopbackPeer, write: (bytes: Uint8Array) => void): void;
  /** Bytes that came in. */
  push(this: void, bytes: Uint8Array): void;
  /** A new stream begins: half a frame of the old one is none. */
  reset(): void;
}

export function createPanelFrames(): PanelFrames {
  let peer: LoopbackPeer | undefined;
  let discardsTold = 0;
  /** A panel counts what its line has damaged, before it answers what came after it. */
  const tellDiscards = (): void => {
    if (reader.discarded > discardsTold) peer?.discarded?.(reader.discarded - discardsTold);
    discardsTold = reader.discarded;
  };
  const reader = new SerialFrameReader({
    onFrame: (frame) => {
      tellDiscards();
      peer?.receive(frame);
    },
  });
  const bytesOf = createFrameBytes(reader);
  return {
    connect(next, write) {
      peer = next;
      peer.onSend((frame) => write(bytesOf(frame)));
    },
    push(bytes) {
      reader.push(bytes);
      tellDiscards();
    },
    reset: () => reader.reset(),
  };
}
