/**
 * What every training can be told. A family puts these into its own schema, with its defaults, among options of its own; their order there is
 * the order of flags, of help and of the command in a card.
 */
import { z } from 'zod';
import { MOST_ELEMENTS, MOST_RF_CHAINS } from '../../core/signal/array-limits.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { ChannelScale } from '../../core/signal/channel.ts';
import type { ModelCard } from '../card.ts';
import type { EngineChoice } from '../engine/engines.ts';
import type { NumbersFile } from '../numbers-schema.ts';

/** What trainer, exporter and card read of a family's options. */
export interface TrainingOptions {
  elements: number;
  rfChains: number;
  users: number;
  paths: number;
  channels: number;
  validationChannels: number;
  epochs: number;
  batch: number;
  learningRate: number;
  seed: number;
  scale: ChannelScale;
  /** Each channel of a batch draws its SNR from here, dB in the scale above. */
  snrRangeDb: [number, number];
}

/** What is told beside the options, and decides nothing of the result. */
export interface TrainingPlace {
  /** Where the model goes; its card lies beside it as .json. The file's name is the model's id. */
  output: string;
  /** A checkpoint to go on from. */
  resume?: string;
}

/** A trained model to go on from. */
export interface TrainedBefore {
  readonly id: string;
  readonly sha256: string;
  /** By the name of their parameter. */
  readonly numbers: Readonly<Record<string, readonly number[]>>;
  /** Of a file of numbers: what is not learned now stays as it is there, and as its card says. */
  readonly file?: NumbersFile;
  readonly card: ModelCard;
}

/** Channels from a file. */
export interface MeasuredChannels {
  readonly file: string;
  readonly sha256: string;
  readonly channels: readonly CMatrix[];
}

/** What is learned from, where it is not the draw that the options say. */
export interface TrainingData {
  /** A trained model whose numbers are where training starts. */
  from?: TrainedBefore;
  /** Channels to learn from instead of drawn ones; `channels` and `validationChannels` are then as many as they are. */
  measured?: MeasuredChannels;
}

/** How it is computed: decides nothing but the last digits. */
export interface TrainingComputing {
  /** Default: auto, or that of the checkpoint. */
  engine?: EngineChoice;
  /** Default: one for each core. The result does not depend on it. */
  threads?: number;
  /** Of several trainings: all of them are told apart on channels of this seed, which none of them has seen. */
  comparedBySeed?: number;
}

/**
 * An option that the command has as a flag.
 * @param value stands for its value in the help: 'n' gives `--elements <n>`
 * @param rare left out of a card's command where leaving it out means the same
 */
export const option = <Schema extends z.ZodType>(
  schema: Schema,
  value: string,
  description: string,
  { rare = false }: { rare?: boolean } = {},
): Schema => schema.meta({ description, value, rare });

export const count = z.int().min(1).max(1e9);
export const elementCount = z.int().min(1).max(MOST_ELEMENTS);
const snrDb = z.number().min(-100).max(100);

/** The array, and the paths of its channels. */
export const arrayOptions = {
  elements: option(elementCount.default(32), 'n', 'antenna elements'),
  rfChains: option(z.int().min(1).max(MOST_RF_CHAINS).default(4), 'm', 'RF chains'),
  users: option(z.int().min(1).max(MOST_RF_CHAINS).default(4), 'k', 'users'),
  paths: option(count.default(10), 'l', 'paths of a channel', { rare: true }),
};

/** How much is learned from, and how fast. Families differ in these defaults. */
export const courseOptions = (defaults: Pick<TrainingOptions, 'channels' | 'epochs' | 'batch' | 'learningRate'>) => ({
  channels: option(count.default(defaults.channels), 'n', 'channels to learn from'),
  validationChannels: option(count.default(200), 'n', 'channels that choose the best epoch and make the metrics', { rare: true }),
  epochs: option(z.int().min(0).max(1e9).default(defaults.epochs), 'n', 'passes over them; 0 exports the start'),
  batch: option(count.default(defaults.batch), 'n', 'channels of a batch'),
  learningRate: option(z.number().min(1e-12).max(100).default(defaults.learningRate), 'x', 'of Adam'),
});

/** What is drawn: the seed, and the channels' scale and SNRs. */
export const drawOptionsOver = (snrRangeDb: [number, number]) => ({
  seed: option(z.int().min(0).max(1e9).default(1), 'n', 'the same seed gives the same file'),
  scale: option(z.enum(['unit-element', 'paper-001']).default('unit-element'), 'name', 'channel scale'),
  snrRangeDb: option(
    z
      .tuple([snrDb, snrDb])
      .refine(([from, to]) => from <= to, { error: 'the range runs backwards; give the lower end first' })
      .default(snrRangeDb),
    'from,to',
    'SNRs to learn at, dB',
  ),
});

/** −8 dB at unit-element scale covers the paper's scale from 0 dB on. */
export const drawOptions = drawOptionsOver([-8, 22]);
