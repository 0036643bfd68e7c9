/** Links and the panels at their far ends: a row each, and what is counted over all of them. */
import { counted } from '../../core/errors/counted.ts';
import type { RigDescription } from '../../src/server/socket-contract.ts';
import { byId, element, setText } from '../elements.ts';
import { count, fixed, milliseconds } from '../charts/figures.ts';
import type { Live } from '../live.ts';

export class LinksView {
  readonly #table = element('table');
  readonly #counters = new Map<string, HTMLElement>();
  readonly #none = element('p', { text: 'No link is open yet.' });
  readonly #calibration = element('p', { className: 'aside' });
  #shown = '';

  constructor() {
    const counters = element('dl', { className: 'counters' });
    for (const name of ['round trip', 'retries', 'timeouts', 'discarded frames', 'void cycles', 'cycles']) {
      const value = element('dd', { text: '–' });
      this.#counters.set(name, value);
      counters.append(element('div', {}, element('dt', { text: name }), value));
    }
    byId('panels-body').append(counters, this.#table, this.#none, this.#calibration);
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
    const columns = LINK_COLUMNS.filter((column) => links.some((link) => column.text(link) !== undefined));
    const head = columns.map(({ name, title }) => element('th', { text: name, title, scope: 'col' }));
    this.#table.replaceChildren(element('thead', {}, element('tr', {}, ...head)), ...links.map((link) => rowsOf(link, columns)));
  }

  #set(name: string, text: string, bad: boolean): void {
    const value = this.#counters.get(name);
    if (!value) return;
    setText(value, text);
    value.parentElement?.classList.toggle('bad', bad);
  }
}

type Link = RigDescription['links'][number];

interface Column {
  name: string;
  title?: string;
  /** Undefined where it does not apply; a column that applies to no link is left out. */
  text: (link: Link) => string | undefined;
}

const LINK_COLUMNS: Column[] = [
  { name: 'Link', text: ({ name }) => name },
  { name: 'State', text: ({ state }) => (state === 'open' ? state : `✕ ${state}`) },
  {
    name: 'Trip, ms',
    title: 'Smoothed round trip, ms',
    text: (link) => (link.roundTripMs > 0 ? milliseconds(link.roundTripMs) : '–'),
  },
  { name: 'Retries', text: ({ retries }) => count(retries) },
  { name: 'Timeouts', text: ({ timeouts }) => count(timeouts) },
  { name: 'Disc.', title: 'Frames discarded, damaged ones among them', text: ({ discarded }) => count(discarded) },
  { name: 'CRC', title: 'Frames that arrived damaged', text: ({ badFrames }) => count(badFrames) },
  {
    name: '°C',
    title: 'Temperature that the panel told last',
    text: ({ temperatureC }) => (temperatureC === null ? undefined : fixed(temperatureC, 0)),
  },
];

/** Elements of the array, or users whom a board with receivers only hears. */
function partOf({ elements, users }: Link): string {
  const [what, which] = users === '' ? ['element', elements] : ['user', users];
  return `${/^\d+$/.test(which) ? what : `${what}s`} ${which}`;
}

/** The figures of a link, and below them what it leads to and what is wrong with it, in full. */
function rowsOf(link: Link, columns: readonly Column[]): HTMLElement {
  const cells = columns.map(({ name, text }) => {
    const shown = text(link) ?? '–';
    return element('td', {
      text: shown,
      title: name === 'Link' ? `${link.kind}, opened again ${counted(count(link.reconnects), 'time')}` : shown,
    });
  });
  const what = [link.panel === '' ? 'panel not known yet' : link.panel, partOf(link)];
  if (link.unauthenticated) what.push(`${counted(count(link.unauthenticated), 'unauthenticated frame')} ignored`);
  const about = element(
    'td',
    { colspan: String(columns.length), title: link.firmware },
    element('span', { text: what.join(' · ') }),
  );
  if (link.discardedWhy !== '') about.append(element('span', { className: 'why', text: `Discarded: ${link.discardedWhy}` }));
  if (link.detail !== '') about.append(element('span', { className: 'why', text: link.detail }));
  return element(
    'tbody',
    { 'data-state': link.state === 'open' ? 'open' : 'closed' },
    element('tr', {}, ...cells),
    element('tr', { className: 'about' }, about),
  );
}
