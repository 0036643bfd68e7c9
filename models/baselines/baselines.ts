/**
 * Beamformers without learning, by name: what a learned one has to beat. Each takes a channel in any unit and any split of power and noise,
 * and gives the same phases for all of them.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import { wmmse } from '../../core/signal/precoders.ts';
import { toDb } from '../../core/signal/rate.ts';
import { alignedAnalog, nearestToZeroForcing } from './aligned.ts';
import type { PgaSettings } from './fixed-step-pga.ts';
import { PAPER_PGA, fixedStepPga } from './fixed-step-pga.ts';
import { factorise } from './factorise.ts';
import { normaliseChannel } from './normalise.ts';
import searched from './searched-steps.json' with { type: 'json' };

const BASELINE_TABLE = {
  aligned: {
    title: 'phases aligned with the channels, D nearest to zero-forcing: where every other method starts',
    run: (problem: Problem) => {
      const analog = alignedAnalog(problem.channel, problem.rfChains, problem.connection);
      return { analog, digital: nearestToZeroForcing(problem.channel, analog, problem.power) };
    },
  },
  pga: {
    title: 'projected gradient ascent with the constant steps of paper 001, 30 iterations of 10 inner steps',
    run: (problem: Problem) => fixedStepPga(problem, PAPER_PGA),
  },
  'pga-searched': {
    title: 'projected gradient ascent, 10 iterations of 10 inner steps, with the constant steps that search found for the SNR',
    run: (problem: Problem) => fixedStepPga(problem, searchedSettings(problem)),
  },
  'wmmse-factored': {
    title: 'digital WMMSE first, then factored into phases and D: the two-step design (for SCA-RMM of paper 001)',
    run: (problem: Problem) => {
      const { channel, noise } = normaliseChannel(problem.channel, problem.noise, problem.power);
      const start = alignedAnalog(channel, problem.rfChains, problem.connection);
      return factorise(wmmse(channel, 1, noise), start, problem.power);
    },
  },
} as const;

export type BaselineName = keyof typeof BASELINE_TABLE;

export const BASELINES: readonly { name: BaselineName; title: string }[] = (Object.keys(BASELINE_TABLE) as BaselineName[]).map(
  (name) => ({ name, title: BASELINE_TABLE[name].title }),
);

export const isBaselineName = (name: string): name is BaselineName => Object.hasOwn(BASELINE_TABLE, name);

const searchedFor = (elements: number) =>
  searched.results.filter((entry) => entry.elements === elements && entry.layers === 10 && entry.scale === 'unit-element');

/** Why a baseline is not for arrays like this, in words; undefined when it is. */
export function baselineMisfit(
  name: BaselineName,
  dimensions: { elements: number; rfChains: number; users: number; connection?: 'full' | 'sub' },
): string | undefined {
  if (name !== 'pga-searched') return undefined;
  const { elements, rfChains, users, connection = 'full' } = dimensions;
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
 * @throws {BeamrigError} `argument` when the channel is all zero or not finite, or the baseline is not for arrays like this
 */
export function runBaseline(name: BaselineName, problem: Problem): Beam {
  const { analog, digital } = BASELINE_TABLE[name].run(problem);
  return { analogPhase: analog.re.map((re, i) => Math.atan2(analog.im[i], re)), digital };
}

/**
 * The searched steps of the SNR nearest to the problem's own, in the canonical unit. Steps found for one array are poor ones for another, and
 * a poor baseline flatters what stands beside it: other sizes are refused.
 */
function searchedSettings({ channel, power, noise, rfChains, connection }: Problem): PgaSettings {
  const full = connection === undefined || connection.every((connected) => connected === 1);
  const dimensions = { elements: channel.cols, rfChains, users: channel.rows, connection: full ? 'full' : 'sub' } as const;
  const misfit = baselineMisfit('pga-searched', dimensions);
  if (misfit !== undefined) throw new BeamrigError('argument', misfit, { wayOut: "Choose 'pga', whose steps are the paper's." });
  const snrDb = -toDb(normaliseChannel(channel, noise, power).noise);
  const candidates = searchedFor(channel.cols);
  return candidates.reduce((best, entry) => (Math.abs(entry.snrDb - snrDb) < Math.abs(best.snrDb - snrDb) ? entry : best));
}
