/**
 * A link carries whole frames both ways, knows whether it is open and why not, and nothing of what the frames mean. Serial, MQTT and
 * loopback are files of this one shape, so the simulator differs from hardware in the link alone.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';

/**
 * What is to be done about a cause. 'away': port, broker or panel are not there now, and may come by themselves. 'refused': the other end said a no
 * that waiting does not change (a password, an access list, another controller), and a person has to see to it. 'wrong': what was asked for
 * cannot work as it stands.
 */
type LinkRemedy = 'away' | 'refused' | 'wrong';

/** Why a link cannot be opened, or was lost: what is decided about it is decided by this, and never by the message. */
export const LINK_CAUSES = {
  // a serial port
  'no-port': 'away',
  'no-device': 'away',
  'hung-up': 'away',
  'port-in-use': 'wrong',
  'no-permission': 'wrong',
  'not-a-port': 'wrong',
  'baud-rate': 'wrong',
  'other-system': 'wrong',
  'port-failed': 'wrong',
  // a server of raw bytes
  'server-unreachable': 'away',
  'server-failed': 'wrong',
  'address-taken': 'wrong',
  // a broker
  'broker-unreachable': 'away',
  'broker-unavailable': 'away',
  'broker-closed': 'away', // without a word
  'broker-silent': 'away', // it was there, and answers no more
  'broker-ended': 'wrong', // and said why
  'broker-mute': 'wrong', // closed where it should have answered
  'broker-login': 'refused',
  'broker-banned': 'refused',
  'broker-denied': 'refused',
  'broker-version': 'wrong',
  'broker-narrow': 'refused',
  'broker-failed': 'wrong',
  'not-a-broker': 'wrong',
  certificate: 'wrong',
  tls: 'wrong',
  // who is there, as the broker's topics say
  'panel-unannounced': 'away',
  'panel-offline': 'away',
  'panel-replaced': 'away',
  'two-panels': 'refused',
  'other-host': 'refused',
  // this end
  settings: 'wrong',
  'closed-meanwhile': 'wrong',
  unplugged: 'away',
} as const satisfies Record<string, LinkRemedy>;

export type LinkCause = keyof typeof LINK_CAUSES;

export const linkRemedy = (cause: LinkCause): LinkRemedy => LINK_CAUSES[cause];

/** A link that cannot be opened or does not carry what it should; the message is made where the cause is found, for people alone. */
export class LinkError extends BeamrigError {
  readonly reason: LinkCause;
  /** The port that the message begins with, and what it says of it. */
  readonly port: { path: string; what: string } | undefined;

  constructor(reason: LinkCause, message: string, options: { port?: string; wayOut?: string; cause?: unknown } = {}) {
    const { port } = options;
    super('link', port === undefined ? message : `${port}: ${message}`, options);
    this.reason = reason;
    this.port = port === undefined ? undefined : { path: port, what: message };
  }
}

export type LinkState =
  | { state: 'closed'; reason: 'not-opened' | 'closed-by-us'; cause?: undefined; detail?: undefined }
  | { state: 'closed'; reason: 'lost' | 'refused'; cause: LinkCause; detail: string }
  | { state: 'open' };

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
  /** What is said of it; undefined while nothing is doubtful. */
  readonly doubt: { cause: LinkCause; detail: string } | undefined;
  onDoubt(listener: () => void): void;
  /** The panel answered under its key: it is there. */
  refute(): void;
  /** It did not: the link is lost, for the reason that was said. */
  believe(): void;
}

export interface Link {
  /** 'loopback', or a kind that rig files name (link-kinds.ts). */
  readonly kind: string;
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
