/**
 * The first half of two-step designs: fully digital precoders, with one RF chain an element, for which phases and D are then found. None of them
 * is a beam of a hybrid array; as yardsticks they stand in the tables.
 */
import type { HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, matmul, scale } from '../../core/signal/complex-matrix.ts';
import { regularisedZeroForcing, wmmse, zeroForcing } from '../../core/signal/precoders.ts';
import { alignedAnalog } from './aligned.ts';
import { roundedNormalisedChannel } from './normalise.ts';
import { successiveConvexApproximation } from './sca.ts';

/** From H, K×N, and σ²/P to V, N×K, at unit power. */
export type DigitalTarget = (channel: CMatrix, noise: number) => CMatrix;

export const zfTarget: DigitalTarget = (channel) => zeroForcing(channel, 1);
export const rzfTarget: DigitalTarget = (channel, noise) => regularisedZeroForcing(channel, 1, noise);
/** Run to its end: at 20 dB the 100 iterations that define the reference of the tables lack 0.2 %. */
export const wmmseTarget: DigitalTarget = (channel, noise) => wmmse(channel, 1, noise, { iterations: 1000, tolerance: 1e-7 });
export const scaTarget: DigitalTarget = (channel, noise) => successiveConvexApproximation(channel, noise);

/**
 * A two-step design: the digital precoder, then its factors, from aligned phases.
 * @param factorise V, N×K, and A₀, N×M → A, and D of any power
 */
export function factored(
  targetOf: DigitalTarget,
  factorise: (target: CMatrix, start: CMatrix) => HybridPrecoder,
): (problem: Problem) => HybridPrecoder {
  return (problem) => {
    const { rfChains, connection, power } = problem;
    const { channel, noise } = roundedNormalisedChannel(problem.channel, problem.noise, power);
    const { analog, digital } = factorise(targetOf(channel, noise), alignedAnalog(channel, rfChains, connection));
    return { analog, digital: scale(digital, Math.sqrt(power) / frobeniusNorm(matmul(analog, digital))) };
  };
}
