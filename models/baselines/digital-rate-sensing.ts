/**
 * What a digital array could reach of R − ω·τ: the bound that tables print, and where `long-run` with sensing begins.
 *
 * Every precoder that is worth having lives in the span of [Hᴴ, B] (what else it had would cost power and τ, and nobody would hear it), so the
 * answer is that of a problem of K + r dimensions; L-BFGS, from two places.
 *
 * Source: rate-sensing-of-phases.ts for the gradient, lbfgs.ts for the method.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { conjTranspose, frobeniusNorm, matmul, multiplyAhB, scale } from '../../core/signal/complex-matrix.ts';
import { polarFactor } from '../../core/signal/polar-factor.ts';
import { regularisedZeroForcing } from '../../core/signal/precoders.ts';
import { rowSpaceBasis } from '../../core/signal/row-space.ts';
import { requireSameElements, wantedEnergy } from '../../core/signal/sensing.ts';
import { climb } from './climb.ts';
import { asList, asMatrix } from './complex-list.ts';
import { lbfgs } from './lbfgs.ts';
import { roundedNormalisedChannel } from './normalise.ts';
import type { SensingTask } from './rate-sensing-of-phases.ts';
import { rateSensingOfDigital, stacked } from './rate-sensing-of-phases.ts';

const CLIMB = { iterations: 500, tolerance: 1e-9 };
const FIRST_STEP = 0.02;

/**
 * @returns X, N×K, ‖X‖²_F = P
 * @throws {BeamrigError} 'argument' when the problem has no sensing, or its channel is all zero or not finite
 * @public for tables and tests
 */
export const digitalRateSensing = (problem: Problem): CMatrix =>
  scale(digitalAnswer(sensingTask(problem)).precoder, Math.sqrt(problem.power));

/** @throws {BeamrigError} as `digitalRateSensing`; 'shape' where sensing wishes for an array of another size */
export function sensingTask({ channel, power, noise, sensing }: Problem): SensingTask {
  if (sensing === undefined) {
    throw new BeamrigError('argument', 'the problem has no sensing', { wayOut: 'Say where to look: `sensing` in the rig file.' });
  }
  requireSameElements(sensing, channel.cols);
  const normalised = roundedNormalisedChannel(channel, noise, power);
  return { channel: normalised.channel, noise: normalised.noise, factor: sensing.factor, weight: sensing.weight * power ** 2 };
}

/** X at unit power, and R − w·τ of it: the better of two climbs, from the precoder of the rate and from one that is good for sensing. */
export function digitalAnswer(task: SensingTask): { precoder: CMatrix; value: number } {
  const { channel, factor, noise } = task;
  const basis = rowSpaceBasis(stacked(channel, conjTranspose(factor))); // N×d, d ≤ K + r
  const small = { ...task, channel: matmul(channel, basis), factor: multiplyAhB(basis, factor) };
  const value = rateSensingOfDigital(small, wantedEnergy(factor));
  const forRate = regularisedZeroForcing(channel, 1, noise);
  const forSensing = matmul(factor, polarFactor(multiplyAhB(factor, forRate))); // the B·U nearest to it
  const climbed = [forRate, forSensing].map((near) => {
    const start = multiplyAhB(basis, near);
    const list = asList(scale(start, 1 / frobeniusNorm(start)));
    return climb(value, list, lbfgs(list.length, FIRST_STEP), CLIMB);
  });
  const best = climbed.reduce((a, b) => (b.value > a.value ? b : a));
  const v = asMatrix(best.x, basis.cols, channel.rows);
  return { precoder: matmul(basis, scale(v, 1 / frobeniusNorm(v))), value: best.value };
}
