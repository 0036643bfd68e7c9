/** The goals of phase-net, each with what was measured and whether it holds, and its tables of shares. */
import type { FitTo } from '../fitted-model.ts';
import { meanAndError, type MeanAndError } from '../evaluation/statistics.ts';
import type { Method } from './methods.ts';
import { meanShare, type Paired } from './shares.ts';
import { perScale, SCALES, table, type RatePoint } from './tables.ts';

/** Rates at an array that is not that of paper 001. */
export interface MeasuredArray {
  readonly array: FitTo;
  readonly channels: number;
  readonly points: readonly RatePoint[];
}

/** In per cent of the long run, mean over SNRs: at the array of paper 001, and at any other. */
const OF_LONG_RUN = [
  { steps: 10, goal: 98.8 },
  { steps: 30, goal: 99.3 },
];
const OF_LONG_RUN_ELSEWHERE = 98.5;
/** Above phase extraction of as many steps. */
const ABOVE_EXTRACTION = [5, 10, 30];
/** In per cent of digital WMMSE, at 10 dB of `paper-001`. */
const OF_WMMSE = [
  { key: 'long-run', title: 'the long run', goal: 97 },
  { key: 'phase-net-10', title: 'phase-net, 10 steps,', goal: 96.1 },
  { key: 'phase-net-30', title: 'phase-net, 30 steps,', goal: 96.4 },
];

export function goalsOf(points: readonly RatePoint[], others: readonly MeasuredArray[]): string {
  return [
    ...SCALES.flatMap((scale) => {
      const own = points.filter((point) => point.scale === scale);
      return [
        ...OF_LONG_RUN.map(({ steps, goal }) =>
          atLeast(
            `\`${scale}\`: phase-net, ${steps} steps, of the long run, mean over SNRs`,
            share(own, `phase-net-${steps}`, 'long-run'),
            goal,
          ),
        ),
        ...ABOVE_EXTRACTION.map((steps) => above(`\`${scale}\`: phase-net above phase extraction, ${steps} steps`, own, steps)),
      ];
    }),
    ...OF_WMMSE.map(({ key, title, goal }) => {
      const at = points.filter(({ scale, snrDb }) => scale === 'paper-001' && snrDb === 10);
      return atLeast(`\`paper-001\`, 10 dB: ${title} of WMMSE`, share(at, key, 'wmmse'), goal);
    }),
    ...others.flatMap(({ array, points: own }) =>
      OF_LONG_RUN.map(({ steps }) =>
        atLeast(
          `${nameOf(array)}: phase-net, ${steps} steps, of the long run, mean over scales and SNRs`,
          share(own, `phase-net-${steps}`, 'long-run'),
          OF_LONG_RUN_ELSEWHERE,
        ),
      ),
    ),
  ]
    .map((line) => `- ${line}`)
    .join('\n');
}

function atLeast(what: string, measured: MeanAndError, goal: number): string {
  return `${verdict(100 * measured.mean >= goal)}: ${what} ≥ ${goal} %: ${percent(measured)} %.`;
}

function above(what: string, points: readonly RatePoint[], steps: number): string {
  const gains = points.map(({ snrDb, values }) => {
    const [ours, theirs] = [`phase-net-${steps}`, `extraction-${steps}`].map((key) => ratesOf(values, key));
    return { snrDb, ...meanAndError(ours.map((rate, i) => rate - theirs[i])) };
  });
  const worst = gains.reduce((least, gain) => (gain.mean < least.mean ? gain : least));
  const gain = `${worst.mean.toFixed(3).replace('-', '−')} ± ${worst.stderr.toFixed(3)}`;
  const level = Math.abs(worst.mean) < 2 * worst.stderr ? ', which is level there' : '';
  return `${verdict(worst.mean > 0)}: ${what}, at every SNR: by ${gain} bit/s/Hz at the least, at ${worst.snrDb} dB${level}.`;
}

const verdict = (holds: boolean): string => (holds ? '**holds**' : '**does not hold**');

/** Methods down, SNRs and their mean across. */
export function sharesWithErrors(points: readonly RatePoint[], methods: readonly Method[]): string {
  return perScale((scale) => {
    const own = points.filter((point) => point.scale === scale);
    return table(
      ['', ...own.map(({ snrDb }) => `${snrDb} dB`), 'mean'],
      methods.map(({ key, title }) => [title, ...sharesOf(own, key)]),
    );
  });
}

/** Arrays and methods down. */
export function otherArraysMarkdown(others: readonly MeasuredArray[], budgets: readonly number[]): string {
  return perScale((scale) => {
    const snrs = others[0].points.filter((point) => point.scale === scale).map(({ snrDb }) => `${snrDb} dB`);
    const rows = others.flatMap(({ array, channels, points }) => {
      const own = points.filter((point) => point.scale === scale);
      return budgets.flatMap((steps) => [
        [nameOf(array), String(channels), `phase-net, ${steps} steps`, ...sharesOf(own, `phase-net-${steps}`)],
        ['', '', `phase extraction, ${steps} steps`, ...sharesOf(own, `extraction-${steps}`)],
      ]);
    });
    return table(['array', 'channels', '', ...snrs, 'mean'], rows);
  });
}

const nameOf = ({ elements, rfChains, users, connection = 'full' }: FitTo): string =>
  `N = ${elements}, ${rfChains === users ? `M = K = ${users}` : `M = ${rfChains}, K = ${users}`}${connection === 'sub' ? ', sub-connected' : ''}`;

function sharesOf(points: readonly RatePoint[], key: string): string[] {
  return [...points.map((point) => [point]), points].map((some) => percent(share(some, key, 'long-run')));
}

function share(points: readonly RatePoint[], key: string, of: string): MeanAndError {
  return meanShare(points.map(({ values }): Paired => ({ ours: ratesOf(values, key), theirs: ratesOf(values, of) })));
}

function ratesOf(values: RatePoint['values'], key: string): readonly number[] {
  const rates = values.get(key);
  if (rates === undefined) throw new RangeError(`there are no rates of '${key}'`);
  return rates;
}

const percent = ({ mean, stderr }: MeanAndError): string => `${(100 * mean).toFixed(2)} ± ${(100 * stderr).toFixed(2)}`;
