/**
 * The driver of one front-end, as the control cycle sees it. `staged → latched → read back` are three states; what was not acknowledged is
 * unknown, and the beam is void until it is read back. Failures a caller must tell apart are data (PanelFailure), never strings.
 */
import type { LinkCause } from '../link/link.ts';
import type { UserIndex } from '../../core/signal/indices.ts';
import type { BeamId, Capabilities, NackCode, PanelState, SafeState } from '../../firmware-protocol/messages.ts';

/** Everything one beam needs, as it goes over the wire. */
export interface BeamCommand {
  beamId: BeamId;
  phaseBits: number;
  /** N·M phase words, word (n, m) at n·M + m, each below 2^phaseBits. */
  words: Uint16Array;
  /** D, M×K row-major interleaved re/im, for panels with the feature 'digital-weights'; ignored by others. */
  digital?: { users: number; weights: Float32Array };
  /** N·M of 0 or 1, places as in `words`: what is 0 radiates nothing. Absent: all are on. A panel without 'element-enable' refuses the beam. */
  enabled?: Uint8Array;
  /** N·M gain words, each below 2^gainBits of the panel. Absent: all at full gain. A panel without 'element-gain' refuses the beam. */
  gains?: Uint16Array;
}

/** Why nothing can be sent: what closed the link, or else why there is no session on one that may well be open. */
export type ClosedCause = LinkCause | 'not-opened' | 'closed-by-us' | 'no-room' | NoSession;

/** 'not-connected': nobody has shaken hands, or not since; 'handshake': hands are being shaken. */
export type NoSession = 'not-connected' | 'handshake';

/** `panel` names the panel where an array has several. */
export type PanelFailure = { panel?: string } &
  /** Nothing was sent; a way out where a person has to see to it. */
  (
    | { reason: 'link-closed'; cause: ClosedCause; detail: string; wayOut?: string }
    | { reason: 'not-staged'; firstMissingWord: number } // nothing was switched
    | { reason: 'rejected'; request: string; code: NackCode; detail: number } // the panel itself said no, in these words: nothing was switched
    | { reason: 'not-sent'; request: string; detail: string; wayOut?: string } // this program kept it to itself, and why
    /** An answer, and of another beam than was asked about (0 = none): the panel does not radiate that beam, or not any more. */
    | { reason: 'other-beam'; request: string; asked: BeamId; told: BeamId }
    /** A timed commit: the panel says after its time that the time is still to come. It may switch at any moment. */
    | { reason: 'still-waiting'; beamId: BeamId; lateMs: number }
    /** Panels that are switched at one time: its clock is so far from where it must be that parts of the beam may have been switched apart. */
    | { reason: 'clock-jumped'; byMs: number }
    /** Unknown: void until read back. `discarded`: what came instead, where something did that could not be used; `framed`: in a whole frame. */
    | { reason: 'no-answer'; request: string; attempts: number; waitedMs: number; discarded?: string; framed?: true }
    /** It answered, and measured something else or less. `partialSnrDb`: what there is of an SNR report on the very beam, dB, NaN for whom it lacks, one for each user whom it is to report. */
    | { reason: 'unusable-report'; request: string; detail: string; partialSnrDb?: Float64Array }
    | { reason: 'read-back-differs'; beamId: BeamId; expectedCrc32c: number; actualCrc32c: number }
    | { reason: 'panel-restarted'; detail: string }
    /** It heard nothing for longer than it was told, has made itself safe, and takes no beam before a new handshake. */
    | { reason: 'session-over'; request: string }
    /** It was asked and said nothing good for as long as it may go on without hearing from us: given up, and told blind to be safe. */
    | { reason: 'silent'; quietMs: number; limitMs: number }
    /** It radiated for as long as it may go on without hearing from us, and no cycle on it was good: given up, and told blind to be safe. */
    | { reason: 'no-good-cycle'; litMs: number; limitMs: number; newest: string | undefined }
    /** The safe state was commanded meanwhile: nothing of what was under way is switched any more. */
    | { reason: 'made-safe' }
    | { reason: 'protocol-version'; panelMajor: number; ours: number }
    | { reason: 'wrong-panel'; field: string; expected: string; actual: string }
    | { reason: 'not-authenticated'; detail: string; lacking?: 'rig' | 'panel' } // no key at the end that lacks it, or two keys
    /** Some panels of the array switched and some did not: what it radiates is no beam. */
    | { reason: 'array-split'; switched: string[]; missed: { panel: string; failure: PanelFailure }[] }
  );

/** What every state of a panel's life says beside its name. */
interface Began {
  era: number;
  /** Why there is no session; in a session, why what was begun before it is refused. Undefined before anything was tried. */
  why: PanelFailure | undefined;
}

/** What is known of a panel; panel-life-cycle.ts says what follows what. */
export type PanelLife<S> = Began &
  (
    | { state: 'closed' | 'handshake' | 'lost' | 'unusable' }
    /** `unanswered`: what it was asked in a row and gave no answer to, by the count of whoever holds this life. */
    | { state: 'session'; session: S; unanswered: number }
  );

export type Result<T> = { ok: true; value: T } | { ok: false; failure: PanelFailure };

export interface AppliedBeam {
  beamId: BeamId;
  /** Panel time at which the beam was latched. */
  panelTimeUs: bigint;
  pushMs: number;
  commitMs: number;
  /** Over several panels that were switched at one time: latest less earliest latch by the host's clock, as well as it knows theirs. */
  latchSpreadUs?: number;
}

export interface MeasuredSnr {
  beamId: BeamId;
  panelTimeUs: bigint;
  pilots: number;
  /** User of `snrDb[0]`: 0 unless it is of a board with receivers of some users. */
  firstUser: number;
  /** One a user, dB. */
  snrDb: Float64Array;
}

/** What one user hears of each chain's beam, for channel estimation on hardware. */
export interface MeasuredPilots {
  beamId: BeamId;
  panelTimeUs: bigint;
  pilots: number;
  user: UserIndex;
  /** M complex values, interleaved re/im. */
  values: Float32Array;
}

export interface PanelCounters {
  requests: number;
  retries: number;
  timeouts: number;
  nacks: number;
  /** Replies that came too late or to nobody. */
  strayReplies: number;
  /** Frames from the panel that could not be read: damaged on the way, or of another dialect. */
  badFrames: number;
  /** Smoothed round trip, ms (RFC 6298). */
  roundTripMs: number;
  /** Times that the link had no room for a frame; it was offered again. */
  linkFull?: number;
  /** Frames ignored because they were not sealed with the panel's key, or not fresh. */
  unauthenticated?: number;
  /** Beams that went over the wire as what differs from the one before. */
  patchedBeams?: number;
  /** Beams that were switched to in the panel's beam memory. */
  selectedBeams?: number;
  /** Bytes of frames that staging took, repetitions and framing not counted. */
  stagedBytes?: number;
}

/** Everything from the panel that could not be used. */
export interface DiscardedReplies {
  /** So far, by cause: 'bad-crc', 'malformed', … */
  readonly counts: Readonly<Record<string, number>>;
  /** The newest, in words; empty before the first. */
  readonly newest: string;
}

export interface PanelStatus {
  state: PanelState;
  beamId: BeamId;
  /** null: it has no sensor. */
  temperatureC: number | null;
  uptimeMs: number;
  bootCount: number;
  badFrames: number;
}

export interface Panel {
  readonly name: string;
  /** What the panel said of itself; undefined before the handshake, and again once the link or the panel was lost: then `connect` first. */
  readonly capabilities: Capabilities | undefined;
  readonly counters: Readonly<PanelCounters>;
  /** The safe state that it confirmed to be in; undefined from the next commit on, or once it refused one or was restarted. Of several panels: all. */
  readonly safeAs: SafeState | undefined;
  /** Calls when what was commanded blind is confirmed. */
  onSafe(listener: () => void): void;
  /** Opens the link and shakes hands; checks version and what the rig expects. */
  connect(): Promise<Result<Capabilities>>;
  /** Stage, commit, and compare the checksum that the panel latched with what was asked. */
  apply(beam: BeamCommand): Promise<Result<AppliedBeam>>;
  measureSnr(beamId: BeamId, pilots: number): Promise<Result<MeasuredSnr>>;
  measurePilots(beamId: BeamId, user: UserIndex, pilots: number): Promise<Result<MeasuredPilots>>;
  /** The words radiated now, asked of the panel itself. */
  readBack(): Promise<Result<{ beamId: BeamId; words: Uint16Array }>>;
  status(): Promise<Result<PanelStatus>>;
  ping(): Promise<Result<{ panelTimeUs: bigint; roundTripMs: number }>>;
  /**
   * Stages a beam and keeps it at a position of the panel's beam memory; nothing is switched. `verify`: its words are read back from the slot before,
   * where the panel has read-back.
   */
  storeBeam(beam: BeamCommand, position: number, verify?: boolean): Promise<Result<void>>;
  /**
   * What the panel's beam memory was found to hold, by `contentOf` (beam-memory.ts), since the handshake: `apply` switches to such a beam by one short
   * frame instead of sending it. Of an array of several panels, which are switched at one time, beams are sent all the same.
   */
  foundStored(contents: ReadonlyMap<number, string>): void;
  setSafeState(state: SafeState, options?: { position?: number; silenceMs?: number; enter?: boolean }): Promise<Result<void>>;
  /**
   * Commands the safe state now, blind: sent before this returns, and repeated, whatever is under way, was answered, or has a session. Nothing
   * of a beam that was begun before is sent after it, and a handshake that follows ends well only when the command was confirmed.
   * @returns whether the link took it; of several panels, all of theirs
   */
  commandSafe(state: SafeState, options?: { position?: number; silenceMs?: number }): boolean;
  close(): Promise<void>;
}

/** A beam that is staged in one panel, complete and not switched. */
export interface StagedBeam {
  readonly beamId: BeamId;
  readonly pushMs: number;
}

/** One exchange of times: host time from the clock's nowMs, panel time as the panel counts it. */
export interface ClockSample {
  hostSendUs: number;
  panelReceiveUs: bigint;
  panelSendUs: bigint;
  hostReceiveUs: number;
}

/** A panel that is one part of an array: the steps of `apply` one by one, so that several panels can be switched at one time. */
export interface ArrayMember extends Panel {
  /** What is known of it: in which state its session is, and why. */
  readonly life: PanelLife<{ capabilities: Capabilities }>;
  readonly discards: DiscardedReplies;
  stage(beam: BeamCommand): Promise<Result<StagedBeam>>;
  /** Switches now, as `apply` does. */
  commit(staged: StagedBeam): Promise<Result<AppliedBeam>>;
  /**
   * The panel will switch at its time `atUs`; ok means that it knows. After `withinMs` (default: as any request) it is not told again.
   * A beam that is armed again needs a later time, else 'not-sent'.
   */
  arm(staged: StagedBeam, atUs: bigint, withinMs?: number): Promise<Result<void>>;
  /** After its time: did the armed beam switch, and to the words that were asked for? */
  confirm(staged: StagedBeam, withinMs?: number): Promise<Result<AppliedBeam>>;
  /** Ok: it will not switch, whatever copies of its commit are still on their way. */
  cancel(staged: StagedBeam, withinMs?: number): Promise<Result<void>>;
  syncClock(): Promise<Result<ClockSample>>;
}

/** Several panels that are one to whoever asks. */
export type PanelGroup = Panel & {
  readonly members: readonly ArrayMember[];
  /**
   * While a panel is missing: the others enter the safe state that was set or commanded last, unless they have since they were there. Part of a beam
   * is no beam: what 'hold' would keep of it is muted.
   */
  makePartsSafe(): Promise<void>;
};
