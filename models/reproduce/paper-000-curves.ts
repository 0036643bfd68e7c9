/** Paper 000's Fig. 2: the objective after every layer, by steps and by start, at one SNR. What is climbed by which steps, and from where. */
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromPhases, matmul } from '../../core/signal/complex-matrix.ts';
import { pseudoInverse, svd } from '../../core/signal/decompositions.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { DigitalGradient } from '../baselines/sensing-pga.ts';
import { constantSteps, type StepSizes } from '../unfolded-ascent/step-sizes.ts';
import { CURVE_SNR_DB, LAYERS } from './paper-000-theirs.ts';
import type { Unfolded } from './paper-000-networks.ts';
import searched from './searched-sensing-steps.json' with { type: 'json' };

/** Where A and D begin: (17); random phases with D = (HA)⁺; the right singular vectors of H with D as in (17). */
export type StartName = 'aligned' | 'random' | 'svd';
export const STARTS: readonly StartName[] = ['aligned', 'svd', 'random'];

/** One curve, before it is climbed. */
export interface Climb {
  key: string;
  title: string;
  start: StartName;
  steps: StepSizes;
  digitalGradient: DigitalGradient;
  guarded: boolean;
}

export interface Curve {
  key: string;
  title: string;
  start: StartName;
  innerSteps: number;
  /** R − ωτ at the start and after each layer, [I + 1], over the channels. */
  mean: readonly number[];
  stderr: readonly number[];
}

/** The paper's fixed steps, those of search, and those of the networks, each from (17); the first and the last from the other starts too. */
export function climbsOf(networks: readonly Unfolded[]): Climb[] {
  const paper = [1, 10, 20].map((innerSteps) => ({
    key: `pga-j${innerSteps}`,
    title: `PGA, μ = λ = 0.01, J = ${innerSteps}`,
    steps: constantSteps(LAYERS, innerSteps, 0.01, 0.01),
    digitalGradient: 'signal-only' as const,
    guarded: false,
  }));
  const tuned = searched.results
    .filter((entry) => entry.snrDb === CURVE_SNR_DB)
    .map(({ innerSteps, mu, lambda, digitalGradient }) => ({
      key: `pga-searched-j${innerSteps}${digitalGradient === 'exact' ? '-exact' : ''}`,
      title: `PGA, steps by search, J = ${innerSteps}${digitalGradient === 'exact' ? ', exact gradient' : ''}`,
      steps: constantSteps(LAYERS, innerSteps, mu, lambda),
      digitalGradient: digitalGradient as DigitalGradient,
      guarded: false,
    }));
  const learned = networks.map(({ key, title, steps, digitalGradient, guarded }) => ({
    ...{ key, title, steps, digitalGradient, guarded },
  }));
  const elsewhere = [...paper, ...learned].filter(({ steps: { innerSteps } }) => innerSteps > 1);
  return [
    ...[...paper, ...tuned, ...learned].map((each) => ({ ...each, start: 'aligned' as const })),
    ...(['svd', 'random'] as const).flatMap((start) => elsewhere.map((each) => ({ ...each, start }))),
  ];
}

/** @param index of the channel: random phases are its own */
export function startOf(name: Exclude<StartName, 'aligned'>, channel: CMatrix, index: number, rfChains: number): HybridPrecoder {
  if (name === 'svd') {
    if (rfChains !== channel.rows) throw new Error('the start by singular vectors is for as many chains as users');
    const { v: analog } = svd(channel);
    return { analog, digital: matmul(pseudoInverse(analog), pseudoInverse(channel)) };
  }
  const random = createRandom(1).stream(`random-start-${index}`);
  const phases = Float64Array.from({ length: channel.cols * rfChains }, () => 2 * Math.PI * random.uniform());
  const analog = fromPhases(phases, channel.cols, rfChains);
  return { analog, digital: pseudoInverse(matmul(channel, analog)) };
}

/** The first layer after which a curve is at least so high; undefined where it never is. */
export function layerReaching({ mean }: Curve, value: number): number | undefined {
  const layer = mean.findIndex((each) => each >= value);
  return layer < 0 ? undefined : layer;
}
