/** Channels as NumPy saves them: format 1.0, little-endian, C order, shape [n, K, N]. */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';

/** @param channels of one shape, K×N */
export function channelFileBytes(channels: readonly CMatrix[], dtype: 'complex64' | 'complex128' = 'complex128'): Buffer {
  const [first] = channels;
  const scalarBytes = dtype === 'complex64' ? 4 : 8;
  const shape = `(${channels.length}, ${first.rows}, ${first.cols})`;
  const dictionary = `{'descr': '<c${2 * scalarBytes}', 'fortran_order': False, 'shape': ${shape}, }`;
  const header = dictionary.padEnd(Math.ceil((dictionary.length + 11) / 64) * 64 - 11) + '\n';
  const size = first.rows * first.cols;
  const out = Buffer.alloc(10 + header.length + channels.length * size * 2 * scalarBytes);
  out.write('\x93NUMPY\x01\x00', 'latin1');
  out.writeUInt16LE(header.length, 8);
  out.write(header, 10, 'latin1');
  let offset = 10 + header.length;
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
  return out;
}
