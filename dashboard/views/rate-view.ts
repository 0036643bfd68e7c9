/** The sum rate: measured, predicted, and what a digital zero-forcing precoder would give on the same channel. */
import { byId, element, setText } from '../elements.ts';
import { fixed } from '../charts/figures.ts';
import type { Live } from '../live.ts';
import { colour } from '../charts/theme.ts';
import { MEAN_MS, steadyRange, TimeChart } from '../charts/time-chart.ts';
import type { Range } from '../charts/time-chart.ts';

export class RateView {
  readonly #measured = element('span', { text: '–' });
  readonly #predicted = element('span', { text: '–' });
  readonly #zf = element('span', { text: '–' });
  readonly #share = byId('rate-key');
  readonly #chartPlace = element('div', { className: 'chart' });
  #chart: TimeChart | undefined;
  #users = 0;
  #range: Range | undefined;

  constructor() {
    const figure = (line: string, name: string, value: HTMLElement): HTMLElement =>
      element(
        'div',
        { className: 'figure' },
        element('dt', {}, element('span', { className: `line ${line}` }), document.createTextNode(name)),
        element('dd', {}, value),
      );
    byId('rate-body').append(
      element(
        'dl',
        { className: 'figures-row' },
        figure('solid accent', 'measured', this.#measured),
        figure('dashed', 'predicted', this.#predicted),
        figure('zf', 'digital ZF', this.#zf),
      ),
      this.#chartPlace,
    );
    setText(this.#share, 'bit/s/Hz, all users');
  }

  drawFigures(live: Live): void {
    const { history, columns } = live;
    const newest = live.newestOk;
    if (!history || newest < 0) return;
    const measured = history.valueAt(newest, columns.measuredRate);
    const zf = history.valueAt(newest, columns.zfRate);
    setText(this.#measured, fixed(measured, 2));
    setText(this.#predicted, fixed(history.valueAt(newest, columns.predictedRate), 2));
    setText(this.#zf, fixed(zf, 2));
    const share = measured / zf;
    setText(
      this.#share,
      Number.isFinite(share) ? `bit/s/Hz, all users · measured is ${fixed(100 * share, 0)} % of ZF` : 'bit/s/Hz, all users',
    );
  }

  drawChart(live: Live): void {
    if (!this.#chart || this.#users !== live.users) {
      if (live.users === 0) return;
      this.#users = live.users;
      this.#chartPlace.replaceChildren();
      const { measuredRate, predictedRate, zfRate } = live.columns;
      this.#chart = new TimeChart({
        container: this.#chartPlace,
        timeAxis: true,
        label: 'Sum rate over the last 60 s: measured, predicted and digital zero forcing',
        series: [
          { label: 'digital ZF', column: zfRate, meanMs: MEAN_MS, colour: () => colour('user-1'), dash: [2, 3], width: 1.6 },
          { label: 'measured', column: measuredRate, colour: () => colour('accent'), width: 1.8 },
          { label: 'predicted', column: predictedRate, meanMs: MEAN_MS, colour: () => colour('text'), dash: [5, 3], width: 1.3 },
        ],
      });
    }
    const data = this.#chart.read(live);
    if (!data) return;
    this.#range = steadyRange(this.#range, data.slice(1) as (number | null)[][], 2);
    this.#chart.draw(data, this.#range);
  }
}
