/**
 * The panel's side of a serial line: the same bytes as `serial.ts`, seen from the other end. It outlives the host: when the line hangs up
 * it opens the port again as soon as that works, with growing pauses, until it is closed.
 */
import { SerialFrameReader } from '../../../firmware-protocol/serial-framing.ts';
import type { LoopbackPeer } from '../loopback.ts';
import type { PanelEnd } from '../panel-end.ts';
import { createFrameBytes } from './serial-frame-bytes.ts';
import { requireBaudRate } from './serial-port-errors.ts';
import type { OpenSerialPort } from './serial-port.ts';
import { openSerialPort } from './serial-port.ts';

/** Pauses between attempts to open a port that went away, ms: doubled up to the longest, which keeps a return below a second. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 320;

/**
 * A closed panel's side of the port at `path`.
 * `open` throws BeamrigError 'link' when the port cannot be opened the first time.
 */
export function createSerialPanelEnd(options: { path: string; baudRate: number }): PanelEnd {
  const { path, baudRate } = options;
  requireBaudRate(path, baudRate);
  let peer: LoopbackPeer | undefined;
  let port: OpenSerialPort | undefined;
  /** The newest port there was: it may still hold the lock for a moment after it was lost. */
  let previous: OpenSerialPort | undefined;
  let onState: (state: { open: boolean; detail: string }) => void = () => undefined;
  let closed = false;
  let pause: NodeJS.Timeout | undefined;

  const reader = new SerialFrameReader({
    onFrame: (frame) => {
      tellDiscards();
      peer?.receive(frame);
    },
  });
  let discardsTold = 0;
  /** A panel counts what its line has damaged, before it answers what came after it. */
  const tellDiscards = (): void => {
    if (reader.discarded > discardsTold) peer?.discarded?.(reader.discarded - discardsTold);
    discardsTold = reader.discarded;
  };
  const bytesOf = createFrameBytes(reader);

  const openPort = async (): Promise<void> => {
    await previous?.close();
    const opened = await openSerialPort({
      path,
      baudRate,
      onBytes: (bytes) => {
        reader.push(bytes);
        tellDiscards();
      },
      onGone: (detail) => {
        port = undefined;
        onState({ open: false, detail });
        tryAgain(FIRST_PAUSE_MS);
      },
    });
    if (closed) return opened.close();
    reader.reset();
    port = opened;
    previous = opened;
    onState({ open: true, detail: path });
  };

  const tryAgain = (pauseMs: number): void => {
    if (closed) return;
    pause = setTimeout(() => {
      openPort().catch(() => tryAgain(Math.min(2 * pauseMs, LONGEST_PAUSE_MS)));
    }, pauseMs);
  };

  return {
    name: path,
    open: async (next) => {
      closed = false;
      peer = next;
      // What the panel says while nobody is there is said to nobody.
      peer.onSend((frame) => port?.write(bytesOf(frame)));
      await openPort();
    },
    onState: (listener) => {
      onState = listener;
    },
    close: async () => {
      closed = true;
      clearTimeout(pause);
      const closing = port?.close();
      port = undefined;
      await closing;
    },
  };
}
