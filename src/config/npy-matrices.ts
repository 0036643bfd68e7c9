/**
 * Complex matrices of one shape from a NumPy file: `.npy` versions 1 to 3, complex64/128, or float32/64 with a last axis of re/im, either byte
 * order, C or Fortran order. Total: whatever the bytes, it ends in matrices of finite numbers or in one BeamrigError that says what was found and what
 * was expected.
 */
import { counted } from '../../core/errors/counted.ts';
import { fromParts, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { readNpyHeader, refuseNpy, type NpyFile, type NpyHeader } from './npy-header.ts';

export const LARGEST_NPY_BYTES = 2 ** 31 - 1;

export interface NpyMatrices {
  /** How many, and rows and columns of each. */
  readonly shape: readonly [count: number, rows: number, columns: number];
  /** Of them, as they stand in the file. @throws {BeamrigError} where the data are cut, too long or not finite */
  readonly read: () => CMatrix[];
}

/**
 * The header: the data are looked at when they are read.
 * @param orOne a file of one matrix without the axis that counts them will do
 * @throws {BeamrigError} of the file's code
 */
export function openNpyMatrices(bytes: Uint8Array, file: NpyFile, orOne = false): NpyMatrices {
  const header = readNpyHeader(bytes, file);
  const { shape, at } = layoutOf(header, file, orOne);
  return { shape, read: () => readMatrices(bytes, file, header, shape, at) };
}

function readMatrices(
  bytes: Uint8Array,
  file: NpyFile,
  header: NpyHeader,
  [count, rows, columns]: NpyMatrices['shape'],
  at: Place,
): CMatrix[] {
  const { scalarBytes } = header;
  const needed = header.dataStart + count * rows * columns * 2 * scalarBytes;
  if (bytes.length !== needed) {
    const another = Buffer.from(bytes.subarray(needed, needed + 6)).toString('latin1') === '\x93NUMPY';
    const state = bytes.length < needed ? 'truncated' : another ? 'holds several arrays' : 'longer than its header says';
    refuseNpy(
      file,
      `${state}: ${counted(bytes.length, 'byte')} where shape ${shapeText(header.shape)} of ${header.dtype} takes ${needed}`,
      another ? `Save all ${file.holds} as one array.` : 'Save it again.',
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const scalar = (index: number): number => {
    const offset = header.dataStart + index * scalarBytes;
    return scalarBytes === 4 ? view.getFloat32(offset, header.littleEndian) : view.getFloat64(offset, header.littleEndian);
  };
  return Array.from({ length: count }, (_, index) => {
    const re = new Float64Array(rows * columns);
    const im = new Float64Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const entry = row * columns + column;
        const place = at(index, row, column);
        re[entry] = scalar(place.re);
        im[entry] = scalar(place.im);
        if (Number.isFinite(re[entry]) && Number.isFinite(im[entry])) continue;
        const value = `${re[entry]}${im[entry] < 0 ? '-' : '+'}${Math.abs(im[entry])}j`;
        refuseNpy(file, `[${index}, ${row}, ${column}] is ${value}, not a finite number`, file.repair);
      }
    }
    return fromParts(rows, columns, re, im);
  });
}

/** Where a number stands in the data, counted in real numbers. */
type Place = (index: number, row: number, column: number) => { re: number; im: number };

function layoutOf(header: NpyHeader, file: NpyFile, orOne: boolean): { shape: NpyMatrices['shape']; at: Place } {
  const { complex, fortranOrder } = header;
  const axes = complex ? header.shape : header.shape.slice(0, -1);
  const wanted = complex ? `[${file.axes}]` : `[${file.axes}, 2] (the last axis is re, im)`;
  // Without the axis that counts them the places are the same, in either order.
  const lengths = orOne && axes.length === 2 ? [1, ...axes] : axes;
  if (lengths.length !== 3 || (!complex && header.shape.at(-1) !== 2)) {
    refuseNpy(file, `shape ${shapeText(header.shape)} of ${header.dtype}; expected ${wanted}`, reshaped(header, file));
  }
  const [count, rows, columns] = lengths;
  const total = count * rows * columns;
  if (total === 0) {
    const shape = shapeText(header.shape);
    refuseNpy(
      file,
      `shape ${shape} holds no ${file.holds.replace(/s$/, '')}; expected ${wanted}`,
      `The axes are ${file.axesMean}.`,
    );
  }
  if (total > LARGEST_NPY_BYTES)
    refuseNpy(file, `shape ${shapeText(header.shape)} is more than this reader takes`, 'Split the file.');
  const place = fortranOrder
    ? (index: number, row: number, column: number) => index + count * (row + rows * column)
    : (index: number, row: number, column: number) => (index * rows + row) * columns + column;
  // Only float data in Fortran order keeps all real parts before all imaginary ones.
  const split = fortranOrder && !complex;
  const at: Place = (index, row, column) => {
    const entry = place(index, row, column);
    return split ? { re: entry, im: entry + total } : { re: 2 * entry, im: 2 * entry + 1 };
  };
  return { shape: [count, rows, columns], at };
}

/** The line of Python that most probably repairs a shape. */
function reshaped({ shape, complex }: NpyHeader, { holds, axesMean }: NpyFile): string {
  const axes = `The axes are ${axesMean}.`;
  if (!complex && shape.length === 3) return `${axes} The imaginary parts are missing: save the complex array.`;
  if (!complex && shape[0] === 2) return `${axes} Save ${holds}[0] + 1j * ${holds}[1].`;
  if (complex && shape.length === 2) return `${axes} One is saved as ${holds}[numpy.newaxis].`;
  if (complex && shape.length > 3 && shape.includes(1))
    return `${axes} Save numpy.squeeze(${holds}), or choose the axes that are meant.`;
  return axes;
}

export const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
