/**
 * The controller as the server and the commands see it: a state machine around the control cycle. Only the states and verbs are here.
 *
 *   starting ─► running ⇄ paused ⇄ measuring          any ─► stopping ─► stopped          any ─► faulted ─► (stop) stopped
 *
 * The safe state of the array is commanded on pausing, stopping and faulting, and when a measurement ends, however it does.
 */
import type { Engine } from '../../models/engine/engines.ts';
import type { ArrayStates } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { QuantiserName } from '../../core/signal/quantiser-names.ts';
import type { Sensing } from '../../core/signal/sensing.ts';
import type { BeamformerKind } from '../beamforming/beamformer.ts';
import type { SteerWish } from '../beamforming/hand-beams.ts';
import type { ScanPoint, ScanWish } from '../beamforming/scan-beams.ts';
import type { ArrayCalibration, BoardCalibration } from './array-calibration.ts';
import type { CalibrationMethodOffer, CalibrationNow, CalibrationPlan, CalibrationWish, TableListing } from './calibrating.ts';
import type { ElementHealth } from './array-health.ts';
import type { SlowPace } from './watch/pace-watch.ts';
import type { ChannelOrigin, CycleRecord, RigEvent, Source } from '../telemetry/cycle-record.ts';

export type ControllerState = 'starting' | 'running' | 'paused' | 'measuring' | 'stopping' | 'stopped' | 'faulted';

/** Everything of the newest cycle that only the page wants; taken on demand so that nobody pays when nobody looks. */
export interface CycleView {
  record: CycleRecord;
  /** N·M words as commanded. */
  words: Uint16Array;
  /** A as these words show it, N×M: of measured states where there are tables. */
  analog: CMatrix;
  /** H (K×N), D (M×K) and the phases before quantising, of the same cycle. */
  channel: CMatrix;
  digital: CMatrix;
  analogPhase: Float64Array;
  /** Where the users are, radians from broadside, where the channel source knows; else empty. */
  userAzimuthRad: Float64Array;
}

/** What is the matter with a link or the panel at its other end, in the fewest words; 'open' is well. 'other …': not what the rig file says. */
export type LinkStateWord =
  | 'open'
  | 'not open'
  | 'closed'
  | 'lost'
  | 'offline'
  | 'no answer'
  | 'key refused'
  | 'refused'
  | 'bad report'
  | 'restarted'
  | 'made safe'
  | 'beam differs'
  | 'other Q'
  | 'other panel'
  | 'other version';

/** One link of the rig and the panel at its other end, as of now. */
export interface LinkDescription {
  name: string;
  kind: string;
  /** 'hardware' also before anything has answered on a real link. */
  source: Source;
  /** Serial number and firmware of the panel; what the rig file says, or empty, before it has answered. */
  panel: string;
  firmware: string;
  /** Elements of the array that the panel drives: '0-31, 40'; empty of a board with receivers only. */
  elements: string;
  /** Users that such a board hears: '0-3'; empty of a panel of the array. */
  users: string;
  state: LinkStateWord;
  /** The whole reason where `state` is not 'open'; else empty. */
  detail: string;
  retries: number;
  timeouts: number;
  /** Frames thrown away on our side, `badFrames` among them. */
  discarded: number;
  /** Frames that arrived damaged: a checksum or the framing was wrong. */
  badFrames: number;
  /** What was thrown away, by cause, and the newest of it in words; empty when nothing was. */
  discardedWhy: string;
  /** Frames ignored because they were not sealed with the panel's key; null where the rig uses none. */
  unauthenticated: number | null;
  /** As the panel said last; null where it was not asked. */
  temperatureC: number | null;
  reconnects: number;
  /** Smoothed, ms. */
  roundTripMs: number;
}

export interface RigDescription {
  name: string;
  /** On which the newest cycle ran; it may change in the middle of a run. A 'played-panel' is never to be called hardware. */
  source: Source;
  /** 'simulation': beams are computed for simulated users, which on hardware has to be said wherever the source is. */
  channelSource: ChannelOrigin;
  /** The same for people, with how old a channel is that was sounded. */
  channels: string;
  /** Why there is no hardware, when the source is the simulator. */
  sourceReason: string;
  /** Since when, ms since 1970. */
  sourceSinceMs: number;
  elements: number;
  rfChains: number;
  users: number;
  phaseBits: number;
  modelId: string;
  /** What computes it; null of a baseline, which is plain code. */
  engine: Engine | null;
  /** Its budget of steps for a beam; null where it has none that could be chosen. */
  steps: number | null;
  /** How phases become words. */
  quantiser: QuantiserDescription;
  /** What digital weights, and words that are chosen for the whole array, are to be best for. */
  objective: string;
  /** Models that fit this rig, for the page's list. */
  models: { id: string; title: string; kind: BeamformerKind }[];
  /** The beam by hand that is shown instead of a model's; null where a model chooses. */
  byHand: string | null;
  /** Tables that the words of a beam by hand were chosen by, where the array goes by others now; 'none': ideal states; else null. */
  byHandMadeBy: string | null;
  /** Names of the beams that were kept when the rig began, or when somebody looked last. */
  beams: readonly string[];
  /** Values of Q that may be chosen now. */
  phaseBitsOptions: number[];
  snrDb: number;
  loopRateHz: number;
  /** Set while the loop cannot keep that rate: how fast it is, and which stage takes the time. */
  slow: SlowPace | null;
  /** Whether every chain reaches every element, or each its own block. */
  connection: 'full' | 'sub';
  /** Of each chain the run of elements that it reaches; null where each reaches all. */
  chainRuns: { first: number; count: number }[] | null;
  geometry: { kind: 'ula' | 'upa'; spacingWavelengths: number; rows?: number; columns?: number };
  calibration: string;
  /** By board: the table that its states are known by, or why there is none. */
  calibrated: readonly BoardCalibration[];
  /** Ways to measure the array from here. */
  calibrationMethods: CalibrationMethodOffer[];
  /** Elements that do not do what they are told, as far as is known. */
  flaws: ElementHealth[];
  /** RMS by which elements that were measured again are off beside a table that is outdated by that, degrees; null while none is known to be. */
  tableOffDeg: number | null;
  links: LinkDescription[];
  runFolder: string;
  safe: SafeDescription;
}

/** The quantiser by its name in the rig file, and what that means. */
export interface QuantiserDescription {
  name: QuantiserName;
  meaning: string;
  /** Its budget for a beam; null where it has none. */
  sweeps: number | null;
}

/** The fixed beam of the safe state 'codeword', for the panels that show it. */
export interface SafeBeam {
  phaseBits: number;
  /** N·M */
  words: Uint16Array;
  /** What the elements are known to show of them. */
  states: ArrayStates;
}

/** The safe state of the array. */
export interface SafeDescription {
  state: 'mute' | 'hold' | 'codeword';
  /** Where the codeword points; null in the other states. */
  azimuthDeg: number | null;
  /** The array was commanded there and has confirmed it, and no beam was sent since. */
  confirmed: boolean;
}

/** What sensing wishes for, and where it was asked to look. */
export interface SensingWish extends Sensing {
  /** Azimuths, degrees; empty where a covariance was given. */
  readonly directionsDeg: readonly number[];
}

/** What somebody wants the array to show instead of what a model chooses: a direction, beams one after the other, or one that is kept by name. */
export type HandWish = ({ do: 'steer' } & SteerWish) | ({ do: 'scan' } & ScanWish) | { do: 'beam'; name: string };

/** A scan, as far as it has come. */
export interface ScanNow {
  user: number;
  total: number;
  points: readonly ScanPoint[];
}

/** One answer to a control from the page or a script. */
export type ControlResult = { ok: true } | { ok: false; reason: string };

/** What the array is known to show, and how that is measured while the rig is up. */
export interface Calibrating {
  /** The newest measurement of this run; undefined before the first. */
  readonly now: CalibrationNow | undefined;
  /** What a measurement would take; nothing is sent. */
  plan(wish: CalibrationWish): Promise<{ ok: true; plan: CalibrationPlan } | { ok: false; reason: string }>;
  /** Pauses, and has the array measured. Answered once that has begun; then the rig goes on as before, with the new tables where there are any. */
  begin(wish: CalibrationWish): Promise<ControlResult>;
  /** Ends it: no table, and the rig goes on as before. Pausing, muting and stopping end it, too. */
  cancel(): ControlResult;
  /** Tables of the rig's folder, the newest first. */
  history(): Promise<TableListing[]>;
  /** What the array is known to show now. */
  array(): ArrayCalibration | undefined;
}

export interface Controller {
  readonly state: ControllerState;
  /** Why the rig does not do what it should, when it has faulted, its panel is lost, or no cycle turns or is good; undefined when all is well. */
  readonly trouble: string | undefined;
  describe(): RigDescription;
  /** Undefined before the first cycle. */
  latest(): CycleView | undefined;
  /** The fixed beam of the safe state 'codeword'. */
  safeBeam(): SafeBeam | undefined;
  /** Undefined where the rig has none. */
  sensing(): SensingWish | undefined;
  /** Cycles a second over the last second. */
  cyclesPerSecond(): number;
  run(): Promise<ControlResult>;
  pause(): Promise<ControlResult>;
  /** Pauses, and makes the array dark whatever its safe state is, until it runs again. */
  mute(): Promise<ControlResult>;
  switchModel(id: string): Promise<ControlResult>;
  /** Answered once the beam by hand has taken the model's place; `switchModel` ends it. */
  byHand(wish: HandWish): Promise<ControlResult>;
  /** The scan under way, or the last one while its strongest beam stays. */
  scan(): ScanNow | undefined;
  setPhaseBits(phaseBits: number): Promise<ControlResult>;
  /** Looks for kept beams again, so that `describe` names those that are there by now. */
  listBeams(): ControlResult;
  readonly calibrating: Calibrating;
  stop(): Promise<void>;
  onCycle(listener: (record: CycleRecord) => void): () => void;
  onEvent(listener: (event: RigEvent) => void): () => void;
  onState(listener: (state: ControllerState) => void): () => void;
}
