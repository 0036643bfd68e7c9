/** A strip chart of the last minute: fixed axes from −60 s to now, lines that break where there is nothing. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Line } from './history.ts';
import { WINDOW_MS } from '../live.ts';
import type { Live } from '../live.ts';
import type { Range } from './steady-range.ts';
import { canvasFont, colour, themeVersion } from './theme.ts';

export interface ChartSeries extends Line {
  label: string;
  colour: () => string;
  dash?: number[];
  width: number;
}

export interface ChartOptions {
  container: HTMLElement;
  series: readonly ChartSeries[];
  /** Shows the labels of the time axis. */
  timeAxis: boolean;
  label: string;
}

/** Lines of what should be are means over this: beside the scatter of what is, they can be read. */
export const MEAN_MS = 1000;

export class TimeChart {
  readonly #options: ChartOptions;
  #plot: uPlot | undefined;
  #theme = -1;
  #range: Range = [0, 1];

  constructor(options: ChartOptions) {
    this.#options = options;
    options.container.setAttribute('role', 'img');
    options.container.setAttribute('aria-label', options.label);
  }

  /** The lines as they will be drawn; null while there is no room for a chart. */
  read(live: Live): uPlot.AlignedData | null {
    const width = this.#options.container.clientWidth;
    if (!live.history || width < 60) return null;
    const endMs = live.chartEndMs();
    const [times, ...lines] = live.history.window(
      endMs - WINDOW_MS,
      endMs,
      Math.ceil(width / 2),
      this.#options.series,
      live.freshMs,
    );
    return [times.map((time) => time - endMs / 1000), ...lines];
  }

  draw(data: uPlot.AlignedData, range: Range): void {
    this.#range = range;
    const { clientWidth: width, clientHeight: height } = this.#options.container;
    if (width < 60 || height < 24) return;
    if (this.#theme !== themeVersion()) {
      this.#plot?.destroy();
      this.#plot = this.#create(width, height);
      this.#theme = themeVersion();
    }
    const plot = this.#plot;
    if (!plot) return;
    if (plot.width !== width || plot.height !== height) plot.setSize({ width, height });
    plot.setData(data);
  }

  #create(width: number, height: number): uPlot {
    const { container, series, timeAxis } = this.#options;
    const axis = { stroke: colour('dim'), font: canvasFont(11), ticks: { show: false } };
    const grid = { stroke: colour('grid'), width: 1 };
    return new uPlot(
      {
        width,
        height,
        padding: [7, 6, timeAxis ? 0 : 7, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: [-WINDOW_MS / 1000, 0] },
          y: { range: () => [this.#range[0], this.#range[1]] },
        },
        axes: [
          {
            ...axis,
            grid,
            size: timeAxis ? 18 : 0,
            gap: 2,
            splits: (plot) => (plot.width < 200 ? [-60, -40, -20, 0] : [-60, -45, -30, -15, 0]),
            // Labels at the ends would run into the other axis.
            values: (_plot, splits) => splits.map((s) => (!timeAxis || s === 0 || s === -60 ? '' : `−${-s} s`)),
          },
          {
            ...axis,
            grid,
            size: 32,
            gap: 4,
            splits: (plot) => ticksOf(this.#range, plot.height - (timeAxis ? 25 : 14)),
            values: (_plot, splits) => splits.map((value) => String(value).replace('-', '−')),
          },
        ],
        series: [
          {},
          ...series.map((line) => ({
            label: line.label,
            stroke: line.colour(),
            width: line.width,
            ...(line.dash ? { dash: line.dash } : {}),
            points: { show: false },
            spanGaps: false,
          })),
        ],
      },
      [[], ...series.map(() => [])],
      container,
    );
  }
}

/** A few round numbers, no more than there is room for. */
function ticksOf([low, high]: Range, height: number): number[] {
  const most = Math.max(2, Math.floor(height / 18));
  const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500].find((size) => (high - low) / size <= most) ?? 1000;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}
