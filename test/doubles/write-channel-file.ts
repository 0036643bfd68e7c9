/** Channels as NumPy saves them: what a lab would hand to `--channels`. */
import { writeFileSync } from 'node:fs';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';

/** Writes channels as complex128 (or complex64), version 1, little-endian, C order, shape [n, K, N]. */
export function writeChannelFile(
  path: string,
  channels: readonly CMatrix[],
  dtype: 'complex64' | 'complex128' = 'complex128',
): void {
  const first = channels[0];
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
    if (rows !== first.rows || cols !== first.cols) throw new Error('channels of one file must have one shape');
    for (let entry = 0; entry < size; entry++) {
      put(re[entry]);
      put(im[entry]);
    }
  }
  writeFileSync(path, out);
}
