/**
 * Calibration: what the array is known by, board by board; what its states miss; how it is measured from here; and the tables that there are. It opens over the
 * views of the beam from its line below the top bar, and costs nothing while it is closed.
 */
import type { RigDescription, StateErrorMap, TableListing } from '../../src/server/socket-contract.ts';
import {
  boardLines,
  dateText,
  doubtsOf,
  errorText,
  flawsText,
  foundSince,
  glanceOf,
  originText,
  sinceLines,
} from '../calibration/calibration-words.ts';
import { MeasureForm } from '../calibration/measure-form.ts';
import { StateMap, type Quantity } from '../calibration/state-map.ts';
import type { Controls, RigSocket } from '../controls.ts';
import { byId, element, setText } from '../elements.ts';
import type { Live } from '../live.ts';

const QUANTITIES: [quantity: Quantity, text: string, title: string][] = [
  ['phase', 'Phase', 'How far each state is from the nominal grid, the offset of its element in it'],
  ['states', 'States', 'The same without the offset of its element'],
  ['gain', 'Gain', 'Gain of each state'],
];

export class CalibrationView {
  readonly #open = byId<HTMLButtonElement>('calibration-glance');
  readonly #glance = element('span');
  readonly #more = element('i');
  readonly #origin = byId('channel-origin');
  readonly #section = byId('calibration');
  readonly #boards = element('div', { id: 'cal-boards' });
  readonly #tables = element('div', { id: 'cal-tables' });
  readonly #chain = element('select', { id: 'cal-chain', 'aria-label': 'RF chain' });
  readonly #chainLabel = element('label', {}, document.createTextNode('chain '), this.#chain);
  readonly #quantities = new Map<Quantity, HTMLButtonElement>();
  readonly #map: StateMap;
  readonly #form: MeasureForm;
  #quantity: Quantity = 'phase';
  #states: StateErrorMap | undefined;
  #askedFor = '';
  #boardsText = '';
  #listedFor = '';

  constructor(socket: RigSocket, controls: Controls) {
    const [left, right] = [
      element('div', { className: 'column' }),
      element('div', { id: 'cal-side', tabindex: '0', role: 'group', 'aria-label': 'Boards, measurement and tables' }),
    ];
    byId('calibration-body').append(left, right);
    const choices = element('span', { role: 'group', 'aria-label': 'What the map shows' });
    for (const [quantity, text, title] of QUANTITIES) {
      const button = element('button', { type: 'button', className: 'toggle', text, title, id: `cal-${quantity}` });
      button.addEventListener('click', () => this.#choose(quantity));
      this.#quantities.set(quantity, button);
      choices.append(button);
    }
    const key = element('span', { className: 'state-keys' });
    byId('calibration-key').prepend(choices, this.#chainLabel, key);
    this.#map = new StateMap(left, key);
    const form = element('div');
    right.append(this.#boards, form, this.#tables);
    this.#form = new MeasureForm(form, socket, controls);
    this.#choose('phase');
    this.#open.replaceChildren(this.#glance, this.#more);
    this.#open.addEventListener('click', () => this.#show(this.#section.hidden === true));
    byId('calibration-close').addEventListener('click', () => {
      this.#show(false);
      this.#open.focus();
    });
  }

  #show(open: boolean): void {
    this.#section.hidden = !open;
    document.body.dataset.calibration = open ? 'open' : 'closed';
    this.#open.setAttribute('aria-expanded', String(open));
    // Whatever was measured or laid into the folder meanwhile.
    this.#listedFor = '';
    this.#askedFor = '';
  }

  #choose(quantity: Quantity): void {
    this.#quantity = quantity;
    for (const [each, button] of this.#quantities) button.setAttribute('aria-pressed', String(each === quantity));
    this.#map.show(this.#states, quantity);
  }

  draw(live: Live): void {
    const { rig } = live;
    if (!rig) return;
    const glance = glanceOf(rig, live.nowMs());
    const measuring = live.state === 'measuring';
    setText(this.#glance, measuring ? 'MEASURING the array' : glance.text);
    setText(this.#more, measuring ? '' : glance.more);
    this.#open.title = glance.title;
    this.#open.dataset.level = glance.level;
    setText(this.#origin, originText(rig, live.latest?.soundedSlotsAgo ?? null));
    this.#origin.title = `Which channel the beams are for: ${rig.byHand === null ? rig.channels : 'none'}`;
    if (this.#section.hidden) return;
    this.#drawBoards(rig, live.nowMs());
    this.#keepChains(rig.rfChains);
    this.#form.draw(live);
    this.#askForStates(rig);
    this.#askForTables(rig);
    this.#map.draw(foundSince(rig));
  }

  #keepChains(rfChains: number): void {
    this.#chainLabel.hidden = rfChains === 1;
    if (this.#chain.options.length === rfChains) return;
    this.#chain.replaceChildren(
      ...Array.from({ length: rfChains }, (_, chain) => element('option', { value: String(chain), text: String(chain) })),
    );
  }

  #drawBoards(rig: RigDescription, nowMs: number): void {
    const { calibrated } = rig;
    const since = sinceLines(rig);
    const text = JSON.stringify([since, calibrated.map((board) => [boardLines(board, nowMs), doubtsOf(board, nowMs)])]);
    if (text === this.#boardsText) return;
    this.#boardsText = text;
    this.#boards.replaceChildren(
      ...calibrated.map((board) => {
        const doubts = doubtsOf(board, nowMs);
        const lines = boardLines(board, nowMs).map(([name, value]) => {
          return element('div', {}, element('dt', { text: name }), element('dd', { text: value }));
        });
        const doubt = doubts.length === 0 ? [] : [element('p', { className: 'doubt', text: `Doubtful: ${doubts.join('; ')}.` })];
        return element(
          'div',
          { 'data-level': board.table === null ? 'none' : doubts.length > 0 ? 'doubt' : 'good' },
          element('dl', {}, ...lines),
          ...doubt,
        );
      }),
      ...since.map((line) => element('p', { className: 'doubt', text: `Found since: ${line}.` })),
    );
  }

  #askForStates({ calibrated, rfChains }: RigDescription): void {
    const chain = Math.min(Number(this.#chain.value), rfChains - 1);
    const wanted = JSON.stringify([chain, calibrated.map(({ table }) => table?.id ?? null)]);
    if (wanted === this.#askedFor) return;
    this.#askedFor = wanted;
    const url = new URL(`api/calibration?chain=${chain}`, document.baseURI);
    void ask<StateErrorMap>(url).then((states) => {
      if (wanted !== this.#askedFor) return;
      // Descriptions come later than answers: a panel that was lost for a moment had no tables in it, and no description ever said so.
      const isOfThese = states !== undefined && JSON.stringify([states.chain, states.tables]) === wanted;
      if (!isOfThese) return void setTimeout(() => (this.#askedFor = ''), ASK_AGAIN_MS);
      this.#states = states;
      this.#map.show(states, this.#quantity);
    });
  }

  #askForTables({ calibrated }: RigDescription): void {
    const used = calibrated.flatMap(({ table }) => (table === null ? [] : [table.id]));
    const wanted = JSON.stringify(used);
    if (wanted === this.#listedFor) return;
    this.#listedFor = wanted;
    void ask<{ tables: TableListing[] }>(new URL('api/calibration/tables', document.baseURI)).then((answer) => {
      if (wanted !== this.#listedFor) return;
      if (answer === undefined) return void setTimeout(() => (this.#listedFor = ''), ASK_AGAIN_MS);
      this.#tables.replaceChildren(...tablesShown(answer.tables, used));
    });
  }
}

const ASK_AGAIN_MS = 3000;

/** Undefined where there is no answer: it is asked for again. */
async function ask<T>(url: URL): Promise<T | undefined> {
  try {
    const response = await fetch(url);
    return response.ok ? ((await response.json()) as T) : undefined;
  } catch {
    return undefined;
  }
}

function tablesShown(tables: readonly TableListing[], used: readonly string[]): HTMLElement[] {
  if (tables.length === 0) return [element('p', { className: 'aside', text: 'There are no tables in the folder.' })];
  const head = ['Measured', 'Board', 'Method', 'GHz', '°C', 'Residual', 'Flaws'].map((text) =>
    element('th', { text, scope: 'col' }),
  );
  const rows = tables.map(({ file, panel, table, problem }) => {
    if (table === null) {
      const why = element('td', { colspan: '7', text: `✕ ${file}: ${problem ?? ''}` });
      return element('tr', { 'data-level': 'none' }, why);
    }
    const cells = [
      `${used.includes(table.id) ? '● ' : ''}${dateText(table.measuredAtMs)}`,
      panel,
      table.method,
      String(table.frequencyGhz),
      table.temperatureC === null ? '–' : String(table.temperatureC),
      errorText(table),
      table.flaws.length === 0 ? 'none' : String(new Set(table.flaws.map((flaw) => flaw.element)).size),
    ];
    return element(
      'tr',
      { title: `${file}: ${table.id}; flaws: ${flawsText(table.flaws)}` },
      ...cells.map((text) => element('td', { text })),
    );
  });
  const caption = element('caption', { text: 'Tables of the folder; ● in use' });
  return [element('table', {}, caption, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows))];
}
