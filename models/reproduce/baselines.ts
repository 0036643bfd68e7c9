/**
 * All baselines side by side, at the array and on the test channels of paper 001:
 *
 *   npx tsx models/reproduce/baselines.ts [--channels 200] [--seed 1] [--output docs/results/baselines.md]
 *
 * Without a date: the same files and options give the same page.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { BaselineName } from '../baselines/baselines.ts';
import { BASELINE_NAMES, baselineMisfit } from '../baselines/baselines.ts';
import type { Method } from './methods.ts';
import { classicMethods, digitalMethods, yardstickMethods } from './methods.ts';
import { withRates } from './pace.ts';
import { machine } from './provenance.ts';
import { compare, differencesMarkdown, ratesMarkdown, sharesMarkdown } from './tables.ts';

const SNRS_DB = [0, 5, 10, 15, 20];
const ARRAY = { elements: 32, users: 4 };

/** `sca-manopt` is `sca-rmm` where there is no sensing. */
const NAMES = BASELINE_NAMES.filter(
  (name) => name !== 'sca-manopt' && baselineMisfit(name, { ...ARRAY, rfChains: 4 }) === undefined,
);
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

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      channels: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      output: { type: 'string', default: 'docs/results/baselines.md' },
    },
  });
  const channels = Number(values.channels);
  const seed = Number(values.seed);
  const asPublished = [...NAMES.map(own), ...classicMethods.filter(({ key }) => key === 'pga-10-searched')];
  const rig = NAMES.map(asOnARig);
  const digital = [...digitalMethods, ...yardstickMethods];
  const once = new Map([...asPublished, ...rig, ...digital].map((method) => [method.key, method]));
  const options = { ...ARRAY, channels, seed, snrsDb: SNRS_DB, methods: [...once.values()], pairs: PAIRS };
  const comparison = await withRates([], (computeRates) => compare(options, computeRates));
  const page = [
    '# The baselines side by side',
    `N = 32, M = K = 4, 10 paths, fully connected. ${channels} channels of the stream \`test\` of seed ${seed}, the same for every method and every SNR. Sum ` +
      'rates in bit/s/Hz, mean ± standard error over the channels. What each of them is stands in [models/README.md](../../models/README.md#baselines); `sca-manopt` is `sca-rmm` without sensing, and ' +
      '`two-phase`, which needs M ≥ 2K, has the rate of digital WMMSE.',
    `\`npx tsx models/reproduce/baselines.ts --channels ${channels} --seed ${seed}\` on ${machine()}.`,
    '## Phases and D as each of them gives them',
    ratesMarkdown(comparison, asPublished, SNRS_DB),
    '## D by the objective, as a rig has it',
    'The better of its own D and of D solved again by weighted MMSE for its phases: what is left is the merit of the phases.',
    ratesMarkdown(comparison, rig, SNRS_DB),
    'The same as shares of `long-run`, in per cent:',
    sharesMarkdown(comparison, [...rig, ...digital], 'long-run', SNRS_DB),
    '## Digital yardsticks',
    'One RF chain an element. ZF, regularised ZF, WMMSE after 100 iterations from ZF, and successive convex approximation run to its end, which ends where WMMSE does.',
    ratesMarkdown(comparison, digital, SNRS_DB),
    '## Differences, channel by channel',
    differencesMarkdown(comparison, options),
  ].join('\n\n');
  console.log(page);
  writeFileSync(values.output, `${page}\n`);
}

await main();
