/**
 * Sends frames to the pages, at a pace that each of them sets by acknowledging what it drew. The control loop is never asked to wait: cycles
 * are noted in a ring as they end, and a timer of the server's own looks at the controller.
 *
 *   page:   connected ─► ready ── frame sent ──► owes an answer ── drawn ──► ready        a page that owes an answer gets nothing
 */
import { randomUUID } from 'node:crypto';
import type { Controller, CycleView, RigDescription } from '../control/controller.ts';
import { BeampatternView } from './beampattern-view.ts';
import { CycleHistory } from './cycle-history.ts';
import type { CostlyPanel, Frame } from './socket-contract.ts';

/** At most 30 frames a second; a page where nothing happens still hears that the controller lives. */
const TICK_MS = 34;
const IDLE_FRAME_MS = 250;
/** The description changes by controls and fallbacks, which are noticed at once; this catches the rest. */
const DESCRIBE_MS = 500;
const ROWS_KEPT = 8192;
const ROWS_A_FRAME = 2048;

export type SendFrame = (frame: Frame<ArrayBufferView>, drawn: () => void) => void;

/** One page: what it has been told, and whether it has drawn it. */
interface PageState {
  send: SendFrame;
  owesAnswer: boolean;
  sentMs: number;
  nextCycle: number;
  nextEvent: number;
  rigVersion: number;
  stateVersion: number;
  watched: ReadonlySet<CostlyPanel>;
  wordsOfCycle: number;
  beampatternOfCycle: number;
}

export interface PagePort {
  watch(panels: Iterable<CostlyPanel>): void;
  leave(): void;
}

export class FramePublisher {
  readonly #controller: Controller;
  readonly #serverId = randomUUID();
  readonly #history: CycleHistory;
  readonly #beampattern: BeampatternView;
  readonly #pages = new Set<PageState>();
  readonly #unsubscribe: (() => void)[];
  readonly #timer: NodeJS.Timeout;
  /** The newest beam known to radiate: that of a void cycle was perhaps never sent. */
  #radiated: CycleView | undefined;
  #outcome = 'ok';
  #rig: RigDescription;
  #rigText = '';
  #rigVersion = 0;
  #describedMs = -Infinity;
  #stateVersion = 0;

  constructor(controller: Controller) {
    this.#controller = controller;
    this.#rig = controller.describe();
    this.#history = new CycleHistory(this.#rig.users, ROWS_KEPT);
    this.#beampattern = new BeampatternView();
    this.#keepRadiated();
    this.#unsubscribe = [
      controller.onCycle((record) => {
        this.#history.addCycle(record, Date.now());
        this.#keepRadiated();
        // A page must never tell why and since when of another source than the newest cycle's, nor be late to tell whose fault a void one is.
        if (record.source !== this.#rig.source || record.outcome !== this.#outcome) this.lookAgain();
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

  join(send: SendFrame): PagePort {
    const page: PageState = {
      send,
      owesAnswer: false,
      sentMs: -Infinity,
      nextCycle: 0,
      nextEvent: 0,
      rigVersion: -1,
      stateVersion: -1,
      watched: new Set(),
      wordsOfCycle: -1,
      beampatternOfCycle: -1,
    };
    this.#pages.add(page);
    return {
      watch: (panels) => {
        page.watched = new Set(panels);
      },
      leave: () => this.#pages.delete(page),
    };
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
      rig: this.#rig,
      latest: latest && {
        ...latest,
        predictedSnrDb: Array.from(record?.predictedSnrDb ?? [], finiteOrNull),
        measuredSnrDb: Array.from(record?.measuredSnrDb ?? [], finiteOrNull),
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
    const due = [...this.#pages].filter((page) => !page.owesAnswer && this.#hasNews(page, nowMs));
    if (due.length === 0) return;
    this.#describe(nowMs);
    for (const page of due) this.#send(page, nowMs);
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

  #send(page: PageState, nowMs: number): void {
    const { batch, next } = this.#history.cyclesSince(page.nextCycle, ROWS_A_FRAME);
    const frame: Frame<ArrayBufferView> = {
      serverId: this.#serverId,
      sentMs: Date.now(),
      state: this.#controller.state,
      cyclesPerSecond: this.#controller.cyclesPerSecond(),
      latest: this.#history.latest(),
      totals: { ...this.#history.totals },
      cycles: batch,
      events: this.#history.eventsSince(page.nextEvent),
    };
    if (page.rigVersion !== this.#rigVersion) frame.rig = this.#rig;
    this.#addCostlyPanels(page, frame, nowMs);
    page.nextCycle = next;
    page.nextEvent = this.#history.eventsWritten;
    page.rigVersion = this.#rigVersion;
    page.stateVersion = this.#stateVersion;
    page.sentMs = nowMs;
    page.owesAnswer = true;
    page.send(frame, () => {
      page.owesAnswer = false;
    });
  }

  #addCostlyPanels(page: PageState, frame: Frame<ArrayBufferView>, nowMs: number): void {
    if (page.watched.has('words')) {
      const view = this.#radiated;
      if (view && view.record.cycle !== page.wordsOfCycle) {
        frame.words = { cycle: view.record.cycle, phaseBits: view.record.phaseBits, words: view.words.slice() };
        page.wordsOfCycle = view.record.cycle;
      }
    }
    if (page.watched.has('beampattern')) {
      const panel = this.#beampattern.at(nowMs, this.#rig, () => this.#radiated);
      if (panel && panel.cycle !== page.beampatternOfCycle) {
        frame.beampattern = panel;
        page.beampatternOfCycle = panel.cycle;
      }
    }
  }
}

const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
