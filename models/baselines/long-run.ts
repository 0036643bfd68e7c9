/**
 * What a hybrid array can reach, as far as anybody knows: phases and D together, from many starts, each run to its end; the best of them. It
 * stands for the limit wherever a share of it is given. Not for a control loop: some tens of milliseconds a channel at N = 32, M = K = 4.
 *
 *   start ─► ten steps of phase extraction ─► L-BFGS on the phases, D being the best one for them ─► a maximum; the best of sixteen
 *
 *   runBaseline('long-run', problem)            phases and D as every baseline gives them
 *   longRun(problem), longRun(problem, 64)      A and D, of as many starts as one likes
 *
 * At 10 dB of `paper-001`, N = 32, M = K = 4, it has 97.5 % of digital WMMSE (one start 97.4, 64 starts 97.6); with M ≥ 2K it has all of it, for
 * then every digital precoder can be had (two-phase.ts), and the first start that has it is the last.
 *
 * Sources: rate-of-phases.ts for the gradient, lbfgs.ts for the method, phase-extraction.ts for what it begins with.
 */
import type { HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import { scale } from '../../core/signal/complex-matrix.ts';
import { wmmse } from '../../core/signal/precoders.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { rowSpaceBasis } from '../../core/signal/row-space.ts';
import type { Baseline } from './baseline.ts';
import { climb } from './climb.ts';
import { lbfgs } from './lbfgs.ts';
import { roundedNormalisedChannel } from './normalise.ts';
import { extractPhases } from './phase-extraction.ts';
import { rateOfPhases } from './rate-of-phases.ts';
import { spanningStarts } from './spanning-starts.ts';

const STARTS = 16;
const EXTRACTION_STEPS = 10;
const FIRST_STEP_RAD = 0.5;
const CLIMB = { iterations: 500, tolerance: 1e-6 };
/** A run that lacks no more than this share of what every element with a chain of its own would give ends the search. */
const NOTHING_TO_GAIN = 1e-6;

export const longRunBaseline: Baseline = {
  title: 'phases and D together, the best of sixteen starts run to their ends: stands for the limit, and is not for a loop',
  run: (problem) => longRun(problem),
};

/**
 * @param starts ≥ 1; a larger number begins with the starts of a smaller one
 * @returns A and D, ‖A·D‖²_F = P; the same for the same problem, always
 * @throws {BeamrigError} 'argument' when the channel is all zero or not finite
 */
export function longRun(problem: Problem, starts = STARTS): HybridPrecoder {
  const { rfChains, connection, power } = problem;
  const { channel, noise } = roundedNormalisedChannel(problem.channel, problem.noise, power);
  const basis = rowSpaceBasis(channel);
  const digital = sumRate(channel, wmmse(channel, 1, noise), noise);
  const array = { rfChains, ...(connection === undefined ? {} : { connection }) };
  let best = { value: -Infinity, analog: channel, digital: channel };
  for (const start of spanningStarts(channel, basis, noise, { ...array, count: starts })) {
    const rate = rateOfPhases(channel, rfChains, noise, connection);
    const phases = rate.phasesOf(extractPhases(basis, start, { steps: EXTRACTION_STEPS }));
    const { x, value } = climb(rate.at, phases, lbfgs(phases.length, FIRST_STEP_RAD), CLIMB);
    if (!(value > best.value)) continue;
    rate.at(x, new Float64Array(x.length));
    best = { value, ...rate.shown() };
    if (value >= (1 - NOTHING_TO_GAIN) * digital) break;
  }
  return { analog: best.analog, digital: scale(best.digital, Math.sqrt(power)) };
}
