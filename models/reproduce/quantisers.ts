/**
 * Phases of Q bits by both quantisers, D solved again for the words, as shares of the long run with continuous phases:
 *
 *   npx tsx models/reproduce/quantisers.ts [--channels 200] [--seed 1] [--quick] [--output docs/results/quantisers.md]
 *
 * With `--quick` on 20 channels. Without a date: the same files and options give the same page.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_SWEEPS } from '../../core/signal/quantiser-names.ts';
import type { BeamBits, Method } from './methods.ts';
import { withRates } from './pace.ts';
import { phaseNetFiles, phaseNetMethod } from './phase-net-network.ts';
import { pageFlags, writePage } from './page.ts';
import { machine } from './provenance.ts';
import { meanShare } from './shares.ts';
import { perScale, ratesAtPoints, SCALES, table, type RatePoint } from './tables.ts';

const ARRAY = { elements: 32, rfChains: 4, users: 4 };
const SNR_DB = 10;
const BITS = [1, 2, 3, 4, 5, 6, 7, 8];
/** The default budget last. */
const SWEEPS = [1, 3, DEFAULT_SWEEPS];
const NET = { ...ARRAY, steps: 10 };
/** Of the long run, in per cent, by the array quantiser. */
const GOALS = [
  { bits: 3, goal: 98 },
  { bits: 2, goal: 94.5 },
  { bits: 1, goal: 80.5 },
];

const STARTS = [
  { key: 'aligned', title: 'aligned', sourceAt: (bits: BeamBits) => ({ kind: 'baseline', name: 'aligned', bits }) as const },
  {
    key: 'extraction',
    title: 'phase extraction, 10 steps',
    sourceAt: (bits: BeamBits) => ({ kind: 'extraction', steps: 10, bits }) as const,
  },
  {
    key: 'phase-net',
    title: 'phase-net, 10 steps',
    sourceAt: (bits: BeamBits) => ({ ...phaseNetMethod(NET).source, bits }) as Method['source'],
  },
];

const LONG_RUN = 'long-run';
const words = (sweeps: number): string => (sweeps === 0 ? 'nearest' : `array, ${sweeps} ${sweeps === 1 ? 'sweep' : 'sweeps'}`);
const keyOf = (start: string, bits: number | 'inf', sweeps: number): string => `${start} ${bits} ${sweeps}`;
/** No sweeps: the nearest states. */
const bitsOf = (bits: number | 'inf', sweeps: number): BeamBits => (bits === 'inf' || sweeps === 0 ? bits : { bits, sweeps });

function methods(): Method[] {
  const plain = (key: string, source: Method['source']): Method => ({ key, title: key, short: key, source });
  return [
    ...STARTS.flatMap(({ key, sourceAt }) => [
      plain(keyOf(key, 'inf', 0), sourceAt('inf')),
      ...BITS.flatMap((bits) => [0, ...SWEEPS].map((sweeps) => plain(keyOf(key, bits, sweeps), sourceAt(bitsOf(bits, sweeps))))),
    ]),
    plain(LONG_RUN, { kind: 'baseline', name: 'long-run', bits: 'inf' }),
  ];
}

async function main(): Promise<void> {
  const flags = pageFlags({ channels: 200, output: 'docs/results/quantisers.md' });
  const { channels, seed } = flags;
  const scratch = mkdtempSync(join(tmpdir(), 'beamrig-quantisers-'));
  const networks = await phaseNetFiles([NET], scratch);
  const points = await withRates(networks, (computeRates) =>
    ratesAtPoints({ ...ARRAY, methods: methods(), snrsDb: [SNR_DB], channels, seed }, computeRates),
  );
  rmSync(scratch, { recursive: true });
  writePage(flags, [
    '# Phases of Q bits, by both quantisers',
    `N = 32, M = K = 4, ${SNR_DB} dB. ${channels} channels of 10 paths of the stream \`test\` of seed ${seed}, the same everywhere. Sum rate with D solved again for the words, as a share of the long run with ` +
      'continuous phases, in per cent ± the standard error of a ratio on paired channels. `nearest` takes the nearest state of each element; `array` goes from there over all elements, as many times ' +
      `as it has sweeps, and gives each the state that is best with D solved again; ${DEFAULT_SWEEPS} sweeps are what a rig has unless it is told otherwise.`,
    `\`npx tsx models/reproduce/quantisers.ts --channels ${channels} --seed ${seed}\` on ${machine()}.`,
    '## The goals',
    goals(points),
    '## Shares of the long run',
    sharesMarkdown(points),
    'Against the best of *all* words, where all can be tried (N·M ≤ 12, Q ≤ 2): `core/signal/array-quantiser.test.ts` asks for 98 % of its rate in the mean.',
  ]);
}

function shareAt(points: readonly RatePoint[], key: string): { mean: number; stderr: number } {
  return meanShare(points.map(({ values }) => ({ ours: ratesOf(values, key), theirs: ratesOf(values, LONG_RUN) })));
}

function ratesOf(values: RatePoint['values'], key: string): readonly number[] {
  const rates = values.get(key);
  if (rates === undefined) throw new Error(`no rates of ${key}`);
  return rates;
}

/** From the phases of phase-net, each scale by itself. */
function goals(points: readonly RatePoint[]): string {
  return SCALES.flatMap((scale) =>
    GOALS.map(({ bits, goal }) => {
      const share = shareAt(
        points.filter((point) => point.scale === scale),
        keyOf('phase-net', bits, DEFAULT_SWEEPS),
      );
      const verdict = 100 * share.mean >= goal ? 'holds' : '**does not hold**';
      return `- ${verdict}: \`${scale}\`, Q = ${bits}, from phase-net ≥ ${goal} %: ${percent(share)} %.`;
    }),
  ).join('\n');
}

function sharesMarkdown(points: readonly RatePoint[]): string {
  return perScale((scale) => {
    const own = points.filter((point) => point.scale === scale);
    return table(
      ['phases', 'words', ...BITS.map((bits) => `Q = ${bits}`), '∞'],
      STARTS.flatMap(({ key, title }) =>
        [0, ...SWEEPS].map((sweeps) => [
          title,
          words(sweeps),
          ...BITS.map((bits) => percent(shareAt(own, keyOf(key, bits, sweeps)))),
          sweeps === 0 ? percent(shareAt(own, keyOf(key, 'inf', 0))) : '',
        ]),
      ),
    );
  });
}

const percent = ({ mean, stderr }: { mean: number; stderr: number }): string =>
  `${(100 * mean).toFixed(1)} ± ${(100 * stderr).toFixed(1)}`;

await main();
