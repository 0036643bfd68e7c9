/** A table of numbers as coloured cells in SVG: blue below zero, red above, none where there is no number. */
import { escaped } from './escape.ts';
import type { HeatMap } from './report.ts';
import { tickTexts, ticksOf } from './ticks.ts';

const WIDTH = 720;
const MARGIN = { left: 62, right: 18, top: 14, bottom: 78 };
const TALLEST = 420;
const TALLEST_CELL = 14;
/** A side: what is farther from zero than the limit has the last colour. */
const COLOURS_A_SIDE = 8;
const KEY = { height: 10, width: 240 };

/** @param id begins the ids within, unique on its page */
export function heatMapSvg({ title, x, y, values, unit, limit }: HeatMap, id: string): string {
  const [rows, columns] = [values.length, values[0]?.length ?? 0];
  const width = (WIDTH - MARGIN.left - MARGIN.right) / columns;
  const height = Math.min(TALLEST / rows, TALLEST_CELL);
  const bottom = MARGIN.top + rows * height;
  // A path a colour: thousands of cells by themselves would be a file of megabytes.
  const paths = new Map<string, string[]>();
  values.forEach((row, i) =>
    row.forEach((value, j) => {
      if (!Number.isFinite(value)) return;
      const step = Math.min(Math.ceil((Math.abs(value) / limit) * COLOURS_A_SIDE), COLOURS_A_SIDE);
      if (step === 0) return;
      const colour = `class="${value < 0 ? 'low' : 'high'}" opacity="${short(step / COLOURS_A_SIDE)}"`;
      const cell = `M${short(MARGIN.left + j * width)} ${short(MARGIN.top + i * height)}h${short(width)}v${short(height)}h${short(-width)}z`;
      const parts = paths.get(colour);
      if (parts === undefined) paths.set(colour, [cell]);
      else parts.push(cell);
    }),
  );
  const cells = Array.from(paths, ([colour, parts]) => `<path ${colour} d="${parts.join('')}"/>`);
  const across = ticksOf(0, columns - 1).filter(Number.isInteger);
  const down = ticksOf(0, Math.max(rows - 1, 1)).filter((tick) => Number.isInteger(tick) && tick < rows);
  return [
    `<svg class="plot heat" viewBox="0 0 ${WIDTH} ${Math.ceil(bottom + MARGIN.bottom)}" role="img" aria-labelledby="${id}-title">`,
    `<title id="${id}-title">${escaped(title.replaceAll('`', ''))}</title>`,
    ...cells,
    `<rect class="frame" x="${MARGIN.left}" y="${MARGIN.top}" width="${WIDTH - MARGIN.left - MARGIN.right}" height="${short(bottom - MARGIN.top)}"/>`,
    ...across.map(
      (tick, i) =>
        `<text x="${short(MARGIN.left + (tick + 0.5) * width)}" y="${short(bottom + 16)}" text-anchor="middle">${tickTexts(across)[i]}</text>`,
    ),
    ...down.map(
      (tick, i) =>
        `<text x="${MARGIN.left - 6}" y="${short(MARGIN.top + (tick + 0.5) * height + 4)}" text-anchor="end">${tickTexts(down)[i]}</text>`,
    ),
    `<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${short(bottom + 34)}" text-anchor="middle">${escaped(x)}</text>`,
    `<text transform="translate(14 ${short((MARGIN.top + bottom) / 2)}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
    keyOf(limit, unit, bottom + 48),
    '</svg>',
  ].join('\n');
}

function keyOf(limit: number, unit: string, top: number): string {
  const left = (WIDTH - KEY.width) / 2;
  const part = KEY.width / (2 * COLOURS_A_SIDE);
  const parts = Array.from({ length: 2 * COLOURS_A_SIDE }, (_, i) => {
    const step = i < COLOURS_A_SIDE ? COLOURS_A_SIDE - i : i - COLOURS_A_SIDE + 1;
    return `<rect x="${short(left + i * part)}" y="${short(top)}" width="${short(part)}" height="${KEY.height}" class="${i < COLOURS_A_SIDE ? 'low' : 'high'}" opacity="${short(step / COLOURS_A_SIDE)}"/>`;
  });
  const text = (at: number, value: string, anchor: string): string =>
    `<text x="${short(at)}" y="${short(top + KEY.height + 14)}" text-anchor="${anchor}">${escaped(value)}</text>`;
  return [
    ...parts,
    text(left, `−${limit} ${unit}`, 'middle'),
    text(WIDTH / 2, '0', 'middle'),
    text(left + KEY.width, `${limit} ${unit}`, 'middle'),
  ].join('\n');
}

const short = (value: number): string => String(Number(value.toFixed(2)));
