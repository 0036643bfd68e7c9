/**
 * What host and panel say to each other, as plain data. The bytes are in PROTOCOL.md and the codec; this file is the contract a newcomer
 * reads first. Everything is 0-based. A word's place is element·rfChains + chain (row-major N×M).
 *
 * Three states of a beam are never confused: *staged* (chunks are arriving in a slot), *latched* (a commit took a complete slot, under a
 * beam id), *radiated* (what the elements show now). An array never shows half a beam, because only a commit moves a slot as a whole.
 */

export const PROTOCOL_MAJOR = 1;
export const PROTOCOL_MINOR = 3;

/** 32-bit, chosen by the host, never 0 (0 = "no beam": the safe state), never reused within a session. */
export type BeamId = number;

export type PanelRole = 'array' | 'user';

export const FEATURES = [
  'digital-weights', // takes D with a beam (the simulator and front-ends with their own baseband)
  'snr-report',
  'pilot-report',
  'beam-memory',
  'read-back',
  'element-gain',
  'element-enable',
  'time-sync',
  'authentication',
  'patch', // takes a beam as the difference to the one radiated
  'simulated', // a program: what it radiates and reports is calculated
] as const;
export type Feature = (typeof FEATURES)[number];

export interface Capabilities {
  role: PanelRole;
  /** Up to 32 bytes of UTF-8, unique to the board; calibration tables are keyed by it. */
  panelSerial: string;
  /** The array this panel belongs to (several panels may share one array). */
  arrayId: number;
  firmware: string;
  protocolMajor: number;
  protocolMinor: number;
  elements: number;
  rfChains: number;
  /** 1 … 16 */
  phaseBits: number;
  /** G of 'set-gains'; 0 = no gain control. */
  gainBits: number;
  /** Users whose SNR this panel reports (0 when it reports none). */
  users: number;
  /** Largest payload of one message, bytes. */
  maxPayloadBytes: number;
  /** Slots that may be staged at once, ≥ 1. */
  stagingSlots: number;
  /** Positions of beam memory, 0 when there is none. */
  beamMemory: number;
  features: Feature[];
}

export const SAFE_STATES = ['mute', 'hold', 'codeword'] as const;
/** mute: elements off; hold: keep the last good beam; codeword: the beam of one memory position. */
export type SafeState = (typeof SAFE_STATES)[number];

export const PANEL_STATES = ['safe', 'idle', 'radiating', 'fault'] as const;
export type PanelState = (typeof PANEL_STATES)[number];

export const NACK_CODES = [
  'malformed', // payload of the wrong length or with an undefined value
  'unsupported-message',
  'unsupported-version',
  'wrong-dimensions', // offset or count outside N·M, M·K
  'wrong-bits', // Q of the chunk is not the panel's
  'no-such-slot',
  'not-staged', // commit of an incomplete slot; `detail` = what is missing first, counted through its parts
  'beam-mismatch', // the beam asked for is not the one radiated; `detail` = the one that is
  'stale-beam', // a beam id not newer than the one latched
  'busy',
  'not-authenticated',
  'replayed',
  'fault',
  'too-late', // a timed commit whose time has passed
] as const;
/** A code that a later minor version has given a name, by its number, 15 … 255: a refusal like any other. */
export type LaterNackCode = `code-${number}`;
export type NackCode = (typeof NACK_CODES)[number] | LaterNackCode;

export type PhaseSource = 'staged' | 'radiated';

/** Host → panel. Every request is answered by exactly one reply with the same sequence number. */
export type Request =
  | { type: 'hello'; minMajor: number; maxMajor: number; host: string }
  | { type: 'ping'; nonce: number }
  | { type: 'get-status' }
  /** Idempotent: same slot and offset, same words. `beamId` ties the chunks of a slot together: a new id empties the slot first. */
  | { type: 'set-phases'; slot: number; beamId: BeamId; phaseBits: number; offset: number; words: Uint16Array }
  /** D (M×K, row-major, from `offset` weights on), interleaved re, im float32; belongs to the staged beam like its phases. */
  | { type: 'set-digital'; slot: number; beamId: BeamId; users: number; offset: number; weights: Float32Array }
  /**
   * Gains of the staged beam, from place `offset` on. Nominally word w of G bits is the amplitude (w + 1) / 2^G; the top word is full gain, and a
   * beam without any gains has all places there.
   */
  | { type: 'set-gains'; slot: number; beamId: BeamId; gainBits: number; offset: number; gains: Uint16Array }
  /** Which places of the staged beam are on, 0 or 1 each, from `offset` on: what is off radiates nothing. All are on in a beam without any. */
  | { type: 'set-enables'; slot: number; beamId: BeamId; offset: number; enabled: Uint8Array }
  /** A beam as what differs from the one radiated (`fromBeamId`): its words and weights (no gains, no enables) fill the slot, then `words` go to their places. */
  | {
      type: 'patch-phases';
      slot: number;
      beamId: BeamId;
      fromBeamId: BeamId;
      phaseBits: number;
      /** Places n·M + m, one a word. */
      places: Uint16Array;
      words: Uint16Array;
    }
  /**
   * The slot becomes the radiated beam as a whole, now (`atUs` 0n) or at panel time `atUs`. A timed commit is answered `ack` while its time
   * is to come, and when it is said again afterwards, `committed` or `too-late`: so a host knows before the time whether all panels have it.
   */
  | { type: 'commit'; slot: number; beamId: BeamId; atUs: bigint }
  /**
   * Ends the timed commits of this beam up to `atUs`, and all of older ones: what waits is forgotten, and a copy that the wire kept back
   * comes too late. `too-late` when the beam has been latched.
   */
  | { type: 'cancel-commit'; beamId: BeamId; atUs: bigint }
  | { type: 'read-phases'; source: PhaseSource; slot: number; offset: number; count: number }
  /** Average per-user SNR over `pilots` pilots on the beam named; refused ('beam-mismatch') when another is radiated. */
  | { type: 'measure-snr'; beamId: BeamId; pilots: number }
  /** What each user hears of each chain's beam: complex, for channel estimation on hardware. */
  | { type: 'measure-pilots'; beamId: BeamId; user: number; pilots: number }
  | { type: 'store-beam'; slot: number; beamId: BeamId; position: number }
  /** Radiate a stored beam under a new beam id, in one frame. */
  | { type: 'select-beam'; position: number; beamId: BeamId }
  /** What to do when the host falls silent for `silenceMs` (0 = never), and with `enter`, do it now. */
  | { type: 'set-safe-state'; state: SafeState; position: number; silenceMs: number; enter: boolean }
  /** For the host's estimate of the panel's clock; the panel's clock is never set. */
  | { type: 'sync-time'; hostSendUs: bigint }
  /** Opens an authenticated session (authentication.ts); the one frame whose counter is not looked at. */
  | { type: 'challenge'; hostNonce: bigint };

/** Panel → host. */
export type Reply =
  | ({ type: 'capabilities' } & Capabilities)
  | { type: 'pong'; nonce: number; timeUs: bigint }
  | {
      type: 'status';
      state: PanelState;
      beamId: BeamId;
      temperatureCentiC: number;
      uptimeMs: number;
      /** Counts this session, for the log: a device that restarted has another one. */
      bootCount: number;
      badFrames: number;
    }
  /** set-phases, set-digital, set-gains, set-enables, patch-phases, store-beam, cancel-commit and set-safe-state were done; a timed commit is armed. */
  | { type: 'ack' }
  /** A beam is latched and radiated; `wordsCrc32c` is its `beamCrc32c` (packing.ts), so a whole beam is read back in 4 bytes. */
  | { type: 'committed'; beamId: BeamId; wordsCrc32c: number; timeUs: bigint }
  | { type: 'phases'; beamId: BeamId; offset: number; phaseBits: number; words: Uint16Array }
  /** SNR (that is SINR, interference included) in hundredths of a dB, users in order of `firstUser + i`. */
  | { type: 'snr-report'; beamId: BeamId; timeUs: bigint; pilots: number; firstUser: number; snrCentiDb: Int16Array }
  /** One complex value a chain, interleaved re, im. */
  | { type: 'pilot-report'; beamId: BeamId; timeUs: bigint; pilots: number; user: number; values: Float32Array }
  | { type: 'synced'; hostSendUs: bigint; panelReceiveUs: bigint; panelSendUs: bigint }
  /** `lastCounter`: every counter up to this one is refused, so the host goes on above it. */
  | { type: 'challenged'; hostNonce: bigint; lastCounter: bigint }
  | { type: 'nack'; code: NackCode; detail: number };

export type Message = Request | Reply;

/** One message and the sequence number (u16) that ties a reply to its request. */
export interface Frame {
  seq: number;
  message: Message;
}
