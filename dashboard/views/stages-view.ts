/** Where the time of a cycle goes: one stacked bar a second, and the mean of the last second in figures. */
import { byId, element, setText, Surface } from '../elements.ts';
import { fixed, milliseconds } from '../charts/figures.ts';
import type { Live } from '../live.ts';
import { WINDOW_MS } from '../live.ts';
import { canvasFont, colour } from '../charts/theme.ts';

const BAR_MS = 1000;
/** So many are in styles/base.css; then they come again. */
const STAGE_COLOURS = 8;
interface Bar {
  startMs: number;
  stageMs: number[];
}

export class StagesView {
  readonly #surface: Surface;
  readonly #list = element('dl', { className: 'stage-list' });
  readonly #whole = element('dd', { text: '–' });
  #stages: Live['stages'] = [];
  #values: HTMLElement[] = [];
  #topMs = 1;

  constructor() {
    const place = element('div', { className: 'stage-plot' });
    byId('stages-body').append(place, this.#list);
    this.#list.append(this.#wholeRow());
    this.#surface = new Surface(place, 'Cycle time by stage over the last 60 s');
  }

  /** The legend, once the stages are known. */
  #name(stages: Live['stages']): void {
    if (stages === this.#stages) return;
    this.#stages = stages;
    this.#values = stages.map(() => element('dd', { text: '–' }));
    const rows = stages.map(({ name, meaning }, i) => {
      const swatch = element('span', { className: 'swatch' });
      swatch.style.background = `var(--stage-${i % STAGE_COLOURS})`;
      return element('div', { title: meaning }, element('dt', {}, swatch, document.createTextNode(name)), this.#values[i]);
    });
    this.#list.replaceChildren(...rows.reverse(), this.#wholeRow()); // as in the bars: last on top
  }

  #wholeRow(): HTMLElement {
    return element('div', { className: 'whole' }, element('dt', { text: 'all stages' }), this.#whole);
  }

  draw(live: Live): void {
    this.#name(live.stages);
    const bars = barsOf(live);
    this.#figures(live);
    const start = this.#surface.begin();
    if (!start) return;
    const { context, width, height } = start;
    const [left, right, top, bottom] = [32, width - 2, 8, height - 18];
    const tallest = Math.max(0, ...bars.map((bar) => bar.stageMs.reduce((sum, value) => sum + value, 0)));
    if (tallest > this.#topMs || tallest < this.#topMs / 3) this.#topMs = roundUp(tallest * 1.15);
    context.font = canvasFont(11);
    context.strokeStyle = colour('grid');
    context.fillStyle = colour('dim');
    context.textBaseline = 'middle';
    context.textAlign = 'right';
    for (const share of [0, 0.5, 1]) {
      const y = bottom - share * (bottom - top);
      context.beginPath();
      context.moveTo(left, y);
      context.lineTo(right, y);
      context.stroke();
      context.fillText(String(Number((share * this.#topMs).toPrecision(3))), left - 5, y);
    }
    const endMs = Math.ceil(live.chartEndMs() / BAR_MS) * BAR_MS;
    const barWidth = (right - left) / (WINDOW_MS / BAR_MS);
    for (const bar of bars) {
      const x = right - ((endMs - bar.startMs) / BAR_MS) * barWidth;
      if (x < left - 0.5) continue;
      let y = bottom;
      bar.stageMs.forEach((value, stage) => {
        const tall = (value / this.#topMs) * (bottom - top);
        context.fillStyle = colour(`stage-${stage % STAGE_COLOURS}`);
        context.fillRect(x, y - tall, Math.max(1, barWidth - 1), tall);
        y -= tall;
      });
    }
    context.fillStyle = colour('dim');
    context.textAlign = 'left';
    context.fillText('−60 s', left, height - 7);
    context.textAlign = 'right';
    context.fillText('now', right, height - 7);
  }

  #figures(live: Live): void {
    const { history, columns, rig } = live;
    if (!history || !rig || history.length === 0) return;
    const from = Math.min(history.length - 1, history.firstAtOrAfter(history.newestMs - 1000));
    const means = live.stages.map(({ name }) => history.meanSince(from, columns.stage(name)));
    means.forEach((mean, stage) => setText(this.#values[stage], milliseconds(mean)));
    const whole = means.reduce((sum, mean) => sum + mean, 0);
    setText(this.#whole, milliseconds(whole));
    const periodMs = 1000 / rig.loopRateHz;
    const share =
      Number.isFinite(periodMs) && periodMs > 0
        ? ` · ${fixed((100 * whole) / periodMs, 0)} % of the ${fixed(periodMs, 0)} ms period`
        : '';
    setText(byId('stages-key'), `ms, mean of each second${share}`);
  }
}

/** Mean of each stage over each second of the window. */
function barsOf(live: Live): Bar[] {
  const { history, columns } = live;
  if (!history) return [];
  const bars: Bar[] = [];
  let place = history.firstAtOrAfter(live.chartEndMs() - WINDOW_MS);
  while (place < history.length) {
    const startMs = Math.floor(history.timeAt(place) / BAR_MS) * BAR_MS;
    const end = history.firstAtOrAfter(startMs + BAR_MS);
    const stageMs = live.stages.map(({ name }) => {
      const column = columns.stage(name);
      let sum = 0;
      for (let i = place; i < end; i++) sum += history.valueAt(i, column) || 0;
      return sum / (end - place);
    });
    bars.push({ startMs, stageMs });
    place = end;
  }
  return bars;
}

/** 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 3, 4, 5, 6, 8].find((factor) => factor * power >= value) ?? 10) * power;
}
