/** What a beam reaches on a channel, bit/s/Hz, at P = 1 and σ² = 10^(−SNR/10). */
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import { fromPhases, matmul, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { sumRateObjective } from '../../core/signal/objectives/sum-rate.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { realiseBeam, realiseExactly } from '../../core/signal/realise-beam.ts';
import type { BeamBits } from './methods.ts';

/** As many RF chains as users. */
export const problemOf = (channel: CMatrix, snrDb: number): Problem => ({
  channel,
  rfChains: channel.rows,
  power: 1,
  noise: fromDb(-snrDb),
});

export function rateOfBeam(problem: Problem, beam: Beam, bits: BeamBits): number {
  const { channel, noise } = problem;
  if (bits === 'own') {
    return sumRate(channel, matmul(fromPhases(beam.analogPhase, channel.cols, beam.digital.rows), beam.digital), noise);
  }
  if (bits === 'inf') return realiseExactly(problem, beam, sumRateObjective).sumRate;
  return realiseBeam(problem, beam, { states: { bits }, objective: sumRateObjective }).sumRate;
}
