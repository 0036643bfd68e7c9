/**
 * What the server and the page say to each other over socket.io: types only, the one file of src/ that the page knows.
 *
 *   server ── welcome ──► page      once
 *   server ── frame ──► page        the page draws it and then acknowledges; until then it gets no other frame, so a slow page gets
 *   page ── watch ──► server        fewer frames and nothing ever queues up. `watch` names the costly views that somebody looks at;
 *   page ── control ──► server      what is not watched is neither calculated nor sent. Every control is answered by a ControlResult.
 *
 * Numbers in bulk travel as binary: typed arrays leave the server as they are and reach a browser as ArrayBuffers. `Bulk` stands for the
 * one or the other.
 */
import type { PatternFigures } from '../../core/signal/pattern-metrics.ts';
import type { CalibrationNow, CalibrationWish } from '../control/calibrating.ts';
import type { Calibrating, ControllerState, ControlResult, HandWish, RigDescription } from '../control/controller.ts';
import type { Figure, PageColumn } from '../telemetry/cycle-columns.ts';
import type { RigEvent, Source, Stage } from '../telemetry/cycle-record.ts';

export type { BoardCalibration, BoardTable } from '../control/array-calibration.ts';
export type {
  CalibrationMethodOffer,
  CalibrationNow,
  CalibrationPlan,
  CalibrationWish,
  TableListing,
} from '../control/calibrating.ts';
export type { ControllerState, ControlResult, Figure, HandWish, PageColumn, PatternFigures, RigDescription, Source, Stage };

/** Views that cost something to fill. */
export type CostlyView = 'beampattern' | 'words';

/**
 * Cycles since the frame before, oldest first; after a connection the last minutes. One row a cycle, all float32, NaN where there is none:
 * how long after startMs it ended, ms, then what `Welcome.columns` names.
 */
export interface CycleBatch<Bulk> {
  startMs: number;
  count: number;
  /** Numbers in a row. */
  columns: number;
  values: Bulk;
}

export interface LatestCycle {
  cycle: number;
  /** When it ended, ms since 1970 on the server's clock. */
  endedMs: number;
  source: Source;
  modelId: string;
  phaseBits: number;
  beamId: number;
  outcome: 'ok' | 'void';
  failure: string | null;
  /** When the newest cycle that was ok ended; null before the first. What was measured, and the beam shown, are as old as this. */
  okEndedMs: number | null;
  /** When the first of the cycles began that have been void since without a break; null while they are ok. */
  voidSinceMs: number | null;
  roundTripMs: number;
  /** How old its channel is, where it was sounded; null elsewhere. */
  soundedSlotsAgo: number | null;
}

/** Since the server started. */
export interface CycleTotals {
  cycles: number;
  voidCycles: number;
  retries: number;
  timeouts: number;
  discarded: number;
}

export interface PageEvent {
  id: number;
  timeMs: number;
  level: RigEvent['level'];
  code: string;
  message: string;
  action: string | null;
}

/** Of what radiates, or did last; a codeword belongs to no cycle, and its number is negative. N·M phase words, uint16, word (n, m) at n·M + m. */
export interface PhaseWordsPlot<Bulk> {
  cycle: number;
  phaseBits: number;
  words: Bulk;
}

/**
 * Of what radiates, or did last. *Calculated*, and to be labelled so: from the words that the panel was given, for ideal isotropic
 * elements; nobody has measured it.
 */
export interface BeampatternPlot<Bulk> {
  cycle: number;
  /** Over azimuth, at elevation 0 where the users are; a planar array has one over elevation after it. */
  cuts: PatternCutPlot<Bulk>[];
}

/** Total radiated power, all streams together. Its arrays are float32, of one length that grows with the array. */
export interface PatternCutPlot<Bulk> {
  axis: 'azimuth' | 'elevation';
  /** Where the other angle stands still, degrees: elevation 0, or the azimuth of user 0 (0 where nobody knows it). */
  atDeg: number;
  /** Rising from −90 to 90, not in equal steps: closer where beams are narrow. The users' own are among them. */
  anglesDeg: Bulk;
  /** dB of the words the panel was given. */
  commandedDb: Bulk;
  /** dB of the phases before quantising. */
  wantedDb: Bulk;
  /** Users in this plane, and the place of their direction in the arrays. Empty where the channel's source does not know where they are. */
  users: { user: number; deg: number; place: number }[];
  /** Over azimuth, of a rig that senses: dB of what it wishes for, and the directions that it was told, with their places. */
  sensing: { wishedDb: Bulk; directions: { deg: number; place: number }[] } | null;
}

/** What beams by hand have come to. */
export interface HandPlot<Bulk> {
  /** Of the beam that is shown now, calculated of the states that its elements show; null before it is, and of a beam that radiates nothing. */
  figures: PatternFigures | null;
  /**
   * SINR of one user over the azimuths of the beams of a scan, as far as it has come; of one length, float32, NaN where there is none. Measured at the
   * one place where the user stands.
   */
  scan: { user: number; total: number; azimuthsDeg: Bulk; measuredDb: Bulk; calculatedDb: Bulk } | null;
}

/** What is answered to whoever plans a measurement. */
export type PlanAnswer = Awaited<ReturnType<Calibrating['plan']>>;

/**
 * What the states of one RF chain miss the nominal grid by, as the tables in use have it: state s of element n at n·2^Q + s. Not sent, but asked for:
 * GET api/calibration?chain=0.
 */
export interface StateErrorMap {
  /** Of the tables; 'none': states are taken as ideal. */
  id: string;
  /** By board, as the description had it at this moment: an answer of another moment is not one to what was asked. */
  tables: (string | null)[];
  chain: number;
  phaseBits: number;
  /** Degrees, the offset of its element in it, −180 to 180; null where it radiates nothing or is not connected. The whole is null where there is no table. */
  phaseDeg: (number | null)[] | null;
  /** dB */
  gainDb: (number | null)[] | null;
  flaws: { element: number; flaw: string }[];
}

/** What the array shows now, as far as the controller knows. */
export interface Radiation {
  /** nothing: no beam was sent yet. beam: that of the newest cycle. unknown: the newest beam is void, and nobody can say. settings: those of a measurement, one after the other. The others: its safe state. */
  shows: 'nothing' | 'beam' | 'held' | 'codeword' | 'dark' | 'settings' | 'unknown';
  /** Where the codeword points. */
  azimuthDeg: number | null;
  /** The panel said so. Otherwise it was told to, or goes there by itself, and has not answered. */
  confirmed: boolean;
  /** It went to its safe state by itself, as it does when it hears nothing from the controller. */
  byItself: boolean;
}

export interface Frame<Bulk> {
  /** Changes when the controller was started anew. */
  serverId: string;
  /** ms since 1970 on the server's clock. */
  sentMs: number;
  state: ControllerState;
  cyclesPerSecond: number;
  radiation: Radiation;
  /** In the first frame and whenever it changed. */
  rig?: RigDescription;
  latest: LatestCycle | null;
  totals: CycleTotals;
  cycles: CycleBatch<Bulk> | null;
  events: PageEvent[];
  words?: PhaseWordsPlot<Bulk>;
  beampattern?: BeampatternPlot<Bulk>;
  /** The newest measurement of the array: in the first frame where there was one, and while it goes on. */
  calibration?: CalibrationNow;
  /** While a beam is shown by hand, whenever something of it has changed. */
  hand?: HandPlot<Bulk>;
}

/** Said to a page when it is let in. Where it is not, the connection is refused with an error whose `data` is a `Refusal`. */
export interface Welcome {
  /** Pages are counted from 1 since the server started: events name them by it. */
  page: number;
  /** Of the rows of cycles after the first number: `user_0_measured_db`, `measured_sum_rate`, `model_ms`, …, each with its unit and what it means. */
  columns: readonly PageColumn[];
  /** In the order in which a cycle passes them; stage `s` is the column `s_ms`. */
  stages: readonly { name: Stage; meaning: string }[];
}

/** Why a page is not let in; the error's message says it to a person. */
export interface Refusal {
  code: 'full';
}

export interface ServerToPage<Bulk = ArrayBuffer> {
  welcome: (welcome: Welcome) => void;
  frame: (frame: Frame<Bulk>, drawn: () => void) => void;
}

export interface PageToServer {
  watch: (views: CostlyView[]) => void;
  /** Steer: leave the paused state. */
  start: (answer: (result: ControlResult) => void) => void;
  /** Pause: no more cycles, the array goes to its safe state. */
  pause: (answer: (result: ControlResult) => void) => void;
  switchModel: (id: string, answer: (result: ControlResult) => void) => void;
  setPhaseBits: (phaseBits: number, answer: (result: ControlResult) => void) => void;
  /** Instead of what the model chooses: a direction, a scan over angles, or a beam that is kept by name; `switchModel` ends it. */
  byHand: (wish: HandWish, answer: (result: ControlResult) => void) => void;
  /** What a measurement of the array would take; nothing is sent to the panels. */
  planCalibration: (wish: CalibrationWish, answer: (result: PlanAnswer) => void) => void;
  /** Pause, and measure the array; answered once that has begun. */
  calibrate: (wish: CalibrationWish, answer: (result: ControlResult) => void) => void;
  cancelCalibration: (answer: (result: ControlResult) => void) => void;
  /** Beams that are kept by now; every page is told of them by its next frame. */
  listBeams: (answer: (result: ControlResult) => void) => void;
  /** Pause, and dark whatever the safe state is. */
  mute: (answer: (result: ControlResult) => void) => void;
}
