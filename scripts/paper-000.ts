/**
 * Paper 000 again:
 *
 *   npx tsx scripts/paper-000.ts [--channels FILE.npy --conjugate --covariance FILE.npy] [--count 100] [--seed 1] [--json FILE] [--output docs/results/paper-000.md]
 *
 * on the channels and covariances of files, as the authors' own (whose rows are h_k: conjugate them), or on draws of the stream `test` that nothing
 * was trained on. Prints the tables as Markdown and writes them, with the command and the machine and without a date.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { patternGrid, wantedCovarianceFactor } from '../core/signal/wanted-pattern.ts';
import { claimsOf } from '../models/reproduce/paper-000-claims.ts';
import { curvesAt } from '../models/reproduce/paper-000-curves.ts';
import { claimsMarkdown, curvesMarkdown, patternsMarkdown, snrMarkdown } from '../models/reproduce/paper-000-page.ts';
import { classicMethods, networkMethod, overSnr, type Paper000Setting } from '../models/reproduce/paper-000.ts';
import { machine, provenance } from '../models/reproduce/provenance.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';
import { listSizedModels } from '../models/reproduce/sized-models.ts';
import { readChannelFile } from '../src/config/channel-file.ts';
import { readCovarianceFile } from '../src/config/covariance-file.ts';

const SNRS_DB = [0, 2, 4, 6, 8, 10, 12];
const CURVES_AT_DB = 12;
const WEIGHT = 0.3;
const DEGREE = Math.PI / 180;
const line = { kind: 'ula', elements: 64, spacingWavelengths: 0.5 } as const;

const { values } = parseArgs({
  options: {
    channels: { type: 'string' },
    conjugate: { type: 'boolean', default: false },
    covariance: { type: 'string' },
    count: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
    output: { type: 'string', default: 'docs/results/paper-000.md' },
  },
});
const [count, seed] = [Number(values.count), Number(values.seed)];
const theirs = values.channels !== undefined && values.covariance !== undefined;

function setting(): Paper000Setting {
  const channels =
    values.channels === undefined
      ? drawChannelSet({ seed, name: 'test', count, elements: 64, users: 4, paths: 10, scale: 'unit-element' }).channels
      : readChannelFile(values.channels, { conjugate: values.conjugate }).channels.slice(0, count);
  const pattern = { directionsRad: [-60 * DEGREE, 0, 60 * DEGREE], halfWidthRad: 2.5 * DEGREE, streams: 4 };
  const factors =
    values.covariance === undefined
      ? [wantedCovarianceFactor(line, pattern)]
      : readCovarianceFile(values.covariance, 64, [1, SNRS_DB.length]).factors;
  const sensing = SNRS_DB.map((_, i) => {
    const factor = factors[factors.length === 1 ? 0 : i];
    return { factor, weight: WEIGHT, grid: patternGrid(line, factor) };
  });
  return { geometry: line, channels, rfChains: 4, snrsDb: SNRS_DB, sensing };
}

const given = setting();
const networks = listSizedModels().filter(({ card }) => card.algorithm === 'upganet' && card.dimensions.elements === 64);
const say = (what: string): void => console.error(what);
const curves = curvesAt(given, CURVES_AT_DB, networks, say);
const methods = [
  ...networks.map((model) => networkMethod(model)),
  ...networks.filter(({ card }) => card.innerSteps === 20).map((model) => networkMethod(model, 'objective')),
  ...classicMethods,
];
const over = overSnr(given, methods, say);
const claims = claimsOf(curves, over, theirs);
const files = theirs
  ? ` --channels ${basename(values.channels ?? '')}${values.conjugate ? ' --conjugate' : ''} --covariance ${basename(values.covariance ?? '')}`
  : '';
const page = [
  '# Paper 000: UPGANet, communications and sensing',
  `N = 64, M = K = 4, ω = 0.3, σ² = 1 and P = SNR. ${given.channels.length} channels ${theirs ? "of the authors' released test set with their Ψ for each SNR" : `of the stream \`test\` of seed ${seed}; Ψ of boxes of ±2.5° around −60°, 0° and 60°`}, the same for every method; training and the ` +
    'searches used other streams of other seeds, and nothing was chosen on these. Means ± standard error over the channels.',
  `\`npx tsx scripts/paper-000.ts${files} --count ${count} --seed ${seed}\` on ${machine()}.`,
  '## Claims',
  claimsMarkdown(claims),
  `## R − ωτ after each layer, ${CURVES_AT_DB} dB (Fig. 2)`,
  curvesMarkdown(curves),
  notes(),
  '## Sum rate, bit/s/Hz (Fig. 3a)',
  snrMarkdown(over, methods, 'rate'),
  '## Covariance error τ',
  snrMarkdown(over, methods, 'tau'),
  '## R − ωτ',
  snrMarkdown(over, methods, 'objective'),
  '## Error of the beampattern at power 1 (Fig. 3b)',
  snrMarkdown(over, methods, 'patternMse'),
  `## Mean beampattern at ${CURVES_AT_DB} dB (Fig. 3c), dB`,
  patternsMarkdown(over),
].join('\n\n');
console.log(page);
mkdirSync(dirname(values.output), { recursive: true });
writeFileSync(values.output, `${page}\n`);
if (values.json !== undefined) {
  const plain = (_: string, value: unknown): unknown => (value instanceof Float64Array ? Array.from(value) : value);
  writeFileSync(values.json, `${JSON.stringify({ count, seed, theirs, claims, curves, ...over }, plain, 2)}\n`);
}

function notes(): string {
  return [
    '- PGA: constant steps; those by search are the best at 12 dB for each J and digital gradient, on 20 channels of the training stream (`models/reproduce/searched-sensing-steps.json`).',
    '- Starts: `aligned` is (17) with the sign that aligns; `random` has random phases and D = (HA)⁺; `svd` the right singular vectors of H.',
    ...networks.map(({ id, card }) => `- \`${id}\`: ${provenance(card)}.`),
  ].join('\n');
}
