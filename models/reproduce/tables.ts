/**
 * The comparison of paper 001 as Markdown: every method at every SNR in both channel scales, differences channel by channel, and what is
 * left of the rate at Q bits.
 */
import type { ChannelScale } from '../../core/signal/channel.ts';
import type { PhaseBits } from '../evaluation/channel-figures.ts';
import type { MeanAndError } from '../evaluation/statistics.ts';
import { meanAndError } from '../evaluation/statistics.ts';
import type { SizedModelFile } from './sized-models.ts';
import type { Method, RateSource, TestSet } from './methods.ts';
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

export interface QuantisedCell extends MeanAndError {
  scale: ChannelScale;
  snrDb: number;
  beamformer: string;
  bits: PhaseBits;
}

/** The rate at Q bits with the digital precoder solved again; `inf` too, so that Q is all that differs along a row. */
export async function compareBits(
  options: TestChannels & {
    network: SizedModelFile | undefined;
    bits: readonly PhaseBits[];
    snrDb: number;
  },
  computeRates: ComputeRates,
): Promise<QuantisedCell[]> {
  const { network, snrDb, channels } = options;
  const sourcesAt = (bits: PhaseBits): [string, RateSource][] => [
    ['aligned', { kind: 'baseline', name: 'aligned', bits }],
    ...(network === undefined ? [] : [[network.id, { kind: 'network', id: network.id, bits }] satisfies [string, RateSource]]),
  ];
  const jobs = SCALES.flatMap((scale) =>
    options.bits.flatMap((bits) =>
      sourcesAt(bits).map(([beamformer, source]) => ({
        ...{ scale, bits, beamformer, source },
        set: testSet(scale, snrDb, options),
      })),
    ),
  );
  const found = await computeRates(jobs, channels);
  return jobs.map(({ scale, beamformer, bits }, i) => ({ scale, snrDb, beamformer, bits, ...meanAndError(found[i]) }));
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

/** One line a pair: at how many of the points ours is above, and where it comes off worst. */
export function verdictsMarkdown(comparison: Comparison, options: ComparisonOptions): string {
  const lines = options.pairs.flatMap(([method, against]) => {
    const cells = comparison.differences.filter((cell) => cell.method === method && cell.against === against);
    if (cells.length === 0) return [];
    const worst = cells.reduce((least, cell) => (cell.mean < least.mean ? cell : least));
    const above = cells.filter(({ mean }) => mean > 0).length;
    const [ours, theirs] = [shortName(options, method), shortName(options, against)];
    return [
      `- ${ours} against ${theirs}: above at ${above} of ${cells.length} points, at worst ${show(worst, true)} (\`${worst.scale}\`, ${worst.snrDb} dB).`,
    ];
  });
  return lines.join('\n');
}

const shortName = (options: ComparisonOptions, key: string): string =>
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

export function bitsMarkdown(cells: readonly QuantisedCell[], bits: readonly PhaseBits[]): string {
  const beamformers = [...new Set(cells.map((cell) => cell.beamformer))];
  return perScale((scale) =>
    table(
      ['Q', ...bits.map((q) => (q === 'inf' ? '∞' : String(q)))],
      beamformers.map((beamformer) => [
        beamformer,
        ...bits.map((q) => show(cells.find((c) => c.scale === scale && c.beamformer === beamformer && c.bits === q))),
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
