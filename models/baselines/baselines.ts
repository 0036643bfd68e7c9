/**
 * Beamformers without learning, by name: what a learned one has to beat. Each takes a channel in any unit and any split of power and noise,
 * and gives the same phases for all of them. A file each; the recipe for another one is in docs/recipes.md.
 */
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import { requireProblem } from '../../core/signal/require-problem.ts';
import { aligned } from './aligned.ts';
import { altminManifold, scaRmm } from './altmin-manifold.ts';
import { altminPhaseExtraction } from './altmin-phase-extraction.ts';
import { rzfFactored, wmmseFactored, zfFactored } from './altmin-sweeps.ts';
import type { Baseline, Dimensions } from './baseline.ts';
import { codebook } from './codebook.ts';
import { pga } from './fixed-step-pga.ts';
import { pgaSearched } from './line-search-pga.ts';
import { longRunBaseline } from './long-run.ts';
import { manifold } from './manifold.ts';
import { omp } from './omp.ts';
import { phaseExtraction, phaseExtractionBest } from './phase-extraction.ts';
import { scaManopt } from './sca-manopt.ts';
import { paperSensingPga } from './sensing-pga.ts';
import { twoPhase } from './two-phase.ts';

const BASELINE_TABLE = {
  aligned,
  codebook,
  omp,
  'zf-factored': zfFactored,
  'rzf-factored': rzfFactored,
  'wmmse-factored': wmmseFactored,
  'altmin-phase-extraction': altminPhaseExtraction,
  'altmin-manifold': altminManifold,
  'sca-rmm': scaRmm,
  'sca-manopt': scaManopt,
  pga,
  'pga-searched': pgaSearched,
  'sensing-pga': paperSensingPga,
  'phase-extraction': phaseExtraction,
  'phase-extraction-best': phaseExtractionBest,
  manifold,
  'two-phase': twoPhase,
  'long-run': longRunBaseline,
} satisfies Record<string, Baseline>;

export type BaselineName = keyof typeof BASELINE_TABLE;
const baselineOf = (name: BaselineName): Baseline => BASELINE_TABLE[name];

export const BASELINES: readonly { name: BaselineName; title: string; source: string }[] = (
  Object.keys(BASELINE_TABLE) as BaselineName[]
).map((name) => ({ name, title: BASELINE_TABLE[name].title, source: BASELINE_TABLE[name].source }));

export const BASELINE_NAMES: readonly BaselineName[] = BASELINES.map(({ name }) => name);

export const isBaselineName = (name: string): name is BaselineName => Object.hasOwn(BASELINE_TABLE, name);

/** Why a baseline is not for arrays like this, in words; undefined when it is. */
export const baselineMisfit = (name: BaselineName, dimensions: Dimensions): string | undefined =>
  baselineOf(name).misfit?.(dimensions);

/**
 * @returns phases in (−π, π]
 * @throws {BeamrigError} `argument` when the channel is all zero or not finite, power or noise are not above 0 and finite, or the baseline is
 * not for arrays like this
 */
export function runBaseline(name: BaselineName, problem: Problem): Beam {
  requireProblem(problem);
  const { analog, digital } = baselineOf(name).run(problem);
  const { re, im } = analog;
  const analogPhase = new Float64Array(re.length);
  // A loop, for `map` takes twice as long, and of a large array that is a millisecond.
  for (let i = 0; i < re.length; i++) analogPhase[i] = Math.atan2(im[i], re[i]);
  return { analogPhase, digital };
}
