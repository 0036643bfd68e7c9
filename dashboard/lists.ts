/** The two panels that are words and counters: links and panels, and the list of events. */
import type { RigDescription } from '../src/server/socket-contract.ts';
import { byId, element, setText } from './elements.ts';
import { count, milliseconds } from './figures.ts';
import { clockTime } from './live.ts';
import type { Live } from './live.ts';

const LEVELS = { info: 'info', warning: '▲ warning', error: '■ error' } as const;

export class PanelsPanel {
  readonly #table = element('tbody');
  readonly #counters = new Map<string, HTMLElement>();
  readonly #none = element('p', { text: 'No link is open yet.' });
  readonly #calibration = element('p', { className: 'aside' });
  #shown = '';

  constructor() {
    const head = LINK_COLUMNS.map((text) => element('th', { text, scope: 'col' }));
    const counters = element('dl', { className: 'counters' });
    for (const name of ['round trip', 'retries', 'timeouts', 'discarded frames', 'void cycles', 'cycles']) {
      const value = element('dd', { text: '–' });
      this.#counters.set(name, value);
      counters.append(element('div', {}, element('dt', { text: name }), value));
    }
    byId('panels-body').append(
      counters,
      element('table', {}, element('thead', {}, element('tr', {}, ...head)), this.#table),
      this.#none,
      this.#calibration,
    );
  }

  draw(live: Live): void {
    const { rig, totals, latest } = live;
    this.#set('round trip', latest ? `${milliseconds(latest.roundTripMs)} ms` : '–', false);
    this.#set('retries', count(totals.retries), totals.retries > 0);
    this.#set('timeouts', count(totals.timeouts), totals.timeouts > 0);
    this.#set('discarded frames', count(totals.discarded), totals.discarded > 0);
    this.#set('void cycles', count(totals.voidCycles), totals.voidCycles > 0);
    this.#set('cycles', count(totals.cycles), false);
    if (rig) setText(this.#calibration, `Calibration: ${rig.calibration}`);
    const links = rig?.links ?? [];
    const text = JSON.stringify(links);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#none.hidden = links.length > 0;
    this.#table.replaceChildren(
      ...links.map((link) => {
        const cells = cellsOf(link).map(([text, title = text]) => element('td', { text, title }));
        return element('tr', { 'data-state': link.state === 'open' ? 'open' : 'closed' }, ...cells);
      }),
    );
  }

  #set(name: string, text: string, bad: boolean): void {
    const value = this.#counters.get(name);
    if (!value) return;
    setText(value, text);
    value.parentElement?.classList.toggle('bad', bad);
  }
}

const LINK_COLUMNS = ['Link', 'Panel', 'Elements', 'State', 'Trip', 'Retries', 'Timeouts', 'Discarded'];

/** Text of each cell, and what it says when pointed at where that is more. */
function cellsOf(link: RigDescription['links'][number]): [text: string, title?: string][] {
  const { name, kind, panel, firmware, elements, state, reconnects, retries, timeouts, discarded, roundTripMs } = link;
  return [
    [name, `${name}: ${kind}, opened again ${count(reconnects)} times`],
    [panel === '' ? '–' : panel, firmware === '' ? panel : `${panel}, firmware ${firmware}`],
    [elements],
    [state],
    [roundTripMs > 0 ? `${milliseconds(roundTripMs)} ms` : '–', 'smoothed round trip'],
    ...[retries, timeouts, discarded].map((value): [string] => [count(value)]),
  ];
}

export class EventsPanel {
  readonly #list = byId('event-list');
  #version = -1;

  draw(live: Live): void {
    if (live.eventsVersion === this.#version) return;
    this.#version = live.eventsVersion;
    if (live.events.length === 0) {
      this.#list.replaceChildren(element('li', { className: 'empty', text: 'Nothing has happened that you should know.' }));
      return;
    }
    this.#list.replaceChildren(
      ...live.events.toReversed().map(({ timeMs, level, code, message, action }) => {
        const words = element('span', {}, document.createTextNode(message));
        if (action) words.append(element('span', { className: 'action', text: ` → ${action}` }));
        const time = element('time', { text: clockTime(new Date(timeMs)), datetime: new Date(timeMs).toISOString() });
        return element(
          'li',
          { 'data-level': level, title: code },
          time,
          element('span', { className: 'level', text: LEVELS[level] }),
          words,
        );
      }),
    );
  }
}
