/**
 * The controller: runs the control cycle again and again, at the rig's rate or as fast as it goes, and answers to run, pause, switch model,
 * change Q and stop. Which of those is allowed when is in controller-machine.ts; what one cycle does is in control-cycle.ts.
 *
 * Pipelined, the model computes cycle t + 1 in its thread while cycle t is on the panel: the loop is then as fast as the slower of the two,
 * and each channel is older by up to one cycle when its beam is radiated (`cycleMs` of the records says how old).
 */
import type { Clock } from '../../clock/clock.ts';
import { isBeamrigError } from '../../errors/beamrig-error.ts';
import type { Random } from '../../signal/random.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import type { CycleRecord, CycleSink, RigEvent } from '../telemetry/cycle-record.ts';
import type { Controller, ControllerState, ControlResult, CycleView, RigDescription } from './controller.ts';
import type { CycleSetting, FinishedCycle, PreparedCycle } from './control-cycle.ts';
import { prepareCycle, radiateCycle } from './control-cycle.ts';
import type { ControllerEvent } from './controller-machine.ts';
import { transition } from './controller-machine.ts';
import { createCycleWatch } from './cycle-watch.ts';
import { createListeners } from './listeners.ts';
import { lookUntil } from './look-until.ts';
import { createModelSeat } from './model-seat.ts';
import { oncePerCause } from './once-per-cause.ts';
import { createPacing } from './pacing.ts';
import { createPowerNews } from './power-news.ts';
import { createVoidNews } from './void-news.ts';
import { silenceMsAt, type SafeChoice } from './panel-keeper.ts';
import { createPanelSeat, type RigPanel } from './panel-seat.ts';
import { createRateMeter } from './rate-meter.ts';

export interface ControlLoopOptions {
  setting: CycleSetting;
  /** The panel that the run begins on. */
  panel: RigPanel;
  /** The simulator that may stand in for it, or the hardware that may yet appear. */
  otherPanel?: RigPanel;
  /** Move to the simulator whenever the hardware is lost. Default: cycles are void until it is back. */
  fallBack?: boolean;
  /** What does not change of the description; the rest is filled in. */
  description: RigDescription;
  beamformer: Beamformer;
  /** Opens a model or baseline by its id, checked against the rig. Throws BeamrigError with the reason. */
  openBeamformer: (id: string) => Promise<Beamformer>;
  /** 0 = as fast as it goes. */
  rateHz: number;
  pipelined: boolean;
  /** Ends after so many cycles; without it, when the channels end or when it is stopped. */
  cycles?: number;
  safe: SafeChoice;
  /** For the jitter of back-off. */
  random: Random;
  sink: CycleSink;
  /** Lets go of what lies behind the panels (the simulator), once they are closed. */
  release?: () => void;
  /** Told at the start, when whoever listens is there: a fallback, say. */
  firstEvents?: Omit<RigEvent, 'timeNs'>[];
}

export interface RunOutcome {
  /** 'done': all cycles were run. 'faulted': the loop gave up, `message` says why, and the array is in its safe state. */
  reason: 'done' | 'stopped' | 'faulted';
  cycles: number;
  voidCycles: number;
  message?: string;
}

export interface ControlLoop extends Controller {
  /** Runs until the cycles are done, somebody stops it, or it faults. Once. */
  start(): Promise<RunOutcome>;
  /** Once stopped: what the panel said, or did not, when it was told to make the array safe; undefined when it confirmed. */
  readonly unsafe: string | undefined;
}

/** A model that fails so often in a row will not recover by itself. */
const MODEL_FAILURES = 5;
export function createControlLoop(options: ControlLoopOptions): ControlLoop {
  return new Loop(options);
}

class Loop implements ControlLoop {
  readonly #options: ControlLoopOptions;
  readonly #clock: Clock;
  readonly #model;
  readonly #panels;
  readonly #pacing;
  readonly #rate;
  readonly #causes;
  readonly #voidNews;
  readonly #powerNews;
  readonly #watch;
  readonly #cycleListeners;
  readonly #eventListeners;
  readonly #stateListeners;
  #state: ControllerState = 'starting';
  #phaseBits: number;
  #cycle = 0;
  #voidCycles = 0;
  #modelFailures = 0;
  #latest: CycleView | undefined;
  /** Cycle t + 1 under way in the model's thread. */
  #ahead: Promise<PreparedCycle | undefined> | undefined;
  /** Aborts whatever the loop waits for, so that it looks at its state. */
  #wake = new AbortController();
  #resume: () => void = () => undefined;
  #pausing: ((result: ControlResult) => void)[] = [];
  /** Paused, with the array told to be safe and nothing under way. */
  #idle = false;
  #run: Promise<RunOutcome> | undefined;
  #faultMessage: string | undefined;
  #stoppedByHand = false;
  #shutDown: Promise<void> | undefined;
  unsafe: string | undefined;
  /** The array is in its safe state, and no beam was sent since. */
  #safeConfirmed = false;

  constructor(options: ControlLoopOptions) {
    this.#options = options;
    const { setting, rateHz } = options;
    this.#clock = setting.clock;
    this.#model = createModelSeat(
      options.beamformer,
      (id) => this.#clock.during(options.openBeamformer(id)),
      () => this.#idle && this.#changeModel(),
    );
    this.#phaseBits = setting.panelPhaseBits;
    this.#pacing = createPacing(this.#clock, rateHz);
    this.#rate = createRateMeter(this.#clock);
    this.#causes = oncePerCause(this.#clock);
    this.#voidNews = createVoidNews(this.#clock, (event) => this.#tell(event));
    this.#powerNews = createPowerNews((event) => this.#tell(event));
    this.#watch = createCycleWatch({
      clock: this.#clock,
      rateHz,
      sink: options.sink,
      tell: (event) => this.#tell(event),
      temperatureC: () => this.#panels.temperatureC(),
    });
    const onFailure = (error: unknown): void =>
      this.#tell({
        level: 'warning',
        code: 'listener-failed',
        message: `A listener to the controller failed: ${String(error)}.`,
      });
    this.#cycleListeners = createListeners<CycleRecord>(this.#clock, true, onFailure);
    this.#eventListeners = createListeners<RigEvent>(this.#clock, false, () => undefined);
    this.#stateListeners = createListeners<ControllerState>(this.#clock, false, onFailure);
    this.#panels = createPanelSeat({
      first: options.panel,
      ...(options.otherPanel === undefined ? {} : { other: options.otherPanel }),
      fallBack: options.fallBack ?? false,
      reason: options.description.sourceReason,
      clock: this.#clock,
      random: options.random,
      safe: options.safe,
      silenceMs: silenceMsAt(rateHz),
      tell: (event) => this.#tell(event),
    });
  }

  get state(): ControllerState {
    return this.#state;
  }

  describe(): RigDescription {
    const now = { ...this.#panels.describe(), modelId: this.#model.current.id, phaseBits: this.#phaseBits };
    const slow = this.#watch.slow ?? null;
    const { description } = this.#options;
    return { ...description, ...now, slow, safe: { ...description.safe, confirmed: this.#safeConfirmed } };
  }

  safeBeam = () => this.#options.safe.beam;
  latest = (): CycleView | undefined => this.#latest;
  cyclesPerSecond = (): number => this.#rate.perSecond();
  onCycle = (listener: (record: CycleRecord) => void): (() => void) => this.#cycleListeners.add(listener);
  onEvent = (listener: (event: RigEvent) => void): (() => void) => this.#eventListeners.add(listener);
  onState = (listener: (state: ControllerState) => void): (() => void) => this.#stateListeners.add(listener);

  start(): Promise<RunOutcome> {
    this.#run ??= this.#runToEnd();
    return this.#run;
  }

  async run(): Promise<ControlResult> {
    const before = this.#state;
    const moved = this.#move('run');
    if (moved.ok && before === 'paused') {
      this.#tell({ level: 'info', code: 'resumed', message: 'The rig runs again.' });
      this.#resume();
    }
    return moved;
  }

  async pause(): Promise<ControlResult> {
    const moved = this.#move('pause');
    if (!moved.ok || this.#idle) return moved;
    this.#interrupt();
    return new Promise((resolve) => this.#pausing.push(resolve));
  }

  async switchModel(id: string): Promise<ControlResult> {
    if (this.#state !== 'running' && this.#state !== 'paused') return { ok: false, reason: `the rig is ${this.#state}` };
    if (this.#model.loading !== undefined) return { ok: false, reason: `'${this.#model.loading}' is being loaded; wait for it` };
    try {
      const change = await this.#model.offer(id);
      return change === 'withdrawn' ? { ok: false, reason: `the rig is ${this.#state}` } : { ok: true };
    } catch (error) {
      const reason = inWords(error);
      this.#tell({
        level: 'warning',
        code: 'model-refused',
        message: `The model '${id}' cannot be used: ${reason}`,
        action: `'${this.#model.current.id}' goes on.`,
      });
      return { ok: false, reason };
    }
  }

  async setPhaseBits(phaseBits: number): Promise<ControlResult> {
    const most = this.#options.setting.panelPhaseBits;
    if (!Number.isInteger(phaseBits) || phaseBits < 1 || phaseBits > most) {
      return { ok: false, reason: `Q = ${phaseBits} is outside 1 … ${most}, what the panel's phase shifters can show` };
    }
    if (this.#state !== 'running' && this.#state !== 'paused') return { ok: false, reason: `the rig is ${this.#state}` };
    if (phaseBits === this.#phaseBits) return { ok: true };
    this.#phaseBits = phaseBits;
    this.#tell({ level: 'info', code: 'phase-bits', message: `Phases have ${phaseBits} bits from the next cycle on.` });
    return { ok: true };
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    const faulted = this.#state === 'faulted';
    this.#stoppedByHand = true;
    this.#move('stop');
    this.#interrupt();
    this.#resume();
    if (!faulted) await this.#run;
    await this.#halt();
  }

  async #runToEnd(): Promise<RunOutcome> {
    if (this.#move('start').ok) {
      for (const event of this.#options.firstEvents ?? []) this.#tell(event);
      try {
        await this.#panels.arm();
        await this.#cycles();
      } catch (error) {
        await this.#fault('internal', `The control loop failed: ${inWords(error)}`);
      }
    }
    if (this.#state !== 'faulted') await this.#halt();
    const reason = this.#faultMessage !== undefined ? 'faulted' : this.#stoppedByHand ? 'stopped' : 'done';
    const outcome = { reason, cycles: this.#cycle, voidCycles: this.#voidCycles } as const;
    return this.#faultMessage === undefined ? outcome : { ...outcome, message: this.#faultMessage };
  }

  async #cycles(): Promise<void> {
    for (;;) {
      // More than once where it is run and paused again while the array is still on its way to safety.
      while (this.#is('paused')) await this.#stayPaused();
      if (this.#state !== 'running') return;
      this.#answerPausing({ ok: false, reason: 'the rig was started again before it had paused' });
      if (this.#cycle >= (this.#options.cycles ?? Infinity)) return void this.#move('ended');
      try {
        await this.#pacing.next(this.#wake.signal);
        const verdict = await this.#panels.ready(this.#wake.signal);
        if (verdict !== undefined) return await this.#faultByPanel(verdict);
      } catch (error) {
        if (!isBeamrigError(error) || error.code !== 'stopped') throw error;
        this.#wake = new AbortController();
        continue; // somebody paused or stopped while the loop was waiting
      }
      if (this.#state !== 'running') continue;
      this.#changeModel();
      const prepared = await (this.#ahead ?? this.#prepare(this.#cycle));
      this.#ahead = undefined;
      if (prepared === undefined) return void this.#move('ended');
      this.#powerNews.of(prepared.modelId, prepared.beam?.powerRatio);
      if (this.#options.pipelined && this.#cycle + 1 < (this.#options.cycles ?? Infinity))
        this.#ahead = this.#prepare(this.#cycle + 1);
      const { setting } = this.#options;
      const beamId = await this.#panels.beamId(this.#cycle);
      this.#watch.before(prepared, this.#panels.panel, this.#model.current);
      this.#safeConfirmed = false;
      const finished = await radiateCycle(setting, this.#panels.panel, prepared, this.#phaseBits, beamId);
      this.#cycle++;
      await this.#conclude(finished);
    }
  }

  #prepare(cycle: number): Promise<PreparedCycle | undefined> {
    return prepareCycle(this.#options.setting, this.#model.current, cycle);
  }

  async #conclude(finished: FinishedCycle): Promise<void> {
    const { record, view, failure } = finished;
    if (view !== undefined) this.#latest = view;
    if (record.outcome === 'void') this.#voidCycles++;
    this.#rate.count();
    this.#options.sink.cycle(record);
    this.#cycleListeners.tell(record);
    this.#watch.after(finished);
    this.#modelFailures = failure?.stage === 'model' ? this.#modelFailures + 1 : 0;
    if (failure === undefined) {
      this.#voidNews.settle(false);
      return this.#panels.worked();
    }
    const wasLost = this.#panels.lost;
    if (failure.panel !== undefined) {
      const verdict = this.#panels.failed(failure.panel);
      if (verdict !== undefined) return this.#faultByPanel(verdict);
    }
    this.#voidNews.settle(this.#panels.lost);
    // A lost panel has been told of as such.
    if (!wasLost && !this.#panels.lost) this.#voidNews.tell(record.cycle, failure);
    if (this.#modelFailures >= MODEL_FAILURES) {
      await this.#fault(
        'model-failed',
        `The model '${record.modelId}' failed ${MODEL_FAILURES} times in a row: ${failure.words}`,
      );
    }
  }

  async #stayPaused(): Promise<void> {
    const resumed = new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
    await this.#ahead; // its channel will be old by then: computed again
    this.#ahead = undefined;
    const unsafe = await this.#makeSafe();
    this.#tell({
      level: 'info',
      code: 'paused',
      message: 'The rig is paused.',
      action: unsafe ?? `The array shows its safe state '${this.#options.safe.state}'.`,
    });
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
  }

  #answerPausing(result: ControlResult): void {
    for (const answer of this.#pausing.splice(0)) answer(result);
  }

  #changeModel(): void {
    const changed = this.#model.change(this.#ahead);
    if (changed === undefined) return;
    this.#modelFailures = 0;
    this.#tell({
      level: 'info',
      code: 'model-switched',
      message: `'${changed.to.id}' chooses the beams, after '${changed.from.id}'.`,
    });
  }

  #faultByPanel({ unusable }: { unusable: string }): Promise<void> {
    return this.#fault('panel-unusable', `The panel cannot be used: ${unusable}.`);
  }

  async #fault(code: string, message: string): Promise<void> {
    this.#faultMessage = message;
    this.#move('fault');
    this.#tell({
      level: 'error',
      code,
      message,
      action: 'The array goes to its safe state; stop the rig, mend the cause, start again.',
    });
    await this.#makeSafe();
    await this.#model.shut();
    this.#answerPausing({ ok: false, reason: message });
  }

  /** Commands the safe state; tells, and returns words, when the panel does not confirm it. */
  async #makeSafe(): Promise<string | undefined> {
    this.#voidNews.settle(this.#panels.lost);
    const unsafe = await this.#panels.makeSafe();
    this.#safeConfirmed = unsafe === undefined;
    if (unsafe === undefined) return undefined;
    const message = `The panel did not confirm its safe state: ${unsafe}.`;
    if (this.#causes.occurs('safe state')) {
      this.#tell({
        level: 'error',
        code: 'safe-state-unconfirmed',
        message,
        action: this.#panels.guarded
          ? 'A panel that hears nothing goes there by itself after a few seconds; make sure of it.'
          : 'It was not told to go there by itself either: see to it that it stops radiating.',
      });
    }
    return message;
  }

  /** Makes the array safe, closes everything, and is stopped. */
  #halt(): Promise<void> {
    this.#shutDown ??= (async () => {
      this.unsafe = await this.#makeSafe();
      await this.#ahead;
      await this.#model.shut();
      await Promise.allSettled([this.#panels.close(), this.#model.close()]);
      this.#options.release?.();
      this.#answerPausing({ ok: false, reason: 'the rig has stopped' });
      this.#move('halted');
    })();
    return this.#shutDown;
  }

  #move(event: ControllerEvent): ControlResult {
    const next = transition(this.#state, event);
    if (!next.allowed) return { ok: false, reason: next.reason };
    if (next.state !== this.#state) {
      this.#state = next.state;
      this.#stateListeners.tell(next.state);
    }
    return { ok: true };
  }

  #is = (state: ControllerState): boolean => this.#state === state;

  #interrupt(): void {
    this.#wake.abort();
  }

  #tell(event: Omit<RigEvent, 'timeNs'>): void {
    const whole = { timeNs: this.#clock.epochNs(), ...event };
    this.#options.sink.event(whole);
    this.#eventListeners.tell(whole);
  }
}

function inWords(error: unknown): string {
  if (!isBeamrigError(error)) return error instanceof Error ? error.message : String(error);
  return error.wayOut === undefined ? error.message : `${error.message} ${error.wayOut}`;
}
