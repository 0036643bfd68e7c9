/**
 * phase-net that chooses among the words of few bits, beside phase-net for any phases, rounded, and phase extraction, rounded; on channels that were
 * never trained on:
 *
 *   npx tsx models/reproduce/phase-net-words.ts [--channels 100] [--seed 1] [--quick] [--output docs/results/phase-net-words.md]
 *
 * With `--quick` on 10 channels. Without a date: the same files and options give the same page.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { meanAndError } from '../evaluation/statistics.ts';
import type { FitTo } from '../fitted-model.ts';
import forms from './forms-tried.json' with { type: 'json' };
import type { BeamBits, Method } from './methods.ts';
import { withRates } from './pace.ts';
import { phaseNetFiles, phaseNetMethod } from './phase-net-network.ts';
import { BITS, stateErrorsMarkdown } from './phase-net-states.ts';
import { machine } from './provenance.ts';
import type { ComputeRates } from './rates.ts';
import { meanShare } from './shares.ts';
import { perScale, ratesAtPoints, show, table, type RatePoint } from './tables.ts';

const STEPS = 10;
const SNRS_DB = [0, 10, 20];
const ARRAY: FitTo = { elements: 32, rfChains: 4, users: 4 };
const OTHERS: readonly FitTo[] = [
  { elements: 16, rfChains: 4, users: 4 },
  { elements: 64, rfChains: 4, users: 4 },
  { elements: 256, rfChains: 4, users: 4 },
  { elements: 32, rfChains: 2, users: 2 },
  { elements: 32, rfChains: 8, users: 8 },
  { elements: 32, rfChains: 6, users: 4 },
  { elements: 32, rfChains: 4, users: 4, connection: 'sub' },
];

/** Of the array quantiser; 0: the nearest words. */
const SWEEPS = [0, 1, 3, 10];
const STARTS = ['words', 'any phases', 'extraction'] as const;
type Start = (typeof STARTS)[number];
const TITLES: Readonly<Record<Start, string>> = {
  words: '**phase-net for these words**',
  'any phases': 'phase-net for any phases',
  extraction: 'phase extraction',
};

const keyOf = (start: Start, bits: number, sweeps: number): string => `${start} ${bits} ${sweeps}`;
const REFERENCE = 'phase-net, any phases';

function methodsFor(array: FitTo, sweeps: readonly number[]): Method[] {
  const plain = (key: string, source: Method['source']): Method => ({ key, title: key, short: key, source });
  const net = (phaseBits: number | undefined, bits: BeamBits): Method['source'] =>
    ({ ...phaseNetMethod({ ...array, steps: STEPS, phaseBits }).source, bits }) as Method['source'];
  const sourceOf: Record<Start, (bits: number, shown: BeamBits) => Method['source']> = {
    words: (bits, shown) => net(bits, shown),
    'any phases': (_, shown) => net(undefined, shown),
    extraction: (_, shown) => ({ kind: 'extraction', steps: STEPS, bits: shown }),
  };
  return [
    plain(REFERENCE, net(undefined, 'inf')),
    ...STARTS.flatMap((start) =>
      BITS.flatMap((bits) =>
        sweeps.map((budget) =>
          plain(keyOf(start, bits, budget), sourceOf[start](bits, budget === 0 ? bits : { bits, sweeps: budget })),
        ),
      ),
    ),
  ];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      channels: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      quick: { type: 'boolean', default: false },
      output: { type: 'string', default: 'docs/results/phase-net-words.md' },
    },
  });
  const channels = values.quick ? 10 : Number(values.channels);
  const seed = Number(values.seed);
  const scratch = mkdtempSync(join(tmpdir(), 'beamrig-words-'));
  const fitted = [ARRAY, ...OTHERS].flatMap((array) =>
    [undefined, ...BITS].map((phaseBits) => ({ ...array, steps: STEPS, phaseBits })),
  );
  const measure = (array: FitTo, sweeps: readonly number[], computeRates: ComputeRates): Promise<RatePoint[]> => {
    const { elements, rfChains, users, connection = 'full' } = array;
    const options = { elements, users, kind: { rfChains, connection }, snrsDb: SNRS_DB, channels, seed };
    return ratesAtPoints({ ...options, methods: methodsFor(array, sweeps) }, computeRates);
  };
  const { points, others } = await withRates(await phaseNetFiles(fitted, scratch), async (computeRates) => {
    const own = await measure(ARRAY, SWEEPS, computeRates);
    const all: RatePoint[][] = [];
    for (const array of OTHERS) all.push(await measure(array, [0], computeRates));
    return { points: own, others: all };
  });
  rmSync(scratch, { recursive: true });
  const page = [
    '# phase-net that chooses among the words of few bits',
    `Where phases have one or two bits, phase-net ends each of its steps on the nearest words, so that D, gradient and the best beam on the way are those of what the array shows; how its steps go then is learned apart. Channels of 10 paths of the stream \`test\` of seed ${seed}, ${channels} of them, the same everywhere; ${STEPS} steps, D solved again for the words. Shares are of phase-net with any phases and as many steps, in per cent, ± the standard error of a ratio on paired channels.`,
    `\`npx tsx models/reproduce/phase-net-words.ts --channels ${channels} --seed ${seed}\` on ${machine()}.`,
    '## N = 32, M = K = 4',
    '`nearest` takes the nearest state of each element; `array` goes over all elements with D solved again, as many times as it has sweeps.',
    sharesMarkdown(points),
    'What it gains on phase-net for any phases by the same words, bit/s/Hz, channel by channel:',
    gainsMarkdown(points),
    '## Other arrays by the same numbers, nearest words',
    othersMarkdown(others),
    '## Phase shifters that are off',
    await stateErrorsMarkdown(seed, channels),
    '## Forms that were tried',
    formsMarkdown(),
  ].join('\n\n');
  console.log(page);
  writeFileSync(values.output, `${page}\n`);
}

function ratesOf({ values }: RatePoint, key: string): readonly number[] {
  const rates = values.get(key);
  if (rates === undefined) throw new Error(`no rates of ${key}`);
  return rates;
}

const percent = ({ mean, stderr }: { mean: number; stderr: number }): string =>
  `${(100 * mean).toFixed(1)} ± ${(100 * stderr).toFixed(1)}`;

const shareAt = (point: RatePoint, key: string): string =>
  percent(meanShare([{ ours: ratesOf(point, key), theirs: ratesOf(point, REFERENCE) }]));

const gainAt = (point: RatePoint, bits: number, sweeps: number): string => {
  const theirs = ratesOf(point, keyOf('any phases', bits, sweeps));
  return show(meanAndError(ratesOf(point, keyOf('words', bits, sweeps)).map((rate, i) => rate - theirs[i])), true);
};

const wordsBy = (sweeps: number): string => (sweeps === 0 ? 'nearest' : `array, ${sweeps} ${sweeps === 1 ? 'sweep' : 'sweeps'}`);
const AT_BITS = BITS.flatMap((bits) => SNRS_DB.map((snrDb) => `Q = ${bits}, ${snrDb} dB`));

/** A cell for each Q and SNR. */
const cells = (own: readonly RatePoint[], cell: (point: RatePoint, bits: number) => string): string[] =>
  BITS.flatMap((bits) => own.map((point) => cell(point, bits)));

function sharesMarkdown(points: readonly RatePoint[]): string {
  return perScale((scale) => {
    const own = points.filter((point) => point.scale === scale);
    return table(
      ['phases', 'words', ...AT_BITS],
      STARTS.flatMap((start) =>
        SWEEPS.map((sweeps) => [
          TITLES[start],
          wordsBy(sweeps),
          ...cells(own, (point, bits) => shareAt(point, keyOf(start, bits, sweeps))),
        ]),
      ),
    );
  });
}

function gainsMarkdown(points: readonly RatePoint[]): string {
  return perScale((scale) => {
    const own = points.filter((point) => point.scale === scale);
    return table(
      ['words', ...AT_BITS],
      SWEEPS.map((sweeps) => [wordsBy(sweeps), ...cells(own, (point, bits) => gainAt(point, bits, sweeps))]),
    );
  });
}

const nameOf = ({ elements, rfChains, users, connection = 'full' }: FitTo): string =>
  `N = ${elements}, M = ${rfChains}, K = ${users}${connection === 'sub' ? ', sub-connected' : ''}`;

function othersMarkdown(others: readonly (readonly RatePoint[])[]): string {
  return perScale((scale) =>
    table(
      ['array', 'phases', ...AT_BITS],
      OTHERS.flatMap((array, i) => {
        const own = others[i].filter((point) => point.scale === scale);
        return STARTS.map((start) => [
          nameOf(array),
          TITLES[start],
          ...cells(own, (point, bits) => shareAt(point, keyOf(start, bits, 0))),
        ]);
      }),
    ),
  );
}

function formsMarkdown(): string {
  const { about, rows } = forms.words;
  const head = ['nearest words, bit/s/Hz', ...[1, 2, 3].flatMap((bits) => SNRS_DB.map((snrDb) => `Q = ${bits}, ${snrDb} dB`))];
  return [
    ...about,
    table(
      head,
      rows.map(({ form, rates }) => [form, ...rates.map((rate) => rate?.toFixed(2) ?? '–')]),
    ),
  ].join('\n\n');
}

await main();
