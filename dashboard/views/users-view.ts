/** Per-user SINR: the measured value in big figures, and a minute of measured beside predicted, on one scale for all users. */
import { byId, element, setText } from '../elements.ts';
import type { Live } from '../live.ts';
import { colour, USER_COLOURS, userColour } from '../charts/theme.ts';
import { steadyRange, type Range } from '../charts/steady-range.ts';
import { MEAN_MS, TimeChart } from '../charts/time-chart.ts';
import { db, predictedText } from '../charts/figures.ts';

/** So many have room for large figures. */
const MOST_IN_LARGE = 4;

interface UserRow {
  element: HTMLElement;
  /** It can be seen: charts that nobody sees are not drawn. */
  onScreen: boolean;
  value: HTMLElement;
  expected: HTMLElement;
  chart: TimeChart;
}

export class UsersView {
  readonly #container = byId('user-rows');
  #rows: UserRow[] = [];
  #range: Range | undefined;
  readonly #watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const row = this.#rows.find(({ element: each }) => each === target);
      if (row) row.onScreen = isIntersecting;
    }
  });

  drawCharts(live: Live): void {
    this.#keepRows(live);
    const drawn = this.#rows.map((row) => (row.onScreen ? row.chart.read(live) : null));
    const lines = drawn.flatMap((data) => (data ? data.slice(1) : [])) as (number | null)[][];
    this.#range = steadyRange(this.#range, lines, 5);
    drawn.forEach((data, user) => data && this.#range && this.#rows[user].chart.draw(data, this.#range));
  }

  drawFigures(live: Live): void {
    this.#keepRows(live);
    const { history, columns } = live;
    const newest = live.newestOk;
    if (!history || newest < 0) return;
    this.#rows.forEach((row, user) => {
      const measured = history.valueAt(newest, columns.measured(user));
      const predicted = history.valueAt(newest, columns.predicted(user));
      const text = db(measured);
      setText(row.value, text);
      // Long ones are set smaller, to end before the chart.
      const figures = row.value.parentElement;
      if (figures) figures.dataset.length = String(text.length);
      setText(row.expected, predictedText(predicted, this.#rows.length > MOST_IN_LARGE));
    });
  }

  #keepRows(live: Live): void {
    if (this.#rows.length === live.users && (live.users > 0 || this.#container.childElementCount > 0)) return;
    this.#container.replaceChildren();
    this.#range = undefined;
    if (live.users === 0) {
      this.#container.append(element('p', { className: 'empty', text: 'No users yet: waiting for the controller.' }));
    }
    const many = live.users > MOST_IN_LARGE;
    this.#container.classList.toggle('many', many);
    // What scrolls can be scrolled by keyboard.
    if (many) this.#container.tabIndex = 0;
    else this.#container.removeAttribute('tabindex');
    this.#watch.disconnect();
    this.#container.style.setProperty('--users', String(Math.max(1, live.users)));
    this.#rows = Array.from({ length: live.users }, (_, user) => this.#addRow(live, user, many));
    for (const row of this.#rows) this.#watch.observe(row.element);
  }

  #addRow(live: Live, user: number, many: boolean): UserRow {
    const value = element('span', { text: '–' });
    const expected = element('div', { className: 'expected', text: 'predicted –' });
    const chart = element('div', { className: 'chart' });
    const name = element('div', { className: 'name', text: `User ${user}` });
    name.style.color = `var(--user-${user % USER_COLOURS})`; // follows light and dark by itself
    const figures = element('div', { className: 'value' }, value, element('small', { text: ' dB' }));
    const row = element(
      'div',
      { className: 'user', 'data-user': String(user) },
      element('div', { className: 'figures' }, name, figures, expected),
      chart,
    );
    this.#container.append(row);
    const series = [
      { label: 'measured', column: live.columns.measured(user), colour: () => userColour(user), width: 1.8 },
      {
        label: 'predicted',
        column: live.columns.predicted(user),
        meanMs: MEAN_MS,
        colour: () => colour('text'),
        dash: [5, 3],
        width: 1.3,
      },
    ];
    const label = `SINR of user ${user} over the last 60 s, measured and predicted`;
    const timeAxis = !many && user === live.users - 1;
    return { element: row, onScreen: true, value, expected, chart: new TimeChart({ container: chart, series, timeAxis, label }) };
  }
}
