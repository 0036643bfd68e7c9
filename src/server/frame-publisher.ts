/**
 * Sends frames to the pages, at a pace that each of them sets by acknowledging what it drew. The control loop is never asked to wait: cycles
 * are noted in a ring as they end, and a timer of the server's own looks at the controller.
 *
 *   page:   connected ─► ready ── frame sent ──► owes an answer ── drawn ──► ready        a page that owes an answer gets nothing
 *
 * All pages together have a budget of the thread's time, which the control loop needs: the more pages, the seldomer each gets a frame, but
 * about once a second at least. They get them a few at a time, never all at once, and those who were last served together are sent the same.
 */
import { randomUUID } from 'node:crypto';
import { steadyEpochMs } from '../../core/clock/steady-epoch.ts';
import type { CalibrationNow } from '../control/calibrating.ts';
import type { Controller, CycleView, RigDescription, SensingWish } from '../control/controller.ts';
import { BeampatternView } from './beampattern-view.ts';
import { CycleHistory } from './cycle-history.ts';
import type { PageColumn } from '../telemetry/cycle-columns.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import { HandView } from './hand-view.ts';
import { codewordView, radiationNow, type ShownBeam } from './radiation.ts';
import type { BeampatternPlot, CostlyView, Frame, Radiation } from './socket-contract.ts';

const TICK_MS = 17;
/** At most 30 frames a second for a page, and with however many pages one in this time; where nothing happens the controller still shows that it lives. */
const SHORTEST_INTERVAL_MS = 33;
const LONGEST_INTERVAL_MS = 700;
const IDLE_FRAME_MS = 250;
/** What sending may take of the thread's time: the acknowledgements cost about as much again. */
const SHARE_OF_TIME = 0.05;
/** Weight of the newest round in the mean time that sending to one page takes. */
const COST_WEIGHT = 0.05;
/** The description changes by controls and fallbacks, which are noticed at once; this catches the rest. */
const DESCRIBE_MS = 500;
const ROWS_KEPT = 8192;
/** A frame is no larger than this, whatever the number of users. */
const ROWS_A_FRAME = 2048;
const ROW_BYTES_A_FRAME = 256 * 1024;

export interface PageConnection {
  /** Nothing that was sent before waits in this machine. */
  ready(): boolean;
  send(frame: Frame<ArrayBufferView>, drawn: () => void): void;
}

/** One page: what it has been told, and whether it has drawn it. */
interface PageState {
  connection: PageConnection;
  owesAnswer: boolean;
  sentMs: number;
  nextCycle: number;
  nextEvent: number;
  rigVersion: number;
  stateVersion: number;
  watched: ReadonlySet<CostlyView>;
  wordsOfCycle: number;
  beampatternOfCycle: number;
  handVersion: number;
  calibration: CalibrationNow | undefined;
}

export interface PagePort {
  watch(views: Iterable<CostlyView>): void;
  leave(): void;
}

export class FramePublisher {
  readonly #controller: Controller;
  readonly #serverId = randomUUID();
  readonly #history: CycleHistory;
  readonly #beampattern: BeampatternView;
  readonly #hand = new HandView();
  readonly #pages = new Set<PageState>();
  readonly #unsubscribe: (() => void)[];
  readonly #timer: NodeJS.Timeout;
  /** The newest beam known to radiate: that of a void cycle was perhaps never sent. */
  #radiated: CycleView | undefined;
  /** The fixed beam of the safe state, where it has one. */
  readonly #codeword: ShownBeam | undefined;
  readonly #sensing: SensingWish | undefined;
  #outcome = 'ok';
  #rig: RigDescription;
  #rigText = '';
  #rigVersion = 0;
  #describedMs = -Infinity;
  #stateVersion = 0;
  readonly #rowsAFrame: number;
  #tickMs = performance.now();
  /** Mean time that sending to one page takes. */
  #costMs = 0.1;

  /** Of the rows of cycles. */
  get columns(): readonly PageColumn[] {
    return this.#history.columns;
  }

  constructor(controller: Controller) {
    this.#controller = controller;
    this.#rig = controller.describe();
    this.#history = new CycleHistory(this.#rig.users, ROWS_KEPT);
    this.#rowsAFrame = Math.min(ROWS_A_FRAME, Math.floor(ROW_BYTES_A_FRAME / this.#history.rowBytes));
    this.#beampattern = new BeampatternView();
    this.#codeword = codewordView(this.#rig, controller.safeBeam());
    this.#sensing = controller.sensing();
    this.#keepRadiated();
    this.#unsubscribe = [
      controller.onCycle((record) => {
        this.#history.addCycle(record, steadyEpochMs());
        this.#keepRadiated();
        // A page must never tell why and since when of another source than the newest cycle's, nor be late to tell whose fault a void one is.
        const left = record.outcome === 'ok' && this.#rig.safe.confirmed;
        if (left || record.source !== this.#rig.source || record.outcome !== this.#outcome) this.lookAgain();
        this.#outcome = record.outcome;
      }),
      controller.onEvent((event) => {
        this.#history.addEvent(event);
        this.lookAgain();
      }),
      controller.onState(() => this.lookAgain()),
    ];
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Something about the rig may have changed: describe it anew with the next frame. */
  lookAgain(): void {
    this.#stateVersion++;
    this.#describedMs = -Infinity;
  }

  join(connection: PageConnection): PagePort {
    const page: PageState = {
      connection,
      owesAnswer: false,
      sentMs: -Infinity,
      nextCycle: 0,
      nextEvent: 0,
      rigVersion: -1,
      stateVersion: -1,
      watched: new Set(),
      wordsOfCycle: -1,
      beampatternOfCycle: -1,
      handVersion: 0,
      calibration: undefined,
    };
    this.#pages.add(page);
    return {
      watch: (views) => {
        page.watched = new Set(views);
      },
      leave: () => this.#pages.delete(page),
    };
  }

  /** An event that is not the controller's. */
  show(event: RigEvent): void {
    this.#history.addEvent(event);
    this.lookAgain();
  }

  /** The rig in one plain object, for scripts. */
  state(): object {
    const { state } = this.#controller;
    this.#describe(performance.now());
    const latest = this.#history.latest();
    // Not that of `controller.latest()`, which may be the beam of an older cycle.
    const record = this.#history.latestRecord;
    return {
      state,
      cyclesPerSecond: this.#controller.cyclesPerSecond(),
      radiation: this.#radiation(),
      rig: this.#rig,
      latest: latest && {
        ...latest,
        predictedSnrDb: Array.from(record?.predictedSnrDb ?? [], finiteOrNull),
        // Of a void cycle the record may have some, credited to nobody.
        measuredSnrDb: Array.from(record?.measuredSnrDb ?? [], (value) =>
          record?.outcome === 'ok' ? finiteOrNull(value) : null,
        ),
      },
      totals: this.#history.totals,
    };
  }

  close(): void {
    clearInterval(this.#timer);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#pages.clear();
  }

  #keepRadiated(): void {
    const view = this.#controller.latest();
    if (view?.record.outcome === 'ok') this.#radiated = view;
  }

  #tick(): void {
    const nowMs = performance.now();
    const elapsedMs = Math.min(nowMs - this.#tickMs, LONGEST_INTERVAL_MS);
    this.#tickMs = nowMs;
    const wantedMs = (this.#pages.size * this.#costMs) / SHARE_OF_TIME;
    const intervalMs = Math.min(Math.max(wantedMs, SHORTEST_INTERVAL_MS), LONGEST_INTERVAL_MS);
    const due = [...this.#pages].filter((page) => this.#isDue(page, nowMs, intervalMs));
    if (due.length === 0) return;
    // Who has waited longest comes first, and in the time of one interval everybody's turn comes.
    const turns = Math.max(1, Math.ceil((this.#pages.size * elapsedMs) / intervalMs));
    const served = due.length <= turns ? due : due.sort((a, b) => a.sentMs - b.sentMs).slice(0, turns);
    this.#describe(nowMs);
    const frames = new SharedFrames();
    for (const page of served) this.#send(page, nowMs, frames);
    this.#costMs += COST_WEIGHT * ((performance.now() - nowMs) / served.length - this.#costMs);
  }

  #isDue(page: PageState, nowMs: number, intervalMs: number): boolean {
    if (page.owesAnswer || nowMs - page.sentMs < intervalMs) return false;
    return this.#hasNews(page, nowMs) && page.connection.ready();
  }

  #hasNews(page: PageState, nowMs: number): boolean {
    return (
      page.nextCycle < this.#history.written ||
      page.nextEvent < this.#history.eventsWritten ||
      page.stateVersion !== this.#stateVersion ||
      nowMs - page.sentMs >= IDLE_FRAME_MS
    );
  }

  #describe(nowMs: number): void {
    if (nowMs - this.#describedMs < DESCRIBE_MS) return;
    this.#describedMs = nowMs;
    const rig = this.#controller.describe();
    const text = JSON.stringify(rig);
    if (text === this.#rigText) return;
    this.#rig = rig;
    this.#rigText = text;
    this.#rigVersion++;
  }

  #send(page: PageState, nowMs: number, frames: SharedFrames): void {
    const words = this.#wordsDue(page);
    const beampattern = this.#beampatternDue(page, nowMs);
    const hand = this.#hand.at(this.#rig, this.#radiated, this.#controller.scan());
    const handIsNew = hand.version !== page.handVersion;
    // Made anew whenever anything of it changes.
    const calibration = this.#controller.calibrating.now;
    const calibrationIsNew = calibration !== page.calibration;
    const rigIsNew = page.rigVersion !== this.#rigVersion;
    const { frame, next } = frames.of(
      [page.nextCycle, page.nextEvent, rigIsNew, words?.record.cycle, beampattern?.cycle, handIsNew, calibrationIsNew],
      () => {
        const { batch, next } = this.#history.cyclesSince(page.nextCycle, this.#rowsAFrame);
        const frame: Frame<ArrayBufferView> = {
          serverId: this.#serverId,
          sentMs: steadyEpochMs(),
          state: this.#controller.state,
          cyclesPerSecond: this.#controller.cyclesPerSecond(),
          radiation: this.#radiation(),
          latest: this.#history.latest(),
          totals: { ...this.#history.totals },
          cycles: batch,
          events: this.#history.eventsSince(page.nextEvent),
          ...(rigIsNew ? { rig: this.#rig } : {}),
          ...(words
            ? { words: { cycle: words.record.cycle, phaseBits: words.record.phaseBits, words: words.words.slice() } }
            : {}),
          ...(beampattern ? { beampattern } : {}),
          ...(handIsNew ? { hand: hand.plot } : {}),
          ...(calibrationIsNew && calibration !== undefined ? { calibration } : {}),
        };
        return { frame, next };
      },
    );
    page.nextCycle = next;
    page.nextEvent = this.#history.eventsWritten;
    page.rigVersion = this.#rigVersion;
    page.stateVersion = this.#stateVersion;
    page.wordsOfCycle = words?.record.cycle ?? page.wordsOfCycle;
    page.beampatternOfCycle = beampattern?.cycle ?? page.beampatternOfCycle;
    page.handVersion = hand.version;
    page.calibration = calibration;
    page.sentMs = nowMs;
    page.owesAnswer = true;
    page.connection.send(frame, () => {
      page.owesAnswer = false;
    });
  }

  #radiation(): Radiation {
    return radiationNow(this.#controller.state, this.#rig, this.#history.latestRecord, this.#radiated !== undefined);
  }

  /** What radiates, or did last. */
  #shown(): ShownBeam | undefined {
    return this.#radiation().shows === 'codeword' ? this.#codeword : this.#radiated;
  }

  #wordsDue(page: PageState): ShownBeam | undefined {
    const view = page.watched.has('words') ? this.#shown() : undefined;
    return view && view.record.cycle !== page.wordsOfCycle ? view : undefined;
  }

  #beampatternDue(page: PageState, nowMs: number): BeampatternPlot<Float32Array> | undefined {
    if (!page.watched.has('beampattern')) return undefined;
    const pattern = this.#beampattern.at(nowMs, this.#rig, () => this.#shown(), this.#sensing);
    return pattern && pattern.cycle !== page.beampatternOfCycle ? pattern : undefined;
  }
}

/** Frames made in one round: pages that are told the same get the same object, which is encoded once. */
class SharedFrames {
  readonly #made = new Map<string, { frame: Frame<ArrayBufferView>; next: number }>();

  of(
    sent: readonly unknown[],
    make: () => { frame: Frame<ArrayBufferView>; next: number },
  ): { frame: Frame<ArrayBufferView>; next: number } {
    const key = sent.join();
    const made = this.#made.get(key) ?? make();
    this.#made.set(key, made);
    return made;
  }
}

const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
