/**
 * How good a beamformer is, on given channels: its sum rate with phases as computed and at Q bits, beside digital zero-forcing and WMMSE on
 * the same channels. P = 1 and σ² = 10^(−SNR/10) on the channels as given.
 */
import { BeamrigError } from '../../errors/beamrig-error.ts';
import type { CMatrix } from '../../signal/complex-matrix.ts';
import { fromPhases, matmul } from '../../signal/complex-matrix.ts';
import { digitalForAnalog, wmmse, zeroForcing } from '../../signal/precoders.ts';
import { quantisePhases, wordsToPhases } from '../../signal/quantise.ts';
import { fromDb, sumRate } from '../../signal/rate.ts';
import { atFullPower, isOffPower } from '../full-power.ts';
import type { MeanAndError } from './statistics.ts';
import { meanAndError } from './statistics.ts';

/** Bits of a phase shifter, or `inf` for phases as computed. */
export type PhaseBits = number | 'inf';

export interface EvaluationRequest {
  /** K×N, rows h_kᴴ. */
  channel: CMatrix;
  power: number;
  noise: number;
}

/** What a beamformer answers: φ in radians (N·M, row-major) and D (M×K). */
export interface EvaluatedBeam {
  analogPhase: Float64Array;
  digital: CMatrix;
  /** ‖A·D‖²_F / P as it was given, where D has been scaled since. */
  powerRatio?: number;
}

export interface EvaluationOptions {
  /** Name in the result. */
  model: string;
  compute: (request: EvaluationRequest) => EvaluatedBeam | Promise<EvaluatedBeam>;
  channels: readonly CMatrix[];
  /** Where the channels are from, for the result. */
  file: string;
  snrsDb: readonly number[];
  bits: readonly PhaseBits[];
  /** Solve D again even where phases are not quantised; otherwise the beamformer's own D is kept there. */
  resolveDigital?: boolean;
  /** N·M of 0/1; absent means fully connected. */
  connection?: Uint8Array;
  /** Called after every channel, for progress. */
  onProgress?: (done: number, total: number) => void;
}

export interface EvaluationRow {
  snrDb: number;
  bits: PhaseBits;
  /** bit/s/Hz, mean over the channels and its standard error. */
  sumRate: MeanAndError;
  zf: MeanAndError;
  wmmse: MeanAndError;
  /** Mean sum rate over that of WMMSE; null where that is 0. */
  ofWmmse: number | null;
}

export interface EvaluationResult {
  model: string;
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
  const { channels, snrsDb, bits, onProgress } = options;
  if (channels.length === 0) throw new BeamrigError('argument', 'there are no channels to evaluate on');
  const results: EvaluationRow[] = [];
  const power = { leastRatio: Infinity, mostRatio: 0, scaled: 0 };
  let done = 0;
  for (const snrDb of snrsDb) {
    const noise = fromDb(-snrDb);
    const zfRates: number[] = [];
    const wmmseRates: number[] = [];
    const rates: number[][] = bits.map(() => []);
    for (const channel of channels) {
      const beam = fullPower(await options.compute({ channel, power: 1, noise }), options);
      power.leastRatio = Math.min(power.leastRatio, beam.powerRatio);
      power.mostRatio = Math.max(power.mostRatio, beam.powerRatio);
      if (isOffPower(beam.powerRatio)) power.scaled++;
      bits.forEach((q, i) => rates[i].push(rateAt(channel, beam, q, noise, options)));
      zfRates.push(sumRate(channel, zeroForcing(channel, 1), noise));
      wmmseRates.push(sumRate(channel, wmmse(channel, 1, noise), noise));
      onProgress?.(++done, snrsDb.length * channels.length);
    }
    const [zf, upper] = [meanAndError(zfRates), meanAndError(wmmseRates)];
    bits.forEach((q, i) => {
      const own = meanAndError(rates[i]);
      const ofWmmse = upper.mean > 0 ? own.mean / upper.mean : null;
      results.push({ snrDb, bits: q, sumRate: own, zf, wmmse: upper, ofWmmse });
    });
  }
  return { model: options.model, channels: { file: options.file, count: channels.length }, power, results };
}

/** Power that is not there for the asking would make any beamformer look better than the digital limit. */
function fullPower({ analogPhase, digital, powerRatio }: EvaluatedBeam, { model, connection }: EvaluationOptions) {
  if (powerRatio !== undefined) return { analogPhase, digital, powerRatio };
  const beam = { analogPhase, ...atFullPower(analogPhase, digital, 1, connection) };
  if (beam.powerRatio > 0 && Number.isFinite(beam.powerRatio)) return beam;
  throw new BeamrigError('model-damaged', `${model} gave a beam of power ${beam.powerRatio}: no rate can be worked out for that`);
}

function rateAt(
  channel: CMatrix,
  beam: EvaluatedBeam,
  bits: PhaseBits,
  noise: number,
  { connection, resolveDigital }: EvaluationOptions,
): number {
  const phaseRad = bits === 'inf' ? beam.analogPhase : wordsToPhases(quantisePhases(beam.analogPhase, bits), bits);
  const elements = channel.cols;
  const analog = fromPhases(phaseRad, elements, phaseRad.length / elements, connection);
  const keepsOwn = bits === 'inf' && resolveDigital !== true;
  const digital = keepsOwn ? beam.digital : digitalForAnalog(channel, analog, 1, noise);
  return sumRate(channel, matmul(analog, digital), noise);
}
