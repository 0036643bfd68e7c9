/**
 * All baselines side by side, at the array and on the test channels of paper 001: fully connected, sub-connected, with two chains a user, and with
 * sensing:
 *
 *   npx tsx models/reproduce/baselines.ts [--channels 50] [--seed 1] [--output docs/results/baselines.md]
 *
 * Without a date: the same files and options give the same page, but for the times.
 */
import { availableParallelism } from 'node:os';
import type { Problem } from '../../core/signal/beam-contract.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { fromDb } from '../../core/signal/rate.ts';
import type { BaselineName } from '../baselines/baselines.ts';
import { BASELINE_NAMES, BASELINES, baselineMisfit, runBaseline } from '../baselines/baselines.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { sensingMarkdown, SENSING_IN_WORDS } from './baselines-sensing.ts';
import type { Method } from './methods.ts';
import { classicMethods, digitalMethods, yardstickMethods } from './methods.ts';
import { withRates } from './pace.ts';
import { pageFlags, writePage } from './page.ts';
import { machine } from './provenance.ts';
import type { ComputeRates } from './rates.ts';
import {
  compare,
  differencesMarkdown,
  ratesMarkdown,
  sharesMarkdown,
  table,
  type Comparison,
  type ComparisonOptions,
} from './tables.ts';

const SNRS_DB = [0, 5, 10, 15, 20];
/** Of other arrays. */
const FEW_SNRS_DB = [0, 10, 20];
const ARRAY = { elements: 32, users: 4 };
/** With sensing a channel takes ten times as long, of which fewer are drawn. */
const SENSING_SHARE = 0.3;

const fits = (rfChains: number) => (name: BaselineName) => baselineMisfit(name, { ...ARRAY, rfChains }) === undefined;
/** `sca-manopt` is `sca-rmm` where there is no sensing. */
const NAMES = BASELINE_NAMES.filter(fits(ARRAY.users)).filter((name) => name !== 'sca-manopt');
/** Of arrays with two chains a user. */
const OF_TWO_CHAINS: readonly BaselineName[] = ['two-phase', 'wmmse-factored', 'phase-extraction', 'manifold', 'long-run'];
/** D solved again; where it is solved by weighted MMSE already, nothing changes. */
const OWN_D_IS_BEST: readonly BaselineName[] = ['codebook', 'phase-extraction', 'phase-extraction-best', 'manifold', 'long-run'];

const own = (name: BaselineName): Method => ({
  key: name,
  title: `\`${name}\``,
  short: name,
  source: { kind: 'baseline', name, bits: 'own' },
});
const resolved = (name: BaselineName): Method => ({
  key: `${name}-resolved`,
  title: `\`${name}\`, D by the objective`,
  short: `${name}, D by the objective`,
  source: { kind: 'baseline', name, bits: 'inf' },
});
const asOnARig = (name: BaselineName): Method => (OWN_D_IS_BEST.includes(name) ? own(name) : resolved(name));

const PAIRS: readonly (readonly [string, string])[] = [
  ['long-run', 'manifold'],
  ['long-run', 'phase-extraction-best'],
  ['long-run', 'phase-extraction'],
  ['manifold', 'phase-extraction'],
  ['phase-extraction-best', 'phase-extraction'],
  ['wmmse-factored-resolved', 'phase-extraction'],
  ['phase-extraction', 'pga-searched-resolved'],
  ['pga-searched', 'pga-10-searched'],
  ['wmmse', 'long-run'],
];
const PAIRS_OF_TWO_CHAINS: typeof PAIRS = OF_TWO_CHAINS.map((name) => ['wmmse', name]);

const asPublished = [...NAMES.map(own), ...classicMethods.filter(({ key }) => key === 'pga-10-searched')];
const rig = NAMES.map(asOnARig);
const digital = [...digitalMethods, ...yardstickMethods];
const wmmse = digitalMethods.filter(({ key }) => key === 'wmmse');

/** Where they are compared: rates and differences at each. */
function comparisons(drawn: { channels: number; seed: number }): Record<'full' | 'sub' | 'twoChains', ComparisonOptions> {
  const once = new Map([...asPublished, ...rig, ...digital].map((method) => [method.key, method]));
  const few = { ...ARRAY, ...drawn, snrsDb: FEW_SNRS_DB };
  return {
    full: { ...ARRAY, ...drawn, snrsDb: SNRS_DB, methods: [...once.values()], pairs: PAIRS },
    sub: { ...few, kind: { connection: 'sub' }, methods: [...rig, ...wmmse], pairs: [] },
    twoChains: {
      ...few,
      kind: { rfChains: 2 * ARRAY.users },
      methods: [...OF_TWO_CHAINS.map(own), ...wmmse],
      pairs: PAIRS_OF_TWO_CHAINS,
    },
  };
}

async function main(): Promise<void> {
  const flags = pageFlags({ channels: 50, output: 'docs/results/baselines.md' });
  const { output: _, ...drawn } = flags;
  const timed = timesMarkdown(drawn.seed);
  const { full, sub, twoChains } = comparisons(drawn);
  const measure = async (computeRates: ComputeRates): Promise<Comparison[]> => {
    const found: Comparison[] = [];
    for (const options of [full, sub, twoChains]) found.push(await compare(options, computeRates));
    return found;
  };
  const [ofFull, ofSub, ofTwoChains] = await withRates([], measure);
  const sensed = Math.max(2, Math.round(SENSING_SHARE * drawn.channels));
  const sensing = await sensingMarkdown({
    ...{ names: BASELINE_NAMES.filter(fits(ARRAY.users)), ...ARRAY, channels: sensed },
    ...{ seed: drawn.seed, threads: availableParallelism() },
  });
  writePage(flags, [
    '# The baselines side by side',
    `N = 32, M = K = 4, 10 paths, fully connected unless it is said otherwise. ${drawn.channels} channels of the stream \`test\` of seed ${drawn.seed}, the same for every method and every SNR. Sum ` +
      'rates in bit/s/Hz, mean ± standard error over the channels. `sca-manopt` is `sca-rmm` without sensing, and `two-phase` needs M ≥ 2K. More of them stands in ' +
      '[models/README.md](../../models/README.md#baselines).',
    `\`npx tsx models/reproduce/baselines.ts --channels ${drawn.channels} --seed ${drawn.seed}\` on ${machine()}.`,
    '## What they are, and what a channel takes',
    `Milliseconds for one beam on one thread at ${TIMED.snrDb} dB, the median over ${TIMED.channels} channels of the best of ${TIMED.runs} runs; \`two-phase\` with M = 2K. A machine that does other work at the same time shows in them.`,
    timed,
    '## Phases and D as each of them gives them',
    ratesMarkdown(ofFull, asPublished, SNRS_DB),
    '## D by the objective, as a rig has it',
    'The better of its own D and of D solved again by weighted MMSE for its phases: what is left is the merit of the phases.',
    ratesMarkdown(ofFull, rig, SNRS_DB),
    'The same as shares of `long-run`, in per cent:',
    sharesMarkdown(ofFull, [...rig, ...digital], 'long-run', SNRS_DB),
    '## Digital yardsticks',
    'One RF chain an element. ZF, regularised ZF, WMMSE after 100 iterations from ZF, and successive convex approximation run to its end: WMMSE is there, too, up to 10 dB, and still on its way at 20 dB.',
    ratesMarkdown(ofFull, digital, SNRS_DB),
    '## Differences, channel by channel',
    differencesMarkdown(ofFull, full),
    '## Sub-connected: eight elements a chain',
    'D by the objective. A chain reaches every element of its block alone, so that an array has a quarter of the phase shifters, and K users share M = K blocks.',
    ratesMarkdown(ofSub, sub.methods, FEW_SNRS_DB),
    '## Two chains a user: M = 2K = 8',
    'Every digital precoder can be had exactly, by two phases an entry. Phases and D as each of them gives them, and what digital WMMSE after 100 iterations has more, channel by channel; at 20 dB those that start from WMMSE run to its end, or climb for themselves, are above it:',
    ratesMarkdown(ofTwoChains, twoChains.methods, FEW_SNRS_DB),
    differencesMarkdown(ofTwoChains, twoChains),
    '## With sensing',
    `R − ωτ in bit/s/Hz, and its parts R and τ: ${SENSING_IN_WORDS}; scale \`unit-element\`, ${sensed} channels. D by the objective. \`sca-manopt\`, \`pga-searched\`, \`sensing-pga\`, \`manifold\` and \`long-run\` choose their phases for sensing, too; ` +
      'the others for the rates alone, so that no D can give what sensing wishes for at high SNR. Digital: an RF chain an element, R − ωτ itself climbed.',
    sensing,
  ]);
}

const TIMED = { snrDb: 10, channels: 10, runs: 3 };

/** Every baseline with its source and its time on both kinds of array; two-phase for the array that it is for. */
function timesMarkdown(seed: number): string {
  const { channels } = drawChannelSet({ ...ARRAY, seed, name: 'test', count: TIMED.channels, paths: 10, scale: 'unit-element' });
  const timeOf = (name: BaselineName, connection: 'full' | 'sub'): string => {
    const rfChains = fits(ARRAY.users)(name) ? ARRAY.users : 2 * ARRAY.users;
    if (baselineMisfit(name, { ...ARRAY, rfChains, connection }) !== undefined) return '–';
    const mask = connection === 'full' ? {} : { connection: connectionMask(connection, ARRAY.elements, rfChains) };
    const each = channels.map((channel) => bestMs(name, { channel, rfChains, power: fromDb(TIMED.snrDb), noise: 1, ...mask }));
    return each.sort((a, b) => a - b)[Math.floor(each.length / 2)].toPrecision(2);
  };
  return table(
    ['', 'what it does', 'source', 'full, ms', 'sub, ms'],
    BASELINES.map(({ name, title, source }) => [`\`${name}\``, title, source, timeOf(name, 'full'), timeOf(name, 'sub')]),
  );
}

function bestMs(name: BaselineName, problem: Problem): number {
  const runs = Array.from({ length: TIMED.runs }, () => {
    const beganMs = performance.now();
    runBaseline(name, problem);
    return performance.now() - beganMs;
  });
  return Math.min(...runs);
}

await main();
