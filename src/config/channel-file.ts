/**
 * Channels from a NumPy file: `.npy` versions 1 to 3, complex64/128, or float32/64 with a last axis of re/im, either byte order, C or
 * Fortran order, shape [n, K, N] with rows h_kᴴ (channels saved as h_k need `conjugate`). The reader is total: whatever the bytes, it ends
 * in channels or in one BeamrigError 'channel-file' that says what was found and what was expected.
 */
import { counted } from '../../core/errors/counted.ts';
import { createHash } from 'node:crypto';
import { fromParts, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import { readNpyHeader, type NpyHeader } from './npy-header.ts';

export interface ChannelFileOptions {
  /** Negate imaginary parts: for files whose rows are h_kᵀ or h_k instead of h_kᴴ. */
  conjugate?: boolean;
  /** What the rig or the model needs; anything else is refused. */
  expected?: { users: number; elements: number };
}

const LARGEST_BYTES = 2 ** 31 - 1;

export interface ChannelFile {
  /** n channels, each K×N. */
  channels: CMatrix[];
  file: string;
  /** Of the bytes that the channels were read from, lower-case hex. */
  sha256: string;
  /** What is allowed and seldom meant, a sentence each. */
  doubts: string[];
}

/**
 * Reads a file, or a pipe to its end, once.
 * @throws BeamrigError 'channel-file'
 */
export function readChannelFile(path: string, options: ChannelFileOptions = {}): ChannelFile {
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES });
  if (!read.ok) {
    const wayOut =
      read.reason === 'too-large' ? 'Split the file.' : 'Give the path of a .npy file, or a pipe that one is written into.';
    throw new BeamrigError('channel-file', `${path}: ${read.why}`, { wayOut, cause: read.cause });
  }
  const channels = parseChannels(read.bytes, path, options);
  const sha256 = createHash('sha256').update(read.bytes).digest('hex');
  return { channels, file: path, sha256, doubts: channelDoubts(channels).map((doubt) => `${path}: ${doubt}`) };
}

/** Mean |h|² of one element, from channels normalised per array of thousands of elements to ones that nobody normalised. */
const USUAL_POWER = { min: 1e-4, max: 1e3 };

function channelDoubts(channels: readonly CMatrix[]): string[] {
  const entries = channels.reduce((sum, { re }) => sum + re.length, 0);
  const sum = (part: 're' | 'im'): number =>
    channels.reduce((all, channel) => all + channel[part].reduce((own, value) => own + value * value, 0), 0);
  const imaginary = sum('im');
  const power = (sum('re') + imaginary) / entries;
  const doubts: string[] = [];
  if (power < USUAL_POWER.min || power > USUAL_POWER.max) {
    const level =
      Number.isFinite(power) && power > 0
        ? `${power.toExponential(1)} (${(10 * Math.log10(power)).toFixed(0)} dB)`
        : String(power);
    doubts.push(
      `the mean |h|² of an element is ${level}; snrDb is meant for about 1, so divide by the root of it where it is path loss`,
    );
  }
  if (imaginary === 0) doubts.push('every imaginary part is 0; were they lost when it was saved?');
  return doubts;
}

/** As readChannelFile, from bytes; `name` is what messages call them. */
export function parseChannels(bytes: Uint8Array, name: string, options: ChannelFileOptions = {}): CMatrix[] {
  const header = readNpyHeader(bytes, name);
  const { perChannel, at } = layoutOf(header, name);
  const [count = 0, users = 0, elements = 0] = header.shape;
  checkExpected(header.shape, options.expected, name);
  const { scalarBytes } = header;
  const needed = header.dataStart + count * perChannel * 2 * scalarBytes;
  if (bytes.length !== needed) {
    const another = Buffer.from(bytes.subarray(needed, needed + 6)).toString('latin1') === '\x93NUMPY';
    const state = bytes.length < needed ? 'truncated' : another ? 'holds several arrays' : 'longer than its header says';
    refuse(
      name,
      `${state}: ${counted(bytes.length, 'byte')} where shape ${shapeText(header.shape)} of ${header.dtype} takes ${needed}`,
      another ? 'Save all channels as one array.' : 'Save it again.',
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const scalar = (index: number): number => {
    const offset = header.dataStart + index * scalarBytes;
    return scalarBytes === 4 ? view.getFloat32(offset, header.littleEndian) : view.getFloat64(offset, header.littleEndian);
  };
  const sign = options.conjugate ? -1 : 1;
  return Array.from({ length: count }, (_, channel) => {
    const re = new Float64Array(perChannel);
    const im = new Float64Array(perChannel);
    for (let user = 0; user < users; user++) {
      let power = 0;
      for (let element = 0; element < elements; element++) {
        const entry = user * elements + element;
        const place = at(channel, user, element);
        re[entry] = scalar(place.re);
        im[entry] = sign * scalar(place.im);
        power += Math.abs(re[entry]) + Math.abs(im[entry]);
        if (!Number.isFinite(re[entry]) || !Number.isFinite(im[entry])) {
          const value = `${re[entry]}${im[entry] < 0 ? '-' : '+'}${Math.abs(im[entry])}j`;
          refuse(name, `[${channel}, ${user}, ${element}] is ${value}, not a finite number`, 'Remove or repair that channel.');
        }
      }
      if (power === 0) {
        refuse(
          name,
          `[${channel}, ${user}] is all zero: user ${user} hears nothing`,
          'Remove that channel, or that user from all of them.',
        );
      }
    }
    return fromParts(users, elements, re, im);
  });
}

/** Where a number stands in the data, counted in real numbers. */
type Place = (channel: number, user: number, element: number) => { re: number; im: number };

function layoutOf(header: NpyHeader, name: string): { perChannel: number; at: Place } {
  const { shape, complex, fortranOrder } = header;
  const wanted = complex ? '[n, K, N]' : '[n, K, N, 2] (the last axis is re, im)';
  if (shape.length !== (complex ? 3 : 4) || (!complex && shape[3] !== 2)) {
    refuse(name, `shape ${shapeText(shape)} of ${header.dtype}; expected ${wanted}`, reshaped(header));
  }
  const [count = 0, users = 0, elements = 0] = shape;
  if (count * users * elements === 0)
    refuse(name, `shape ${shapeText(shape)} holds no channel; expected ${wanted}`, 'The axes are channels, users, elements.');
  if (count * users * elements > LARGEST_BYTES)
    refuse(name, `shape ${shapeText(shape)} is more than this reader takes`, 'Split the file.');
  const total = count * users * elements;
  const index = fortranOrder
    ? (channel: number, user: number, element: number) => channel + count * (user + users * element)
    : (channel: number, user: number, element: number) => (channel * users + user) * elements + element;
  // Only float data in Fortran order keeps all real parts before all imaginary ones.
  const split = fortranOrder && !complex;
  const at: Place = (channel, user, element) => {
    const entry = index(channel, user, element);
    return split ? { re: entry, im: entry + total } : { re: 2 * entry, im: 2 * entry + 1 };
  };
  return { perChannel: users * elements, at };
}

/** The line of Python that most probably repairs a shape. */
function reshaped({ shape, complex }: NpyHeader): string {
  const axes = 'The axes are channels, users, elements.';
  if (!complex && shape.length === 3) return `${axes} The imaginary parts are missing: save the complex array.`;
  if (!complex && shape[0] === 2) return `${axes} Save channels[0] + 1j * channels[1].`;
  if (complex && shape.length === 2) return `${axes} One channel is saved as channels[numpy.newaxis].`;
  if (complex && shape.length > 3 && shape.includes(1))
    return `${axes} Save numpy.squeeze(channels), or choose the axes that are meant.`;
  return axes;
}

function checkExpected(shape: readonly number[], expected: ChannelFileOptions['expected'], name: string): void {
  const [, users, elements] = shape;
  if (!expected || (users === expected.users && elements === expected.elements)) return;
  const swapped = users === expected.elements && elements === expected.users;
  refuse(
    name,
    `channels of ${counted(users, 'user')} × ${counted(elements, 'element')}; expected ${counted(expected.users, 'user')} × ${counted(expected.elements, 'element')}`,
    swapped
      ? 'Users and elements are swapped: save it with axes [n, K, N].'
      : 'Take channels made for this array, or change the array.',
  );
}

const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

function refuse(name: string, what: string, wayOut: string): never {
  throw new BeamrigError('channel-file', `${name}: ${what}`, { wayOut });
}
