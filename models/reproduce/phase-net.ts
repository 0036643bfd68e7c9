/**
 * phase-net beside phase extraction of as many steps, the long run and digital WMMSE, on channels that were never trained on:
 *
 *   npx tsx models/reproduce/phase-net.ts [--channels 200] [--seed 1] [--quick] [--output docs/results/phase-net.md]
 *
 * At the array of paper 001, at others by the same file of numbers, and where channels are estimated. With `--quick` on 20 channels. Without a
 * date: the same files and options give the same page.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FitTo } from '../fitted-model.ts';
import forms from './forms-tried.json' with { type: 'json' };
import { digitalMethods, type Method } from './methods.ts';
import { withRates } from './pace.ts';
import { extractionMethod, phaseNetFiles, phaseNetMethod } from './phase-net-network.ts';
import { goalsOf, otherArraysMarkdown, sharesWithErrors, type MeasuredArray } from './phase-net-goals.ts';
import { pageFlags, writePage } from './page.ts';
import { machine } from './provenance.ts';
import type { ComputeRates } from './rates.ts';
import {
  differencesMarkdown,
  perScale,
  ratesAtPoints,
  ratesMarkdown,
  show,
  summarised,
  table,
  type RatePoint,
} from './tables.ts';
import { meanAndError } from '../evaluation/statistics.ts';

const SNRS_DB = [0, 5, 10, 15, 20];
const BUDGETS = [5, 10, 30];
const PAPER_001 = { elements: 32, rfChains: 4, users: 4 };

/** Part of the channels is enough where the long run is slow. */
const OTHERS: readonly (FitTo & { share: number })[] = [
  { elements: 16, rfChains: 4, users: 4, share: 0.5 },
  { elements: 64, rfChains: 4, users: 4, share: 0.5 },
  { elements: 256, rfChains: 4, users: 4, share: 0.2 },
  { elements: 32, rfChains: 2, users: 2, share: 1 },
  { elements: 32, rfChains: 8, users: 8, share: 0.2 },
  { elements: 32, rfChains: 6, users: 4, share: 0.3 },
  { elements: 32, rfChains: 4, users: 4, connection: 'sub', share: 1 },
];
const OTHER_SNRS_DB = [0, 10, 20];
const OTHER_BUDGETS = [10, 30];

const ESTIMATE_ERRORS_DB = [-20, -15, -10, -5, 0];
const ESTIMATE_SNR_DB = 10;

/** Its D, too, is the better of two, so that it is no lower than what a rig has. */
const longRun: Method = {
  key: 'long-run',
  title: 'long run, 16 starts',
  short: 'long run',
  source: { kind: 'baseline', name: 'long-run', bits: 'inf' },
};
const wmmse = digitalMethods.filter(({ key }) => key === 'wmmse');

const paperMethods: readonly Method[] = [
  ...BUDGETS.map((steps) => phaseNetMethod({ ...PAPER_001, steps })),
  ...BUDGETS.map(extractionMethod),
  longRun,
  ...wmmse,
];
const pairs = BUDGETS.map((steps): [string, string] => [`phase-net-${steps}`, `extraction-${steps}`]);

async function main(): Promise<void> {
  const flags = pageFlags({ channels: 200, output: 'docs/results/phase-net.md' });
  const { channels, seed } = flags;
  const scratch = mkdtempSync(join(tmpdir(), 'beamrig-phase-net-'));
  const networks = await phaseNetFiles(
    [
      ...BUDGETS.map((steps) => ({ ...PAPER_001, steps })),
      ...OTHERS.flatMap(({ share: _, ...array }) => OTHER_BUDGETS.map((steps) => ({ ...array, steps }))),
    ],
    scratch,
  );
  const { points, others, estimated } = await withRates(networks, async (computeRates) => ({
    points: await ratesAtPoints({ ...PAPER_001, methods: paperMethods, snrsDb: SNRS_DB, channels, seed }, computeRates),
    others: await measureOthers({ channels, seed }, computeRates),
    estimated: await measureEstimates({ channels, seed }, computeRates),
  }));
  rmSync(scratch, { recursive: true });
  const comparison = summarised(points, pairs);
  const options = { ...PAPER_001, channels, seed, methods: paperMethods, pairs, snrsDb: SNRS_DB };
  writePage(flags, [
    '# phase-net beside phase extraction, the long run and WMMSE',
    `Channels of 10 paths from the stream \`test\` of seed ${seed}, the same for every method and every SNR; training used the streams \`train\` and ` +
      '`validation`. Sum rates in bit/s/Hz, mean ± standard error over the channels. Every hybrid method has the better of its own D and of D solved again for its phases, as on a ' +
      'rig. Phase extraction is that of `phase-extraction`, with momentum, from aligned phases; the long run stands for the limit; WMMSE is fully digital. ' +
      'All figures of phase-net are by one file, `models/zoo/phase-net.numbers.json`.',
    `\`npx tsx models/reproduce/phase-net.ts --channels ${channels} --seed ${seed}\` on ${machine()}.`,
    '## The goals',
    goalsOf(points, others),
    `## N = 32, M = K = 4, ${channels} channels`,
    ratesMarkdown(comparison, paperMethods, SNRS_DB),
    'As shares of the long run, in per cent, with the standard error of a ratio on paired channels; the last column is the mean over the SNRs:',
    sharesWithErrors(points, paperMethods),
    'Differences at equal steps, channel by channel:',
    differencesMarkdown(comparison, options),
    '## Other arrays by the same file',
    'Shares of the long run in per cent. Fewer channels where the long run is slow.',
    otherArraysMarkdown(others, OTHER_BUDGETS),
    `## Channels that are estimated, N = 32, M = K = 4, ${ESTIMATE_SNR_DB} dB`,
    'Beams, and D, are made for H + E and radiated over H. Entries of E are CN(0, ε·mean|h|²); ε in dB. The rate is what users get who know what they hear.',
    estimatesMarkdown(estimated),
    '## Forms that were tried',
    formsMarkdown(),
  ]);
}

async function measureOthers(
  { channels, seed }: { channels: number; seed: number },
  computeRates: ComputeRates,
): Promise<MeasuredArray[]> {
  const measured: MeasuredArray[] = [];
  for (const { share, ...array } of OTHERS) {
    const { elements, rfChains, users, connection = 'full' } = array;
    const used = Math.max(2, Math.round(share * channels));
    const methods = [
      ...OTHER_BUDGETS.flatMap((steps) => [phaseNetMethod({ ...array, steps }), extractionMethod(steps)]),
      longRun,
    ];
    const options = { elements, users, kind: { rfChains, connection }, methods, snrsDb: OTHER_SNRS_DB, channels: used, seed };
    measured.push({ array, channels: used, points: await ratesAtPoints(options, computeRates) });
  }
  return measured;
}

interface Estimated {
  errorDb: number | undefined;
  points: readonly RatePoint[];
}

const estimateMethods = paperMethods.filter(({ key }) => key !== 'long-run' && !key.endsWith('-5'));

async function measureEstimates(
  { channels, seed }: { channels: number; seed: number },
  computeRates: ComputeRates,
): Promise<Estimated[]> {
  const measured: Estimated[] = [];
  for (const errorDb of [undefined, ...ESTIMATE_ERRORS_DB]) {
    const kind = errorDb === undefined ? {} : { estimateErrorDb: errorDb };
    const options = { ...PAPER_001, kind, methods: estimateMethods, snrsDb: [ESTIMATE_SNR_DB], channels, seed };
    measured.push({ errorDb, points: await ratesAtPoints(options, computeRates) });
  }
  return measured;
}

function estimatesMarkdown(estimated: readonly Estimated[]): string {
  return perScale((scale) =>
    table(
      ['ε', ...estimated.map(({ errorDb }) => (errorDb === undefined ? 'none' : `${errorDb} dB`.replace('-', '−')))],
      estimateMethods.map(({ key, title }) => [
        title,
        ...estimated.map(({ points }) => {
          const rates = points.find((point) => point.scale === scale)?.values.get(key);
          return show(rates === undefined ? undefined : meanAndError(rates));
        }),
      ]),
    ),
  );
}

function formsMarkdown(): string {
  const rows = ({ form, shares }: { form: string; shares: readonly (number | null)[] }): string[] => [
    form,
    ...shares.map((share) => share?.toFixed(2) ?? '–'),
  ];
  const head = ['share of a long run, per cent', ...BUDGETS.map((steps) => `${steps} steps`)];
  return [
    'Written down while the form was chosen (`models/reproduce/forms-tried.json`); the programs are not kept. N = 32, M = K = 4, `unit-element`, mean over −5, 0, … 20 dB, 40 ' +
      'channels that were neither trained nor tested on, D by weighted MMSE; the reference is a long run of that time. Differences below 0.03 mean nothing.',
    'Set by hand, each form at the best of its settings that were tried; five of the steps are extraction where it comes first:',
    table(head, forms.byHand.map(rows)),
    'Learned, all by the same 40 epochs on 600 channels:',
    table(head, forms.learned.map(rows)),
    'What counts is the curvature under the gradient, extraction blended in, and training; which momentum there is counts for little, so the simplest was taken.',
  ].join('\n\n');
}

await main();
