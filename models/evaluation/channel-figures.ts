/** What one channel says of a beamformer at one SNR: rates of its beam at each number of bits, beside those of digital ZF and WMMSE. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Beam, Objective, Problem, Quantiser, RealisedBeam } from '../../core/signal/beam-contract.ts';
import { atFullPower } from '../../core/signal/full-power.ts';
import { wmmse, zeroForcing } from '../../core/signal/precoders.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { asComputed, realiseBeam, realiseExactly } from '../../core/signal/realise-beam.ts';

/** Bits of a phase shifter, or `inf` for phases as computed. */
export type PhaseBits = number | 'inf';

export interface FigureOptions {
  /** Name in messages. */
  model: string;
  objective: Objective;
  quantise: Quantiser;
  bits: readonly PhaseBits[];
  /** Keep the beamformer's own D where phases are not quantised; otherwise it is a candidate there, too, beside D solved again. */
  ownDigital?: boolean;
}

export interface ChannelFigures {
  /** ‖A·D‖²_F / P as the beamformer gave it. */
  powerRatio: number;
  /** bit/s/Hz */
  zf: number;
  wmmse: number;
  /** In the order of the bits asked for. */
  atBits: BitFigures[];
}

interface BitFigures {
  sumRate: number;
  /** Of the objective, in its own unit. */
  score: number;
  /** Whether the beamformer's own D was the better one. */
  ownDigital: boolean;
  /** Where the problem has sensing. */
  sensing?: SensingFigures;
}

/** As the metrics of the same names: τ, R − ωτ, and the error of the beampattern. */
export interface SensingFigures {
  tau: number;
  rateLessTau: number;
  beampatternMse: number;
}

/**
 * @param onBeam called with every beam that is looked at
 * @throws {BeamrigError} 'model-damaged' for a beam without power
 */
export function figuresOf(
  problem: Problem,
  given: Beam,
  options: FigureOptions,
  onBeam?: (beam: RealisedBeam | Omit<RealisedBeam, 'words'>) => void,
): ChannelFigures {
  const { channel, power, noise } = problem;
  const beam = fullPower(problem, given, options.model);
  const atBits = options.bits.map((bits) => {
    const shown = realised(problem, beam, bits, options);
    onBeam?.(shown);
    const { sumRate, score, digitalFrom, metrics } = shown;
    const own = { sumRate, score: score.value, ownDigital: digitalFrom === 'beamformer' };
    if (problem.sensing === undefined) return own;
    const { tau, rate_less_tau: rateLessTau, beampattern_mse: beampatternMse } = metrics;
    return { ...own, sensing: { tau, rateLessTau, beampatternMse } };
  });
  return {
    powerRatio: beam.powerRatio,
    zf: sumRate(channel, zeroForcing(channel, power), noise),
    wmmse: sumRate(channel, wmmse(channel, power, noise), noise),
    atBits,
  };
}

/** Power that is not there for the asking would make any beamformer look better than the digital limit. */
function fullPower(problem: Problem, beam: Beam, model: string): Beam & { powerRatio: number } {
  if (beam.powerRatio !== undefined) return { ...beam, powerRatio: beam.powerRatio };
  const scaled = { ...beam, ...atFullPower(beam.analogPhase, beam.digital, problem.power, problem.connection) };
  if (scaled.powerRatio > 0 && Number.isFinite(scaled.powerRatio)) return scaled;
  throw new BeamrigError(
    'model-damaged',
    `${model} gave a beam of power ${scaled.powerRatio}: no rate can be worked out for that`,
  );
}

/** The very beam that a rig of so many bits would radiate; with `inf`, phases as computed. */
function realised(problem: Problem, beam: Beam, bits: PhaseBits, options: FigureOptions) {
  const { objective, quantise, ownDigital = false } = options;
  if (bits !== 'inf') return realiseBeam(problem, beam, { states: { bits }, objective, quantise });
  return ownDigital ? asComputed(problem, beam, objective) : realiseExactly(problem, beam, objective);
}
