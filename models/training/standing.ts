/**
 * Where a training ended: what its network reaches on the channels that chose the epoch, beside the model that it went on from, or beside those
 * that come with beamrig. A few epochs from nothing are easily worse than what is there already, and nobody would know.
 */
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { ModelFamily, Network } from '../family.ts';
import { listModels, verifyModel, type ModelFile } from '../zoo.ts';
import type { ChannelSet } from './channel-set.ts';
import { trainedBefore } from './fine-tuning.ts';
import { judgedAtDb, meanRate, type Judge } from './judge.ts';
import { startFrom, type LearnedNumbers } from './learned-numbers.ts';
import type { MeasuredChannels, TrainedBefore, TrainingOptions } from './training-options.ts';

/** What a network is judged on. */
export interface JudgedOn {
  /** The mean is over all of these. */
  readonly snrsDb: readonly number[];
  readonly channels: number;
  /** Of measured channels the file, of which these were held out; absent: they are drawn. */
  readonly file?: string;
  /** Q of the words, of a network that chooses words. */
  readonly phaseBits?: number;
}

export interface Standing extends JudgedOn {
  /** Mean of what the network climbs, rate or R − ω·τ, bit/s/Hz. */
  readonly reached: number;
  /** Counted from 1; 0 means the start. */
  readonly bestEpoch: number;
  /** The best of the other models that the same network can be built of; absent: there is none. */
  readonly beside?: { readonly id: string; readonly reached: number };
  /** The same mean over channels that other trainings are compared on, too. */
  readonly compared?: number;
}

export const judgedOn = (network: Network, validation: ChannelSet, measured: MeasuredChannels | undefined): JudgedOn => ({
  snrsDb: judgedAtDb(network),
  channels: validation.channels.length,
  ...(measured === undefined ? {} : { file: measured.file }),
  ...(network.mostPhaseBits === undefined ? {} : { phaseBits: network.mostPhaseBits }),
});

/** Of a network for words those, where the model has some. */
export const learnedBefore = ({ mostPhaseBits }: Network, { numbers, file }: TrainedBefore): LearnedNumbers =>
  (mostPhaseBits === undefined ? undefined : file?.words?.numbers) ?? numbers;

/** @param from the model that training went on from */
export async function besideOthers(
  family: ModelFamily,
  { network, options, from }: { network: Network; options: TrainingOptions; from?: TrainedBefore | undefined },
  judge: Judge,
  validation: ChannelSet,
): Promise<Standing['beside']> {
  const others = from === undefined ? comingAlong(family, network, options) : [from];
  let best: Standing['beside'];
  for (const other of others) {
    const reached = await meanRate(network, judge, startFrom(network, learnedBefore(network, other), other.id), validation);
    if (best === undefined || reached > best.reached) best = { id: other.id, reached };
  }
  return best;
}

/** Models that come with beamrig of which the very network can be built. */
function comingAlong(family: ModelFamily, network: Network, { elements, rfChains, users }: TrainingOptions): TrainedBefore[] {
  const isForArray = ({ card: { algorithm, dimensions: of } }: ModelFile): boolean =>
    algorithm === family.id && (of === 'any' || (of.elements === elements && of.rfChains === rfChains && of.users === users));
  return listModels()
    .filter(isForArray)
    .flatMap(({ path }) => {
      try {
        const { from } = trainedBefore(family, verifyModel(path));
        startFrom(network, learnedBefore(network, from), from.id);
        return [from];
      } catch (error) {
        // Of another network, or one that does not say what it has learned: it cannot be compared.
        if (isBeamrigError(error)) return [];
        throw error;
      }
    });
}
