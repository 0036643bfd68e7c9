/**
 * The comparison of paper 001 as Markdown: every method at every SNR in both channel scales, differences channel by channel, and what is
 * left of the rate at Q bits.
 */
import type { ChannelScale } from '../../core/signal/channel.ts';
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import { sumRateObjective } from '../../core/signal/objectives/sum-rate.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { realiseBeam, realiseExactly } from '../../core/signal/realise-beam.ts';
import { runBaseline } from '../baselines/baselines.ts';
import type { PhaseBits } from '../evaluation/channel-figures.ts';
import type { MeanAndError } from '../evaluation/statistics.ts';
import { meanAndError } from '../evaluation/statistics.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import type { ModelFile } from '../zoo.ts';
import type { Method, TestSet } from './methods.ts';
import { networkBeams } from './methods.ts';

/** Which array, and how many channels of which seed. */
export interface TestChannels {
  elements: number;
  users: number;
  channels: number;
  seed: number;
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

const SCALES: readonly ChannelScale[] = ['unit-element', 'paper-001'];

/** Channels of the stream `test`, which neither training nor the search for steps has seen. */
export function testSet(scale: ChannelScale, snrDb: number, { elements, users, channels: count, seed }: TestChannels): TestSet {
  const { channels } = drawChannelSet({ seed, name: 'test', count, elements, users, paths: 10, scale });
  return { scale, snrDb, channels };
}

export async function compare(options: ComparisonOptions): Promise<Comparison> {
  const rates: ComparisonCell[] = [];
  const differences: PairedCell[] = [];
  for (const scale of SCALES) {
    for (const snrDb of options.snrsDb) {
      const set = testSet(scale, snrDb, options);
      const found = new Map<string, number[]>();
      for (const method of options.methods) {
        const values = await method.rates(set);
        found.set(method.key, values);
        rates.push({ scale, snrDb, method: method.key, ...meanAndError(values) });
      }
      for (const [method, against] of options.pairs) {
        const [ours, theirs] = [found.get(method), found.get(against)];
        if (ours === undefined || theirs === undefined) continue;
        const gains = ours.map((value, i) => value - theirs[i]);
        differences.push({ scale, snrDb, method, against, ...meanAndError(gains) });
      }
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
    network: ModelFile | undefined;
    bits: readonly PhaseBits[];
    snrDb: number;
  },
): Promise<QuantisedCell[]> {
  const cells: QuantisedCell[] = [];
  const { snrDb, bits } = options;
  const noise = fromDb(-snrDb);
  for (const scale of SCALES) {
    const set = testSet(scale, snrDb, options);
    const aligned = set.channels.map((channel) => runBaseline('aligned', { channel, power: 1, noise, rfChains: 4 }));
    const beams: [string, Beam[]][] = [['aligned', aligned]];
    if (options.network !== undefined) beams.push([options.network.id, await networkBeams(options.network, set)]);
    for (const [beamformer, list] of beams) {
      for (const q of bits) {
        const values = set.channels.map((channel, i) => {
          const problem: Problem = { channel, rfChains: 4, power: 1, noise };
          const objective = sumRateObjective;
          if (q === 'inf') return realiseExactly(problem, list[i], objective).sumRate;
          return realiseBeam(problem, list[i], { states: { bits: q }, objective }).sumRate;
        });
        cells.push({ scale, snrDb, beamformer, bits: q, ...meanAndError(values) });
      }
    }
  }
  return cells;
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

function perScale(tableOf: (scale: ChannelScale) => string): string {
  return SCALES.map((scale) => `Scale \`${scale}\`:\n\n${tableOf(scale)}`).join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

function show(cell: MeanAndError | undefined, signed = false): string {
  if (cell === undefined || Number.isNaN(cell.mean)) return '–';
  const sign = signed && cell.mean >= 0 ? '+' : '';
  return `${sign}${cell.mean.toFixed(2).replace('-', '−')} ± ${cell.stderr.toFixed(2)}`;
}
