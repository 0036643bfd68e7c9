/**
 * Channels from a NumPy file, of any kind that npy-matrices.ts reads: shape [n, K, N] with rows h_kᴴ (channels saved as h_k need `conjugate`). The
 * reader is total: whatever the bytes, it ends in channels or in one BeamrigError 'channel-file' that says what was found and what was expected.
 */
import { counted } from '../../core/errors/counted.ts';
import { createHash } from 'node:crypto';
import { scale, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import { refuseNpy, type NpyFile } from './npy-header.ts';
import { LARGEST_NPY_BYTES, openNpyMatrices, type NpyMatrices } from './npy-matrices.ts';

export interface ChannelFileOptions {
  /** Negate imaginary parts: for files whose rows are h_kᵀ or h_k instead of h_kᴴ. */
  conjugate?: boolean;
  /** Scale all of them alike to a mean |h|² of 1. */
  normalise?: boolean;
  /** Whoever asks scales them anyway: nothing is said of a level that is far from 1. */
  anyLevel?: boolean;
  /** What the rig or the model needs; anything else is refused. */
  expected?: { users: number; elements: number };
}

export interface ChannelFile {
  /** n channels, each K×N. */
  channels: CMatrix[];
  file: string;
  /** Of the bytes that the channels were read from, lower-case hex. */
  sha256: string;
  /** Mean |h|² of an element, as it stands in the file. */
  meanPower: number;
  /** What is allowed and seldom meant, a sentence each. */
  doubts: string[];
}

/**
 * Reads a file, or a pipe to its end, once.
 * @throws BeamrigError 'channel-file'
 */
export function readChannelFile(path: string, options: ChannelFileOptions = {}): ChannelFile {
  const read = readBoundedFile(path, { maxBytes: LARGEST_NPY_BYTES });
  if (!read.ok) {
    const wayOut =
      read.reason === 'too-large' ? 'Split the file.' : 'Give the path of a .npy file, or a pipe that one is written into.';
    throw new BeamrigError('channel-file', `${path}: ${read.why}`, { wayOut, cause: read.cause });
  }
  let channels = parseChannels(read.bytes, path, options);
  const sha256 = createHash('sha256').update(read.bytes).digest('hex');
  const meanPower = powerOf(channels);
  if (options.normalise) channels = channels.map((channel) => scale(channel, 1 / Math.sqrt(meanPower)));
  const doubts = channelDoubts(channels, options).map((doubt) => `${path}: ${doubt}`);
  return { channels, file: path, sha256, meanPower, doubts };
}

/**
 * That an array can serve so many users: a file with its axes swapped has more than elements.
 * @throws BeamrigError 'channel-file'
 */
export function requireServable({ channels: [{ rows, cols }], file }: Pick<ChannelFile, 'channels' | 'file'>): void {
  if (rows <= cols) return;
  throw new BeamrigError(
    'channel-file',
    `${file}: ${counted(rows, 'user')} for ${counted(cols, 'element')}, and users and elements look swapped: the axes are [n, K, N]`,
    {
      wayOut:
        'No array serves more users than it has elements: save it with its last two axes swapped, in NumPy np.swapaxes(h, 1, 2), or give other channels.',
    },
  );
}

/** Mean |h|² of one element, from channels normalised per array of thousands of elements to ones that nobody normalised. */
const USUAL_POWER = { min: 1e-4, max: 1e3 };

/** Of the largest number of a channel: what is worked out of it has fourth powers, and a float64 ends at 1e±308. */
const USABLE_SIZE = { min: 1e-70, max: 1e70 };
/** Of what the user hears who hears most: no sum of their powers has digits for less. */
const NOTHING_HEARD = 1e-100;

const energy = (channels: readonly CMatrix[], part: 're' | 'im'): number =>
  channels.reduce((all, channel) => all + channel[part].reduce((own, value) => own + value * value, 0), 0);

const powerOf = (channels: readonly CMatrix[]): number =>
  (energy(channels, 're') + energy(channels, 'im')) / channels.reduce((sum, { re }) => sum + re.length, 0);

function channelDoubts(channels: readonly CMatrix[], { anyLevel = false }: ChannelFileOptions): string[] {
  const power = powerOf(channels);
  const doubts: string[] = [];
  if (!anyLevel && (power < USUAL_POWER.min || power > USUAL_POWER.max)) {
    const level =
      Number.isFinite(power) && power > 0
        ? `${power.toExponential(1)} (${(10 * Math.log10(power)).toFixed(0)} dB)`
        : String(power);
    doubts.push(
      `the mean |h|² of an element is ${level}; snrDb is meant for about 1, so divide by the root of it where it is path loss`,
    );
  }
  if (channels.every(({ im }) => im.every((value) => value === 0)))
    doubts.push('every imaginary part is 0; were they lost when it was saved?');
  return doubts;
}

/** As readChannelFile, from bytes; `name` is what messages call them. */
export function parseChannels(bytes: Uint8Array, name: string, options: ChannelFileOptions = {}): CMatrix[] {
  const file = npyOf(name);
  const { shape, read } = openNpyMatrices(bytes, file);
  checkExpected(shape, options.expected, file);
  const channels = read();
  channels.forEach((channel, index) => {
    if (options.conjugate) for (let i = 0; i < channel.im.length; i++) channel.im[i] = -channel.im[i];
    requireHeard(channel, index, file);
  });
  return channels;
}

/** @throws {BeamrigError} 'channel-file' where a user hears nothing, or powers cannot be computed */
function requireHeard({ rows: users, cols, re, im }: CMatrix, index: number, file: NpyFile): void {
  const largest = Float64Array.from({ length: users }, (_, user) => {
    let size = 0;
    for (let i = user * cols; i < (user + 1) * cols; i++) size = Math.max(size, Math.abs(re[i]), Math.abs(im[i]));
    return size;
  });
  const most = Math.max(...largest);
  largest.forEach((size, user) => {
    if (size > NOTHING_HEARD * most) return;
    const what =
      size === 0 ? 'all zero' : `nowhere above ${size.toExponential(0)}, where others hear up to ${most.toExponential(0)}`;
    const wayOut = 'Remove that channel, or that user from all of them.';
    refuseNpy(file, `[${index}, ${user}] is ${what}: user ${user} hears nothing`, wayOut);
  });
  if (most >= USABLE_SIZE.min && most <= USABLE_SIZE.max) return;
  const range = `${USABLE_SIZE.min.toExponential()} to ${USABLE_SIZE.max.toExponential()}`;
  refuseNpy(
    file,
    `[${index}] has numbers of up to ${most.toExponential(0)}; powers can be computed where the largest is within ${range}`,
    'Divide all channels by one number, for example by the largest of all.',
  );
}

const npyOf = (name: string): NpyFile => ({
  name,
  code: 'channel-file',
  holds: 'channels',
  axes: 'n, K, N',
  axesMean: 'channels, users, elements',
  repair: 'Remove or repair that channel.',
});

function checkExpected([, users, elements]: NpyMatrices['shape'], expected: ChannelFileOptions['expected'], file: NpyFile): void {
  if (!expected || (users === expected.users && elements === expected.elements)) return;
  const swapped = users === expected.elements && elements === expected.users;
  refuseNpy(
    file,
    `channels of ${counted(users, 'user')} × ${counted(elements, 'element')}; expected ${counted(expected.users, 'user')} × ${counted(expected.elements, 'element')}`,
    swapped
      ? 'Users and elements are swapped: save it with axes [n, K, N].'
      : 'Take channels made for this array, or change the array.',
  );
}
