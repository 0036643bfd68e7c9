/**
 * What a family of learned beamformers is: one folder that exports `family`, and one line in `families.ts`. Trainer, exporter, checkpoints,
 * validation and `beamrig train` know nothing else of it. The recipe for a new one is in models/README.md.
 */
import type { z } from 'zod';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import type { ModelCard } from './card.ts';
import type { ChannelDraw, ChannelSet } from './training/channel-set.ts';
import type { TrainingOptions } from './training/training-options.ts';

export interface ModelFamily<Options extends TrainingOptions = TrainingOptions> {
  /** 'unfolded-pga': the name of its folder, what `beamrig train` is told, `algorithm` of its cards. */
  readonly id: string;
  /** One line for lists. */
  readonly title: string;
  /** Where it is from, as cards say it. */
  readonly paper: string;
  /**
   * Everything that decides the result, with defaults and descriptions: the command's flags and help, and the command in a card are made of it
   * (training/option-flags.ts). Its first properties are those of every family, from training/training-options.ts.
   */
  readonly options: z.ZodType<Options>;
  /** Defaults that depend on other options: what was not told itself is taken from here. */
  impliedBy?(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /** Channels of a stream of the seed: the same draw gives the same channels. */
  drawChannels(options: Options, draw: ChannelDraw): ChannelSet;
  /** @throws BeamrigError 'argument' for an array that the network is not for */
  network(options: Options): Network;
  /** Of a family whose numbers serve every array. Its models are files of numbers (numbers-file.ts), and the graph is built for the array at hand. */
  readonly anyArray?: AnyArray;
}

/** Which numbers a network of any array is made of. */
export interface NumbersOfForm {
  /** Which form of the network numbers belong to: those of another mean something else. */
  readonly form: number;
  /** Name and shape of each, in the order of a network's parameters. */
  readonly numbers: readonly Pick<LearnedParameter, 'name' | 'shape'>[];
}

export interface AnyArray extends NumbersOfForm {
  /** T where nobody asks for another budget, and the largest. */
  readonly steps: { readonly usual: number; readonly most: number };
  /** `phaseBits` of an array is heeded where the family has numbers for words. */
  readonly words?: NumbersOfForm;
  /**
   * ONNX after the contract of models/README.md.
   * @throws BeamrigError 'argument' for an array that the network is not for
   */
  modelGraph(numbers: readonly Float64Array[], array: ArrayAtHand): Uint8Array;
  /** The network that is built where sensing is weighed against the rates, of numbers of its own in the same file. */
  readonly sensing?: AnyArraySensing;
}

export interface AnyArraySensing extends NumbersOfForm {
  /** T where nobody asks for another budget. */
  readonly usualSteps: number;
  /** Columns of `sensing_factor` that it is built for at most. */
  readonly mostColumns: number;
  /** As that of `AnyArray`, with the inputs `sensing_factor` and `sensing_weight`. @param array with R, columns of the factor */
  modelGraph(numbers: readonly Float64Array[], array: ArrayAtHand & { readonly columns: number }): Uint8Array;
}

/** What is known when the graph is built. */
export interface ArrayAtHand {
  readonly elements: number;
  readonly rfChains: number;
  readonly users: number;
  /** N·M of 0/1, entry (n, m) at n·M + m; absent: every RF chain reaches every element. */
  readonly connection?: Uint8Array;
  /** Budget of steps. */
  readonly steps: number;
  /** Q, where the network is to choose words of so many bits; absent: any phase can be shown. */
  readonly phaseBits?: number;
}

/** One network of a family, its options settled. */
export interface Network {
  /** In the order of their gradients and of a checkpoint. */
  readonly parameters: readonly LearnedParameter[];
  /** Its loss jumps: its training graphs give `loss` alone, and slopes are measured (training/differences.ts). */
  readonly byDifferences?: true;
  /** Largest Q of a network that chooses words. What it has learned is a section of a file of numbers, whose other numbers stay as they are. */
  readonly mostPhaseBits?: number;
  /**
   * ONNX: `channel` [B, K, N, 2], `noise` [B] (power is 1) and the parameters by name → `loss`, one number, and `d_<name>` of each parameter.
   * Both are means over the channels, none of which has a say in what another one gives: compiled, it takes them one by one.
   * @param turn 0 … turns − 1, default 0
   */
  trainingGraph(turn?: number): Uint8Array;
  /** Training graphs that batches take in turn, of arrays of several sizes say; absent: one. */
  readonly turns?: number;
  /**
   * ONNX: the same inputs → `rate`, bit/s/Hz, one for each channel; of a network that senses, `tau` and `objective`, R − ω·τ, too. What validation
   * and a card's metrics are.
   */
  rateGraph(): Uint8Array;
  /** ONNX after the contract of models/README.md. @param learned in the order of the parameters */
  modelGraph(learned: readonly Float64Array[]): Uint8Array;
  /** Of Adam in epoch 0, 1, …, of which this share is done. Absent: down to a twentieth along a cosine. */
  learningRateAt?(epoch: number, share: number): number;
  /** SNRs of validation and of the card's metrics, dB at unit-element scale. Absent: those of judge.ts. */
  readonly judgedAtDb?: readonly number[];
  /** Of a network that senses: its files take the inputs `sensing_factor` and `sensing_weight`, and say so in their cards. */
  readonly sensing?: NetworkSensing;
  readonly card: NetworkCard;
}

export interface NetworkSensing {
  /** R, columns of `sensing_factor`. */
  readonly columns: number;
  /** B and ω that it is trained and judged with; σ² = 1 and P = SNR then. */
  readonly factor: () => CMatrix;
  readonly weight: number;
}

export interface LearnedParameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Where training starts; as long as the shape says. */
  readonly start: Float64Array;
  /** What counts as a change of 1, for the size of moves and steps where slopes are measured. Default: 1. */
  readonly unit?: number;
}

/** What only the family can say of a network in its card. */
export type NetworkCard = Pick<ModelCard, 'title' | 'layers' | 'innerSteps' | 'stepCoefficients' | 'guarded'> & {
  readonly recipe: string;
  /** How much each layer's rate weighs in the loss beside the answer's, which weighs 1. */
  readonly layerWeights: readonly number[];
};
