/**
 * What the rig is judged by. The first quantity that the controller names (the sum rate) has large figures and a chart: measured, predicted, and what a
 * digital zero-forcing precoder would give on the same channel. Each of the others has a line.
 */
import type { Figure } from '../../src/server/socket-contract.ts';
import { byId, element, setText } from '../elements.ts';
import { fixed } from '../charts/figures.ts';
import type { FigureColumns, Live } from '../live.ts';
import { colour } from '../charts/theme.ts';
import { steadyRange, type Range } from '../charts/steady-range.ts';
import { MEAN_MS, TimeChart } from '../charts/time-chart.ts';
import type { ChartSeries } from '../charts/time-chart.ts';

/** In the order in which they are shown. */
const LINES: Record<Figure['from'], { key: string; line: Omit<ChartSeries, 'label' | 'column'> }> = {
  measured: { key: 'solid accent', line: { colour: () => colour('accent'), width: 1.8 } },
  predicted: { key: 'dashed', line: { meanMs: MEAN_MS, colour: () => colour('text'), dash: [5, 3], width: 1.3 } },
  'digital ZF': { key: 'zf', line: { meanMs: MEAN_MS, colour: () => colour('user-1'), dash: [2, 3], width: 1.6 } },
};
const ORDER = Object.keys(LINES);

export class RateView {
  readonly #share = byId('rate-key');
  readonly #figures = element('dl', { className: 'figures-row' });
  readonly #others = element('dl', { className: 'figures-more' });
  readonly #chartPlace = element('div', { className: 'chart' });
  /** Figures by their place in the history. */
  readonly #values = new Map<number, HTMLElement>();
  /** Rows that are not there before their figure is known. */
  #seldom: { row: HTMLElement; places: readonly number[] }[] = [];
  #quantities: FigureColumns[] = [];
  #named = '';
  #chart: TimeChart | undefined;
  #range: Range | undefined;

  constructor() {
    byId('rate-body').append(this.#figures, this.#others, this.#chartPlace);
  }

  drawFigures(live: Live): void {
    this.#name(live);
    const { history } = live;
    const newest = live.newestOk;
    if (!history || newest < 0) return;
    for (const [place, value] of this.#values) setText(value, fixed(history.valueAt(newest, place), 2));
    for (const { row, places } of this.#seldom) {
      if (row.hidden && places.some((place) => Number.isFinite(history.valueAt(newest, place)))) row.hidden = false;
    }
    const [main] = this.#quantities;
    const now = (from: Figure['from']): number => {
      const column = main?.columns.find((each) => each.from === from);
      return column === undefined ? NaN : history.valueAt(newest, column.place);
    };
    const share = now('measured') / now('digital ZF');
    const ofZf = Number.isFinite(share) ? ` · measured is ${fixed(100 * share, 0)} % of ZF` : '';
    setText(this.#share, `${main?.unit ?? ''}, all users${ofZf}`);
  }

  drawChart(live: Live): void {
    this.#name(live);
    const data = this.#chart?.read(live);
    if (!data) return;
    this.#range = steadyRange(this.#range, data.slice(1) as (number | null)[][], 2);
    this.#chart?.draw(data, this.#range);
  }

  /** Keys, figures and chart, once it is known what there is. */
  #name(live: Live): void {
    const named = JSON.stringify(live.figures);
    if (named === this.#named || live.users === 0) return;
    this.#named = named;
    this.#quantities = live.figures;
    for (const { columns } of this.#quantities) columns.sort((a, b) => ORDER.indexOf(a.from) - ORDER.indexOf(b.from));
    this.#values.clear();
    this.#seldom = [];
    this.#figures.replaceChildren();
    this.#others.replaceChildren();
    this.#chartPlace.replaceChildren();
    const [main, ...others] = this.#quantities;
    if (main === undefined) return;
    setText(
      byId('rate-title'),
      main.of.replace(/^./, (first) => first.toUpperCase()),
    );
    setText(this.#share, `${main.unit}, all users`);
    for (const { from, place, meaning } of main.columns) {
      const key = element('span', { className: `line ${LINES[from].key}` });
      const name = element('dt', {}, key, document.createTextNode(from));
      this.#figures.append(element('div', { className: 'figure', title: meaning }, name, element('dd', {}, this.#value(place))));
    }
    for (const { of, unit, seldom, columns } of others) {
      const values = columns.map(({ from, place, meaning }) =>
        element(
          'span',
          { title: meaning },
          element('span', { className: `line ${LINES[from].key}` }),
          element('i', { text: `${from} ` }),
          this.#value(place),
        ),
      );
      const figures = element('dd', {}, ...values, document.createTextNode(unit));
      const row = element('div', { 'data-figure': of }, element('dt', { text: of, title: columns[0]?.meaning }), figures);
      this.#others.append(row);
      if (!seldom) continue;
      row.hidden = true;
      this.#seldom.push({ row, places: columns.map(({ place }) => place) });
    }
    const names = main.columns.map(({ from }) => from).join(', ');
    this.#chart = new TimeChart({
      container: this.#chartPlace,
      timeAxis: true,
      label: `${main.of} over the last 60 s: ${names}`,
      series: main.columns.toReversed().map(({ from, place }) => ({ label: from, column: place, ...LINES[from].line })),
    });
  }

  #value(place: number): HTMLElement {
    const value = element('b', { text: '–' });
    this.#values.set(place, value);
    return value;
  }
}
