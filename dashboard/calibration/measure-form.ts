/** A measurement of the array from the page: chosen, planned, asked for twice, watched, cancelled; every page sees how far it is. */
import { counted } from '../../core/errors/counted.ts';
import type { CalibrationNow, CalibrationPlan, CalibrationWish, RigDescription } from '../../src/server/socket-contract.ts';
import { age, count } from '../charts/figures.ts';
import type { Controls, RigSocket } from '../controls.ts';
import { element, setText } from '../elements.ts';
import { arrayText, radiates, type Live } from '../live.ts';
import { errorText } from './calibration-words.ts';

export class MeasureForm {
  readonly #socket: RigSocket;
  readonly #controls: Controls;
  readonly #method = element('select', { id: 'cal-method', 'aria-label': 'Method of the measurement' });
  readonly #readings = element('input', {
    id: 'cal-readings',
    type: 'number',
    min: '1',
    placeholder: 'best',
    'aria-label': 'Readings',
  });
  readonly #pilots = element('input', {
    id: 'cal-pilots',
    type: 'number',
    min: '1',
    max: '65535',
    placeholder: 'best',
    'aria-label': 'Pilots a reading',
  });
  readonly #resume = element('input', { id: 'cal-resume', type: 'checkbox' });
  readonly #resumeText = element('span');
  readonly #resumeLabel = element('label', { className: 'wide' }, this.#resume, this.#resumeText);
  readonly #measure = element('button', { id: 'cal-measure', type: 'button', text: 'Measure', 'aria-describedby': 'hint' });
  readonly #cancel = element('button', { id: 'cal-cancel', type: 'button', text: 'Cancel' });
  readonly #plan = element('p', { id: 'cal-plan' });
  readonly #bar = element('progress', { 'aria-label': 'Readings done' });
  readonly #progress = element('p', { id: 'cal-progress', role: 'status' });
  readonly #row = element(
    'div',
    { className: 'hand-row', role: 'group', 'aria-label': 'Measurement of the array' },
    element('label', {}, document.createTextNode('method'), this.#method),
    element('label', {}, document.createTextNode('readings'), this.#readings),
    element('label', {}, document.createTextNode('pilots'), this.#pilots),
    this.#measure,
    this.#cancel,
  );
  #live: Live | undefined;
  #listed = '';
  #planned: CalibrationPlan | undefined;
  #plannedFor = '';

  constructor(place: HTMLElement, socket: RigSocket, controls: Controls) {
    this.#socket = socket;
    this.#controls = controls;
    place.append(this.#row, this.#resumeLabel, this.#plan, this.#bar, this.#progress);
    for (const input of [this.#method, this.#readings, this.#pilots]) input.addEventListener('change', () => this.#askPlan());
    this.#measure.addEventListener('click', () => this.#ask());
    this.#cancel.addEventListener('click', () => {
      controls.do({ question: '', verb: 'Cancel', send: (answer) => socket.emit('cancelCalibration', answer) });
    });
  }

  draw(live: Live): void {
    this.#live = live;
    const { rig, calibration } = live;
    if (rig) this.#keep(rig);
    const measuring = live.state === 'measuring';
    const usable = live.connection === 'open' && (live.state === 'running' || live.state === 'paused');
    const wanted = JSON.stringify([this.#wish(), rig?.calibrated, calibration?.phase]);
    if (usable && wanted !== this.#plannedFor) this.#askPlan();
    for (const each of [this.#method, this.#readings, this.#pilots, this.#resume]) each.disabled = !usable;
    this.#measure.disabled = !usable || this.#planned === undefined;
    this.#cancel.disabled = !measuring || live.connection !== 'open';
    this.#measure.hidden = measuring;
    this.#cancel.hidden = !measuring;
    this.#resumeLabel.hidden = (this.#planned?.kept ?? null) === null || measuring;
    setText(this.#resumeText, ` go on with the ${counted(this.#planned?.kept ?? 0, 'reading')} that were kept`);
    this.#plan.hidden = measuring;
    this.#bar.hidden = !measuring;
    if (calibration !== undefined) {
      this.#bar.max = Math.max(calibration.of, 1);
      this.#bar.value = calibration.done;
    }
    drawProgress(this.#progress, calibration);
  }

  #wish(): CalibrationWish {
    const orBest = ({ valueAsNumber }: HTMLInputElement): number | null =>
      Number.isFinite(valueAsNumber) ? valueAsNumber : null;
    return {
      method: this.#method.value,
      readings: orBest(this.#readings),
      pilots: orBest(this.#pilots),
      resume: this.#resume.checked && !this.#resumeLabel.hidden,
    };
  }

  #keep({ calibrationMethods: methods }: RigDescription): void {
    const text = JSON.stringify(methods);
    if (text === this.#listed) return;
    this.#listed = text;
    const before = this.#method.value;
    this.#method.replaceChildren(
      ...methods.map(({ name, about, why }) => {
        const option = element('option', { value: name, text: why === null ? name : `${name} – not here`, title: why ?? about });
        option.disabled = why !== null;
        return option;
      }),
    );
    const possible = methods.filter(({ why }) => why === null).map(({ name }) => name);
    this.#method.value = possible.includes(before) ? before : (possible[0] ?? '');
    const refused = methods.flatMap(({ name, why }) => (why === null ? [] : [`${name}: ${why}`]));
    this.#method.title = refused.length === 0 ? 'All methods are possible here.' : `Not possible here: ${refused.join('; ')}`;
  }

  #askPlan(): void {
    const live = this.#live;
    if (!live?.rig || this.#method.value === '') return;
    const wish = this.#wish();
    const wanted = JSON.stringify([wish, live.rig.calibrated, live.calibration?.phase]);
    this.#plannedFor = wanted;
    this.#socket.emit('planCalibration', wish, (answer) => {
      if (wanted !== this.#plannedFor) return;
      this.#planned = answer.ok ? answer.plan : undefined;
      setText(this.#plan, answer.ok ? planText(answer.plan) : `Not possible now: ${answer.reason}`);
    });
  }

  #ask(): void {
    const [live, plan, wish] = [this.#live, this.#planned, this.#wish()];
    if (!live || !plan) return;
    const { azimuthDeg, elevationDeg, receiver } = plan.probe;
    const runs = live.state === 'running';
    const where = `heard by receiver ${receiver} at azimuth ${azimuthDeg}°${elevationDeg === 0 ? '' : `, elevation ${elevationDeg}°`}`;
    const does = `${capital(arrayText(live))} ${radiates(live) ? 'radiates' : 'shows'} ${count(plan.readings)} calibration settings, ${where}, for about ${age(1000 * plan.seconds)}`;
    const then = runs ? 'the rig pauses meanwhile, and then runs again by the new tables' : 'the rig stays paused';
    this.#controls.ask(
      {
        question: `${does}; ${then}. Measure?`,
        verb: 'Measure',
        send: (answer) => this.#socket.emit('calibrate', wish, answer),
      },
      this.#measure,
    );
  }
}

function planText({ readings, seconds, expected, readingSnrDb }: CalibrationPlan): string {
  const exact = expected === null ? '' : `; states to ${errorText(expected)} where one element alone reads at ${readingSnrDb} dB`;
  return `Dry run: ${counted(count(readings), 'reading')}, about ${age(1000 * seconds)}${exact}.`;
}

function drawProgress(place: HTMLElement, now: CalibrationNow | undefined): void {
  const text = now === undefined ? '' : progressText(now);
  place.hidden = text === '';
  const had = place.dataset.text;
  if (had === text) return;
  place.dataset.text = text;
  place.replaceChildren(document.createTextNode(text));
  if (now?.phase === 'done') {
    place.append(
      ' ',
      element('a', { href: `./calibration/report?${now.endedMs ?? 0}`, target: '_blank', rel: 'noopener', text: 'Report' }),
    );
  }
}

function progressText({ method, phase, done, of, secondsLeft, failure, result }: CalibrationNow): string {
  switch (phase) {
    case 'measuring': {
      const left = secondsLeft === null ? '' : `, ${age(1000 * secondsLeft)} left`;
      return `Measuring by ${method}: ${count(done)} of ${count(of)} readings${left}.`;
    }
    case 'solving':
      return `All ${count(of)} readings are there, the array is safe; working out the states.`;
    case 'done':
      return result === null
        ? ''
        : `Measured by ${method}: what was believed before missed by ${errorText(result.before)}, now known to ${errorText(result.after)}; ${result.flaws}. In use: ${result.tables.join(' + ')}.`;
    case 'cancelled':
      return `The measurement by ${method} was cancelled after ${count(done)} of ${count(of)} readings: no table, and all is as it was.`;
    case 'failed':
      return `The measurement by ${method} came to nothing: ${failure ?? ''}`;
  }
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
