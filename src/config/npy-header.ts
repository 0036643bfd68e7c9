/**
 * The header of a NumPy file, as NumPy and all the others write it that write this format: versions 1 to 3, keys in any order, any spacing
 * and quotes, every name of a type. Types and files that hold something else are refused by what they are, with the line of Python that repairs it.
 */
import { counted } from '../../core/errors/counted.ts';
import { BeamrigError, type ErrorCode } from '../../core/errors/beamrig-error.ts';
import { parsePythonLiteral, type Literal } from './python-literal.ts';

export interface NpyHeader {
  shape: number[];
  dtype: string;
  complex: boolean;
  /** Bytes of one real number. */
  scalarBytes: 4 | 8;
  littleEndian: boolean;
  fortranOrder: boolean;
  dataStart: number;
}

/** What a file is read as. */
export interface NpyFile {
  /** In messages. */
  name: string;
  /** Of its errors. */
  code: ErrorCode;
  /** 'channels': a word for what is inside, and the name of a variable in Python. */
  holds: string;
  /** 'n, K, N', and what these are. */
  axes: string;
  axesMean: string;
  /** What to do about an entry that is no number. */
  repair: string;
}

const LARGEST_HEADER = 65_536;
const saveIt = ({ holds, axes }: NpyFile): string =>
  `Save the ${holds} with numpy.save(file, ${holds}), complex, shape [${axes}].`;

/** @throws BeamrigError of the file's code */
export function readNpyHeader(bytes: Uint8Array, file: NpyFile): NpyHeader {
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length === 0) refuseNpy(file, 'empty', saveIt(file));
  if (bytes.length < 10 || magic.some((byte, index) => bytes[index] !== byte)) refuseOther(bytes, file);
  const version = bytes[6];
  if (version < 1 || version > 3) refuseNpy(file, `NumPy format version ${version}.${bytes[7]}; known: 1, 2 and 3`, saveIt(file));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lengthEnd = version === 1 ? 10 : 12;
  if (bytes.length < lengthEnd) refuseNpy(file, 'truncated inside its header', saveIt(file));
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const dataStart = lengthEnd + length;
  if (length > LARGEST_HEADER) refuseNpy(file, `damaged: a header of ${counted(length, 'byte')}`, saveIt(file));
  if (bytes.length < dataStart) refuseNpy(file, 'truncated inside its header', saveIt(file));
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(lengthEnd, dataStart));

  const parsed = parsePythonLiteral(text);
  if (!parsed.ok || !(parsed.value instanceof Map)) {
    const place = parsed.ok ? text : text.slice(Math.max(parsed.at - 10, 0));
    refuseNpy(file, `damaged: its header is no Python dictionary (at ${JSON.stringify(place.slice(0, 40))})`, saveIt(file));
  }
  const order = parsed.value.get('fortran_order');
  const shape = parsed.value.get('shape');
  const descr = parsed.value.get('descr');
  if (typeof order !== 'boolean' || shape === undefined) {
    refuseNpy(file, 'damaged: its header does not say shape and order', saveIt(file));
  }
  const type = typeOf(descr, file);
  return { ...type, shape: lengthsOf(shape, file), fortranOrder: order, dataStart };
}

function lengthsOf(shape: Literal, file: NpyFile): number[] {
  const lengths = Array.isArray(shape) ? shape : [shape];
  const isLength = (length: Literal): length is number =>
    typeof length === 'number' && Number.isSafeInteger(length) && length >= 0;
  if (lengths.every(isLength)) return lengths;
  const shown = JSON.stringify(lengths).slice(1, -1).slice(0, 80);
  return refuseNpy(file, `damaged: its header gives the shape (${shown.replaceAll(',', ', ')})`, saveIt(file));
}

type NpyType = Pick<NpyHeader, 'dtype' | 'complex' | 'scalarBytes' | 'littleEndian'>;

const TYPES: Record<string, Omit<NpyType, 'littleEndian'> | undefined> = Object.fromEntries(
  [
    { dtype: 'complex64', complex: true, scalarBytes: 4 as const, names: ['c8', 'F', 'complex64'] },
    { dtype: 'complex128', complex: true, scalarBytes: 8 as const, names: ['c16', 'D', 'complex128'] },
    { dtype: 'float32', complex: false, scalarBytes: 4 as const, names: ['f4', 'f', 'float32'] },
    { dtype: 'float64', complex: false, scalarBytes: 8 as const, names: ['f8', 'd', 'float64'] },
  ].flatMap(({ names, ...type }) => names.map((known) => [known, type])),
);

function typeOf(descr: Literal | undefined, file: NpyFile): NpyType {
  const expected = 'expected complex64, complex128, or float32 or float64 with a last axis of re, im';
  if (typeof descr !== 'string') {
    const { holds } = file;
    const wayOut = `Make one complex array of its fields, ${holds}["re"] + 1j * ${holds}["im"], and save that.`;
    return refuseNpy(
      file,
      `dtype ${descr === undefined ? 'not given' : 'a structured type'}; ${expected}`,
      descr === undefined ? saveIt(file) : wayOut,
    );
  }
  const [, order, known] = /^([<>=|]?)(.*)$/s.exec(descr) ?? [];
  const type = TYPES[known ?? ''];
  // '=' is the order of the machine that wrote it, which was as all are today.
  if (type !== undefined && Object.hasOwn(TYPES, known ?? '')) return { ...type, littleEndian: order !== '>' };
  const what = /^\|?O/.test(descr)
    ? 'Python objects'
    : /^.?[iuI]\d/.test(descr)
      ? 'whole numbers'
      : /^.?b1/.test(descr)
        ? 'true or false'
        : /^.?[SaUV]\d/.test(descr)
          ? 'texts or raw bytes'
          : /^.?(f2|f16|f12|c32|c24|e|g|G)$/.test(descr)
            ? 'a precision that is not read here'
            : '';
  return refuseNpy(
    file,
    `dtype '${descr.slice(0, 40)}'; ${expected}${what && `; it holds ${what}`}`,
    `Save ${file.holds}.astype("complex64") of shape [${file.axes}].`,
  );
}

/** Files that people have instead, by their first bytes. */
const OTHERS: { begins: number[]; is: string; wayOut: (file: NpyFile) => string }[] = [
  {
    begins: [0x50, 0x4b],
    is: 'a .npz or other zip archive',
    wayOut: ({ holds }) => `Save one array of it: numpy.save("${holds}.npy", numpy.load("${holds}.npz")["NAME"]).`,
  },
  {
    begins: [0x89, 0x48, 0x44, 0x46],
    is: 'an HDF5 (or MATLAB 7.3) file',
    wayOut: ({ holds }) => `Read it with h5py and save the ${holds} with numpy.save.`,
  },
  {
    begins: [...Buffer.from('MATLAB 5.0')],
    is: 'a MATLAB file',
    wayOut: ({ holds }) => `numpy.save("${holds}.npy", scipy.io.loadmat("${holds}.mat")["NAME"]).`,
  },
  { begins: [0x1f, 0x8b], is: 'gzip-compressed', wayOut: () => 'Unpack it first: gunzip.' },
  { begins: [0x80], is: 'a Python pickle or torch file', wayOut: saveIt },
];

function refuseOther(bytes: Uint8Array, file: NpyFile): never {
  const other = OTHERS.find(({ begins }) => begins.every((byte, index) => bytes[index] === byte));
  if (other !== undefined) refuseNpy(file, `not a NumPy file but ${other.is}`, other.wayOut(file));
  refuseNpy(file, 'not a NumPy file (no \\x93NUMPY at its start)', saveIt(file));
}

export function refuseNpy({ name, code }: NpyFile, what: string, wayOut: string): never {
  throw new BeamrigError(code, `${name}: ${what}`, { wayOut });
}
