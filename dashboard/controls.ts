/**
 * The controls, and the line below the top bar that says what they will do before they do it. Whatever makes the array radiate something
 * else is asked for twice; stopping is always one press.
 */
import { counted } from '../core/errors/counted.ts';
import type { Socket } from 'socket.io-client';
import type { ControlResult, PageToServer, RigDescription, ServerToPage } from '../src/server/socket-contract.ts';
import { byId, element, setText } from './elements.ts';
import { arrayText, clockTime, radiates } from './live.ts';
import type { Live } from './live.ts';

export type RigSocket = Socket<ServerToPage, PageToServer>;

const ANSWER_SHOWN_MS = 5000;
const ANSWER_DEADLINE_MS = 15_000;

/** What somebody asks the controller for. */
export interface Command {
  question: string;
  verb: string;
  /** Nothing where what the page says then is enough. */
  done?: string;
  send: (answer: (result: ControlResult) => void) => void;
}

export class Controls {
  readonly #socket: RigSocket;
  readonly #model = byId<HTMLSelectElement>('model');
  readonly #engine = byId('engine');
  readonly #phaseBits = byId<HTMLSelectElement>('phase-bits');
  readonly #run = byId<HTMLButtonElement>('run');
  readonly #hint = byId('hint');
  readonly #confirm = byId('confirm');
  readonly #apply = byId<HTMLButtonElement>('apply');
  #live: Live | undefined;
  #options = '';
  #pending: Command | undefined;
  /** The control that the question is about: the keyboard goes from it to the answers and comes back to it. */
  #asking: HTMLElement | undefined;
  /** Answers that are awaited. */
  #waiting = 0;
  #answer: { text: string; kind: 'done' | 'refused'; untilMs: number } | undefined;
  #pointedAt: HTMLElement | undefined;

  constructor(socket: RigSocket) {
    this.#socket = socket;
    this.#model.addEventListener('change', () => this.#askUnlessBusy(this.#modelCommand(), this.#model));
    this.#phaseBits.addEventListener('change', () => this.#askUnlessBusy(this.#phaseBitsCommand(), this.#phaseBits));
    this.#run.addEventListener('click', () => this.#startOrStop());
    this.#apply.addEventListener('click', () => void this.#carryOut());
    byId('cancel').addEventListener('click', () => this.#ask(undefined));
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#pending) this.#ask(undefined);
    });
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Tab' && this.#tab(event.shiftKey)) event.preventDefault();
    });
    for (const control of [this.#model, this.#phaseBits, this.#run]) {
      const point = (): void => this.#pointTo(control);
      const leave = (): void => this.#pointTo(undefined);
      control.addEventListener('pointerenter', point);
      control.addEventListener('focus', point);
      control.addEventListener('pointerleave', leave);
      control.addEventListener('blur', leave);
    }
  }

  /** Asks before it is done, also while the answer to something else is awaited; `about` is what the question comes from. */
  ask(command: Command, about: HTMLElement): void {
    this.#ask(command, about);
  }

  /** For what is always one press. */
  do(command: Command): void {
    void this.#carryOut(command);
  }

  get #busy(): boolean {
    return this.#waiting > 0;
  }

  draw(live: Live): void {
    this.#live = live;
    const { rig } = live;
    if (rig) this.#keepOptions(rig);
    const reason = this.#whyOff(live);
    const measuring = live.state === 'measuring';
    if ((reason !== undefined || measuring) && this.#pending) this.#pending = undefined;
    const off = reason !== undefined;
    const stops = live.state === 'running' || measuring;
    for (const control of [this.#model, this.#phaseBits, this.#run]) {
      // Stopping is possible at all times.
      control.disabled = off || (measuring && control !== this.#run);
      // Not disabled while an answer is awaited: whoever stands on it with the keyboard would be sent to the top of the page.
      if (this.#busy && !(control === this.#run && stops)) control.setAttribute('aria-disabled', 'true');
      else control.removeAttribute('aria-disabled');
    }
    setText(this.#run, stops ? '■ Stop' : '▶ Start');
    for (const control of [this.#model, this.#phaseBits, this.#run]) control.title = reason ?? this.#helpFor(control);
    if (rig && !this.#pending && !this.#busy) {
      if (document.activeElement !== this.#model || off) this.#model.value = rig.modelId;
      if (document.activeElement !== this.#phaseBits || off) this.#phaseBits.value = String(rig.phaseBits);
    }
    setText(this.#engine, rig ? engineText(rig) : '');
    this.#confirm.hidden = !this.#pending;
    if (this.#pending) setText(this.#apply, this.#pending.verb);
    this.#drawHint(live, reason);
  }

  #drawHint(live: Live, reason: string | undefined): void {
    if (this.#answer && performance.now() > this.#answer.untilMs) this.#answer = undefined;
    let kind = 'help';
    let text: string;
    if (this.#pending) [kind, text] = ['question', this.#pending.question];
    else if (this.#busy) text = 'Waiting for the controller to answer…';
    else if (reason !== undefined) text = reason;
    else if (this.#answer) ({ kind, text } = this.#answer);
    else if (this.#pointedAt) text = this.#helpFor(this.#pointedAt);
    else text = situation(live);
    this.#hint.dataset.kind = kind;
    setText(this.#hint, text);
  }

  /** Why no control can be used now. */
  #whyOff(live: Live): string | undefined {
    if (live.connection !== 'open' || !live.rig) {
      const values = live.valuesOf ? ` Values on this page are of ${clockTime(live.valuesOf)}.` : '';
      return `Controls are off: there is no connection to the controller.${values}`;
    }
    switch (live.state) {
      case 'running':
      case 'paused':
      case 'measuring':
        return undefined;
      case 'faulted':
        return `Controls are off: the rig has faulted, and ${safetyText(live)}. Read the events below, then start beamrig again.`;
      default:
        return `Controls are off: the controller is ${live.state ?? 'not ready'}.`;
    }
  }

  #helpFor(control: HTMLElement): string {
    if (this.#live?.state === 'measuring')
      return control === this.#run
        ? `Stop: ends the measurement without a table; ${arrayText(this.#live)} goes to its safe state at once.`
        : 'The array is being measured: cancel that, or wait for its end.';
    if (control === this.#model) return 'Model: choose what computes the beams. You are asked before the array is steered by it.';
    if (control === this.#phaseBits)
      return 'Q: choose how many bits each phase word has. You are asked before the array gets such words.';
    const live = this.#live;
    const array = live ? arrayText(live) : 'the array';
    return live?.state === 'running'
      ? `Stop: no more cycles; ${array} goes to its safe state at once.`
      : `Start: ${array} leaves its safe state and ${live && !radiates(live) ? 'shows beams' : 'radiates'}. You are asked first.`;
  }

  #modelCommand(): Command | undefined {
    const [id, rig] = [this.#model.value, this.#live?.rig];
    if (!rig || id === rig.modelId) return undefined;
    const runs = this.#live?.state === 'running';
    return {
      question: runs
        ? `Load ${id} and steer the array with it from the next cycle on? ${rig.modelId} goes on until it is ready.`
        : `Load ${id}, to steer the array with it once the rig is started? Until then ${this.#staysSafe()}.`,
      verb: 'Switch model',
      done: runs ? `The array is steered by ${id}.` : `${id} is loaded, and steers the array once the rig is started.`,
      send: (answer) => this.#socket.emit('switchModel', id, answer),
    };
  }

  #phaseBitsCommand(): Command | undefined {
    const [phaseBits, rig] = [Number(this.#phaseBits.value), this.#live?.rig];
    if (!rig || phaseBits === rig.phaseBits) return undefined;
    const runs = this.#live?.state === 'running';
    const from = runs ? 'from the next cycle on' : 'once the rig is started';
    const words = counted(phaseBits, 'bit');
    return {
      question: `Send words of ${words} (${2 ** phaseBits} phases, ${360 / 2 ** phaseBits}° a step) ${from}, instead of ${rig.phaseBits}?${runs ? '' : ` Until then ${this.#staysSafe()}.`}`,
      verb: 'Change Q',
      done: runs ? `Phase words have ${words}.` : `Phase words have ${words} once the rig is started.`,
      send: (answer) => this.#socket.emit('setPhaseBits', phaseBits, answer),
    };
  }

  #staysSafe(): string {
    const live = this.#live;
    return live?.rig
      ? `${arrayText(live)} stays in its safe state '${live.rig.safe.state}'`
      : 'the array stays in its safe state';
  }

  #startOrStop(): void {
    const live = this.#live;
    if (!live?.rig) return;
    // Whatever else is waited for: stopping is always one press.
    if (live.state === 'running' || live.state === 'measuring') {
      void this.#carryOut({
        question: '',
        verb: 'Stop',
        send: (answer) => this.#socket.emit('pause', answer),
      });
      return;
    }
    const pace = live.rig.loopRateHz > 0 ? `${counted(live.rig.loopRateHz, 'time')} a second` : 'as often as it can';
    this.#askUnlessBusy(
      {
        question: `${capital(arrayText(live))} leaves its safe state and ${radiates(live) ? 'radiates' : 'shows'} a new beam ${pace}. Start?`,
        verb: 'Start',
        done: 'Running.',
        send: (answer) => this.#socket.emit('start', answer),
      },
      this.#run,
    );
  }

  /** Of the controls that are marked as off while an answer is awaited. */
  #askUnlessBusy(command: Command | undefined, about: HTMLElement): void {
    if (this.#busy) this.#showRig();
    else this.#ask(command, about);
  }

  #ask(command: Command | undefined, about?: HTMLElement): void {
    const answered = this.#confirm.contains(document.activeElement);
    this.#pending = command;
    if (answered) this.#asking?.focus();
    this.#asking = command && about;
    this.#answer = undefined;
    if (!command) this.#showRig();
    this.#redraw();
  }

  /** The lists say again what is, not what was chosen. */
  #showRig(): void {
    const rig = this.#live?.rig;
    if (!rig) return;
    this.#model.value = rig.modelId;
    this.#phaseBits.value = String(rig.phaseBits);
  }

  /** From the control that asks to the first answer and back, wherever they stand on the page. @returns whether the focus was moved */
  #tab(backwards: boolean): boolean {
    if (!this.#pending || !this.#asking) return false;
    if (!backwards && document.activeElement === this.#asking) this.#apply.focus();
    else if (backwards && document.activeElement === this.#apply) this.#asking.focus();
    else return false;
    return true;
  }

  async #carryOut(command = this.#pending): Promise<void> {
    if (!command) return;
    if (this.#confirm.contains(document.activeElement)) this.#asking?.focus();
    this.#pending = undefined;
    this.#asking = undefined;
    this.#waiting++;
    this.#redraw();
    const result = await new Promise<ControlResult>((resolve) => {
      const reason = `the controller did not answer within ${ANSWER_DEADLINE_MS / 1000} s; what the rig does now is shown on this page`;
      const deadline = setTimeout(() => resolve({ ok: false, reason }), ANSWER_DEADLINE_MS);
      command.send((answer) => {
        clearTimeout(deadline);
        resolve(answer);
      });
    });
    this.#waiting--;
    if (!result.ok) this.#showRig();
    const nowMs = performance.now();
    if (!result.ok) {
      this.#answer = { text: `Refused: ${result.reason}`, kind: 'refused', untilMs: nowMs + 3 * ANSWER_SHOWN_MS };
    } else {
      // The newest answer counts: what was refused before it is old.
      this.#answer =
        command.done === undefined ? undefined : { text: command.done, kind: 'done', untilMs: nowMs + ANSWER_SHOWN_MS };
    }
    this.#redraw();
  }

  #pointTo(control: HTMLElement | undefined): void {
    this.#pointedAt = control;
    this.#redraw();
  }

  #redraw(): void {
    if (this.#live) this.draw(this.#live);
  }

  #keepOptions(rig: RigDescription): void {
    const text = JSON.stringify([rig.models, rig.phaseBitsOptions, rig.modelId, rig.phaseBits]);
    if (text === this.#options) return;
    this.#options = text;
    const models = rig.models.some((model) => model.id === rig.modelId)
      ? rig.models
      : [
          ...rig.models,
          {
            id: rig.modelId,
            title: rig.byHand ?? rig.modelId,
            kind: rig.byHand === null ? ('model' as const) : ('by-hand' as const),
          },
        ];
    const group = (kind: RigDescription['models'][number]['kind'], label: string): HTMLElement[] => {
      const options = models
        .filter((model) => model.kind === kind)
        .map((model) => element('option', { value: model.id, text: model.id, title: model.title }));
      return options.length > 0 ? [element('optgroup', { label }, ...options)] : [];
    };
    const bits = new Set([...rig.phaseBitsOptions, rig.phaseBits]);
    this.#model.replaceChildren(
      ...group('by-hand', 'By hand'),
      ...group('model', 'Learned models'),
      ...group('baseline', 'Baselines'),
    );
    this.#phaseBits.replaceChildren(
      ...[...bits].sort((a, b) => a - b).map((q) => element('option', { value: String(q), text: String(q) })),
    );
    this.#model.value = rig.modelId;
    this.#phaseBits.value = String(rig.phaseBits);
  }
}

/** ", compiled, 10 steps": what computes the model, and on which budget, where it has any. */
const engineText = ({ engine, steps }: RigDescription): string =>
  [engine ?? [], steps === null ? [] : counted(steps, 'step')]
    .flat()
    .map((word) => `, ${word}`)
    .join('');

/** One sentence about the rig when nothing else has to be said. */
function situation(live: Live): string {
  const { latest, rig, source, state } = live;
  const since = live.valuesOf ? ` Values on this page are of ${clockTime(live.valuesOf)}.` : '';
  if (state === 'measuring') return `The array is being measured, and no cycle turns; Stop ends it at once.${since}`;
  if (state === 'paused') return `Paused: ${safetyText(live)}.${since}`;
  // The banner says what is wrong.
  if (live.trouble === 'void' || live.trouble === 'stalled')
    return live.valuesOf
      ? `What is shown is of ${clockTime(live.valuesOf)}, the last time that a beam was known to ${radiates(live) ? 'radiate' : 'be shown'}.`
      : `No beam is known to have been ${radiates(live) ? 'radiated' : 'shown'} yet.`;
  if (!latest) return 'Waiting for the first cycle.';
  if (rig && source === 'simulator') {
    // Where the simulator stands in for hardware, the banner has said why.
    const why = rig.links.some(({ source }) => source !== 'simulator') ? '' : ` ${sentence(rig.sourceReason)}`;
    return `Nothing here is radiated: this is the simulator.${why}${soundedText(rig)}`;
  }
  if (source === 'played-panel')
    return `Nothing here is radiated: the panel is a program, and what it reports is calculated.${soundedText(rig)}`;
  if (rig?.channelSource === 'simulation')
    return 'The array radiates what is shown here, for simulated users: measured channels are given when the rig is started, or it hears them itself.';
  return `The array radiates what is shown here.${soundedText(rig)}`;
}

/** How the channels are known that beams are computed for, where the rig hears them itself. */
const soundedText = (rig: RigDescription | undefined): string =>
  rig?.channelSource === 'sounding' ? ` Channels are ${rig.channels}.` : '';

/** Of a rig that does not run: where its array is, as far as it has said. */
function safetyText(live: Live): string {
  const { rig } = live;
  const safe = rig ? ` '${rig.safe.state}'` : '';
  return rig && !rig.safe.confirmed
    ? `${arrayText(live)} was told to go to its safe state${safe} and has not confirmed it`
    : `${arrayText(live)} is in its safe state${safe}`;
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

const sentence = (text: string): string => (text === '' ? '' : `${capital(text)}${/[.!?]$/.test(text) ? '' : '.'}`);
