/** What the page knows of the rig: the newest of everything, the history of the cycles, and how fresh all of it is. */
import type {
  BeampatternPlot,
  CalibrationNow,
  ControllerState,
  CycleTotals,
  Frame,
  HandPlot,
  Figure,
  LatestCycle,
  PageColumn,
  PageEvent,
  Radiation,
  RigDescription,
  Source,
  Stage,
  Welcome,
  PhaseWordsPlot,
} from '../src/server/socket-contract.ts';
import { degrees } from './charts/figures.ts';
import { History } from './charts/history.ts';

const CYCLES_KEPT = 16_384;
const EVENTS_KEPT = 200;
const DATES_KEPT = 16;
/** Charts show this much. */
export const WINDOW_MS = 60_000;
/** Older than this is not "now" any more. Long enough that a single void cycle between good ones changes nothing on the page. */
const FRESH_MS = 1000;
/** Slow loops get so many of their periods, for the same reason. */
const FRESH_PERIODS = 3;

/** One quantity, and the places in `history` of what is known of it. */
export interface FigureColumns {
  of: string;
  unit: string;
  /** Of some rigs nobody can tell it. */
  seldom: boolean;
  columns: { from: Figure['from']; place: number; meaning: string }[];
}

/** What is wrong with a rig that is meant to run. */
export type Trouble = 'faulted' | 'void' | 'stalled';

export class Live {
  connection: 'connecting' | 'open' | 'gone' = 'connecting';
  /** When the connection was lost, this machine's clock. */
  goneSince = new Date();
  /** Why the server does not let this page in, in its own words. */
  refusal: string | undefined;
  /** The number that events name this page by. */
  page: number | undefined;
  rig: RigDescription | undefined;
  state: ControllerState | undefined;
  cyclesPerSecond = 0;
  /** What the array shows now, as far as the controller knows; undefined before it has said. */
  radiation: Radiation | undefined;
  latest: LatestCycle | null = null;
  totals: CycleTotals = { cycles: 0, voidCycles: 0, retries: 0, timeouts: 0, discarded: 0 };
  events: PageEvent[] = [];
  /** Counts the changes of `events`. */
  eventsVersion = 0;
  words: PhaseWordsPlot<ArrayBuffer> | undefined;
  beampattern: BeampatternPlot<ArrayBuffer> | undefined;
  /** The newest measurement of the array. */
  calibration: CalibrationNow | undefined;
  /** Of beams by hand. */
  hand: HandPlot<ArrayBuffer> | undefined;
  history: History | undefined;
  /** Of a cycle, in the order in which it passes them. */
  stages: Welcome['stages'] = [];
  #columns: readonly PageColumn[] = [];
  #firstFrame = true;
  /** When this page saw it start to run, on the server's clock: only from then on are cycles due. */
  #runningSinceMs = -Infinity;
  /** What has to be added to this page's time to get the server's: neither is set back or forward while pages live. */
  #serverAheadMs = 0;
  readonly #datesHere = new Map<number, Date>();

  connected(): void {
    this.connection = 'open';
    this.refusal = undefined;
    this.#firstFrame = true;
  }

  welcomed({ page, columns, stages }: Welcome): void {
    this.page = page;
    this.#columns = columns;
    this.stages = stages;
  }

  disconnected(refusal?: string): void {
    this.refusal = refusal;
    if (this.connection === 'open') this.goneSince = new Date();
    this.connection = 'gone';
  }

  take(frame: Frame<ArrayBuffer>): void {
    this.#serverAheadMs = frame.sentMs - performance.now();
    if (this.#firstFrame) {
      // Everything that is kept comes again after a connection, from this controller or from another one.
      this.events = [];
      this.eventsVersion++;
      this.words = undefined;
      this.beampattern = undefined;
      this.hand = undefined;
      this.calibration = undefined;
      this.#firstFrame = false;
      this.#runningSinceMs = -Infinity;
    } else if (frame.state === 'running' && this.state !== 'running') this.#runningSinceMs = frame.sentMs;
    if (frame.rig) this.rig = frame.rig;
    this.state = frame.state;
    this.cyclesPerSecond = frame.cyclesPerSecond;
    this.radiation = frame.radiation;
    this.latest = frame.latest;
    this.totals = frame.totals;
    if (frame.words) this.words = frame.words;
    if (frame.beampattern) this.beampattern = frame.beampattern;
    if (frame.hand) this.hand = frame.hand;
    if (frame.calibration) this.calibration = frame.calibration;
    if (frame.events.length > 0) {
      this.events = [...this.events, ...frame.events].slice(-EVENTS_KEPT);
      this.eventsVersion++;
    }
    if (frame.cycles) {
      const columns = frame.cycles.columns - 1;
      if (this.history?.columns !== columns) this.history = new History(columns, CYCLES_KEPT);
      this.history.append(frame.cycles);
    }
  }

  /** Now, on the server's clock. */
  nowMs(): number {
    return performance.now() + this.#serverAheadMs;
  }

  /** How long ago the newest cycle ended. */
  ageMs(): number {
    return this.latest ? Math.max(0, this.nowMs() - this.latest.endedMs) : Infinity;
  }

  /** How long ago the newest cycle that was ok ended. */
  valuesAgeMs(): number {
    const okMs = this.latest?.okEndedMs;
    return typeof okMs === 'number' ? Math.max(0, this.nowMs() - okMs) : Infinity;
  }

  /** What was measured is of a cycle that was ok, and not of long ago: void cycles keep nothing fresh. */
  get fresh(): boolean {
    return this.connection === 'open' && this.valuesAgeMs() <= this.freshMs;
  }

  /** Why a rig that should run shows nothing new. Undefined while all is well, nothing is due, or nobody can know. */
  get trouble(): Trouble | undefined {
    if (this.connection !== 'open') return undefined;
    if (this.state === 'faulted') return 'faulted';
    if (this.state !== 'running' || !this.latest) return undefined;
    const { endedMs, okEndedMs, voidSinceMs } = this.latest;
    const overdue = (sinceMs: number): boolean => this.nowMs() - Math.max(sinceMs, this.#runningSinceMs) > this.freshMs;
    if (voidSinceMs !== null) return overdue(okEndedMs ?? voidSinceMs) ? 'void' : undefined;
    return overdue(endedMs) ? 'stalled' : undefined;
  }

  /** A pause longer than this between two cycles is a gap. */
  get freshMs(): number {
    return Math.max(FRESH_MS, (1000 * FRESH_PERIODS) / (this.rig?.loopRateHz || Infinity));
  }

  /** When the values on the page were true, on this machine's clock. */
  get valuesOf(): Date | undefined {
    return this.#here(this.latest?.okEndedMs);
  }

  /** Since when the beam has been void, on this machine's clock. */
  get voidSince(): Date | undefined {
    return this.#here(this.latest?.voidSinceMs);
  }

  /** When the newest cycle ended, void or not, on this machine's clock. */
  get lastCycle(): Date | undefined {
    return this.#here(this.latest?.endedMs);
  }

  /** By its age: the server's clock and this machine's may differ. One moment is one time, however often it is asked for. */
  #here(serverMs: number | null | undefined): Date | undefined {
    if (typeof serverMs !== 'number') return undefined;
    const known = this.#datesHere.get(serverMs);
    if (known) return known;
    const date = new Date(Date.now() - (this.nowMs() - serverMs));
    if (this.#datesHere.size >= DATES_KEPT) this.#datesHere.clear();
    this.#datesHere.set(serverMs, date);
    return date;
  }

  /** The end of the charts: now, or where the data stopped, so that nothing moves without data. */
  chartEndMs(): number {
    return this.fresh || !this.latest ? this.nowMs() : (this.latest.okEndedMs ?? this.latest.endedMs);
  }

  /** Place in `history` of the newest cycle whose beam is known to radiate: figures stay with it through void ones. */
  get newestOk(): number {
    const okMs = this.latest?.okEndedMs;
    if (!this.history || typeof okMs !== 'number') return -1;
    return this.history.firstAtOrAfter(okMs + 0.5) - 1;
  }

  /** What the newest cycle ran on; before the first, what the rig is to run on. */
  get source(): Source | undefined {
    return this.latest?.source ?? this.rig?.source;
  }

  get users(): number {
    return this.rig?.users ?? 0;
  }

  /** Places of the columns in `history`. */
  get columns() {
    const place = (name: string): number => this.#columns.findIndex((column) => column.name === name);
    return {
      measured: (user: number): number => place(`user_${user}_measured_db`),
      predicted: (user: number): number => place(`user_${user}_predicted_db`),
      stage: (stage: Stage): number => place(`${stage}_ms`),
    };
  }

  /** What the rig is judged by, each quantity with its columns. */
  get figures(): FigureColumns[] {
    const found = new Map<string, FigureColumns>();
    this.#columns.forEach(({ figure, unit = '', meaning }, place) => {
      if (figure === undefined) return;
      const of = found.get(figure.of) ?? { of: figure.of, unit, seldom: figure.seldom === true, columns: [] };
      found.set(figure.of, of);
      of.columns.push({ from: figure.from, place, meaning });
    });
    return [...found.values()];
  }
}

export const clockTime = (date: Date): string => date.toLocaleTimeString('en-GB', { hour12: false });

/** What shows a beam, and how: only hardware radiates. */
const SHOWING: Record<Source, { array: string; how: string; held: string }> = {
  hardware: { array: 'the array', how: 'RADIATING', held: 'the held beam' },
  'played-panel': { array: 'the played panel', how: 'PLAYED', held: 'held beam' },
  simulator: { array: 'the simulated array', how: 'SIMULATED', held: 'held beam' },
};

/** As it stands in the middle of a sentence. */
export const arrayText = ({ source }: Live): string => SHOWING[source ?? 'hardware'].array;

export const radiates = ({ source }: Live): boolean => source === 'hardware';

/** What the array shows, in the fewest words. */
export function radiationText({ connection, radiation, source }: Live): string {
  if (connection !== 'open' || !radiation || source === undefined) return 'UNKNOWN';
  const { how, held } = SHOWING[source];
  const doubt = radiation.confirmed ? '' : ', not confirmed';
  switch (radiation.shows) {
    case 'nothing':
      return 'NOTHING YET';
    case 'beam':
      return `${how} beams`;
    case 'held':
      return `${how} ${held}${doubt}`;
    case 'codeword':
      return `${how} codeword${radiation.azimuthDeg === null ? '' : `, ${degrees(radiation.azimuthDeg)}`}${doubt}`;
    case 'dark':
      return `DARK${doubt}`;
    case 'settings':
      return `${how} calibration`;
    case 'unknown':
      return 'UNKNOWN';
  }
}

/** Below a beam that no cycle of now has made, what it is; undefined while one has. */
export function staleBeam(live: Live): string | undefined {
  if (live.connection === 'open' && live.radiation) {
    const { shows, azimuthDeg, confirmed } = live.radiation;
    const doubt = confirmed ? '' : ' (not confirmed)';
    if (shows === 'dark') return `Dark: nothing is radiated${doubt}`;
    const real = radiates(live);
    if (shows === 'settings')
      return `${real ? 'Radiating' : 'Showing'} settings of a calibration; the beam below is of ${live.valuesOf ? clockTime(live.valuesOf) : 'before'}`;
    const safe = `the safe state, ${live.source === 'simulator' ? 'simulated' : 'played'}`;
    if (shows === 'codeword') {
      const where = azimuthDeg === null ? '' : ` at ${degrees(azimuthDeg)}`;
      return `Codeword${where}: ${real ? 'the safe state radiates now' : safe}${doubt}`;
    }
    if (shows === 'held') return `Held beam: ${real ? 'the safe state radiates it now' : safe}${doubt}`;
  }
  if (live.fresh || !live.valuesOf) return undefined;
  return `Last beam known to ${radiates(live) ? 'radiate' : 'be shown'}, of ${clockTime(live.valuesOf)}`;
}
