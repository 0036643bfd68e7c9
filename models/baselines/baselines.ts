/**
 * Beamformers without learning, by name: what a learned one has to beat. Each takes a channel in any unit and any split of power and noise,
 * and gives the same phases for all of them.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Beam, HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { digitalForAnalog, wmmse } from '../../core/signal/precoders.ts';
import { requireProblem } from '../../core/signal/require-problem.ts';
import { toDb } from '../../core/signal/rate.ts';
import { alignedAnalog, nearestToZeroForcing } from './aligned.ts';
import type { PgaSettings } from './fixed-step-pga.ts';
import { PAPER_PGA, fixedStepPga } from './fixed-step-pga.ts';
import { factorise } from './factorise.ts';
import { longRun } from './long-run.ts';
import { normaliseChannel } from './normalise.ts';
import { extractPhases, rowSpaceBasis } from './phase-extraction.ts';
import searched from './searched-steps.json' with { type: 'json' };

interface Dimensions {
  elements: number;
  rfChains: number;
  users: number;
  connection?: 'full' | 'sub';
}

interface Baseline {
  /** One line for lists and the page: what it does. */
  title: string;
  /** What it returns may be written over by the next call. */
  run: (problem: Problem) => HybridPrecoder;
  /** Why it is not for arrays like this, in words; absent: it is for all. */
  misfit?: (dimensions: Dimensions) => string | undefined;
}

/**
 * A of 'aligned', kept from call to call, as only its angles are handed out: made anew for every beam, matrices of a large array have the
 * collector of garbage at work all the time.
 */
let aligned = zeros(0, 0);

const BASELINE_TABLE = {
  aligned: {
    title: 'phases aligned with the channels, D nearest to zero-forcing: where every other method starts',
    run: ({ channel, rfChains, connection, power }) => {
      if (aligned.rows !== channel.cols || aligned.cols !== rfChains) aligned = zeros(channel.cols, rfChains);
      alignedAnalog(channel, rfChains, connection, aligned);
      return { analog: aligned, digital: nearestToZeroForcing(channel, aligned, power) };
    },
  },
  pga: {
    title: 'projected gradient ascent with the constant steps of paper 001, 30 iterations of 10 inner steps',
    run: (problem) => fixedStepPga(problem, PAPER_PGA),
  },
  'pga-searched': {
    title: 'projected gradient ascent, 10 iterations of 10 inner steps, with the constant steps that search found for the SNR',
    run: (problem) => fixedStepPga(problem, searchedSettings(problem)),
    misfit: searchedMisfit,
  },
  'phase-extraction': {
    title: 'phases of the beams that span the row space of the channel, 10 steps; D by weighted MMSE',
    run: ({ channel, power, noise, rfChains, connection }) => {
      const analog = extractPhases(rowSpaceBasis(channel), alignedAnalog(channel, rfChains, connection), { steps: 10 });
      return { analog, digital: digitalForAnalog(channel, analog, power, noise, { start: 'rzf' }) };
    },
  },
  'wmmse-factored': {
    title: 'digital WMMSE first, then factored into phases and D: the two-step design (for SCA-RMM of paper 001)',
    run: (problem) => {
      const { channel, noise } = normaliseChannel(problem.channel, problem.noise, problem.power);
      const start = alignedAnalog(channel, problem.rfChains, problem.connection);
      return factorise(wmmse(channel, 1, noise), start, problem.power);
    },
  },
  'long-run': {
    title: 'phases and D together, the best of sixteen starts run to their ends: stands for the limit, and is not for a loop',
    run: (problem) => longRun(problem),
  },
} satisfies Record<string, Baseline>;

export type BaselineName = keyof typeof BASELINE_TABLE;
const baselineOf = (name: BaselineName): Baseline => BASELINE_TABLE[name];

export const BASELINES: readonly { name: BaselineName; title: string }[] = (Object.keys(BASELINE_TABLE) as BaselineName[]).map(
  (name) => ({ name, title: BASELINE_TABLE[name].title }),
);

export const isBaselineName = (name: string): name is BaselineName => Object.hasOwn(BASELINE_TABLE, name);

/** Why a baseline is not for arrays like this, in words; undefined when it is. */
export const baselineMisfit = (name: BaselineName, dimensions: Dimensions): string | undefined =>
  baselineOf(name).misfit?.(dimensions);

const searchedFor = (elements: number) =>
  searched.results.filter((entry) => entry.elements === elements && entry.layers === 10 && entry.scale === 'unit-element');

function searchedMisfit({ elements, rfChains, users, connection = 'full' }: Dimensions): string | undefined {
  const fits =
    connection === 'full' && rfChains === searched.rfChains && users === searched.users && searchedFor(elements).length > 0;
  if (fits) return undefined;
  const sizes = [...new Set(searched.results.map((entry) => entry.elements))].join(' or ');
  return (
    `'pga-searched' has steps for ${sizes} fully connected elements, ${searched.rfChains} RF chains and ${searched.users} users, ` +
    `not for ${elements} (${connection}), ${rfChains} and ${users}`
  );
}

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

/**
 * The searched steps of the SNR nearest to the problem's own, in the canonical unit. Steps found for one array are poor ones for another, and
 * a poor baseline flatters what stands beside it: other sizes are refused.
 */
function searchedSettings({ channel, power, noise, rfChains, connection }: Problem): PgaSettings {
  const full = connection === undefined || connection.every((connected) => connected === 1);
  const dimensions = { elements: channel.cols, rfChains, users: channel.rows, connection: full ? 'full' : 'sub' } as const;
  const misfit = searchedMisfit(dimensions);
  if (misfit !== undefined) throw new BeamrigError('argument', misfit, { wayOut: "Choose 'pga', whose steps are the paper's." });
  const snrDb = -toDb(normaliseChannel(channel, noise, power).noise);
  const candidates = searchedFor(channel.cols);
  return candidates.reduce((best, entry) => (Math.abs(entry.snrDb - snrDb) < Math.abs(best.snrDb - snrDb) ? entry : best));
}
