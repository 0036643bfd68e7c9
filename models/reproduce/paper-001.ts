/**
 * Paper 001 again, on channels that were never trained on:
 *
 *   npx tsx models/reproduce/paper-001.ts [--literal-recipe] [--channels 200] [--seed 1] [--json FILE] [--output docs/results/paper-001.md]
 *
 * Prints the tables as Markdown and writes them to the output, with the command and the machine, and without a date: the same files and
 * options give the same page. With `--literal-recipe` it first trains a ten-layer network just as the paper says, some minutes, to show beside.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { train } from '../training/train.ts';
import { family } from '../unfolded-pga/family.ts';
import type { SizedModelFile } from './sized-models.ts';
import { listSizedModels } from './sized-models.ts';
import type { PhaseBits } from '../evaluation/channel-figures.ts';
import { classicMethods, digitalMethods, networkMethod, networkWithDigitalSolved } from './methods.ts';
import type { ComparisonOptions } from './tables.ts';
import { withRates } from './pace.ts';
import { machine, provenance } from './provenance.ts';
import { bitsMarkdown, compare, compareBits, differencesMarkdown, ratesMarkdown, verdictsMarkdown } from './tables.ts';

const SNRS_DB = [0, 5, 10, 15, 20];
const BITS: PhaseBits[] = [1, 2, 3, 4, 5, 6, 7, 8, 'inf'];
const BITS_SNR_DB = 10;

/** The network trained by the paper's recipe taken literally. */
const LITERAL = 'unfolded-pga-n32-literal';

/** The paper's claims, as differences: key of ours, key of theirs. */
const PAIRS: readonly (readonly [string, string])[] = [
  ['unfolded-pga-n32-3', 'pga-30-j1'],
  ['unfolded-pga-n32-3', 'pga-30-j10'],
  ['unfolded-pga-n32', 'pga-30-j1'],
  ['unfolded-pga-n32', 'pga-30-j10'],
  ['unfolded-pga-n32', 'pga-10-searched'],
  ['unfolded-pga-n32', 'pga-30-searched'],
  ['unfolded-pga-n32', LITERAL],
  [LITERAL, 'pga-10-j10'],
  [LITERAL, 'pga-30-j10'],
  ['unfolded-pga-n32', 'aligned-wmmse'],
  ['unfolded-pga-n32', 'sca-rmm'],
  ['unfolded-pga-n32', 'phase-extraction'],
  ['unfolded-pga-n32', 'long-run'],
  ['unfolded-pga-n32', 'zf'],
  ['unfolded-pga-n32', 'wmmse'],
];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      channels: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      'literal-recipe': { type: 'boolean', default: false },
      output: { type: 'string', default: 'docs/results/paper-001.md' },
    },
  });
  const channels = Number(values.channels);
  const seed = Number(values.seed);
  const array = { elements: 32, users: 4, channels, seed };
  const scratch = mkdtempSync(join(tmpdir(), 'beamrig-literal-'));
  const literal = values['literal-recipe'] ? await trainLiterally(seed, scratch) : [];
  const models = [...listSizedModels().filter(fitsThePaper), ...literal];
  const network = models.find(({ id }) => id === 'unfolded-pga-n32');
  const solved = network === undefined ? [] : [networkWithDigitalSolved(network)];
  const options: ComparisonOptions = {
    methods: [...classicMethods, ...models.map(networkMethod), ...solved, ...digitalMethods],
    pairs: PAIRS,
    snrsDb: SNRS_DB,
    ...array,
  };
  const [comparison, quantised] = await withRates(models, async (computeRates) => [
    await compare(options, computeRates),
    await compareBits({ network, bits: BITS, snrDb: BITS_SNR_DB, ...array }, computeRates),
  ]);
  rmSync(scratch, { recursive: true });
  const flag = values['literal-recipe'] ? ' --literal-recipe' : '';
  const page = [
    '# Paper 001: unfolded projected gradient ascent',
    `N = 32, M = K = 4, 10 paths. ${channels} channels of the stream \`test\` of seed ${seed}, the same for every method and every SNR; training used ` +
      'the streams `train` and `validation`, the search for steps `train`. Sum rates in bit/s/Hz, mean ± standard error over the channels.',
    `\`npx tsx models/reproduce/paper-001.ts${flag} --channels ${channels} --seed ${seed}\` on ${machine()}.`,
    '## Sum rate',
    ratesMarkdown(comparison, options.methods, SNRS_DB),
    notes(models),
    '## Differences, channel by channel',
    'Mean and standard error of the difference on the same channel, which is far less scattered than either rate.',
    verdictsMarkdown(comparison, options),
    differencesMarkdown(comparison, options),
    `## Phases of Q bits, at ${BITS_SNR_DB} dB`,
    'Phases rounded to the nearest of 2^Q states, the digital precoder then solved again (WMMSE for the quantised phases), at Q = ∞ too.',
    bitsMarkdown(quantised, BITS),
  ].join('\n\n');
  console.log(page);
  mkdirSync(dirname(values.output), { recursive: true });
  writeFileSync(values.output, `${page}\n`);
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ channels, seed, ...comparison, quantised }, null, 2)}\n`);
  }
}

async function trainLiterally(seed: number, folder: string): Promise<SizedModelFile[]> {
  await train(family, { recipe: 'paper', seed, output: join(folder, `${LITERAL}.onnx`) });
  return listSizedModels(folder);
}

const fitsThePaper = ({ card }: SizedModelFile): boolean =>
  card.algorithm === 'unfolded-pga' && card.dimensions.elements === 32 && card.dimensions.users === 4;

function notes(models: readonly SizedModelFile[]): string {
  return [
    "- PGA with the paper's steps: μ = 0.01, λ = 1e-4, with σ² = 1 and P = SNR on the channel as drawn, the convention under which the " +
      'published steps give the published rates.',
    '- PGA with searched steps: one constant μ and λ for each scale, SNR and number of iterations (`models/reproduce/searched-steps.json`).',
    '- SCA-RMM: successive convex approximation, then manifold factors, D by least squares as in the papers it is from. Phase extraction on the row space of ' +
      'the channel and the long run, which stands for the limit, learn nothing; D by weighted MMSE. All baselines: [baselines.md](baselines.md).',
    '- The networks are one file for every SNR and both scales.',
    '- ZF is √P·H⁺/‖H⁺‖; WMMSE starts there and takes 100 iterations. Both are fully digital: one RF chain an element.',
    ...models.map(({ id, card }) => `- \`${id}\`: ${provenance(card)}.`),
  ].join('\n');
}

await main();
