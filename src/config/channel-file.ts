/**
 * Channels from a NumPy file: `.npy` versions 1 to 3, complex64/128, or float32/64 with a last axis of re/im, either byte order, C or
 * Fortran order, shape [n, K, N] with rows h_kᴴ (channels saved as h_k need `conjugate`). The reader is total: whatever the bytes, it ends
 * in channels or in one BeamrigError 'channel-file' that says what was found and what was expected.
 */
import { openSync, closeSync, fstatSync, readSync, writeFileSync } from 'node:fs';
import { fromParts, type CMatrix } from '../../signal/complex-matrix.ts';
import { BeamrigError } from '../../errors/beamrig-error.ts';

export interface ChannelFileOptions {
  /** Negate imaginary parts: for files whose rows are h_kᵀ or h_k instead of h_kᴴ. */
  conjugate?: boolean;
  /** What the rig or the model needs; anything else is refused. */
  expected?: { users: number; elements: number };
}

const LARGEST_BYTES = 2 ** 31 - 1;
const LARGEST_HEADER = 65_536;

/**
 * @returns n channels, each K×N
 * @throws BeamrigError 'channel-file'
 */
export function readChannelFile(path: string, options: ChannelFileOptions = {}): { channels: CMatrix[]; file: string } {
  return { channels: parseChannels(readBytes(path), path, options), file: path };
}

/** As readChannelFile, from bytes; `name` is what messages call them. */
export function parseChannels(bytes: Uint8Array, name: string, options: ChannelFileOptions = {}): CMatrix[] {
  const header = readHeader(bytes, name);
  const { perChannel, at } = layoutOf(header, name);
  const [count = 0, users = 0, elements = 0] = header.shape;
  checkExpected(header.shape, options.expected, name);
  const { scalarBytes } = header;
  const needed = header.dataStart + count * perChannel * 2 * scalarBytes;
  if (bytes.length !== needed) {
    const state = bytes.length < needed ? 'truncated' : 'longer than its header says';
    refuse(
      name,
      `${state}: ${bytes.length} bytes where shape ${shapeText(header.shape)} of ${header.dtype} takes ${needed}`,
      'Save it again.',
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
        if (!Number.isFinite(power)) {
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

/** Writes channels as complex128 (or complex64), version 1, little-endian, C order, shape [n, K, N]. */
export function writeChannelFile(
  path: string,
  channels: readonly CMatrix[],
  dtype: 'complex64' | 'complex128' = 'complex128',
): void {
  const first = channels[0];
  if (!first) throw new BeamrigError('argument', 'no channels to write');
  const scalarBytes = dtype === 'complex64' ? 4 : 8;
  const shape = `(${channels.length}, ${first.rows}, ${first.cols})`;
  const dictionary = `{'descr': '<c${2 * scalarBytes}', 'fortran_order': False, 'shape': ${shape}, }`;
  const headerBytes = dictionary.padEnd(Math.ceil((dictionary.length + 11) / 64) * 64 - 11) + '\n';
  const size = first.rows * first.cols;
  const out = Buffer.alloc(10 + headerBytes.length + channels.length * size * 2 * scalarBytes);
  out.write('\x93NUMPY\x01\x00', 'latin1');
  out.writeUInt16LE(headerBytes.length, 8);
  out.write(headerBytes, 10, 'latin1');
  let offset = 10 + headerBytes.length;
  const put = (value: number): void => {
    offset = scalarBytes === 4 ? out.writeFloatLE(value, offset) : out.writeDoubleLE(value, offset);
  };
  for (const { rows, cols, re, im } of channels) {
    if (rows !== first.rows || cols !== first.cols) throw new BeamrigError('shape', 'channels of one file must have one shape');
    for (let entry = 0; entry < size; entry++) {
      put(re[entry]);
      put(im[entry]);
    }
  }
  writeFileSync(path, out);
}

interface NpyHeader {
  shape: number[];
  dtype: string;
  complex: boolean;
  /** Bytes of one real number. */
  scalarBytes: 4 | 8;
  littleEndian: boolean;
  fortranOrder: boolean;
  dataStart: number;
}

const DTYPES: Record<string, { dtype: string; complex: boolean; scalarBytes: 4 | 8 } | undefined> = {
  c8: { dtype: 'complex64', complex: true, scalarBytes: 4 },
  c16: { dtype: 'complex128', complex: true, scalarBytes: 8 },
  f4: { dtype: 'float32', complex: false, scalarBytes: 4 },
  f8: { dtype: 'float64', complex: false, scalarBytes: 8 },
};

function readHeader(bytes: Uint8Array, name: string): NpyHeader {
  const notNpy = 'not a NumPy file';
  const saveIt = 'Save the channels with numpy.save(file, channels), complex, shape [n, K, N].';
  if (bytes.length === 0) refuse(name, 'empty', saveIt);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 10 || magic.some((byte, index) => bytes[index] !== byte))
    refuse(name, `${notNpy} (no \\x93NUMPY at its start)`, saveIt);
  const version = bytes[6];
  if (version < 1 || version > 3) refuse(name, `NumPy format version ${version}.${bytes[7]}; known: 1, 2 and 3`, saveIt);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lengthEnd = version === 1 ? 10 : 12;
  if (bytes.length < lengthEnd) refuse(name, 'truncated inside its header', saveIt);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const dataStart = lengthEnd + length;
  if (length > LARGEST_HEADER) refuse(name, `damaged: a header of ${length} bytes`, saveIt);
  if (bytes.length < dataStart) refuse(name, 'truncated inside its header', saveIt);
  const text = new TextDecoder().decode(bytes.subarray(lengthEnd, dataStart));

  const descr = /['"]descr['"]\s*:\s*(['"])([^'"]*)\1/.exec(text)?.[2];
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  const shapeList = /['"]shape['"]\s*:\s*\(([^)]*)\)/.exec(text)?.[1];
  if (order === undefined || shapeList === undefined) refuse(name, 'damaged: its header does not say shape and order', saveIt);
  const known = descr === undefined ? undefined : DTYPES[descr.slice(1)];
  if (descr === undefined || !known || !'<>='.includes(descr.charAt(0))) {
    const found = descr === undefined ? 'a structured type' : `'${descr}'`;
    refuse(name, `dtype ${found}; expected complex64, complex128, or float32 or float64 with a last axis of re, im`, saveIt);
  }
  const parts = shapeList
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const shape = parts.map((part) => (/^\d{1,15}$/.test(part) ? Number(part) : NaN));
  if (shape.some(Number.isNaN)) refuse(name, `damaged: its header gives the shape (${shapeList.slice(0, 80)})`, saveIt);
  return { ...known, shape, littleEndian: descr.charAt(0) !== '>', fortranOrder: order === 'True', dataStart };
}

/** Where a number stands in the data, counted in real numbers. */
type Place = (channel: number, user: number, element: number) => { re: number; im: number };

function layoutOf(header: NpyHeader, name: string): { perChannel: number; at: Place } {
  const { shape, complex, fortranOrder } = header;
  const wanted = complex ? '[n, K, N]' : '[n, K, N, 2] (the last axis is re, im)';
  const saveIt = 'The axes are channels, users, elements.';
  if (shape.length !== (complex ? 3 : 4) || (!complex && shape[3] !== 2)) {
    refuse(name, `shape ${shapeText(shape)} of ${header.dtype}; expected ${wanted}`, saveIt);
  }
  const [count = 0, users = 0, elements = 0] = shape;
  if (count * users * elements === 0) refuse(name, `shape ${shapeText(shape)} holds no channel; expected ${wanted}`, saveIt);
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

function checkExpected(shape: readonly number[], expected: ChannelFileOptions['expected'], name: string): void {
  const [, users, elements] = shape;
  if (!expected || (users === expected.users && elements === expected.elements)) return;
  const swapped = users === expected.elements && elements === expected.users;
  refuse(
    name,
    `channels of ${users} users × ${elements} elements; expected ${expected.users} users × ${expected.elements} elements`,
    swapped
      ? 'Users and elements are swapped: save it with axes [n, K, N].'
      : 'Take channels made for this array, or change the array.',
  );
}

function readBytes(path: string): Uint8Array {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const stat = fstatSync(file);
    if (stat.isDirectory()) refuse(path, 'this is a folder', 'Give the path of a .npy file.');
    if (stat.size > LARGEST_BYTES) refuse(path, `${stat.size} bytes, and this reader takes up to 2 GiB`, 'Split the file.');
    const bytes = new Uint8Array(stat.size);
    let filled = 0;
    while (filled < bytes.length) {
      const got = readSync(file, bytes, filled, bytes.length - filled, filled);
      if (got === 0) break;
      filled += got;
    }
    return bytes.subarray(0, filled);
  } catch (error) {
    if (error instanceof BeamrigError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code ?? 'unknown'})`;
    throw new BeamrigError('channel-file', `${path}: ${why}`, { wayOut: 'Give the path of a .npy file.', cause: error });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

function refuse(name: string, what: string, wayOut: string): never {
  throw new BeamrigError('channel-file', `${name}: ${what}`, { wayOut });
}
