/** Methods side by side: every one at every SNR in both channel scales, and differences channel by channel; as Markdown, too. */
import type { ChannelScale } from '../../core/signal/channel.ts';
import type { MeanAndError } from '../evaluation/statistics.ts';
import { meanAndError } from '../evaluation/statistics.ts';
import type { Method, TestSet } from './methods.ts';
import type { ComputeRates } from './rates.ts';

/** Which array, and how many channels of which seed. */
export interface TestChannels {
  elements: number;
  users: number;
  channels: number;
  seed: number;
  /** Where it is not a fully connected array of as many chains as users whose channels are known. */
  kind?: Pick<TestSet, 'rfChains' | 'connection' | 'estimateErrorDb'>;
}

/** Rates at one point of a comparison, channel by channel, of each method by its key. */
export interface RatePoint {
  readonly scale: ChannelScale;
  readonly snrDb: number;
  readonly values: ReadonlyMap<string, readonly number[]>;
}

export interface ComparisonOptions extends TestChannels {
  methods: readonly Method[];
  /** Pairs of method keys: how much the first gains on the second, channel by channel. */
  pairs: readonly (readonly [string, string])[];
  snrsDb: readonly number[];
}

export interface ComparisonCell extends MeanAndError {
  scale: ChannelScale;
  snrDb: number;
  method: string;
}

export interface PairedCell extends MeanAndError {
  scale: ChannelScale;
  snrDb: number;
  method: string;
  against: string;
}

export interface Comparison {
  rates: ComparisonCell[];
  differences: PairedCell[];
}

export const SCALES: readonly ChannelScale[] = ['unit-element', 'paper-001'];

/** Channels of the stream `test`, which neither training nor the search for steps has seen. */
export const testSet = (scale: ChannelScale, snrDb: number, { seed, elements, users, kind }: TestChannels): TestSet => ({
  ...{ seed, elements, users, scale, snrDb, ...kind },
  name: 'test',
  paths: 10,
});

export async function compare(options: ComparisonOptions, computeRates: ComputeRates): Promise<Comparison> {
  return summarised(await ratesAtPoints(options, computeRates), options.pairs);
}

/** In both scales, at every SNR. */
export async function ratesAtPoints(options: Omit<ComparisonOptions, 'pairs'>, computeRates: ComputeRates): Promise<RatePoint[]> {
  const { methods, snrsDb, channels } = options;
  const points = SCALES.flatMap((scale) => snrsDb.map((snrDb) => ({ scale, snrDb, set: testSet(scale, snrDb, options) })));
  const jobs = points.flatMap(({ set }) => methods.map(({ source }) => ({ source, set })));
  const found = await computeRates(jobs, channels);
  return points.map(({ scale, snrDb }, point) => ({
    ...{ scale, snrDb },
    values: new Map(methods.map(({ key }, i) => [key, found[point * methods.length + i]])),
  }));
}

export function summarised(points: readonly RatePoint[], pairs: ComparisonOptions['pairs']): Comparison {
  const rates: ComparisonCell[] = [];
  const differences: PairedCell[] = [];
  for (const { scale, snrDb, values } of points) {
    for (const [method, own] of values) rates.push({ scale, snrDb, method, ...meanAndError(own) });
    for (const [method, against] of pairs) {
      const [ours, theirs] = [values.get(method), values.get(against)];
      if (ours === undefined || theirs === undefined) continue;
      const gains = ours.map((value, i) => value - theirs[i]);
      differences.push({ scale, snrDb, method, against, ...meanAndError(gains) });
    }
  }
  return { rates, differences };
}

/** One table per scale: methods down, SNRs across. */
export function ratesMarkdown(comparison: Comparison, methods: readonly Method[], snrsDb: readonly number[]): string {
  return perScale((scale) =>
    table(
      ['', ...snrsDb.map((snrDb) => `${snrDb} dB`)],
      methods.map(({ key, title }) => [
        title,
        ...snrsDb.map((snrDb) => show(comparison.rates.find((c) => c.scale === scale && c.snrDb === snrDb && c.method === key))),
      ]),
    ),
  );
}

/** Mean rates as a share of another method's, in per cent. */
export function sharesMarkdown(
  comparison: Comparison,
  methods: readonly Method[],
  of: string,
  snrsDb: readonly number[],
): string {
  return perScale((scale) => {
    const mean = (snrDb: number, key: string): number =>
      comparison.rates.find((c) => c.scale === scale && c.snrDb === snrDb && c.method === key)?.mean ?? NaN;
    return table(
      ['', ...snrsDb.map((snrDb) => `${snrDb} dB`)],
      methods.map(({ key, title }) => [title, ...snrsDb.map((snrDb) => ((100 * mean(snrDb, key)) / mean(snrDb, of)).toFixed(1))]),
    );
  });
}

export const shortName = (options: Pick<ComparisonOptions, 'methods'>, key: string): string =>
  options.methods.find((method) => method.key === key)?.short ?? key;

export function differencesMarkdown(comparison: Comparison, options: ComparisonOptions): string {
  const known = options.pairs.filter(([a, b]) => comparison.differences.some((c) => c.method === a && c.against === b));
  return perScale((scale) =>
    table(
      ['', ...options.snrsDb.map((snrDb) => `${snrDb} dB`)],
      known.map(([a, b]) => [
        `${shortName(options, a)} − ${shortName(options, b)}`,
        ...options.snrsDb.map((snrDb) =>
          show(
            comparison.differences.find((c) => c.scale === scale && c.snrDb === snrDb && c.method === a && c.against === b),
            true,
          ),
        ),
      ]),
    ),
  );
}

export function perScale(tableOf: (scale: ChannelScale) => string): string {
  return SCALES.map((scale) => `Scale \`${scale}\`:\n\n${tableOf(scale)}`).join('\n\n');
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

export function show(cell: MeanAndError | undefined, signed = false): string {
  if (cell === undefined || Number.isNaN(cell.mean)) return '–';
  const sign = signed && cell.mean >= 0 ? '+' : '';
  return `${sign}${cell.mean.toFixed(2).replace('-', '−')} ± ${cell.stderr.toFixed(2)}`;
}
