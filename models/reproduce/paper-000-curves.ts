/** Paper 000's Fig. 2 as data: the objective after every layer, by steps and by start, at one SNR. */
import { readFileSync } from 'node:fs';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromPhases, matmul } from '../../core/signal/complex-matrix.ts';
import { pseudoInverse, svd } from '../../core/signal/decompositions.ts';
import { createRandom } from '../../core/signal/random.ts';
import { fromDb } from '../../core/signal/rate.ts';
import searched from './searched-sensing-steps.json' with { type: 'json' };
import type { DigitalGradient } from '../baselines/sensing-pga.ts';
import { meanAndError, type MeanAndError } from '../evaluation/statistics.ts';
import { learnedNumbers, type LearnedNumbers } from '../training/learned-numbers.ts';
import { optionsOfCommand } from '../training/recorded-options.ts';
import { asParameters, constantSteps, withLearned, type StepSizes } from '../unfolded-ascent/step-sizes.ts';
import { family, startingSteps } from '../upganet/family.ts';
import type { SizedModelFile } from './sized-models.ts';
import type { Paper000Setting } from './paper-000.ts';
import { openAscent } from './sensing-ascent.ts';

/** Where A and D begin: (17); random phases with D = (HA)⁺; the right singular vectors of H with D as in (17). */
export type StartName = 'aligned' | 'random' | 'svd';

export interface Curve {
  key: string;
  title: string;
  start: StartName;
  digitalGradient: DigitalGradient;
  innerSteps: number;
  /** R − ωτ at the start and after each layer, [I + 1], mean over the channels. */
  mean: Float64Array;
  /** After the last layer. */
  last: MeanAndError;
}

/** Steps to go by. */
interface Steps {
  key: string;
  title: string;
  steps: StepSizes;
  digitalGradient: DigitalGradient;
  guarded: boolean;
}

const FREE: [number, number] = [-Infinity, Infinity];

/** The paper's fixed steps, those of search, and those of the networks, each from (17); the first and the last from the other starts too. */
export function curvesAt(
  setting: Paper000Setting,
  snrDb: number,
  networks: readonly SizedModelFile[],
  onProgress?: (what: string) => void,
): Curve[] {
  const learned = networks.map(learnedSteps);
  const layers = 120;
  const paper = [1, 10, 20].map((innerSteps) => ({
    key: `pga-j${innerSteps}`,
    title: `PGA, μ = λ = 0.01, J = ${innerSteps}`,
    steps: { ...constantSteps(layers, innerSteps, 0.01, 0.01), snrRangeDb: FREE },
    digitalGradient: 'signal-only' as const,
    guarded: false,
  }));
  const tuned = searched.results
    .filter((entry) => entry.snrDb === snrDb)
    .map(({ innerSteps, mu, lambda, digitalGradient }) => ({
      key: `pga-searched-j${innerSteps}${digitalGradient === 'exact' ? '-exact' : ''}`,
      title: `PGA, steps by search, J = ${innerSteps}, ${digitalGradient}`,
      steps: { ...constantSteps(layers, innerSteps, mu, lambda), snrRangeDb: FREE },
      digitalGradient: digitalGradient as DigitalGradient,
      guarded: false,
    }));
  const from = (start: StartName) => (each: Steps) => {
    onProgress?.(`${each.key} from ${start}`);
    return curveOf(setting, snrDb, each, start);
  };
  const elsewhere = [...paper, ...learned].filter(({ steps: { innerSteps } }) => innerSteps > 1);
  return [
    ...[...paper, ...tuned, ...learned].map(from('aligned')),
    ...elsewhere.map(from('random')),
    ...elsewhere.map(from('svd')),
  ];
}

/** What a file has learned. */
function learnedSteps({ id, path, card }: SizedModelFile): Steps {
  const numbers = learnedNumbers(readFileSync(path));
  if (numbers === undefined || typeof card.training === 'string') throw new Error(`${id} does not say what it has learned`);
  const options = optionsOfCommand(family, card.training.command);
  return {
    key: id,
    title: card.title,
    steps: stepsOf(startingSteps(options), numbers),
    digitalGradient: options.digitalGradient,
    guarded: card.guarded === true,
  };
}

const stepsOf = (start: StepSizes, numbers: LearnedNumbers): StepSizes =>
  withLearned(
    start,
    asParameters(start).map(({ name }) => Float64Array.from(numbers[name])),
  );

function curveOf(
  { channels, rfChains, snrsDb, sensing }: Paper000Setting,
  snrDb: number,
  { key, title, steps, digitalGradient, guarded }: Steps,
  start: StartName,
): Curve {
  const [{ rows: users, cols: elements }] = channels;
  const { layers, innerSteps, form, snrRangeDb, mu } = steps;
  const ascent = openAscent({
    ...{ dimensions: { elements, rfChains, users }, layers, innerSteps, form, snrRangeDb, coefficients: mu.length },
    ...{ digitalGradient, guarded, columns: 8 },
    ...(start === 'aligned' ? {} : { startOf: STARTS[start](rfChains) }),
  });
  const curves = ascent(steps, channels, { power: fromDb(snrDb), noise: 1, sensing: sensing[snrsDb.indexOf(snrDb)] });
  const mean = Float64Array.from(
    { length: layers + 1 },
    (_, i) => curves.reduce((sum, curve) => sum + curve[i], 0) / curves.length,
  );
  return { key, title, start, digitalGradient, innerSteps, mean, last: meanAndError(curves.map((curve) => curve[layers])) };
}

const STARTS = {
  random: (rfChains: number) => (channel: CMatrix, index: number) => {
    const random = createRandom(1).stream(`random-start-${index}`);
    const phases = Float64Array.from({ length: channel.cols * rfChains }, () => 2 * Math.PI * random.uniform());
    const analog = fromPhases(phases, channel.cols, rfChains);
    return { analog, digital: pseudoInverse(matmul(channel, analog)) };
  },
  svd: (rfChains: number) => (channel: CMatrix) => {
    if (rfChains !== channel.rows) throw new Error('the start by singular vectors is for as many chains as users');
    const { v: analog } = svd(channel);
    return { analog, digital: matmul(pseudoInverse(analog), pseudoInverse(channel)) };
  },
} satisfies Record<Exclude<StartName, 'aligned'>, unknown>;

/** The first layer after which a curve is at least so high; undefined where it never is. */
export function layerReaching({ mean }: Curve, value: number): number | undefined {
  const layer = mean.findIndex((each) => each >= value);
  return layer < 0 ? undefined : layer;
}
