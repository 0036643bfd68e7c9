/** What a beam reaches on a channel, bit/s/Hz, at P = 1 and σ² = 10^(−SNR/10). */
import { createArrayQuantiser } from '../../core/signal/array-quantiser.ts';
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import { frobeniusNorm, fromParts, fromPhases, matmul, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { sumRateObjective } from '../../core/signal/objectives/sum-rate.ts';
import { createRandom, type Random } from '../../core/signal/random.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { realiseBeam, realiseExactly } from '../../core/signal/realise-beam.ts';
import type { BeamBits, TestSet } from './methods.ts';

/** What a beamformer is asked for, and the channel that its beam goes over. */
export interface TestCase {
  readonly problem: Problem;
  /** That of the problem, but where beamformers are told an estimate. */
  readonly channel: CMatrix;
}

/** @param channels of the set, from its first one on */
export function testCases(channels: readonly CMatrix[], set: TestSet): TestCase[] {
  const { snrDb, connection = 'full', estimateErrorDb } = set;
  const random = createRandom(set.seed).stream('estimates');
  return channels.map((channel) => {
    const rfChains = set.rfChains ?? channel.rows;
    const mask = connection === 'full' ? {} : { connection: connectionMask(connection, channel.cols, rfChains) };
    const told = estimateErrorDb === undefined ? channel : estimateOf(channel, fromDb(estimateErrorDb), random);
    return { problem: { channel: told, rfChains, power: 1, noise: fromDb(-snrDb), ...mask }, channel };
  });
}

/** H + E, entries of E of the given variance over the mean |h|² of H. */
function estimateOf(channel: CMatrix, variance: number, random: Random): CMatrix {
  const { rows, cols } = channel;
  const deviation = frobeniusNorm(channel) * Math.sqrt(variance / (rows * cols));
  const errors = Array.from({ length: rows * cols }, () => random.complexNormal());
  return fromParts(
    rows,
    cols,
    channel.re.map((value, i) => value + deviation * errors[i].re),
    channel.im.map((value, i) => value + deviation * errors[i].im),
  );
}

export function rateOfBeam({ problem, channel }: TestCase, beam: Beam, bits: BeamBits): number {
  const { analog, digital } = radiated(problem, beam, bits);
  return sumRate(channel, matmul(analog, digital), problem.noise);
}

function radiated(problem: Problem, beam: Beam, bits: BeamBits): { analog: CMatrix; digital: CMatrix } {
  const { channel, rfChains, connection } = problem;
  if (bits === 'own') {
    return { analog: fromPhases(beam.analogPhase, channel.cols, rfChains, connection), digital: beam.digital };
  }
  if (bits === 'inf') return realiseExactly(problem, beam, sumRateObjective);
  if (typeof bits === 'number') return realiseBeam(problem, beam, { states: { bits }, objective: sumRateObjective });
  const quantise = createArrayQuantiser({ sweeps: bits.sweeps, start: 'nearest' });
  return realiseBeam(problem, beam, { states: { bits: bits.bits }, objective: sumRateObjective, quantise });
}
