/**
 * The sum rate of one playing over time, with what happened: entries of the timeline as bands, dark times as bars below, events as marks by
 * their level. A gap is a gap.
 */
import { ticksOf, tickTexts } from '../../../models/report/ticks.ts';
import type { StorySummary } from '../results.ts';
import { clean, short } from './html-words.ts';
import { joined } from './outcome.ts';
import { decimated } from './decimated.ts';

const WIDTH = 720;
const LEFT = 52;
const RIGHT = 8;
const PLOT = 130;
const LABEL_ROW = 15;
const PANEL_ROW = 9;
/** Room for a letter of a label, on average. */
const LETTER = 6.6;
const MOST_LETTERS = 60;
const MOST_LABEL_ROWS = 6;
/** Points a line. */
const MOST_POINTS = 120;
const MOST_EVENTS = 40;

const LINES = [
  { key: 'true', label: 'true' },
  { key: 'predicted', label: 'predicted' },
  { key: 'measured', label: 'measured' },
] as const;

/** @param id unique on the page @returns '' where nothing was seen of it */
export function ratePlotSvg(story: StorySummary, title: string, id: string): string {
  const { sumRate, actions, events, shown } = story;
  const times = [
    ...sumRate.atS,
    ...events.map(({ atS }) => atS),
    ...shown.map(({ atS }) => atS),
    ...actions.map(({ beganS }) => beganS),
  ];
  if (sumRate.atS.length === 0) return '';
  const endS = Math.max(...times, 1e-3);
  const at = (atS: number): number => LEFT + (Math.max(0, atS) / endS) * (WIDTH - LEFT - RIGHT);
  const lines = LINES.map(({ key, label }) => ({ label, points: decimated(sumRate.atS, sumRate[key], MOST_POINTS) })).filter(
    ({ points }) => points.some(({ value }) => value !== null),
  );
  const values = lines.flatMap(({ points }) => points.flatMap(({ value }) => (value === null ? [] : [value])));
  const most = Math.max(1e-3, ...values) * 1.05;
  const labels = placed(actions, at);
  const top = 20 + LABEL_ROW * (1 + Math.max(-1, ...labels.map(({ row }) => row)));
  const up = (value: number): number => top + PLOT - (Math.max(0, value) / most) * PLOT;
  const bottom = top + PLOT;
  const panels = [...new Set(shown.map(({ panel }) => panel))].sort((a, b) => a - b);
  const below = bottom + 12;
  const axis = below + panels.length * (PANEL_ROW + 3);
  const seen = joined(LINES.map(({ key, label }) => lines.some((line) => line.label === key) && label));
  return [
    // On a phone it is moved sideways: drawn smaller nobody could read it.
    `<div class="table" tabindex="0" role="region" aria-label="${clean(`Sum rate over time: ${title}, as a picture`)}">`,
    `<svg class="plot rate" viewBox="0 0 ${WIDTH} ${axis + 34}" role="img" aria-labelledby="${id}"><title id="${id}">${clean(`Sum rate over time: ${title}`)}</title>`,
    `<desc>${clean(inWords(story))}</desc>`,
    `<text x="${LEFT}" y="12">sum rate, bit/s/Hz${seen === '' ? '' : ':'}</text>`,
    ...lines.map(({ label }, i) => legend(label, LEFT + 120 + i * 100)),
    // Names over the strokes of others.
    ...labels.map((label) => actionSvg(label, bottom)),
    ...labels.map(labelSvg),
    ...gridUp(most, up),
    `<rect class="frame" x="${LEFT}" y="${top}" width="${WIDTH - LEFT - RIGHT}" height="${PLOT}"/>`,
    ...lines.map(({ label, points }) => `<path class="line ${label}" d="${pathOf(points, at, up)}"/>`),
    ...eventMarks(events.slice(0, MOST_EVENTS), at, bottom + 1),
    ...panels.map((panel, i) => panelRow(story, panel, endS, at, below + i * (PANEL_ROW + 3))),
    ...timeAxis(endS, at, axis),
    '</svg></div>',
  ].join('');
}

function inWords({ cycles, voidCycles, actions, events, shown }: StorySummary): string {
  const dark = shown.filter(({ what }) => what === 'dark').map(({ atS, panel }) => `panel ${panel} from ${atS.toFixed(2)} s`);
  return joined(
    [
      `${cycles} cycles, ${voidCycles} void`,
      actions.length > 0 && `timeline: ${actions.map(({ label, beganS }) => `${label} at ${beganS.toFixed(2)} s`).join(', ')}`,
      dark.length > 0 && `dark: ${dark.slice(0, 10).join(', ')}`,
      events.length > 0 &&
        `events: ${events
          .slice(0, 10)
          .map(({ code, atS }) => `${code} at ${atS.toFixed(2)} s`)
          .join(', ')}`,
    ],
    '; ',
  );
}

type ActionSeen = StorySummary['actions'][number];

interface Label {
  action: ActionSeen;
  /** Where the entry begins, and where it ends if it lasts. */
  from: number;
  to: number;
  text: string;
  /** Before it where there is no room behind. */
  before: boolean;
  row: number;
}

/** Labels side by side where there is room, else one below the other. */
function placed(actions: readonly ActionSeen[], at: (atS: number) => number): Label[] {
  const ends: number[] = [];
  return actions.map((action) => {
    const { label, beganS, endedS, skipped, answer } = action;
    const from = at(beganS);
    const told = skipped === true ? 'not played' : answer !== 'done' && answer;
    const text = joined([label, told], ': ').slice(0, MOST_LETTERS);
    const width = LETTER * text.length + 6;
    const before = from + width > WIDTH - RIGHT;
    const left = before ? from - width : from;
    const free = Array.from({ length: MOST_LABEL_ROWS }, (_, i) => i).find((i) => (ends[i] ?? 0) <= left);
    const row = free ?? MOST_LABEL_ROWS - 1;
    ends[row] = Math.max(ends[row] ?? 0, left + width);
    return { action, from, to: endedS === undefined ? from : at(endedS), text, before, row };
  });
}

const rowY = (row: number): number => 30 + row * LABEL_ROW;

function actionSvg({ action, from, to, row }: Label, bottom: number): string {
  const skipped = action.skipped === true ? ' skipped' : '';
  const top = rowY(row) - 10;
  return to > from
    ? `<rect class="band${skipped}" x="${short(from)}" y="${top}" width="${short(to - from)}" height="${bottom - top}"/>`
    : `<path class="moment${skipped}" d="M${short(from)} ${top}V${bottom}"/>`;
}

const labelSvg = ({ from, text, before, row }: Label): string =>
  `<text class="label" x="${short(before ? from - 3 : from + 3)}" y="${rowY(row)}"${before ? ' text-anchor="end"' : ''}>${clean(text)}</text>`;

function legend(label: string, x: number): string {
  return `<path class="line ${label}" d="M${x} 8h22"/><text x="${x + 28}" y="12">${label}</text>`;
}

function gridUp(most: number, up: (value: number) => number): string[] {
  const ticks = ticksOf(0, most).filter((_, i, { length }) => length < 6 || i % 2 === 0);
  return tickTexts(ticks).map((text, i) => {
    const y = short(up(ticks[i]));
    return `<path class="grid" d="M${LEFT} ${y}H${WIDTH - RIGHT}"/><text x="${LEFT - 6}" y="${short(up(ticks[i]) + 4)}" text-anchor="end">${text}</text>`;
  });
}

/** From point to point, which takes fewer letters than where each is. */
function pathOf(
  points: readonly { atS: number; value: number | null }[],
  at: (atS: number) => number,
  up: (value: number) => number,
): string {
  let path = '';
  let before: { x: number; y: number } | undefined;
  for (const { atS, value } of points) {
    if (value === null) {
      before = undefined;
      continue;
    }
    const [x, y] = [Number(short(at(atS))), Number(short(up(value)))];
    path += before === undefined ? `M${x} ${y}` : `l${short(x - before.x)} ${short(y - before.y)}`.replace(' -', '-');
    before = { x, y };
  }
  return path;
}

/** Triangle, rhomb and stroke: errors, warnings, and what is only said. A path for all of a level. */
const EVENT_SHAPES = { error: 'l5 9h-10z', warning: 'l4 4.5l-4 4.5l-4 -4.5z', info: 'v8' };

function eventMarks(events: readonly { atS: number; level: string }[], at: (atS: number) => number, y: number): string[] {
  const levelOf = (level: string): string => (level in EVENT_SHAPES ? level : 'info');
  return Object.entries(EVENT_SHAPES).flatMap(([level, shape]) => {
    const own = events.filter((event) => levelOf(event.level) === level);
    const path = own.map(({ atS }) => `M${short(at(atS))} ${y}${shape}`).join('');
    return own.length === 0 ? [] : [`<path class="event ${level}" d="${path}"/>`];
  });
}

/** When it was dark (full), and when it showed its fixed beam (hollow). */
function panelRow({ shown }: StorySummary, panel: number, endS: number, at: (atS: number) => number, y: number): string {
  const own = shown.filter((each) => each.panel === panel);
  const rects = own.flatMap(({ atS, what }, i) => {
    if (what === 'beam') return [];
    const [from, to] = [at(atS), at(own[i + 1]?.atS ?? endS)];
    return `<rect class="${what}" x="${short(from)}" y="${y}" width="${short(Math.max(0.8, to - from))}" height="${PANEL_ROW}"/>`;
  });
  return `<text x="${LEFT - 6}" y="${y + PANEL_ROW - 1}" text-anchor="end">panel ${panel}</text>${rects.join('')}`;
}

function timeAxis(endS: number, at: (atS: number) => number, y: number): string[] {
  const ticks = ticksOf(0, endS);
  return [
    ...tickTexts(ticks).map((text, i) => `<text x="${short(at(ticks[i]))}" y="${y + 12}" text-anchor="middle">${text}</text>`),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${y + 28}" text-anchor="middle">seconds after the first cycle began</text>`,
  ];
}
