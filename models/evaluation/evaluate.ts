/**
 * How good a beamformer is, on given channels: its sum rate with phases as computed and at Q bits, beside digital zero-forcing and WMMSE on
 * the same channels. σ² = 1 and P = 10^(SNR/10) on the channels as given, as a rig has it.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { ComputeBeam, Objective, RealisedBeam } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { NEAREST, type QuantiserChoice, type QuantiserName } from '../../core/signal/quantiser-names.ts';
import { createQuantiser } from '../../core/signal/quantisers.ts';
import { isOffPower } from '../../core/signal/full-power.ts';
import { fromDb } from '../../core/signal/rate.ts';
import type { Sensing } from '../../core/signal/sensing.ts';
import { toldWhere } from './told-where.ts';
import { figuresOf, type ChannelFigures, type PhaseBits, type SensingFigures } from './channel-figures.ts';
import type { MeanAndError } from './statistics.ts';
import { meanAndError } from './statistics.ts';

export interface EvaluationOptions {
  /** Name in the result. */
  model: string;
  compute: ComputeBeam;
  channels: readonly CMatrix[];
  rfChains: number;
  objective: Objective;
  /** How phases become words, for each channel by itself; default the nearest states. */
  quantiser?: QuantiserChoice;
  /** Where the channels are from, for the result. */
  file: string;
  snrsDb: readonly number[];
  bits: readonly PhaseBits[];
  /** Keep the beamformer's own D where phases are not quantised; otherwise it is a candidate there, too, beside D solved again. */
  ownDigital?: boolean;
  /** N·M of 0/1; absent means fully connected. */
  connection?: Uint8Array;
  /** What sensing wishes for: at every SNR, or at each of them. With a grid. */
  sensing?: readonly Sensing[];
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
  /** Beams whose D was the beamformer's own, being the better one; all of them where its own was to be kept. */
  ownDigital: number;
  /** Where there is sensing: τ, R − ωτ, and the error of the beampattern at power 1. */
  tau?: MeanAndError;
  objective?: MeanAndError;
  beampatternMse?: MeanAndError;
  zf: MeanAndError;
  wmmse: MeanAndError;
  /** Mean sum rate over that of WMMSE; null where that is 0. */
  ofWmmse: number | null;
}

export interface EvaluationResult {
  model: string;
  objective: string;
  quantiser: QuantiserName;
  /** Of the quantiser `array`. */
  sweeps?: number;
  channels: { file: string; count: number };
  /** ‖A·D‖²_F / P of the beams as the beamformer gave them; `scaled` of them were off, and their D was scaled to P. */
  power: { leastRatio: number; mostRatio: number; scaled: number };
  /** By SNR, then by bits, in the order asked for. */
  results: EvaluationRow[];
}

/**
 * @throws {BeamrigError} `argument` when there are no channels, 'model-damaged' for beams without power; whatever `compute` throws, told where,
 * 'no-figure' for its 'argument'
 */
export async function evaluateBeamformer(options: EvaluationOptions): Promise<EvaluationResult> {
  requireChannels(options.channels);
  return summarise(await figuresOfEach(options), { ...options, objective: options.objective.name });
}

/**
 * Of all channels at the first SNR, then at the next.
 * @param first index of the first channel in the file, for messages
 * @throws as `evaluateBeamformer` does
 */
export async function figuresOfEach(options: EvaluationOptions, first = 0): Promise<ChannelFigures[]> {
  const { channels, rfChains, snrsDb, objective, onBeam, onProgress, connection, quantiser = NEAREST, sensing } = options;
  const mask = connection === undefined ? {} : { connection };
  const figureOptions = { ...options, quantise: createQuantiser(quantiser, objective) };
  const figures: ChannelFigures[] = [];
  for (const [at, snrDb] of snrsDb.entries()) {
    const wished = sensing === undefined ? {} : { sensing: sensingAt(sensing, at) };
    for (const [index, channel] of channels.entries()) {
      const problem = { channel, rfChains, power: fromDb(snrDb), noise: 1, ...mask, ...wished };
      try {
        const beam = await options.compute(problem);
        figures.push(figuresOf(problem, beam, figureOptions, (shown) => onBeam?.(index, shown)));
      } catch (error) {
        throw toldWhere(error, { model: options.model, file: options.file, channel: first + index, snr: problem.power });
      }
      onProgress?.(figures.length, snrsDb.length * channels.length);
    }
  }
  return figures;
}

/** One for all SNRs, or that of each. */
export const sensingAt = (sensing: readonly Sensing[], snr: number): Sensing => sensing[sensing.length === 1 ? 0 : snr];

export function requireChannels(channels: readonly CMatrix[]): void {
  if (channels.length === 0) throw new BeamrigError('argument', 'there are no channels to evaluate on');
}

/** @param figures of all channels at the first SNR, then at the next */
export function summarise(
  figures: readonly ChannelFigures[],
  {
    model,
    objective,
    quantiser: { quantiser, sweeps } = NEAREST,
    file,
    channels,
    snrsDb,
    bits,
  }: Pick<EvaluationOptions, 'model' | 'quantiser' | 'file' | 'channels' | 'snrsDb' | 'bits'> & { objective: string },
): EvaluationResult {
  const powers = { leastRatio: Infinity, mostRatio: 0, scaled: 0 };
  for (const { powerRatio } of figures) {
    powers.leastRatio = Math.min(powers.leastRatio, powerRatio);
    powers.mostRatio = Math.max(powers.mostRatio, powerRatio);
    if (isOffPower(powerRatio)) powers.scaled++;
  }
  const results = snrsDb.flatMap((snrDb, at) => {
    const own = figures.slice(at * channels.length, (at + 1) * channels.length);
    const zf = meanAndError(own.map((each) => each.zf));
    const wmmse = meanAndError(own.map((each) => each.wmmse));
    return bits.map((q, i) => {
      const shown = own.map(({ atBits }) => atBits[i]);
      const sumRate = meanAndError(shown.map((each) => each.sumRate));
      return {
        snrDb,
        bits: q,
        sumRate,
        score: meanAndError(shown.map(({ score }) => score)),
        ownDigital: shown.filter(({ ownDigital }) => ownDigital).length,
        ...sensingMeans(shown.flatMap(({ sensing }) => sensing ?? [])),
        zf,
        wmmse,
        ofWmmse: wmmse.mean > 0 ? sumRate.mean / wmmse.mean : null,
      };
    });
  });
  const budget = quantiser === 'nearest' ? {} : { sweeps };
  return { model, objective, quantiser, ...budget, channels: { file, count: channels.length }, power: powers, results };
}

function sensingMeans(figures: readonly SensingFigures[]): Pick<EvaluationRow, 'tau' | 'objective' | 'beampatternMse'> {
  if (figures.length === 0) return {};
  return {
    tau: meanAndError(figures.map(({ tau }) => tau)),
    objective: meanAndError(figures.map(({ rateLessTau }) => rateLessTau)),
    beampatternMse: meanAndError(figures.map(({ beampatternMse }) => beampatternMse)),
  };
}
