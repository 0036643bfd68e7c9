/**
 * A plot as SVG: axes with ticks, lines with marks and bars of error, a legend below. Colours are classes, which the page gives a light and a
 * dark meaning; marks and dashes tell lines apart where colours do not. No scripts, nothing from elsewhere.
 */
import { escaped } from './escape.ts';
import { LINE_COLOURS } from './html-style.ts';
import type { Axis, Plot, PlotLine } from './report.ts';
import { tickTexts, ticksOf } from './ticks.ts';

const WIDTH = 720;
const PLOT_HEIGHT = 360;
const MARGIN = { left: 62, right: 18, top: 14, bottom: 48 };
const LEGEND_ROW = 20;
/** Of the letters of a legend, on average. */
const LETTER = 6.6;
const LEGEND_MARK = 40;
const LOOKS = Array.from({ length: 4 * LINE_COLOURS }, (_, look) => look);
/** More points than these have no marks and no bars. */
const MOST_MARKS = 32;

/**
 * How the line of each label looks, as a number: the same in all plots, and in none of them the same as another's. Colours come first; beyond
 * them they come again, dashed and with another mark.
 */
export function looksOf(plots: readonly Plot[]): Map<string, number> {
  const looks = new Map<string, number>();
  const labels = plots.flatMap(({ lines }) => lines.map(({ label }) => label));
  for (const label of labels) {
    if (looks.has(label)) continue;
    const together = plots.filter(({ lines }) => lines.some((line) => line.label === label));
    const taken = new Set(together.flatMap(({ lines }) => lines.map((line) => looks.get(line.label))));
    // One that nobody has while there are colours: neighbours that call two things by one colour mislead as well.
    const free =
      LOOKS.slice(0, LINE_COLOURS).find((look) => ![...looks.values()].includes(look)) ?? LOOKS.find((look) => !taken.has(look));
    looks.set(label, free ?? 0);
  }
  return looks;
}

/**
 * @param id begins the ids within, unique on its page
 * @param looks of the lines by their labels
 */
export function plotSvg({ title, x, y, lines }: Plot, id: string, looks: ReadonlyMap<string, number> = new Map()): string {
  const lookOf = (index: number): number => looks.get(lines[index].label) ?? index;
  const shown = lines.map((line) => ({ line, points: pointsOf(line, x, y) }));
  const all = shown.flatMap(({ points }) => points.filter((point) => point !== undefined));
  const across = scaleOf(
    x,
    extent(
      all.map((point) => point.x),
      x,
    ),
    MARGIN.left,
    WIDTH - MARGIN.right,
    0.01,
  );
  const heights = all.flatMap((point) => [point.y - point.error, point.y + point.error]);
  const up = scaleOf(y, extent(heights, y), PLOT_HEIGHT - MARGIN.bottom, MARGIN.top, 0.04);
  const legend = legendOf(lines, lookOf);
  const height = PLOT_HEIGHT + legend.height;
  return [
    `<svg class="plot" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc">`,
    `<title id="${id}-title">${escaped(title.replaceAll('`', ''))}</title>`,
    `<desc id="${id}-desc">${escaped(inWords(x, y, shown))}</desc>`,
    axisAcross(across, x),
    axisUp(up, y),
    `<rect class="frame" x="${MARGIN.left}" y="${MARGIN.top}" width="${WIDTH - MARGIN.left - MARGIN.right}" height="${PLOT_HEIGHT - MARGIN.top - MARGIN.bottom}"/>`,
    ...shown.map(({ line, points }, i) => lineOf(line, points, lookOf(i), across, up)),
    legend.svg,
    '</svg>',
  ].join('\n');
}

interface Point {
  x: number;
  y: number;
  error: number;
}

/** None where it cannot be shown: the line is interrupted there. */
function pointsOf(line: PlotLine, x: Axis, y: Axis): (Point | undefined)[] {
  const canShow = (value: number, axis: Axis): boolean => Number.isFinite(value) && (axis.log !== true || value > 0);
  return line.x.map((at, i) => {
    const value = line.y[i];
    if (!canShow(at, x) || !canShow(value, y)) return undefined;
    const error = hasMarks(line) ? (line.error?.[i] ?? 0) : 0;
    return { x: at, y: value, error: Number.isFinite(error) && canShow(value - error, y) ? error : 0 };
  });
}

function extent(values: readonly number[], { log }: Axis): [number, number] {
  if (values.length === 0) return [log === true ? 1 : 0, log === true ? 10 : 1];
  let [from, to] = [Infinity, -Infinity];
  for (const value of values) [from, to] = [Math.min(from, value), Math.max(to, value)];
  if (from < to) return [from, to];
  return log === true ? [from / 2, to * 2] : [from - 1, to + 1];
}

interface Scale {
  from: number;
  to: number;
  at: (value: number) => number;
}

/** @param room what is left free at both ends, as a share */
function scaleOf({ log }: Axis, [least, most]: [number, number], start: number, end: number, room: number): Scale {
  const [toAxis, back] = log === true ? [Math.log10, (value: number) => 10 ** value] : [Number, Number];
  const free = room * (toAxis(most) - toAxis(least));
  const [from, to] = [toAxis(least) - free, toAxis(most) + free];
  return {
    from: back(from),
    to: back(to),
    at: (value) => start + ((toAxis(value) - from) / (to - from)) * (end - start),
  };
}

function axisAcross({ from, to, at }: Scale, { label, log }: Axis): string {
  const ticks = ticksOf(from, to, log);
  const bottom = PLOT_HEIGHT - MARGIN.bottom;
  const texts = tickTexts(ticks).map((text, i) => {
    const x = round(at(ticks[i]));
    return `<line class="grid" x1="${x}" y1="${MARGIN.top}" x2="${x}" y2="${bottom}"/><text x="${x}" y="${bottom + 16}" text-anchor="middle">${text}</text>`;
  });
  const middle = (MARGIN.left + WIDTH - MARGIN.right) / 2;
  return `${texts.join('')}<text x="${middle}" y="${bottom + 37}" text-anchor="middle">${escaped(label)}</text>`;
}

function axisUp({ from, to, at }: Scale, { label, log }: Axis): string {
  const ticks = ticksOf(from, to, log);
  const texts = tickTexts(ticks).map((text, i) => {
    const y = round(at(ticks[i]));
    return `<line class="grid" x1="${MARGIN.left}" y1="${y}" x2="${WIDTH - MARGIN.right}" y2="${y}"/><text x="${MARGIN.left - 7}" y="${y + 4}" text-anchor="end">${text}</text>`;
  });
  const middle = (MARGIN.top + PLOT_HEIGHT - MARGIN.bottom) / 2;
  return `${texts.join('')}<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">${escaped(label)}</text>`;
}

function lineOf(line: PlotLine, points: readonly (Point | undefined)[], look: number, across: Scale, up: Scale): string {
  const placed = points.map((point) =>
    point === undefined
      ? undefined
      : {
          x: round(across.at(point.x)),
          y: round(up.at(point.y)),
          low: round(up.at(point.y - point.error)),
          high: round(up.at(point.y + point.error)),
          error: point.error,
        },
  );
  const path = placed.flatMap((point, i) =>
    point === undefined ? [] : [`${placed[i - 1] === undefined ? 'M' : 'L'}${point.x} ${point.y}`],
  );
  const seen = placed.filter((point) => point !== undefined);
  const few = hasMarks(line);
  const bars = seen.filter(({ error }) => error > 0);
  return [
    `<g class="${classOf(line, look)}">`,
    `<path class="line" d="${path.join('')}"/>`,
    ...bars.map(({ x, low, high }) => `<path class="bar" d="M${x} ${low}V${high}M${x - 3} ${low}h6M${x - 3} ${high}h6"/>`),
    ...(few ? seen.map(({ x, y }) => markAt(x, y, look)) : []),
    '</g>',
  ].join('');
}

const hasMarks = (line: PlotLine): boolean => line.x.length <= MOST_MARKS && !isReference(line);

/** A level that goes from one side to the other. */
const isReference = ({ y }: PlotLine): boolean => y.length === 2 && y[0] === y[1];

const classOf = ({ dashed, theirs }: PlotLine, look: number): string =>
  [
    `colour-${look % LINE_COLOURS}`,
    ...(dashed === true || theirs === true || look >= LINE_COLOURS ? ['dashed'] : []),
    ...(theirs === true ? ['theirs'] : []),
  ].join(' ');

/** Circle, square, triangle, rhomb, and again: filled, then hollow. */
function markAt(x: number, y: number, look: number): string {
  const hollow = Math.floor(look / 4) % 2 === 1 ? ' hollow' : '';
  const path = [
    `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z`,
    `M${x - 3} ${y - 3}h6v6h-6z`,
    `M${x} ${y - 4}l4 7h-8z`,
    `M${x} ${y - 4.5}l4 4.5l-4 4.5l-4 -4.5z`,
  ][look % 4];
  return `<path class="mark${hollow}" d="${path}"/>`;
}

function legendOf(lines: readonly PlotLine[], lookOf: (index: number) => number): { svg: string; height: number } {
  const texts = lines.map(({ label }) => label);
  const widest = LEGEND_MARK + LETTER * Math.max(1, ...texts.map(({ length }) => length)) + 12;
  const columns = Math.max(1, Math.min(3, Math.floor((WIDTH - MARGIN.left) / widest)));
  const rows = Math.ceil(lines.length / columns);
  const entries = lines.map((line, i) => {
    // Down the columns, in the order of the lines.
    const x = MARGIN.left + Math.floor(i / rows) * ((WIDTH - MARGIN.left) / columns);
    const y = PLOT_HEIGHT + 6 + (i % rows) * LEGEND_ROW;
    const mark = hasMarks(line) ? markAt(x + 14, y, lookOf(i)) : '';
    return `<g class="${classOf(line, lookOf(i))}"><path class="line" d="M${x} ${y}h28"/>${mark}</g><text x="${x + LEGEND_MARK - 6}" y="${y + 4}">${escaped(texts[i])}</text>`;
  });
  return { svg: entries.join('\n'), height: rows * LEGEND_ROW + 6 };
}

/** For who does not see it: what each line does from its first to its last point. */
function inWords(x: Axis, y: Axis, lines: readonly { line: PlotLine; points: readonly (Point | undefined)[] }[]): string {
  const each = lines.map(({ line: { label, theirs }, points }) => {
    const seen = points.filter((point) => point !== undefined);
    const name = theirs === true ? `${label} (theirs)` : label;
    if (seen.length === 0) return `${name}: no points.`;
    const [first, last] = [seen[0], seen[seen.length - 1]];
    return `${name}: ${brief(first.y)} at ${brief(first.x)} to ${brief(last.y)} at ${brief(last.x)}.`;
  });
  return `${y.label} over ${x.label}. ${each.join(' ')}`;
}

const brief = (value: number): string => String(Number(value.toPrecision(4))).replaceAll('-', '−');
const round = (value: number): number => Number(value.toFixed(2));
