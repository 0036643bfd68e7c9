/** What a check found, drawn beside its bound: a dot or a cross for each seed, what is said about all of them as a bar, what is not allowed shaded. */
import { ticksOf, tickTexts } from '../../../models/report/ticks.ts';
import type { AcrossResult, Verdict } from '../results.ts';
import { clean, short } from './html-words.ts';
import { boundText, figureText, joined, valueText, withUnit } from './outcome.ts';

const WIDTH = 360;
const HEIGHT = 58;
const SIDE = 14;
const AXIS = 34;
const ROW = 20;
/** Seeds are told one by one up to these. */
const MOST_IN_WORDS = 12;

interface Bounds {
  unit: string;
  atLeast: number | null;
  atMost: number | null;
}

/** @returns '' where there is no value to draw */
export function checkAxisSvg(
  name: string,
  seeds: readonly { seed: number; value: number | null; verdict: Verdict }[],
  bounds: Bounds,
  across: AcrossResult | undefined,
  id: string,
): string {
  const found = seeds.flatMap(({ value, ...rest }) => (value === null ? [] : [{ value, ...rest }]));
  const interval = [across?.estimate, across?.lower, across?.upper].filter((value) => value !== null && value !== undefined);
  const limits = [bounds.atLeast, bounds.atMost].filter((bound) => bound !== null);
  if (found.length + interval.length === 0) return '';
  const all = [...found.map(({ value }) => value), ...interval, ...limits];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const room = least === most ? Math.max(1, Math.abs(least) * 0.1) : 0.12 * (most - least);
  const [from, to] = [least - room, most + room];
  const at = (value: number): string => short(SIDE + ((value - from) / (to - from)) * (WIDTH - 2 * SIDE));
  const ticks = ticksOf(from, to).filter((_, i, { length }) => length < 6 || i % 2 === 0);
  const words = joined(
    [
      boundText(bounds),
      found.length <= MOST_IN_WORDS
        ? found.map(({ seed, value }) => `seed ${seed}: ${valueText(value, bounds.unit, bounds)}`).join(', ')
        : `${found.length} seeds from ${figureText(Math.min(...found.map(({ value }) => value)))} to ${withUnit(figureText(Math.max(...found.map(({ value }) => value))), bounds.unit)}`,
      intervalText(across),
    ],
    '; ',
  );
  return [
    `<svg class="plot axis" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}"><title id="${id}">${clean(`${name}: ${words}`)}</title>`,
    bounds.atLeast === null ? '' : forbidden(SIDE, Number(at(bounds.atLeast))),
    bounds.atMost === null ? '' : forbidden(Number(at(bounds.atMost)), WIDTH - SIDE),
    `<path class="rule" d="M${SIDE} ${AXIS}H${WIDTH - SIDE}"/>`,
    ...ticks.map(
      (tick, i) =>
        `<path class="rule" d="M${at(tick)} ${AXIS}v4"/><text x="${at(tick)}" y="${AXIS + 17}" text-anchor="middle">${tickTexts(ticks)[i]}</text>`,
    ),
    ...limits.map((bound) => `<path class="bound" d="M${at(bound)} 4V${AXIS + 4}"/>`),
    intervalSvg(across, at),
    ...found.map(({ value, verdict }) => markAt(Number(at(value)), verdict)),
    '</svg>',
  ].join('');
}

const intervalText = (across: AcrossResult | undefined): string =>
  across === undefined || [across.estimate, across.lower, across.upper].every((value) => value === null)
    ? ''
    : `all seeds: ${joined([
        across.estimate !== null && withUnit(figureText(across.estimate), across.unit),
        across.lower !== null && `at least ${figureText(across.lower)}`,
        across.upper !== null && `at most ${figureText(across.upper)}`,
      ])}`;

const forbidden = (from: number, to: number): string =>
  `<rect class="forbidden" x="${short(from)}" y="6" width="${short(Math.max(0, to - from))}" height="${AXIS - 6}"/>`;

/** What is open to one side goes to the end of the axis. */
function intervalSvg(across: AcrossResult | undefined, at: (value: number) => string): string {
  if (across === undefined) return '';
  const { estimate, lower, upper } = across;
  const y = ROW - 9;
  const [left, right] = [lower === null ? String(SIDE) : at(lower), upper === null ? String(WIDTH - SIDE) : at(upper)];
  const bar =
    lower === null && upper === null
      ? ''
      : `M${left} ${y}H${right}${lower === null ? '' : `M${left} ${y - 4}v8`}${upper === null ? '' : `M${right} ${y - 4}v8`}`;
  return `<path class="interval" d="${bar}"/>${estimate === null ? '' : `<path class="estimate" d="M${at(estimate)} ${y - 5}l5 5l-5 5l-5 -5z"/>`}`;
}

function markAt(x: number, verdict: Verdict): string {
  const y = ROW + 5;
  if (verdict === 'failed') return `<path class="bad" d="M${short(x - 4)} ${y - 4}l8 8m0 -8l-8 8"/>`;
  return `<circle class="good" cx="${short(x)}" cy="${y}" r="3.5"/>`;
}
