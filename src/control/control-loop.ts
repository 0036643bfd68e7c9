/**
 * The controller: runs the control cycle again and again, at the rig's rate or as fast as it goes, and answers to run, pause, switch model,
 * change Q and stop. Which of those is allowed when is in controller-machine.ts; what one cycle does is in control-cycle.ts.
 *
 * Pipelined, the model computes cycle t + 1 in its thread while cycle t is on the panel: the loop is then as fast as the slower of the two,
 * and each channel is older by up to one cycle when its beam is radiated (`cycleMs` of the records says how old).
 */
import type { Clock } from '../../core/clock/clock.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { CycleRecord, RigEvent } from '../telemetry/cycle-record.ts';
import type { ControllerState, ControlResult, CycleView, HandWish, RigDescription, SafeBeam, ScanNow } from './controller.ts';
import { prepareCycle, radiateCycle, type PreparedCycle } from './control-cycle.ts';
import { createArrayHealth } from './array-health.ts';
import { createCycleConclusions, panelUnusable, type RunFault } from './cycle-conclusions.ts';
import type { ControllerEvent } from './controller-machine.ts';
import { transition } from './controller-machine.ts';
import { createCycleWatch } from './watch/cycle-watch.ts';
import { lookUntil } from './look-until.ts';
import { createLoopNews } from './loop-news.ts';
import { outcomeOf, type ControlLoop, type ControlLoopOptions, type RunOutcome } from './loop-options.ts';
import { createLoopPanels } from './loop-panels.ts';
import { RESUMED, beamHeard, describedNow, faulted, muted, paused } from './loop-words.ts';
import { modelSwitched } from './model-switch.ts';
import { errorInWords } from './watch/failure-messages.ts';
import { createActiveBeamformer, type Choice } from './active-beamformer.ts';
import { createBeamChoices } from './beam-choices.ts';
import { createBetweenTurns } from './between-cycles.ts';
import { createPacing } from './pacing.ts';
import { createPanelLoan, type PanelLoan } from './panel-loan.ts';
import { createFailuresInARow } from './watch/failures-in-a-row.ts';
import { troubleOf } from './watch/loop-trouble.ts';
import { createPowerNews } from './watch/power-news.ts';
import { createVoidNews } from './watch/void-news.ts';
import { createRateMeter } from './watch/rate-meter.ts';
import { unlessStopped, withinTime } from './within-time.ts';

export type { ControlLoop, ControlLoopOptions, RunOutcome };

/** A stop waits so long for the panel's word that it is safe, for the cycle under way, and for what is to be closed, ms. */
const STOP = { confirmMs: 1000, windUpMs: 150, closeMs: 350 };

/** A cycle that is being prepared, and what its beam is computed by and for, whatever is chosen meanwhile. */
type CycleAhead = Choice & { readonly prepared: Promise<PreparedCycle | undefined> };

export function createControlLoop(options: ControlLoopOptions): ControlLoop {
  return new Loop(options);
}

class Loop implements ControlLoop {
  readonly #options: ControlLoopOptions;
  readonly #clock: Clock;
  readonly #news;
  readonly #model;
  readonly #choices;
  readonly #panels;
  readonly #pacing;
  readonly #rate;
  readonly #safety;
  readonly calibrating: PanelLoan;
  readonly #between;
  readonly #voidNews;
  readonly #failures;
  readonly #powerNews;
  readonly #watch;
  readonly #health;
  readonly #conclusions;
  #state: ControllerState = 'starting';
  #cycle = 0;
  /** Cycle t + 1 under way in the model's thread. */
  #ahead: CycleAhead | undefined;
  /** What the model computes or computed last, also when nobody waits for it any more. */
  #computing: Promise<unknown> | undefined;
  /** Aborts whatever the loop waits for, so that it looks at its state. */
  #wake = new AbortController();
  #resume: () => void = () => undefined;
  #pausing: ((result: ControlResult) => void)[] = [];
  /** Paused, with the array told to be safe and nothing under way. */
  #idle = false;
  #run: Promise<RunOutcome> | undefined;
  #cycling: Promise<void> | undefined;
  #tellHalted: () => void = () => undefined;
  readonly #halted = new Promise<void>((resolve) => {
    this.#tellHalted = resolve;
  });
  /** What the loop waits for, for whoever wonders why no cycle turns. */
  #doing = 'nothing';
  #faultMessage: string | undefined;
  #stoppedByHand = false;
  #shutDown: Promise<void> | undefined;
  unsafe: string | undefined;

  constructor(options: ControlLoopOptions) {
    this.#options = options;
    const { setting, rateHz, sink } = options;
    this.#clock = setting.clock;
    this.#news = createLoopNews(this.#clock, sink);
    const tell = this.#news.event;
    this.#model = createActiveBeamformer(
      { beamformer: options.beamformer, phaseBits: setting.panelPhaseBits },
      (id, phaseBits) => this.#clock.during(options.openBeamformer(id, phaseBits)),
      () => this.#idle && this.#changeModel(),
    );
    this.#choices = createBeamChoices({
      ...{ model: this.#model, byHand: options.byHand, kept: options.keptBeams, mostPhaseBits: setting.panelPhaseBits },
      ...{ state: () => this.#state, tell },
    });
    this.#pacing = createPacing(this.#clock, rateHz);
    this.#rate = createRateMeter(this.#clock);
    this.#failures = createFailuresInARow(this.#clock);
    this.#voidNews = createVoidNews(this.#clock, tell);
    this.#powerNews = createPowerNews(tell);
    this.#health = options.health ?? createArrayHealth();
    this.#watch = createCycleWatch({
      clock: this.#clock,
      ...{ rateHz, sink, tell, pilots: setting.pilots, noise: setting.noise, boards: options.boards ?? [], health: this.#health },
      temperatureC: () => this.#panels.temperatureC(),
    });
    const { panels, safety } = createLoopPanels(options, {
      waitsFor: () => this.#doing,
      isRunning: () => this.#is('running'),
      tell,
    });
    this.#panels = panels;
    this.#safety = safety;
    this.calibrating = createPanelLoan({
      ...{ clock: this.#clock, panels, calibrator: options.calibrator, tell, onState: this.#news.onState },
      ...{ state: () => this.#state, move: (event) => this.#move(event), pause: () => this.pause(), run: () => this.run() },
      mute: () => this.mute(),
      array: () => setting.calibration?.(panels.panel),
      wake: () => this.#resume(),
    });
    this.#between = createBetweenTurns({
      ...{ clock: this.#clock, works: [this.#watch.look, ...(options.between ?? [])], panels, safety, tell },
      isRunning: () => this.#is('running'),
      doing: (what) => (this.#doing = what),
    });
    this.#conclusions = createCycleConclusions({
      ...{ sink, news: this.#news, rate: this.#rate, watch: this.#watch, health: this.#health, failures: this.#failures },
      ...{ voidNews: this.#voidNews, panels, safety, between: this.#between },
      flaws: () => this.calibrating.array()?.flaws ?? [],
    });
  }

  get state(): ControllerState {
    return this.#state;
  }

  get trouble(): string | undefined {
    return troubleOf({
      ...{ state: this.#state, faultMessage: this.#faultMessage, waitsFor: this.#doing },
      ...{ loss: this.#panels.loss, stuckMs: this.#safety.stuckMs, tooLong: this.#failures.tooLong },
    });
  }

  describe(): RigDescription {
    const { description, setting } = this.#options;
    const array = this.calibrating.array();
    return describedNow(description, this.#model.current, {
      ...this.#panels.describe(),
      beams: this.#choices.keptBeams ?? description.beams,
      channels: setting.channels.about?.() ?? description.channels,
      ...{ array, calibrationMethods: this.calibrating.methods(), flaws: this.#health.list(array?.flaws ?? []) },
      tableOffDeg: this.#health.outdatedByDeg,
      slow: (this.#is('running') ? this.#watch.slow : undefined) ?? null,
      ...{ muted: this.#panels.muted, confirmed: this.#panels.confirmed },
    });
  }

  safeBeam = (): SafeBeam | undefined => this.#options.safe.beam?.(this.#panels.panel);
  sensing = () => this.#options.setting.sensing;
  latest = (): CycleView | undefined => this.#conclusions.latest;
  cyclesPerSecond = (): number => this.#rate.perSecond();
  onCycle = (listener: (record: CycleRecord) => void): (() => void) => this.#news.onCycle(listener);
  onEvent = (listener: (event: RigEvent) => void): (() => void) => this.#news.onEvent(listener);
  onState = (listener: (state: ControllerState) => void): (() => void) => this.#news.onState(listener);

  start(): Promise<RunOutcome> {
    // Stopped is stopped, whatever a cycle still waits for.
    this.#run ??= Promise.race([this.#runToEnd(), this.#halted]).then(() =>
      outcomeOf(this.#faultMessage, this.#stoppedByHand, this.#cycle, this.#conclusions.voidCycles),
    );
    return this.#run;
  }

  commandSafe = (): boolean => this.#panels.commandSafe();

  async run(): Promise<ControlResult> {
    const before = this.#state;
    const moved = this.#move('run');
    if (moved.ok && before === 'paused') {
      this.#news.event(RESUMED);
      this.#resume();
    }
    return moved;
  }

  async pause(): Promise<ControlResult> {
    const moved = this.#move('pause');
    if (!moved.ok || this.#idle) return moved;
    this.#wake.abort();
    return new Promise((resolve) => this.#pausing.push(resolve));
  }

  async mute(): Promise<ControlResult> {
    const paused = await this.pause();
    if (!this.#is('paused')) return paused.ok ? { ok: false, reason: `the rig is ${this.#state}` } : paused;
    const unsafe = await this.#panels.mute();
    this.#news.event(muted(unsafe));
    return unsafe === undefined ? { ok: true } : { ok: false, reason: unsafe };
  }

  switchModel = (id: string): Promise<ControlResult> => this.#choices.switchModel(id);
  byHand = (wish: HandWish): Promise<ControlResult> => this.#choices.byHand(wish);
  scan = (): ScanNow | undefined => this.#choices.scan();
  listBeams = (): ControlResult => this.#choices.listBeams();
  setPhaseBits = (phaseBits: number): Promise<ControlResult> => this.#choices.setPhaseBits(phaseBits);

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#stoppedByHand = true;
    this.#move('stop');
    this.#wake.abort();
    this.#resume();
    await this.#halt();
  }

  async #runToEnd(): Promise<void> {
    if (this.#move('start').ok) {
      this.#safety.watch();
      for (const event of this.#options.firstEvents ?? []) this.#news.event(event);
      try {
        await this.#panels.arm();
        this.#cycling = this.#cycles();
        await this.#cycling;
      } catch (error) {
        await this.#fault({ code: 'internal', message: `The control loop failed: ${errorInWords(error)}` });
      }
    }
    if (this.#state !== 'faulted') await this.#halt();
  }

  async #cycles(): Promise<void> {
    for (;;) {
      // More than once where it is run and paused again while the array is still on its way to safety.
      while (this.#is('paused') || this.#is('measuring')) await (this.#is('paused') ? this.#stayPaused() : this.#beMeasured());
      if (this.#state !== 'running') return;
      this.#answerPausing({ ok: false, reason: 'the rig was started again before it had paused' });
      if (this.#cycle >= (this.#options.cycles ?? Infinity)) return void this.#move('ended');
      const { signal } = this.#wake;
      let ahead: CycleAhead;
      let prepared: PreparedCycle | undefined;
      try {
        this.#doing = 'its time';
        await this.#pacing.next(signal);
        this.#doing = 'the panel';
        const verdict = await this.#panels.ready(signal);
        if (verdict !== undefined) return await this.#fault(panelUnusable(verdict));
        if (this.#state !== 'running') continue;
        this.#changeModel();
        const between = await this.#between.turn(this.#model.current, signal);
        if (typeof between === 'object') return await this.#fault(panelUnusable(between));
        if (!this.#is('running')) continue;
        if (between === 'done') this.#ahead = undefined; // what was measured may be what it goes by, and its slot is another
        ahead = this.#ahead ??= this.#prepare(this.#cycle, this.#between.slot);
        this.#doing = `the model '${ahead.beamformer.id}'`;
        prepared = await unlessStopped(ahead.prepared, signal);
      } catch (error) {
        if (!isBeamrigError(error) || error.code !== 'stopped') throw error;
        this.#wake = new AbortController();
        continue; // somebody paused or stopped while the loop was waiting
      }
      this.#ahead = undefined;
      if (prepared === undefined) return void this.#move('ended');
      this.#powerNews.of(prepared.modelId, prepared.beam?.powerRatio);
      this.#doing = 'the panel';
      const beamId = await this.#panels.beamId(this.#between.slot);
      // From here to the panel nothing waits: what is commanded to be safe is not lit again.
      if (!this.#is('running')) continue;
      if (this.#options.pipelined && this.#cycle + 1 < (this.#options.cycles ?? Infinity))
        this.#ahead = this.#prepare(this.#cycle + 1, this.#between.slot + 1);
      const { setting } = this.#options;
      const { panel } = this.#panels;
      const boards = panel.boards();
      const finished = await radiateCycle(setting, panel, prepared, ahead.phaseBits, beamId);
      this.#cycle++;
      // The manifest names them before the record does, and no beam waits for that.
      if (!this.#is('stopped')) this.#watch.ran(prepared, boards, ahead.beamformer, finished.calibration);
      const news = beamHeard(ahead.beamformer, prepared, finished, this.#panels.lost);
      if (news !== undefined) this.#news.event(news);
      if (!this.#is('stopped')) {
        const fault = await this.#conclusions.conclude(finished);
        if (fault !== undefined) await this.#fault(fault);
      } // else nobody waited for it
      await this.#between.cycleEnded(finished);
    }
  }

  #prepare(cycle: number, slot: number): CycleAhead {
    const choice = this.#model.current;
    const prepared = prepareCycle(this.#options.setting, choice.beamformer, cycle, slot);
    this.#computing = prepared;
    return { ...choice, prepared };
  }

  async #stayPaused(): Promise<void> {
    const resumed = new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
    this.#ahead = undefined; // its channel will be old by then: computed again
    this.#safety.rest();
    this.#failures.paused();
    this.#between.interrupted();
    const unsafe = await this.#makeSafe();
    this.#news.event(paused(this.#options.safe.state, unsafe));
    this.#answerPausing(unsafe === undefined ? { ok: true } : { ok: false, reason: unsafe });
    if (this.#is('paused')) {
      this.#idle = true;
      this.#changeModel();
      if (this.#panels.mayComeApart) await lookUntil(resumed, this.#clock, (signal) => this.#panels.lookAfter(signal));
      await resumed;
      this.#idle = false;
    }
    this.#wake = new AbortController();
    this.#pacing.restart();
    this.#watch.paused();
    if (this.#is('running')) this.#safety.watch();
  }

  async #beMeasured(): Promise<void> {
    this.#doing = 'the measurement of the array';
    await this.calibrating.carryOut();
    this.#pacing.restart();
    if (this.#is('running')) this.#safety.watch();
  }

  #answerPausing(result: ControlResult): void {
    for (const answer of this.#pausing.splice(0)) answer(result);
  }

  #changeModel(): void {
    const changed = this.#model.change(this.#computing);
    if (changed === undefined) return;
    this.#failures.anotherModel();
    const news = modelSwitched(changed);
    if (news !== undefined) this.#news.event(news);
  }

  async #fault({ code, message }: RunFault): Promise<void> {
    this.#faultMessage = message;
    this.#move('fault');
    this.#news.event(faulted(code, message));
    this.#safety.rest();
    await this.#makeSafe();
    await this.#model.shut();
    this.#answerPausing({ ok: false, reason: message });
  }

  #makeSafe(withinMs?: number): Promise<string | undefined> {
    this.#voidNews.settle(this.#panels.lost);
    return this.#safety.confirm(withinMs);
  }

  /** Has the safe state confirmed, closes everything, and is stopped: soon, whatever of it hangs. */
  #halt(): Promise<void> {
    this.#shutDown ??= (async () => {
      this.#safety.rest();
      // The model need not wait for the panel's word, and what it computes is not waited for.
      const model = this.#model.shut().then(() => this.#model.close());
      this.unsafe = await this.#makeSafe(STOP.confirmMs);
      await withinTime(this.#clock, STOP.windUpMs, Promise.allSettled([this.#cycling]), undefined);
      await withinTime(this.#clock, STOP.closeMs, Promise.allSettled([model, this.#panels.close()]), undefined);
      this.#options.release?.();
      this.#answerPausing({ ok: false, reason: 'the rig has stopped' });
      this.#move('halted');
      this.#tellHalted();
    })();
    return this.#shutDown;
  }

  #move(event: ControllerEvent): ControlResult {
    const next = transition(this.#state, event);
    if (!next.allowed) return { ok: false, reason: next.reason };
    if (next.state !== this.#state) {
      this.#state = next.state;
      // Before anybody is told, and whatever is under way.
      if (next.makeSafe) this.#panels.commandSafe();
      this.#news.state(next.state);
    }
    return { ok: true };
  }

  #is = (state: ControllerState): boolean => this.#state === state;
}
