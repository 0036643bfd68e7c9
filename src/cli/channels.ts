/** `beamrig channels`: channels of a seed in a NumPy file, for whoever has none yet. */
import { counted } from '../../core/errors/counted.ts';
import { MOST_RF_CHAINS } from '../../core/signal/array-limits.ts';
import { drawChannelSet } from '../../models/training/channel-set.ts';
import { LARGEST_NPY_BYTES } from '../config/npy-matrices.ts';
import { channelFileBytes } from '../config/npy-writer.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { print, printError } from './output.ts';
import { isOther, writeOutput } from './output-file.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';

export interface ChannelsOptions {
  elements: string;
  users: string;
  count: string;
  paths: string;
  scale: string;
  seed: string;
  force?: boolean;
}

const MOST = { min: 1, max: 100_000 };
const BYTES_AN_ENTRY = 16;

export function draw(file: string, options: ChannelsOptions): void {
  const elements = wholeNumber('--elements', options.elements, { min: 1, max: 4096 });
  const users = wholeNumber('--users', options.users, { min: 1, max: MOST_RF_CHAINS });
  const count = wholeNumber('--count', options.count, MOST);
  const paths = wholeNumber('--paths', options.paths, { min: 1, max: 1000 });
  const scale = oneOf('--scale', options.scale, ['unit-element', 'paper-001'] as const);
  const seed = wholeNumber('--seed', options.seed, { min: 0, max: 2 ** 32 - 1 });
  const bytes = count * users * elements * BYTES_AN_ENTRY;
  if (bytes > LARGEST_NPY_BYTES - 1000) {
    throw new BeamrigError(
      'argument',
      `--count ${count}: a file of ${Math.ceil(bytes / 1e6)} MB is more than can be read again`,
      {
        wayOut: `Ask for ${Math.floor((LARGEST_NPY_BYTES - 1000) / (users * elements * BYTES_AN_ENTRY))} at the most, and draw more with another --seed.`,
      },
    );
  }
  if (!file.endsWith('.npy') && !isOther(file)) {
    throw new BeamrigError('argument', `${file}: channels are written as a NumPy file, whose name ends in .npy`, {
      wayOut: `Write for example ${file.replace(/\.[^./\\]*$/, '')}.npy.`,
    });
  }
  const { channels } = drawChannelSet({ seed, name: 'test', count, elements, users, paths, scale });
  writeOutput(file, channelFileBytes(channels), options.force === true);
  if (users > elements)
    printError(
      `beamrig: warning: no array of ${counted(elements, 'element')} can serve ${counted(users, 'user')} at a time; they are written as asked for, and evaluate, train and run will refuse them`,
    );
  print(`Wrote ${file}: ${counted(count, 'channel')} of shape [K, N] = [${users}, ${elements}], rows h_kᴴ, ${scale}.`);
}
