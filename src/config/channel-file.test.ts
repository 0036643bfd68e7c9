import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import { fromParts } from '../../signal/complex-matrix.ts';
import { parseChannels, readChannelFile, writeChannelFile } from './channel-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-channels-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two channels of 2 users × 3 elements, entry i = (i + 1) + j(i/2 - 2), as NumPy itself wrote them. */
const writtenByNumpy: [string, string][] = [
  [
    'complex64, version 1',
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPGM4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAIA/AAAAwAAAAEAAAMC/AABAQAAAgL8AAIBAAAAAvwAAoEAAAAAAAADAQAAAAD8AAOBAAACAPwAAAEEAAMA/AAAQQQAAAEAAACBBAAAgQAAAMEEAAEBAAABAQQAAYEA=',
  ],
  [
    'complex128, big-endian, version 2',
    'k05VTVBZAgB0AAAAeydkZXNjcic6ICc+YzE2JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo/8AAAAAAAAMAAAAAAAAAAQAAAAAAAAAC/+AAAAAAAAEAIAAAAAAAAv/AAAAAAAABAEAAAAAAAAL/gAAAAAAAAQBQAAAAAAAAAAAAAAAAAAEAYAAAAAAAAP+AAAAAAAABAHAAAAAAAAD/wAAAAAAAAQCAAAAAAAAA/+AAAAAAAAEAiAAAAAAAAQAAAAAAAAABAJAAAAAAAAEAEAAAAAAAAQCYAAAAAAABACAAAAAAAAEAoAAAAAAAAQAwAAAAAAAA=',
  ],
  [
    'complex128 in Fortran order, version 3',
    'k05VTVBZAwB0AAAAeydkZXNjcic6ICc8YzE2JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMiwgMyksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAADwPwAAAAAAAADAAAAAAAAAHEAAAAAAAADwPwAAAAAAABBAAAAAAAAA4L8AAAAAAAAkQAAAAAAAAARAAAAAAAAAAEAAAAAAAAD4vwAAAAAAACBAAAAAAAAA+D8AAAAAAAAUQAAAAAAAAAAAAAAAAAAAJkAAAAAAAAAIQAAAAAAAAAhAAAAAAAAA8L8AAAAAAAAiQAAAAAAAAABAAAAAAAAAGEAAAAAAAADgPwAAAAAAAChAAAAAAAAADEA=',
  ],
  [
    'float32 with a last axis of re, im',
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDIsIDMsIDIpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAIA/AAAAwAAAAEAAAMC/AABAQAAAgL8AAIBAAAAAvwAAoEAAAAAAAADAQAAAAD8AAOBAAACAPwAAAEEAAMA/AAAQQQAAAEAAACBBAAAgQAAAMEEAAEBAAABAQQAAYEA=',
  ],
  [
    'float64 with that axis, big-endian, Fortran order',
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPmY4JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMiwgMywgMiksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo/8AAAAAAAAEAcAAAAAAAAQBAAAAAAAABAJAAAAAAAAEAAAAAAAAAAQCAAAAAAAABAFAAAAAAAAEAmAAAAAAAAQAgAAAAAAABAIgAAAAAAAEAYAAAAAAAAQCgAAAAAAADAAAAAAAAAAD/wAAAAAAAAv+AAAAAAAABABAAAAAAAAL/4AAAAAAAAP/gAAAAAAAAAAAAAAAAAAEAIAAAAAAAAv/AAAAAAAABAAAAAAAAAAD/gAAAAAAAAQAwAAAAAAAA=',
  ],
];

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
const [, firstBytes] = writtenByNumpy[0] ?? ['', ''];
const firstHeader = "{'descr': '<c8', 'fortran_order': False, 'shape': (2, 2, 3), }";

/** The first file with another header of the same length. */
function reheaded(header: string): Uint8Array {
  const bytes = bytesOf(firstBytes);
  bytes.set(new TextEncoder().encode(header.padEnd(117)), 10);
  return bytes;
}

/** What a file is refused with. */
function refusal(bytes: Uint8Array, options = {}): BeamrigError {
  try {
    parseChannels(bytes, 'h.npy', options);
  } catch (error) {
    if (error instanceof BeamrigError) {
      expect(error.code).toBe('channel-file');
      return error;
    }
    throw error;
  }
  throw new Error('was not refused');
}

describe('channels that NumPy wrote', () => {
  it.each(writtenByNumpy)('as %s are read entry by entry', (_, base64) => {
    const channels = parseChannels(bytesOf(base64), 'h.npy');
    expect(channels.map(({ rows, cols }) => [rows, cols])).toEqual([
      [2, 3],
      [2, 3],
    ]);
    expect(channels.flatMap(({ re }) => [...re])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(channels.flatMap(({ im }) => [...im])).toEqual([-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]);
  });

  it('are conjugated when the rows are not h_kᴴ yet', () => {
    const [plain] = parseChannels(bytesOf(firstBytes), 'h.npy');
    const [conjugated] = parseChannels(bytesOf(firstBytes), 'h.npy', { conjugate: true });
    expect([...(conjugated?.re ?? [])]).toEqual([...(plain?.re ?? [])]);
    expect([...(conjugated?.im ?? [])].map((value) => value + 0)).toEqual([...(plain?.im ?? [])].map((value) => 0 - value));
  });

  it('come back as they were written by this program', () => {
    const channels = [
      fromParts(1, 2, Float64Array.of(0.1, -2), Float64Array.of(1e-9, 3)),
      fromParts(1, 2, Float64Array.of(4, 5), Float64Array.of(6, 7)),
    ];
    const file = join(folder, 'own.npy');
    writeChannelFile(file, channels);
    expect(readChannelFile(file).channels).toEqual(channels);
    expect((readFileSync(file).indexOf(0x0a) + 1) % 64).toBe(0); // numpy maps files by this alignment
  });
});

describe('a file that holds no channels as needed', () => {
  it.each([
    ['empty', new Uint8Array(0), 'h.npy: empty'],
    ['text', new TextEncoder().encode('1, 2, 3\n4, 5, 6'), 'not a NumPy file'],
    ['cut in its header', bytesOf(firstBytes).subarray(0, 60), 'truncated inside its header'],
    [
      'cut in its data',
      bytesOf(firstBytes).subarray(0, 200),
      'truncated: 200 bytes where shape [2, 2, 3] of complex64 takes 224',
    ],
    ['too long', Uint8Array.of(...bytesOf(firstBytes), 0), 'longer than its header says'],
    ['of a later version', bytesOf(firstBytes).fill(9, 6, 7), 'NumPy format version 9.0'],
    ['of integers', reheaded(firstHeader.replace('<c8', '<i8')), "dtype '<i8'; expected complex64, complex128"],
    [
      'of a structured type',
      reheaded("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 2, 3), }"),
      'dtype a structured type',
    ],
    ['of two axes', reheaded(firstHeader.replace('(2, 2, 3)', '(4, 3)')), 'shape [4, 3] of complex64; expected [n, K, N]'],
    [
      'of floats without re and im',
      reheaded(firstHeader.replace('<c8', '<f8')),
      'shape [2, 2, 3] of float64; expected [n, K, N, 2]',
    ],
    ['of no channel', reheaded(firstHeader.replace('(2, 2, 3)', '(0, 2, 3)')), 'shape [0, 2, 3] holds no channel'],
    [
      'of more channels than memory',
      reheaded(firstHeader.replace('(2, 2, 3)', '(99999999, 999, 99)')),
      'is more than this reader takes',
    ],
    ['with a negative axis', reheaded(firstHeader.replace('(2, 2, 3)', '(-2, 2, 3)')), 'its header gives the shape (-2, 2, 3)'],
    ['without a shape', reheaded("{'descr': '<c8', 'fortran_order': False}"), 'does not say shape and order'],
  ])('(%s) is refused by name', (_, bytes, message) => {
    const error = refusal(bytes);
    expect(error.message).toContain(message);
    expect(error.wayOut).toBeTruthy();
  });

  it.each([NaN, Infinity, -Infinity])('because it holds %s names the place', (value) => {
    const bytes = bytesOf(firstBytes);
    new DataView(bytes.buffer).setFloat32(128 + 8 * 7, value, true);
    expect(refusal(bytes).message).toContain('h.npy: [1, 0, 1] is ');
  });

  it('because one user hears nothing names channel and user', () => {
    const bytes = bytesOf(firstBytes);
    bytes.fill(0, 128 + 8 * 3, 128 + 8 * 6);
    expect(refusal(bytes).message).toContain('[0, 1] is all zero: user 1 hears nothing');
  });

  it('because it was made for another array says found and expected, and notices swapped axes', () => {
    const other = refusal(bytesOf(firstBytes), { expected: { users: 4, elements: 64 } });
    expect(other.message).toContain('channels of 2 users × 3 elements; expected 4 users × 64 elements');
    expect(refusal(bytesOf(firstBytes), { expected: { users: 3, elements: 2 } }).wayOut).toContain('swapped');
  });

  it('because it is missing or a folder is named', () => {
    expect(() => readChannelFile(join(folder, 'none.npy'))).toThrow('there is no such file');
    expect(() => readChannelFile(folder)).toThrow('this is a folder');
    writeFileSync(join(folder, 'empty.npy'), '');
    expect(() => readChannelFile(join(folder, 'empty.npy'))).toThrow('empty.npy: empty');
  });

  it('ends in channels or a named refusal, whatever its bytes', () => {
    const seeds = writtenByNumpy.map(([, base64]) => bytesOf(base64));
    const damaged = fc
      .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(220), fc.nat(255)), { maxLength: 6 }), fc.nat(330))
      .map(([bytes, changes, length]) => {
        const copy = bytes.slice(0, length);
        for (const [index, value] of changes) if (index < copy.length) copy[index] = value;
        return copy;
      });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 300 })), (bytes) => {
        try {
          for (const { re, im } of parseChannels(bytes, 'h.npy')) expect([...re, ...im].every(Number.isFinite)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(BeamrigError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
