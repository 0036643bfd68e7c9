/**
 * The link to a panel on a serial port: each frame COBS-encoded and closed by a zero byte (firmware-protocol/serial-framing.ts). A port that
 * was lost is opened again under the same name by `open`; nothing that waited for the old one is ever sent to the new one.
 */
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { SerialFrameReader } from '../../../firmware-protocol/serial-framing.ts';
import type { Link, LinkState } from '../link.ts';
import { DELIMITER, createFrameBytes } from './serial-frame-bytes.ts';
import { watchNoise } from './noise.ts';
import { requireBaudRate } from './serial-port-errors.ts';
import type { OpenSerialPort } from './serial-port.ts';
import { openSerialPort } from './serial-port.ts';

export interface SerialLinkOptions {
  /** For messages; default the path. */
  name?: string;
  /** '/dev/ttyUSB0', or better a name that lasts: '/dev/serial/by-id/…'. */
  path: string;
  baudRate: number;
}

/**
 * A closed link to the port at `path`, which it keeps to itself while it is open.
 * `send` says false as well when the line has not taken what was sent before (64 KiB); such a frame counts as discarded.
 * @throws {BeamrigError} 'link' for a baud rate that is no whole number above 0; `open` says what is wrong with the port
 */
export function createSerialLink(options: SerialLinkOptions): Link {
  const { path, baudRate, name = path } = options;
  requireBaudRate(path, baudRate);
  let refusedFrames = 0;
  const counters = {
    framesSent: 0,
    framesReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    get discarded() {
      return reader.discarded + refusedFrames;
    },
    get discards() {
      return refusedFrames === 0 ? reader.discards : { ...reader.discards, 'no room on the line': refusedFrames };
    },
    reconnects: 0,
  };
  let onFrame: (frame: Uint8Array) => void = () => undefined;
  let onState: (state: LinkState) => void = () => undefined;
  let state: LinkState = { state: 'closed', reason: 'not-opened' };
  let port: OpenSerialPort | undefined;
  let opening: Promise<void> | undefined;
  /** Counts `close`, so that an opening under way notices. */
  let closings = 0;
  /** The newest port there was: it may still hold the lock for a moment after it was lost. */
  let previous: OpenSerialPort | undefined;

  const reader = new SerialFrameReader({
    onFrame: (frame) => {
      // A frame of the same read as one whose receiver closed the link.
      if (state.state !== 'open') return;
      counters.framesReceived++;
      onFrame(frame);
    },
  });

  const bytesOf = createFrameBytes(reader);
  const noise = watchNoise();

  const change = (next: LinkState): void => {
    state = next;
    onState(next);
  };

  const write = (bytes: Uint8Array): boolean => {
    if (port?.write(bytes) !== true) return false;
    counters.bytesSent += bytes.length;
    return true;
  };

  const openPort = async (): Promise<void> => {
    const mine = closings;
    let opened: OpenSerialPort;
    await previous?.close();
    try {
      opened = await openSerialPort({
        path,
        baudRate,
        onBytes: (bytes) => {
          counters.bytesReceived += bytes.length;
          const { frames } = reader;
          reader.push(bytes);
          if (reader.frames === frames) noise.take(bytes);
          else noise.clear();
        },
        onGone: (detail) => {
          if (port !== opened) return;
          port = undefined;
          change({ state: 'closed', reason: 'lost', detail });
        },
      });
    } catch (error) {
      if (mine === closings && error instanceof BeamrigError) refuse(error.message);
      throw error;
    }
    if (mine !== closings) {
      await opened.close();
      throw new BeamrigError('link', `${path}: the link was closed while it was being opened.`);
    }
    port = opened;
    reader.reset();
    noise.clear();
    write(Uint8Array.of(DELIMITER)); // plugging in makes noise
    if (previous !== undefined) counters.reconnects++;
    previous = opened;
    change({ state: 'open' });
  };

  /** Many attempts to open a port that stays away are one cause, and told once. */
  const refuse = (detail: string): void => {
    const next: LinkState = { state: 'closed', reason: 'refused', detail };
    if (state.state === 'closed' && state.reason === 'refused' && state.detail === detail) return;
    change(next);
  };

  return {
    kind: 'serial',
    name,
    source: 'hardware',
    get state() {
      return state;
    },
    counters,
    noise,
    open: () => {
      if (state.state === 'open') return Promise.resolve();
      opening ??= openPort().finally(() => {
        opening = undefined;
      });
      return opening;
    },
    send: (frame) => {
      if (state.state !== 'open') return false;
      if (!write(bytesOf(frame))) {
        refusedFrames++;
        return false;
      }
      counters.framesSent++;
      return true;
    },
    onFrame: (listener) => {
      onFrame = listener;
    },
    onState: (listener) => {
      onState = listener;
    },
    close: async () => {
      closings++;
      const closed = port?.close();
      port = undefined;
      if (state.state === 'open') change({ state: 'closed', reason: 'closed-by-us' });
      await closed;
      await opening?.catch(() => undefined);
    },
  };
}
