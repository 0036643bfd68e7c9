/**
 * Training that goes on from a trained model, on channels that somebody measured: what the lab's own channels have in common is learned in
 * minutes. The last fifth of the channels is never learned from; it chooses the best epoch and says what was gained.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, scale } from '../../core/signal/complex-matrix.ts';
import type { ModelCard } from '../card.ts';
import type { ModelFamily } from '../family.ts';
import { readNumbers } from '../numbers-file.ts';
import { packChannels, type ChannelSet } from './channel-set.ts';
import { learnedNumbers } from './learned-numbers.ts';
import { optionsOfCommand } from './recorded-options.ts';
import type { MeasuredChannels, TrainedBefore, TrainingOptions } from './training-options.ts';

const HELD_OUT_SHARE = 1 / 5;
const FEWEST_CHANNELS = 5;

/** How much of the learning rate that made a model is left for going on: what it has learned is to move, not to go. */
export const LEARNING_RATE_SHARE = 0.3;

/**
 * A model's learned numbers, and the options that it was trained with, but for a lower learning rate.
 * @throws BeamrigError 'argument' where it is no model of the family, or does not say what it has learned
 */
export function trainedBefore<Options extends TrainingOptions>(
  family: ModelFamily<Options>,
  { card, bytes }: { card: ModelCard; bytes: Uint8Array },
): { from: TrainedBefore; options: Options } {
  const refuse = (why: string, wayOut: string): never => {
    throw new BeamrigError('argument', `--from ${card.id}: ${why}`, { wayOut });
  };
  const { training, algorithm, id, sha256 } = card;
  if (algorithm !== family.id)
    refuse(`it is of the family ${algorithm}, not ${family.id}`, `Write: beamrig train ${algorithm} --from ${id} …`);
  const file = card.dimensions === 'any' ? readNumbers(bytes, id) : undefined;
  const numbers = file?.numbers ?? learnedNumbers(bytes);
  if (numbers === undefined || typeof training === 'string') {
    return refuse(
      'the file does not say what it has learned',
      'Train it anew with the command in its card, and go on from that.',
    );
  }
  const options = optionsOfCommand(family, training.command);
  return {
    from: { id, sha256, numbers, card, ...(file === undefined ? {} : { file }) },
    options: { ...options, learningRate: Number((options.learningRate * LEARNING_RATE_SHARE).toPrecision(3)) },
  };
}

/**
 * In the unit in which options say their SNRs: one factor for all makes the mean |h|² of an element 1.
 * @throws BeamrigError 'argument' where there are too few, they are of another array, or zero
 */
export function splitMeasured(
  { file, channels }: MeasuredChannels,
  { elements, users }: Pick<TrainingOptions, 'elements' | 'users'>,
): { set: ChannelSet; validation: ChannelSet } {
  if (channels.length < FEWEST_CHANNELS) {
    throw new BeamrigError('argument', `--channels ${file}: ${counted(channels.length, 'channel')}, and a fifth is held out`, {
      wayOut: `Give ${FEWEST_CHANNELS} at least; hundreds are better.`,
    });
  }
  const [{ rows, cols }] = channels;
  if (rows !== users || cols !== elements) {
    throw new BeamrigError(
      'argument',
      `--channels ${file}: ${counted(rows, 'user')} × ${counted(cols, 'element')}, the network is for ${users} × ${elements}`,
      {
        wayOut:
          rows === elements && cols === users
            ? 'Users and elements are swapped: save it with axes [n, K, N].'
            : 'Say --elements and --users as the file has them, or give a file for this array.',
      },
    );
  }
  const energy = channels.reduce((sum, channel) => sum + frobeniusNorm(channel) ** 2, 0);
  const factor = Math.sqrt((channels.length * rows * cols) / energy);
  if (!(factor > 0 && Number.isFinite(factor))) {
    throw new BeamrigError('argument', `--channels ${file}: the energy of all channels together is ${energy}`, {
      wayOut: 'Give channels that somebody hears something over.',
    });
  }
  const heldOut = Math.max(1, Math.floor(channels.length * HELD_OUT_SHARE));
  const asSet = (part: readonly CMatrix[]): ChannelSet => {
    const scaled = part.map((channel) => scale(channel, factor));
    return { channels: scaled, ...packChannels(scaled) };
  };
  return { set: asSet(channels.slice(0, -heldOut)), validation: asSet(channels.slice(-heldOut)) };
}
