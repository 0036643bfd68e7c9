/**
 * Everything that is measured for paper 001, as data, on channels that were never trained on: rates of all methods over SNR in both channel
 * scales (Fig. 2(b)), rates after every layer or iteration (Fig. 2(a)), and, past the paper, phases of Q bits. `paper-001-report.ts` shows it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { frobeniusNorm, matmul, multiplyABh, multiplyAhB } from '../../core/signal/complex-matrix.ts';
import type { ChannelScale } from '../../core/signal/channel.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { rateWeights, startingPoint } from '../baselines/pga.ts';
import { DEFAULT_SWEEPS } from '../../core/signal/quantiser-names.ts';
import type { PhaseBits } from '../evaluation/channel-figures.ts';
import { meanAndError, type MeanAndError } from '../evaluation/statistics.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { layerRates, type AscentSource, type LayerRates } from './layer-rates.ts';
import { LITERAL, literalNetwork } from './literal-recipe.ts';
import {
  classicMethods,
  digitalMethods,
  networkMethod,
  networkWithDigitalSolved,
  yardstickMethods,
  type BeamBits,
  type Method,
} from './methods.ts';
import { withRates, type RatesWork } from './pace.ts';
import { extractionMethod, phaseNetFiles, phaseNetMethod } from './phase-net-network.ts';
import type { ComputeRates } from './rates.ts';
import type { ResultCache } from './result-cache.ts';
import { listSizedModels, type SizedModelFile } from './sized-models.ts';
import { compare, SCALES, testSet, type Comparison, type ComparisonOptions, type TestChannels } from './tables.ts';

export interface Paper001Options {
  /** How many. */
  channels: number;
  seed: number;
  /** Train a network by the paper's recipe taken literally, a minute or two, and show it beside. */
  literalRecipe: boolean;
}

/** What it is done with. */
export interface ReproductionWork extends RatesWork {
  cache: ResultCache;
  signal: AbortSignal;
}

export interface LayerCurve extends LayerRates {
  key: string;
  title: string;
  /** For plots. */
  short: string;
  scale: ChannelScale;
}

export interface QuantisedCell extends MeanAndError {
  scale: ChannelScale;
  method: string;
  bits: PhaseBits;
}

/** Mean size of an entry of ∂R/∂A* and of ∂R/∂D* at the start, σ² = 1 and P = SNR. */
export interface GradientSizes {
  scale: ChannelScale;
  analog: MeanAndError;
  digital: MeanAndError;
}

export interface Paper001Figures {
  options: Paper001Options;
  /** At `SNRS_DB`. */
  comparison: Comparison;
  methods: readonly Method[];
  pairs: ComparisonOptions['pairs'];
  /** At `CURVE_SNR_DB`. */
  curves: LayerCurve[];
  gradients: GradientSizes[];
  /** At `BITS_SNR_DB`. */
  quantised: QuantisedCell[];
  quantisedMethods: readonly Pick<Method, 'key' | 'title'>[];
  networks: readonly SizedModelFile[];
}

export const ARRAY = { elements: 32, rfChains: 4, users: 4 };
export const SNRS_DB = [0, 5, 10, 15, 20];
/** The paper does not say at which SNR its Fig. 2(a) is. */
export const CURVE_SNR_DB = 10;
export const BITS: readonly PhaseBits[] = [1, 2, 3, 4, 5, 6, 7, 8, 'inf'];
export const BITS_SNR_DB = 10;
/** Long enough for conventional PGA to be near its end. */
export const LONG = 500;
const BUDGETS = [10, 30];

/** SCA-RMM's phases with D solved again: what its loss is due to. */
const scaRmmSolved: Method = {
  key: 'sca-rmm-wmmse',
  title: 'SCA-RMM, D by WMMSE',
  short: 'SCA-RMM, D by WMMSE',
  source: { kind: 'baseline', name: 'sca-rmm', bits: 'inf' },
};

/** Key of ours, key of theirs: how much the first gains on the second, channel by channel. */
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
  ['unfolded-pga-n32', 'sca-rmm-wmmse'],
  ['pga-30-j1', 'sca-rmm'],
  ['pga-30-j10', 'sca-rmm'],
  ['sca', 'wmmse'],
  ['sca-rmm', 'sca'],
  ['unfolded-pga-n32', 'phase-extraction'],
  ['phase-net-10', 'phase-extraction'],
  ['phase-net-10', 'unfolded-pga-n32'],
  ['phase-net-30', 'extraction-30'],
  ['phase-net-30', 'long-run'],
  ['unfolded-pga-n32', 'long-run'],
  ['unfolded-pga-n32', 'zf'],
  ['unfolded-pga-n32', 'wmmse'],
];

/** @throws {BeamrigError} 'stopped' where that is asked for: what is done is in the cache */
export async function paper001Figures(options: Paper001Options, work: ReproductionWork): Promise<Paper001Figures> {
  const scratch = mkdtempSync(join(tmpdir(), 'beamrig-paper-001-'));
  try {
    return await measured(options, work, scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function measured(options: Paper001Options, work: ReproductionWork, scratch: string): Promise<Paper001Figures> {
  const { say = console.error } = work;
  const { channels, seed } = options;
  const array = { ...ARRAY, channels, seed };
  const onEpoch = (epoch: number, epochs: number): void => say(`network by the paper's recipe: epoch ${epoch} of ${epochs}`);
  const literal = options.literalRecipe ? [await literalNetwork({ seed }, { ...work, onEpoch })] : [];
  const networks = [...listSizedModels().filter(fitsThePaper), ...literal];
  const network = networks.find(({ id }) => id === 'unfolded-pga-n32');
  const budgets = BUDGETS.map((steps) => ({ ...ARRAY, steps }));
  const phaseNets = await phaseNetFiles(budgets, scratch);
  const methods = [
    ...classicMethods.flatMap((method) => (method.key === 'sca-rmm' ? [method, scaRmmSolved] : [method])),
    ...networks.map(networkMethod),
    ...(network === undefined ? [] : [networkWithDigitalSolved(network)]),
    extractionMethod(30),
    ...budgets.map(phaseNetMethod),
    ...digitalMethods,
    ...yardstickMethods.filter(({ key }) => key === 'sca'),
  ];
  const byBits = methodsByBits(network);
  const known = new Set(methods.map(({ key }) => key));
  const pairs = PAIRS.filter((pair) => pair.every((key) => known.has(key)));
  const [comparison, quantised] = await withRates(
    [...networks, ...phaseNets],
    async (computeRates): Promise<[Comparison, QuantisedCell[]]> => [
      await compare({ methods, pairs, snrsDb: SNRS_DB, ...array }, computeRates),
      await ratesByBits(byBits, array, computeRates),
    ],
    work,
  );
  const curves: LayerCurve[] = [];
  for (const { key, title, short, source } of ascents(networks)) {
    say(`after every layer: ${title}`);
    for (const scale of SCALES) {
      curves.push({
        key,
        title,
        short,
        scale,
        ...(await layerRates(source, testSet(scale, CURVE_SNR_DB, array), channels, work)),
      });
    }
  }
  const gradients = SCALES.map((scale) => gradientSizes(scale, array));
  return { options, comparison, methods, pairs, curves, gradients, quantised, quantisedMethods: byBits, networks };
}

const fitsThePaper = ({ card }: SizedModelFile): boolean =>
  card.algorithm === 'unfolded-pga' && card.dimensions.elements === ARRAY.elements && card.dimensions.users === ARRAY.users;

function ascents(networks: readonly SizedModelFile[]): { key: string; title: string; short: string; source: AscentSource }[] {
  const paper = { innerSteps: 10, mu: 0.01, lambda: 1e-4, start: 'aligned' } as const;
  const pga = (key: string, title: string, course: Partial<Extract<AscentSource, { kind: 'pga' }>['course']>) => ({
    ...{ key, title, short: title },
    source: { kind: 'pga', course: { ...paper, iterations: LONG, ...course } } satisfies AscentSource,
  });
  return [
    ...networks.map((model) => {
      const { key, title, short } = networkMethod(model);
      return { key, title, short, source: { kind: 'network', model } satisfies AscentSource };
    }),
    pga('pga-j1', "PGA, J = 1, the paper's steps", { innerSteps: 1 }),
    pga('pga-j10', "PGA, J = 10, the paper's steps", {}),
    pga('pga-equal-steps', 'PGA, J = 10, μ = λ = 0.01', { lambda: 0.01, iterations: 30 }),
    pga('pga-as-printed', "PGA, J = 10, the paper's steps, start of (12) as printed", { start: 'as-printed', iterations: 30 }),
  ];
}

type QuantisedMethod = Pick<Method, 'key' | 'title'> & { sourceAt: (bits: PhaseBits) => Method['source'] };

/** The best phases by both quantisers, others by the nearest states. */
function methodsByBits(network: SizedModelFile | undefined): QuantisedMethod[] {
  const [, thirty] = BUDGETS.map((steps) => phaseNetMethod({ ...ARRAY, steps }));
  const nearest = ({ key, title, source }: Method): QuantisedMethod => ({
    ...{ key, title },
    sourceAt: (bits) => withBits(source, bits),
  });
  const withArray = ({ key, title, source }: Method): QuantisedMethod => ({
    ...{ key: `${key}-array`, title: `${title}; array quantiser` },
    sourceAt: (bits) => withBits(source, bits === 'inf' ? bits : { bits, sweeps: DEFAULT_SWEEPS }),
  });
  const ten = extractionMethod(10);
  return [
    nearest({ key: 'aligned', title: 'initial phases', short: '', source: { kind: 'baseline', name: 'aligned', bits: 'inf' } }),
    ...(network === undefined ? [] : [nearest(networkMethod(network))]),
    ...[ten, thirty].flatMap((method) => [nearest(method), withArray(method)]),
  ];
}

function withBits(source: Method['source'], bits: BeamBits): Method['source'] {
  if ('bits' in source) return { ...source, bits };
  throw new Error(`there are no phases to be quantised of ${source.kind}`);
}

/** The rate at Q bits with the digital precoder solved again; `inf` too, so that Q is all that differs along a row. */
async function ratesByBits(
  methods: readonly QuantisedMethod[],
  array: TestChannels,
  computeRates: ComputeRates,
): Promise<QuantisedCell[]> {
  const jobs = SCALES.flatMap((scale) =>
    methods.flatMap(({ key, sourceAt }) =>
      BITS.map((bits) => ({
        cell: { scale, method: key, bits },
        job: { source: sourceAt(bits), set: testSet(scale, BITS_SNR_DB, array) },
      })),
    ),
  );
  const found = await computeRates(
    jobs.map(({ job }) => job),
    array.channels,
  );
  return jobs.map(({ cell }, i) => ({ ...cell, ...meanAndError(found[i]) }));
}

/** Root mean square of the entries, by the definitions: ∂R/∂A* = Hᴴ·C·Dᴴ, ∂R/∂D* = (H·A)ᴴ·C. */
function gradientSizes(scale: ChannelScale, { channels, seed }: { channels: number; seed: number }): GradientSizes {
  const power = fromDb(CURVE_SNR_DB);
  const { snrDb: _, ...set } = testSet(scale, CURVE_SNR_DB, { ...ARRAY, channels, seed });
  const sizes = drawChannelSet({ ...set, count: channels }).channels.map((channel) => {
    const { analog, digital } = startingPoint(channel, ARRAY.rfChains, power);
    const effective = matmul(channel, analog);
    const weights = rateWeights(matmul(effective, digital), 1);
    return [multiplyAhB(channel, multiplyABh(weights, digital)), multiplyAhB(effective, weights)].map(
      (gradient) => frobeniusNorm(gradient) / Math.sqrt(gradient.re.length),
    );
  });
  const [analog, digital] = [0, 1].map((i) => meanAndError(sizes.map((each) => each[i])));
  return { scale, analog, digital };
}
