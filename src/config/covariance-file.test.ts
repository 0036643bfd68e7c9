import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { frobeniusNorm, fromParts, multiplyABh, scale, subtract, zeros, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { writeChannelFile } from '../../test/doubles/write-channel-file.ts';
import { parseCovariances, readCovarianceFile } from './covariance-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-covariance-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const random = createRandom(1);
function covarianceOf(elements: number, rank: number, trace: number): CMatrix {
  const b = zeros(elements, rank);
  for (let i = 0; i < b.re.length; i++) {
    const { re, im } = random.complexNormal();
    b.re[i] = re;
    b.im[i] = im;
  }
  const unit = scale(b, 1 / frobeniusNorm(b));
  return scale(multiplyABh(unit, unit), trace);
}

/** As NumPy writes an array of this shape. */
function npy(shape: readonly number[], numbers: readonly number[], descr: '<c16' | '<f4', fortran = false): Uint8Array {
  const header =
    `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape.join(', ')}), }`.padEnd(117) + '\n';
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length, 0]);
  const data = descr === '<f4' ? Float32Array.from(numbers) : Float64Array.from(numbers);
  return new Uint8Array(Buffer.concat([start, Buffer.from(header), Buffer.from(data.buffer)]));
}
const inTurn = ({ re, im }: CMatrix): number[] => [...re].flatMap((value, i) => [value, im[i]]);

function expectCovariance(factor: CMatrix, wanted: CMatrix, trace: number): void {
  expect(frobeniusNorm(factor)).toBeCloseTo(1, 12);
  expect(frobeniusNorm(subtract(scale(multiplyABh(factor, factor), trace), wanted)) / trace).toBeLessThan(1e-5);
}

describe('a covariance from a file', () => {
  it('is read as one matrix, complex or re and im, in either order, whatever its power', () => {
    const wanted = covarianceOf(6, 3, 15.8);
    const entries = inTurn(wanted);
    // Hermitian: in the other order it is its conjugate.
    const turned = Array.from({ length: 36 }, (_, i) => (i % 6) * 6 + Math.floor(i / 6));
    const split = ['re', 'im'].flatMap((part) => turned.map((i) => wanted[part as 're' | 'im'][i]));
    for (const bytes of [
      npy([6, 6], entries, '<c16'),
      npy([1, 6, 6], entries, '<c16'),
      npy([6, 6, 2], entries, '<f4'),
      npy([6, 6, 2], split, '<f4', true),
    ]) {
      const factors = parseCovariances(bytes, 'psi.npy', 6);
      expect(factors).toHaveLength(1);
      expectCovariance(factors[0], wanted, 15.8);
    }
  });

  it('is one of each SNR where there are several', () => {
    const each = [1, 4, 16].map((trace) => covarianceOf(5, 2, trace));
    const file = join(folder, 'each.npy');
    writeChannelFile(file, each);
    const { factors, sha256 } = readCovarianceFile(file, 5, [1, 3]);
    factors.forEach((factor, snr) => expectCovariance(factor, each[snr], 4 ** snr));
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(() => readCovarianceFile(file, 5, [1, 2])).toThrow('each.npy: 3 covariances; expected 1 or 2');
    expect(() => readCovarianceFile(file, 5)).toThrow('each.npy: 3 covariances; expected 1');
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['of another array', npy([2, 2], [1, 0, 0, 0, 0, 0, 1, 0], '<c16'), /psi\.npy: covariances of 2 × 2; expected 3 × 3/],
    ['of channels', npy([4, 2, 3], Array<number>(48).fill(1), '<c16'), /covariances of 2 × 3; expected 3 × 3/],
    ['without imaginary parts', npy([3, 3], Array<number>(9).fill(1), '<f4'), /shape \[3, 3\] of float32; expected \[N, N, 2\]/],
    ['not finite', npy([3, 3], inTurn({ ...zeros(3, 3), re: new Float64Array(9).fill(NaN) }), '<c16'), /\[0, 0, 0\] is NaN\+0j/],
    [
      'that is none',
      npy([3, 3], inTurn(fromParts(3, 3, Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, -1), new Float64Array(9))), '<c16'),
      /psi\.npy: the covariance is not positive semidefinite/,
    ],
    ['that is no NumPy file', new Uint8Array([0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0, 0]), /not a NumPy file but a \.npz/],
    ['cut off', npy([3, 3], [1, 0], '<c16'), /truncated: \d+ bytes where shape \[3, 3\] of complex128 takes/],
  ])('%s is refused by name, with a way out', (_, bytes, message) => {
    let thrown: unknown;
    try {
      parseCovariances(bytes, 'psi.npy', 3);
    } catch (error) {
      thrown = error;
    }
    expect(isBeamrigError(thrown) && thrown.code).toBe('covariance-file');
    expect((thrown as Error).message).toMatch(message);
    expect(isBeamrigError(thrown) && thrown.wayOut).toMatch(/\S/);
  });

  it('that is not there is named', () => {
    expect(() => readCovarianceFile(join(folder, 'none.npy'), 3)).toThrow('there is no such file');
  });
});
