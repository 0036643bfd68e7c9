/**
 * How good a beamformer is, on given channels: its sum rate with phases as computed and at Q bits, beside digital zero-forcing and WMMSE on
 * the same channels. σ² = 1 and P = 10^(SNR/10) on the channels as given, as a rig has it.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Beam, ComputeBeam, Objective, Problem, RealisedBeam } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { atFullPower, isOffPower } from '../../core/signal/full-power.ts';
import { wmmse, zeroForcing } from '../../core/signal/precoders.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { asComputed, realiseBeam, realiseExactly } from '../../core/signal/realise-beam.ts';
import type { MeanAndError } from './statistics.ts';
import { meanAndError } from './statistics.ts';

/** Bits of a phase shifter, or `inf` for phases as computed. */
export type PhaseBits = number | 'inf';

export interface EvaluationOptions {
  /** Name in the result. */
  model: string;
  compute: ComputeBeam;
  channels: readonly CMatrix[];
  rfChains: number;
  objective: Objective;
  /** Where the channels are from, for the result. */
  file: string;
  snrsDb: readonly number[];
  bits: readonly PhaseBits[];
  /** Solve D again even where phases are not quantised; otherwise the beamformer's own D is kept there. */
  resolveDigital?: boolean;
  /** N·M of 0/1; absent means fully connected. */
  connection?: Uint8Array;
  /** Called with every beam that is looked at, and the index of its channel. */
  onBeam?: (channel: number, beam: RealisedBeam | Omit<RealisedBeam, 'words'>) => void;
  /** Called after every channel, for progress. */
  onProgress?: (done: number, total: number) => void;
}

export interface EvaluationRow {
  snrDb: number;
  bits: PhaseBits;
  /** bit/s/Hz, mean over the channels and its standard error. */
  sumRate: MeanAndError;
  /** Of the objective, in its own unit. */
  score: MeanAndError;
  /** Beams whose D was the beamformer's own, being the better one; all of them where it was not solved again. */
  ownDigital: number;
  zf: MeanAndError;
  wmmse: MeanAndError;
  /** Mean sum rate over that of WMMSE; null where that is 0. */
  ofWmmse: number | null;
}

export interface EvaluationResult {
  model: string;
  objective: string;
  channels: { file: string; count: number };
  /** ‖A·D‖²_F / P of the beams as the beamformer gave them; `scaled` of them were off, and their D was scaled to P. */
  power: { leastRatio: number; mostRatio: number; scaled: number };
  /** By SNR, then by bits, in the order asked for. */
  results: EvaluationRow[];
}

/**
 * @throws {BeamrigError} `argument` when there are no channels, 'model-damaged' for beams without power; whatever `compute` throws
 */
export async function evaluateBeamformer(options: EvaluationOptions): Promise<EvaluationResult> {
  const { channels, rfChains, snrsDb, bits, onProgress, connection } = options;
  const mask = connection === undefined ? {} : { connection };
  if (channels.length === 0) throw new BeamrigError('argument', 'there are no channels to evaluate on');
  const results: EvaluationRow[] = [];
  const powers = { leastRatio: Infinity, mostRatio: 0, scaled: 0 };
  let done = 0;
  for (const snrDb of snrsDb) {
    const [power, noise] = [fromDb(snrDb), 1];
    const zfRates: number[] = [];
    const wmmseRates: number[] = [];
    const rates: number[][] = bits.map(() => []);
    const scores: number[][] = bits.map(() => []);
    const ownDigital = bits.map(() => 0);
    for (const [index, channel] of channels.entries()) {
      const problem = { channel, rfChains, power, noise, ...mask };
      const beam = fullPower(problem, await options.compute(problem), options.model);
      powers.leastRatio = Math.min(powers.leastRatio, beam.powerRatio);
      powers.mostRatio = Math.max(powers.mostRatio, beam.powerRatio);
      if (isOffPower(beam.powerRatio)) powers.scaled++;
      bits.forEach((q, i) => {
        const shown = realised(problem, beam, q, options);
        options.onBeam?.(index, shown);
        const { score, sumRate: rate, digitalFrom } = shown;
        rates[i].push(rate);
        scores[i].push(score.value);
        if (digitalFrom === 'beamformer') ownDigital[i]++;
      });
      zfRates.push(sumRate(channel, zeroForcing(channel, power), noise));
      wmmseRates.push(sumRate(channel, wmmse(channel, power, noise), noise));
      onProgress?.(++done, snrsDb.length * channels.length);
    }
    const [zf, upper] = [meanAndError(zfRates), meanAndError(wmmseRates)];
    bits.forEach((q, i) => {
      const own = meanAndError(rates[i]);
      const ofWmmse = upper.mean > 0 ? own.mean / upper.mean : null;
      results.push({
        snrDb,
        bits: q,
        sumRate: own,
        score: meanAndError(scores[i]),
        ownDigital: ownDigital[i],
        zf,
        wmmse: upper,
        ofWmmse,
      });
    });
  }
  return {
    model: options.model,
    objective: options.objective.name,
    channels: { file: options.file, count: channels.length },
    power: powers,
    results,
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
function realised(problem: Problem, beam: Beam, bits: PhaseBits, { objective, resolveDigital = false }: EvaluationOptions) {
  if (bits !== 'inf') return realiseBeam(problem, beam, { states: { bits }, objective });
  return resolveDigital ? realiseExactly(problem, beam, objective) : asComputed(problem, beam, objective);
}
