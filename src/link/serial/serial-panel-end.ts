/**
 * The panel's side of a serial line: the same bytes as `serial.ts`, seen from the other end. It outlives the host: when the line hangs up
 * it opens the port again as soon as that works, with growing pauses, until it is closed.
 */
import type { PanelEnd } from '../panel-end.ts';
import { createPanelFrames } from '../stream/panel-frames.ts';
import type { ByteStream } from '../stream/stream-link.ts';
import { requireBaudRate } from './serial-port-errors.ts';
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
  let port: ByteStream | undefined;
  /** The newest port there was: it may still hold the lock for a moment after it was lost. */
  let previous: ByteStream | undefined;
  let onState: (state: { open: boolean; detail: string }) => void = () => undefined;
  let closed = false;
  let pause: NodeJS.Timeout | undefined;

  const frames = createPanelFrames();

  const openPort = async (): Promise<void> => {
    await previous?.close();
    const opened = await openSerialPort({
      path,
      baudRate,
      onBytes: frames.push,
      onGone: (detail) => {
        port = undefined;
        onState({ open: false, detail });
        tryAgain(FIRST_PAUSE_MS);
      },
    });
    if (closed) return opened.close();
    frames.reset();
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
    open: async (peer) => {
      closed = false;
      // What the panel says while nobody is there is said to nobody.
      frames.connect(peer, (bytes) => port?.write(bytes));
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
