/**
 * A link carries whole frames both ways, knows whether it is open and why not, and nothing of what the frames mean. Serial, MQTT and
 * loopback are files of this one shape, so the simulator differs from hardware in the link alone.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';

export type LinkState =
  { state: 'closed'; reason: 'not-opened' | 'closed-by-us' | 'lost' | 'refused'; detail?: string } | { state: 'open' };

/** Opening was answered with a no that waiting does not change: a password, an access list, another controller. A person has to see to it. */
export class LinkRefused extends BeamrigError {
  constructor(message: string, wayOut: string) {
    super('link', message, { wayOut });
  }
}

export interface LinkCounters {
  framesSent: number;
  framesReceived: number;
  /** Bytes on the wire, framing included. */
  bytesSent: number;
  bytesReceived: number;
  /** Bytes or frames the reader discarded because they were not a good frame. */
  discarded: number;
  /** The same by cause, where there are several. */
  discards?: Readonly<Record<string, number>>;
  reconnects: number;
  /** Words about who is there that were none, or of somebody who does not know the rig's key. */
  strange?: number;
}

/** Nothing yet. */
export const noTraffic = (): LinkCounters => ({
  framesSent: 0,
  framesReceived: 0,
  bytesSent: 0,
  bytesReceived: 0,
  discarded: 0,
  reconnects: 0,
});

/** Bytes from the other end that are no frames. */
export interface Noise {
  /** Since the last good frame, or since the link was opened. */
  readonly bytes: number;
  /** The first of them, 16 at most. */
  readonly beginning: Uint8Array;
}

/**
 * What somebody said of the other end who need not be believed: that it went, or is another one. A link whose frames are sealed stays open
 * until its owner has asked the panel itself, and tells it what came of that.
 */
export interface UnprovenReports {
  /** In words; undefined while nothing is doubtful. */
  readonly words: string | undefined;
  onDoubt(listener: () => void): void;
  /** The panel answered under its key: it is there. */
  refute(): void;
  /** It did not: the link is lost, for the reason that was said. */
  believe(): void;
}

export interface Link {
  readonly kind: 'loopback' | 'serial' | 'mqtt';
  /** For messages and the page: 'loopback', '/dev/ttyUSB0', … */
  readonly name: string;
  readonly source: 'hardware' | 'simulator';
  readonly state: LinkState;
  readonly counters: Readonly<LinkCounters>;
  /** The longest frame that the link carries now, where that is less than frames can have. Known once it is open. */
  readonly maxFrameBytes?: number;
  /** Where the link finds the frames in a stream of bytes. */
  readonly noise?: Noise;
  /** Where others can speak for the panel and the frames are sealed. */
  readonly unproven?: UnprovenReports;
  /** Resolves when open. Throws BeamrigError 'link' with the way out. */
  open(): Promise<void>;
  /** Queues one whole frame. Returns false (and sends nothing) when the link is not open. */
  send(frame: Uint8Array): boolean;
  /** One listener each; a link has one owner. */
  onFrame(listener: (frame: Uint8Array) => void): void;
  onState(listener: (state: LinkState) => void): void;
  close(): Promise<void>;
}
