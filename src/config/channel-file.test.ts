import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { fromParts, scale } from '../../core/signal/complex-matrix.ts';
import { writeChannelFile } from '../../test/doubles/write-channel-file.ts';
import { parseChannels, readChannelFile } from './channel-file.ts';

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
const FIRST_HEADER = "{'descr': '<c8', 'fortran_order': False, 'shape': (2, 2, 3), }";

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

describe('a header as other writers make it', () => {
  it.each([
    ["{'shape':(2,2,3),'fortran_order':False,'descr':'<c8'}"],
    ['{"descr": "<c8", "fortran_order": False, "shape": [2, 2, 3]}'],
    ["{ 'descr' : '=c8' , 'fortran_order' : False , 'shape' : ( 2 , 2 , 3 , ) , }"],
    ["{'descr': 'complex64', 'fortran_order': False, 'shape': (2L, 2L, 3L)}"],
    ["{u'descr': u'F', u'fortran_order': False, u'shape': (2, 2, 3)}\0\0\0"],
    ["{'descr': b'|c8', 'fortran_order': false, 'shape': (2, 2, 3), 'by': 'another \\'program\\''}"],
    ["{\n  'descr': '<c8',  # little-endian\n  'fortran_order': False,\n  'shape': (2, 2, 3),\n}"],
  ])('is read: %s', (header) => {
    const channels = parseChannels(reheaded(header), 'h.npy');
    expect(channels.flatMap(({ re }) => [...re])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('may be of any length', () => {
    const data = bytesOf(firstBytes).subarray(128);
    const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, FIRST_HEADER.length, 0]);
    expect(parseChannels(new Uint8Array(Buffer.concat([start, Buffer.from(FIRST_HEADER), data])), 'h.npy')).toHaveLength(2);
  });

  it.each([
    ["{'descr': '<c8', 'fortran_order': False, 'shape': (2, 2, 3)", 'its header is no Python dictionary'],
    ["{'descr': '<c8' 'fortran_order': False, 'shape': (2, 2, 3)}", 'its header is no Python dictionary'],
    ["['descr', '<c8']", 'its header is no Python dictionary'],
    [`${'['.repeat(100)}`, 'its header is no Python dictionary'],
    ["{'descr': '<c8', 'fortran_order': 'False', 'shape': (2, 2, 3)}", 'does not say shape and order'],
    ["{'descr': '<c8', 'fortran_order': False, 'shape': (2, 2.5, 3)}", 'gives the shape (2, 2.5, 3)'],
    ["{'fortran_order': False, 'shape': (2, 2, 3)}", 'dtype not given'],
    [FIRST_HEADER.replace('<c8', '<U1'), 'it holds texts or raw bytes'],
    [FIRST_HEADER.replace('<c8', '|u1'), "dtype '|u1'; expected complex64"],
    [FIRST_HEADER.replace('<c8', '<c32'), 'it holds a precision that is not read here'],
    [FIRST_HEADER.replace('<c8', '|O'), 'it holds Python objects'],
    [FIRST_HEADER.replace('<c8', '__proto__'), "dtype '__proto__'"],
  ])('that cannot be read is refused by what it says: %s', (header, message) => {
    expect(refusal(reheaded(header)).message).toContain(message);
  });

  it('that stands before another shape is told which line of Python repairs it', () => {
    const wayOut = (shape: string, dtype = '<c8'): string | undefined =>
      refusal(reheaded(FIRST_HEADER.replace('(2, 2, 3)', shape).replace('<c8', dtype))).wayOut;
    expect(wayOut('(2, 2, 3, 1)')).toContain('numpy.squeeze(channels)');
    expect(wayOut('(4, 3)')).toContain('channels[numpy.newaxis]');
    expect(wayOut('(2, 2, 3)', '<f8')).toContain('imaginary parts are missing');
    expect(wayOut('(2, 2, 3, 1)', '<f4')).toContain('channels[0] + 1j * channels[1]');
    const structured = "{'descr': [('re', '<f4'), ('im', '<f4')], 'fortran_order': False, 'shape': (2, 2, 3)}";
    expect(refusal(reheaded(structured)).wayOut).toContain('channels["re"] + 1j * channels["im"]');
  });

  it.each([
    ['PK\x03\x04', 'a .npz or other zip archive'],
    ['\x89HDF\r\n\x1a\n', 'an HDF5'],
    ['MATLAB 5.0 MAT-file', 'a MATLAB file'],
    ['\x80\x04\x95', 'a Python pickle'],
  ])('is missed where the file is of another kind: %j', (begin, kind) => {
    const error = refusal(new Uint8Array(Buffer.from(begin.padEnd(40), 'latin1')));
    expect(error.message).toContain(`not a NumPy file but ${kind}`);
    expect(error.wayOut).toBeTruthy();
  });
});

describe('channels as they come', () => {
  const channels = (scale: number, im = 1) => [
    fromParts(1, 2, Float64Array.of(scale, -scale), Float64Array.of(im * scale, im * scale)),
  ];

  it('through a pipe are read once, with the checksum of what was read', () => {
    const file = join(folder, 'piped.npy');
    writeChannelFile(file, channels(1));
    const pipe = join(folder, 'pipe.npy');
    execFileSync('mkfifo', [pipe]);
    const writer = spawn('sh', ['-c', 'cat "$1" > "$2"', 'sh', file, pipe], { stdio: 'ignore' });
    const read = readChannelFile(pipe);
    writer.kill();
    expect(read.channels).toEqual(channels(1));
    expect(read.sha256).toBe(createHash('sha256').update(readFileSync(file)).digest('hex'));
    expect(read.doubts).toEqual([]);
  });

  it.each([
    [1e-6, 1, 'the mean |h|² of an element is 2.0e-12 (-117 dB); snrDb is meant for about 1'],
    [1e3, 1, 'the mean |h|² of an element is 2.0e+6 (63 dB)'],
    [1e-60, 1, 'the mean |h|² of an element is 2.0e-120 (-1197 dB)'],
    [1e60, 1, 'the mean |h|² of an element is 2.0e+120 (1203 dB)'],
    [1, 0, 'every imaginary part is 0'],
  ])('of scale %d and imaginary parts %d are doubted', (scale, im, doubt) => {
    const file = join(folder, 'doubt.npy');
    writeChannelFile(file, channels(scale, im));
    expect(readChannelFile(file).doubts.join()).toContain(`${file}: ${doubt}`);
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
    ['of integers', reheaded(FIRST_HEADER.replace('<c8', '<i8')), "dtype '<i8'; expected complex64, complex128"],
    [
      'of a structured type',
      reheaded("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 2, 3), }"),
      'dtype a structured type',
    ],
    ['of two axes', reheaded(FIRST_HEADER.replace('(2, 2, 3)', '(4, 3)')), 'shape [4, 3] of complex64; expected [n, K, N]'],
    [
      'of floats without re and im',
      reheaded(FIRST_HEADER.replace('<c8', '<f8')),
      'shape [2, 2, 3] of float64; expected [n, K, N, 2]',
    ],
    ['of no channel', reheaded(FIRST_HEADER.replace('(2, 2, 3)', '(0, 2, 3)')), 'shape [0, 2, 3] holds no channel'],
    [
      'of more channels than memory',
      reheaded(FIRST_HEADER.replace('(2, 2, 3)', '(99999999, 999, 99)')),
      'is more than this reader takes',
    ],
    ['with a negative axis', reheaded(FIRST_HEADER.replace('(2, 2, 3)', '(-2, 2, 3)')), 'its header gives the shape (-2, 2, 3)'],
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

  it.each([1e-300, 1e-160, 1e160, 1e300])('because of the unit %d no power can be computed in', (unit) => {
    const path = join(folder, 'unit.npy');
    writeChannelFile(
      path,
      [fromParts(2, 2, [1, 2, 3, 4], [4, 3, 2, 1])].map((channel) => scale(channel, unit / 4)),
    );
    for (const options of [{}, { normalise: true }]) {
      expect(() => readChannelFile(path, options)).toThrow(`unit.npy: [0] has numbers of up to ${unit.toExponential()}`);
    }
  });

  it('because one user hears nothing beside the others names channel and user', () => {
    const path = join(folder, 'deaf.npy');
    const channel = fromParts(2, 2, [1e-160, 0, 3, 4], [0, 1e-161, 2, 1]);
    writeChannelFile(path, [fromParts(2, 2, [1, 2, 3, 4], [4, 3, 2, 1]), channel]);
    expect(() => readChannelFile(path)).toThrow(
      'deaf.npy: [1, 0] is nowhere above 1e-160, where others hear up to 4e+0: user 0 hears nothing',
    );
    // 1,600 dB less is a user, too.
    writeChannelFile(path, [fromParts(2, 2, [1e-80, 0, 3, 4], [0, 1e-81, 2, 1])]);
    expect(readChannelFile(path).channels).toHaveLength(1);
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
