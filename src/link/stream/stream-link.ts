/**
 * A link over a stream of bytes, whatever carries it: each frame COBS-encoded and closed by a zero byte (firmware-protocol/serial-framing.ts). A
 * stream that was lost is opened again by `open`; nothing that waited for the old one is ever sent to the new one.
 */
import { SerialFrameReader } from '../../../firmware-protocol/serial-framing.ts';
import { LinkError, type Link, type LinkCause, type LinkState } from '../link.ts';
import { DELIMITER, createFrameBytes } from './frame-bytes.ts';
import { watchNoise } from './noise.ts';

/** One open stream. */
export interface ByteStream {
  /** Takes the bytes over (the caller writes no more to them), or says false when the line is gone or too much waits for it. */
  write(bytes: Uint8Array): boolean;
  /** Forgets what was not sent and gives the line back. May be called again, and after the line has gone. */
  close(): Promise<void>;
}

export interface StreamEvents {
  /** Bytes as they come. The buffer is used again afterwards: copy what is kept. */
  onBytes: (bytes: Uint8Array) => void;
  /** The line is gone, for a cause other than `close`. Called once, never from inside `write`. */
  onGone: (detail: string) => void;
}

export interface StreamLinkOptions {
  kind: string;
  /** For messages. */
  name: string;
  /** What is opened, for messages: a path, an address. */
  where: string;
  /** @throws {LinkError} with the cause and the way out */
  openStream: (events: StreamEvents) => Promise<ByteStream>;
}

/** A closed link. `send` says false as well when the line has not taken what was sent before; such a frame counts as discarded. */
export function createStreamLink(options: StreamLinkOptions): Link {
  const { kind, name, where, openStream } = options;
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
  let stream: ByteStream | undefined;
  let opening: Promise<void> | undefined;
  /** Counts `close`, so that an opening under way notices. */
  let closings = 0;
  /** The newest there was: it may hold a lock for a moment after it was lost. */
  let previous: ByteStream | undefined;

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
    if (stream?.write(bytes) !== true) return false;
    counters.bytesSent += bytes.length;
    return true;
  };

  const openNow = async (): Promise<void> => {
    const mine = closings;
    let opened: ByteStream;
    await previous?.close();
    try {
      opened = await openStream({
        onBytes: (bytes) => {
          counters.bytesReceived += bytes.length;
          const { frames } = reader;
          reader.push(bytes);
          if (reader.frames === frames) noise.take(bytes);
          else noise.clear();
        },
        onGone: (detail) => {
          if (stream !== opened) return;
          stream = undefined;
          change({ state: 'closed', reason: 'lost', cause: 'hung-up', detail });
        },
      });
    } catch (error) {
      if (mine === closings && error instanceof LinkError) refuse(error.reason, error.message);
      throw error;
    }
    if (mine !== closings) {
      await opened.close();
      throw new LinkError('closed-meanwhile', `${where}: the link was closed while it was being opened.`);
    }
    stream = opened;
    reader.reset();
    noise.clear();
    write(Uint8Array.of(DELIMITER)); // what was there before us may have left noise
    if (previous !== undefined) counters.reconnects++;
    previous = opened;
    change({ state: 'open' });
  };

  /** Many attempts to open what stays away are one cause, and told once. */
  const refuse = (cause: LinkCause, detail: string): void => {
    if (state.state === 'closed' && state.reason === 'refused' && state.cause === cause) return;
    change({ state: 'closed', reason: 'refused', cause, detail });
  };

  return {
    kind,
    name,
    source: 'hardware',
    get state() {
      return state;
    },
    counters,
    noise,
    open: () => {
      if (state.state === 'open') return Promise.resolve();
      opening ??= openNow().finally(() => {
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
      const closed = stream?.close();
      stream = undefined;
      if (state.state === 'open') change({ state: 'closed', reason: 'closed-by-us' });
      await closed;
      await opening?.catch(() => undefined);
    },
  };
}
