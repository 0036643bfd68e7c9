/**
 * The covariance that sensing wishes for from a NumPy file, of any kind that npy-matrices.ts reads: [N, N], or [S, N, N] for one each of several
 * SNRs. Of any power: what is kept is its factor at power 1. The reader is total, as that of channels is.
 */
import { createHash } from 'node:crypto';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { factorOfCovariance } from '../../core/signal/sensing.ts';
import { refuseNpy, type NpyFile } from './npy-header.ts';
import { LARGEST_NPY_BYTES, openNpyMatrices } from './npy-matrices.ts';

export interface CovarianceFile {
  /** B, N×r, ‖B‖²_F = 1, of each covariance. */
  factors: CMatrix[];
  file: string;
  /** Of the bytes that were read, lower-case hex. */
  sha256: string;
}

/**
 * @param elements N of the array
 * @param counts how many covariances will do: 1, or one for each of so many SNRs
 * @throws {BeamrigError} 'covariance-file'
 */
export function readCovarianceFile(path: string, elements: number, counts: readonly number[] = [1]): CovarianceFile {
  const read = readBoundedFile(path, { maxBytes: LARGEST_NPY_BYTES });
  if (!read.ok) {
    const wayOut =
      read.reason === 'too-large' ? 'It is larger than any array of beamrig needs.' : 'Give the path of a .npy file.';
    throw new BeamrigError('covariance-file', `${path}: ${read.why}`, { wayOut, cause: read.cause });
  }
  const factors = parseCovariances(read.bytes, path, elements, counts);
  return { factors, file: path, sha256: createHash('sha256').update(read.bytes).digest('hex') };
}

/** As readCovarianceFile, from bytes; `name` is what messages call them. @returns the factors */
export function parseCovariances(bytes: Uint8Array, name: string, elements: number, counts: readonly number[] = [1]): CMatrix[] {
  const file: NpyFile = {
    name,
    code: 'covariance-file',
    holds: 'covariance',
    axes: counts.some((count) => count > 1) ? 'S, N, N' : 'N, N',
    axesMean: counts.some((count) => count > 1) ? 'SNRs, elements, elements' : 'elements, elements',
    repair: 'Repair it.',
  };
  const { shape, read } = openNpyMatrices(bytes, file, true);
  const [count, rows, columns] = shape;
  if (rows !== elements || columns !== elements) {
    refuseNpy(file, `covariances of ${rows} × ${columns}; expected ${elements} × ${elements}`, 'Take one made for this array.');
  }
  if (!counts.includes(count)) {
    const allowed = [...new Set(counts)].join(' or ');
    refuseNpy(
      file,
      `${counted(count, 'covariance')}; expected ${allowed}`,
      counts.some((one) => one > 1) ? 'Give one for all, or one for each SNR in their order.' : 'Give one.',
    );
  }
  return read().map((covariance, index) => {
    try {
      return factorOfCovariance(covariance);
    } catch (error) {
      if (!isBeamrigError(error)) throw error;
      const which = count > 1 ? `[${index}]: ` : '';
      const wayOut = error.wayOut ?? 'A covariance is Hermitian and positive semidefinite: X·Xᴴ of what is to be radiated.';
      throw new BeamrigError('covariance-file', `${name}: ${which}${error.message}`, { wayOut, cause: error });
    }
  });
}
