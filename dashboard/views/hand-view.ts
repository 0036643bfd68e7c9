/**
 * Beams by hand: towards a direction, over angles one after the other, or one that is kept by name; and dark. What makes the array radiate something else is
 * asked for twice, as everywhere on the page; muting is one press. A scan is drawn as it comes.
 */
import type { HandWish, RigDescription } from '../../src/server/socket-contract.ts';
import type { Command, Controls, RigSocket } from '../controls.ts';
import { byId, element, setText, Surface } from '../elements.ts';
import { db, degrees, fixed } from '../charts/figures.ts';
import { canvasFont, colour } from '../charts/theme.ts';
import { radiates, type Live } from '../live.ts';

export class HandView {
  readonly #socket: RigSocket;
  readonly #controls: Controls;
  readonly #body = byId('hand-body');
  readonly #key = byId('hand-key');
  readonly #azimuth = angleInput('azimuth', '0');
  readonly #elevation = angleInput('elevation', '0');
  readonly #elevationLabel = labelled('El', this.#elevation);
  readonly #user = element('select', { id: 'hand-user', 'aria-label': 'User whose stream the beam carries' });
  readonly #from = angleInput('scan-from', '-60');
  readonly #to = angleInput('scan-to', '60');
  readonly #step = element('input', {
    id: 'hand-scan-step',
    type: 'number',
    min: '0.1',
    max: '180',
    step: 'any',
    value: '2',
    'aria-label': 'Step of the scan, degrees',
  });
  readonly #beam = element('select', { id: 'hand-beam', 'aria-label': 'Beam that is kept' });
  readonly #beamLabel = labelled('Beam', this.#beam);
  readonly #steer = button('hand-steer', 'Steer');
  readonly #scan = button('hand-scan', 'Scan');
  readonly #send = button('hand-send', 'Send');
  readonly #look = element('button', {
    id: 'hand-look',
    type: 'button',
    text: '⟳',
    title: 'Look for beams that were kept meanwhile',
    'aria-label': 'Look for beams that were kept meanwhile',
  });
  readonly #beams = element('span', {}, this.#beamLabel, this.#send, this.#look);
  readonly #mute = button('hand-mute', 'Mute');
  readonly #back = button('hand-back', 'Model again');
  readonly #doubt = element('p', { className: 'doubt', role: 'status' });
  readonly #readout = element('p', { className: 'readout', role: 'status' });
  readonly #surface: Surface;
  #live: Live | undefined;
  #listed = '';
  /** The model that chose before somebody steered by hand. */
  #model: string | undefined;

  constructor(socket: RigSocket, controls: Controls) {
    this.#socket = socket;
    this.#controls = controls;
    const place = element('div', { className: 'hand-plot' });
    this.#body.append(
      element(
        'div',
        { className: 'hand-row', role: 'group', 'aria-label': 'Beams by hand' },
        element('span', {}, labelled('Az', this.#azimuth), this.#elevationLabel, labelled('user', this.#user), this.#steer),
        element('span', {}, labelled('from', this.#from), labelled('to', this.#to), labelled('step', this.#step), this.#scan),
        this.#beams,
        element('span', {}, this.#mute, this.#back),
      ),
      this.#doubt,
      this.#readout,
      place,
    );
    this.#surface = new Surface(place, 'SINR over the azimuth of the beams of a scan');
    this.#steer.addEventListener('click', () => this.#askSteer());
    this.#scan.addEventListener('click', () => this.#askScan());
    // Whoever looks for a beam finds those that were kept meanwhile.
    const lookAgain = (): void => void socket.emit('listBeams', () => undefined);
    this.#beam.addEventListener('focus', lookAgain);
    this.#look.addEventListener('click', lookAgain);
    this.#send.addEventListener('click', () => this.#askBeam());
    this.#back.addEventListener('click', () => this.#askBack());
    this.#mute.addEventListener('click', () => {
      controls.do({ question: '', verb: 'Mute', done: 'The array is mute.', send: (answer) => socket.emit('mute', answer) });
    });
  }

  draw(live: Live): void {
    this.#live = live;
    const { rig } = live;
    if (rig) this.#keep(rig);
    const usable = live.connection === 'open' && rig !== undefined && (live.state === 'running' || live.state === 'paused');
    for (const each of [this.#steer, this.#scan]) each.disabled = !usable;
    this.#send.disabled = !usable || (rig?.beams.length ?? 0) === 0;
    // What is measured is muted, too.
    this.#mute.disabled = !usable && !(live.connection === 'open' && live.state === 'measuring');
    this.#back.disabled = !usable || rig?.byHand === null || this.#model === undefined;
    setText(this.#key, rig?.byHand ?? 'a model chooses the beams');
    this.#key.title = this.#key.textContent;
    const madeBy = rig?.byHandMadeBy ?? null;
    this.#doubt.hidden = madeBy === null;
    setText(this.#doubt, madeBy === null ? '' : madeByText(madeBy));
    const text = readoutOf(live);
    setText(this.#readout, text);
    this.#readout.title = text;
    this.#body.dataset.scan = live.hand?.scan && rig?.byHand ? 'yes' : 'no';
    this.#plot(live);
  }

  #keep(rig: RigDescription): void {
    if (rig.byHand === null) this.#model = rig.modelId;
    const text = JSON.stringify([rig.users, rig.beams, rig.geometry.kind]);
    if (text === this.#listed) return;
    this.#listed = text;
    const option = (value: string): HTMLElement => element('option', { value, text: value });
    this.#user.replaceChildren(...Array.from({ length: rig.users }, (_, user) => option(String(user))));
    const chosen = this.#beam.value;
    this.#beam.replaceChildren(...rig.beams.map(option));
    const none = rig.beams.length === 0;
    this.#beamLabel.hidden = none;
    this.#send.hidden = none;
    setText(this.#look, none ? '⟳ beams' : '⟳');
    if (rig.beams.includes(chosen)) this.#beam.value = chosen;
    this.#elevationLabel.hidden = rig.geometry.kind === 'ula';
  }

  get #elevationDeg(): number {
    return this.#elevationLabel.hidden ? 0 : this.#elevation.valueAsNumber;
  }

  #askSteer(): void {
    const [azimuthDeg, user] = [this.#azimuth.valueAsNumber, Number(this.#user.value)];
    const wish = { do: 'steer', azimuthDeg, elevationDeg: this.#elevationDeg, user } as const;
    this.#ask(
      `Point the array to ${degrees(azimuthDeg)}, with the stream of user ${user} and no other?`,
      'Steer',
      wish,
      this.#steer,
    );
  }

  #askScan(): void {
    const user = Number(this.#user.value);
    const [fromDeg, toDeg, stepDeg] = [this.#from, this.#to, this.#step].map((input) => input.valueAsNumber);
    const wish = { do: 'scan', fromDeg, toDeg, stepDeg, elevationDeg: this.#elevationDeg, user } as const;
    const question = `Point the array from ${degrees(fromDeg)} to ${degrees(toDeg)} step by step, and stay at the strongest for user ${user}?`;
    this.#ask(question, 'Scan', wish, this.#scan);
  }

  #askBeam(): void {
    const name = this.#beam.value;
    this.#ask(`Send the beam '${name}' instead of what is chosen now?`, 'Send', { do: 'beam', name }, this.#send);
  }

  #ask(question: string, verb: string, wish: HandWish, about: HTMLElement): void {
    const live = this.#live;
    const then = live?.state === 'paused' ? ` Nothing ${radiates(live) ? 'radiates' : 'is shown'} before Start.` : '';
    this.#controls.ask(
      { question: `${question}${then}`, verb, send: (answer) => this.#socket.emit('byHand', wish, answer) },
      about,
    );
  }

  #askBack(): void {
    const id = this.#model;
    if (id === undefined) return;
    const send: Command['send'] = (answer) => void this.#socket.emit('switchModel', id, answer);
    this.#controls.ask({ question: `Let ${id} choose the beams again?`, verb: 'Switch back', send }, this.#back);
  }

  #plot({ hand }: Live): void {
    const start = this.#surface.begin();
    if (!start || !hand?.scan) return;
    const { context, width, height } = start;
    const [x, measured, calculated] = [hand.scan.azimuthsDeg, hand.scan.measuredDb, hand.scan.calculatedDb].map(
      (bulk) => new Float32Array(bulk),
    );
    const known = [...measured, ...calculated].filter(Number.isFinite);
    if (known.length === 0) return;
    const top = Math.ceil(Math.max(...known) / 5) * 5;
    const least = Math.max(top - 40, Math.floor(Math.min(...known) / 5) * 5);
    const [left, right, high, low] = [34, width - 6, 22, height - 16];
    const [from, to] = [Math.min(...x), Math.max(...x)];
    const across = (deg: number): number => left + ((deg - from) / Math.max(to - from, 1e-9)) * (right - left);
    const up = (value: number): number => low - ((Math.max(value, least) - least) / Math.max(top - least, 1)) * (low - high);
    context.font = canvasFont(11);
    context.strokeStyle = colour('grid');
    context.fillStyle = colour('dim');
    context.textBaseline = 'middle';
    const line = (fromX: number, fromY: number, toX: number, toY: number): void => {
      context.beginPath();
      context.moveTo(fromX, fromY);
      context.lineTo(toX, toY);
      context.stroke();
    };
    context.textAlign = 'right';
    for (const value of ticksOf(least, top, (low - high) / PX_A_TICK_UP)) {
      line(left, up(value), right, up(value));
      context.fillText(fixed(value, 0), left - 4, up(value));
    }
    for (const deg of ticksOf(from, to, (right - left) / PX_A_TICK_ACROSS)) {
      line(across(deg), high, across(deg), low);
      const half = context.measureText(degreesText(deg)).width / 2;
      context.textAlign = 'center';
      context.fillText(degreesText(deg), Math.min(across(deg), right - half), height - 6);
    }
    context.textAlign = 'left';
    context.fillText(`SINR at user ${hand.scan.user}, dB, over azimuth`, 0, 8);
    const looks = [
      ...[{ values: calculated, text: 'calculated', name: 'text', dash: [5, 3] } as const],
      ...[{ values: measured, text: 'measured', name: 'accent', dash: [] } as const],
    ];
    let keyAt = right;
    for (const { values, text, name, dash } of looks) {
      context.fillStyle = colour('dim');
      context.textAlign = 'right';
      context.fillText(text, keyAt, 8);
      keyAt -= context.measureText(text).width + 6;
      context.strokeStyle = colour(name);
      context.lineWidth = 1.6;
      context.setLineDash([...dash]);
      line(keyAt - KEY_PX, 8, keyAt, 8);
      keyAt -= KEY_PX + 14;
      context.beginPath();
      let isDown = false;
      values.forEach((value, i) => {
        if (!Number.isFinite(value)) return void (isDown = false);
        if (isDown) context.lineTo(across(x[i]), up(value));
        else context.moveTo(across(x[i]), up(value));
        isDown = true;
      });
      context.stroke();
    }
    context.setLineDash([]);
  }
}

const madeByText = (madeBy: string): string =>
  `▲ Its words were chosen by ${madeBy === 'none' ? 'ideal states' : `the table ${madeBy}`}, and the array goes by other states now: to aim anew, steer and save again.`;

/** Room for each tick of the plot of a scan, and the lines of its key. */
const [PX_A_TICK_UP, PX_A_TICK_ACROSS, KEY_PX] = [18, 60, 20];
const TICK_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45];
const degreesText = (deg: number): string => `${fixed(deg, Number.isInteger(deg) ? 0 : 1)}°`;

/** Round numbers within a range, about so many. */
function ticksOf(from: number, to: number, most: number): number[] {
  const step = TICK_STEPS.find((each) => (to - from) / each <= Math.max(2, most)) ?? 90;
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * step).toFixed(1)));
}

/** What is known of the beam, or of the scan. */
function readoutOf({ hand, rig }: Live): string {
  const { scan, figures } = hand ?? { scan: null, figures: null };
  if (rig?.byHand == null) return 'Point the array somewhere, scan over angles, or send a beam that is kept.';
  const parts: string[] = [];
  if (scan) {
    const measured = new Float32Array(scan.measuredDb);
    const done = measured.length;
    const most = Math.max(...measured.filter(Number.isFinite));
    const place = measured.indexOf(most);
    parts.push(`Scan: ${done} of ${scan.total} beams, measured where user ${scan.user} stands`);
    if (place >= 0) parts.push(`strongest ${db(most)} dB at ${degrees(new Float32Array(scan.azimuthsDeg)[place])}`);
  }
  if (figures) {
    const { peakAzimuthDeg, beamwidthDeg, sidelobeDb, eirpOverElementDb } = figures;
    const width = beamwidthDeg.azimuth === null ? 'wider than is seen' : `${degrees(beamwidthDeg.azimuth)} wide`;
    const lobes = sidelobeDb.azimuth === null ? '' : `, sidelobes ${db(sidelobeDb.azimuth)} dB`;
    parts.push(`Calculated: to ${degrees(peakAzimuthDeg)}, ${width}${lobes}, EIRP ${db(eirpOverElementDb)} dB over one element`);
  }
  return parts.length === 0 ? 'Waiting for the beam.' : parts.join(' · ');
}

function angleInput(name: string, value: string): HTMLInputElement {
  return element('input', {
    id: `hand-${name}`,
    type: 'number',
    min: '-90',
    max: '90',
    step: 'any',
    value,
    'aria-label': `${name}, degrees`,
  });
}

const labelled = (text: string, input: HTMLElement): HTMLElement => element('label', {}, document.createTextNode(text), input);
const button = (id: string, text: string): HTMLButtonElement =>
  element('button', { id, type: 'button', text, 'aria-describedby': 'hint' });
