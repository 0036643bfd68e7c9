import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { frobeniusNorm, fromParts, matmul } from '../../core/signal/complex-matrix.ts';
import { quantisePhases } from '../../core/signal/quantise.ts';
import { oneStream, steeringPhases } from '../../core/signal/steering.ts';
import {
  analogOf,
  beamFileOf,
  beamMisfit,
  beamNames,
  digitalOf,
  readBeamFile,
  writeBeamFile,
  type BeamArray,
} from './beam-file.ts';
import { beamsOfTable, tableOfBeams } from './beam-table.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-beams-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RAD = Math.PI / 180;
const PLANE: BeamArray = {
  geometry: { kind: 'upa', rows: 4, columns: 4, spacingWavelengths: 0.5 },
  rfChains: 1,
  connection: 'full',
  phaseBits: 6,
  users: 1,
};
const LINE: BeamArray = { ...PLANE, geometry: { kind: 'ula', elements: 8, spacingWavelengths: 0.5 }, rfChains: 2, users: 2 };
const HEAD = 'Mode,BeamID,BeamType,beam_db,beam_theta,beam_phi,ch,ch_sw,ch_db,ch_deg';
const read = (rows: string[], array = PLANE) =>
  beamsOfTable([HEAD, ...rows].join('\n'), array, { name: 'kit.csv', mode: 'TX', user: 0 });
const wordsTo = (array: BeamArray, azimuthDeg: number, elevationDeg = 0): number[] =>
  Array.from(
    quantisePhases(
      steeringPhases(array.geometry, { azimuthRad: azimuthDeg * RAD, elevationRad: elevationDeg * RAD }, array.rfChains),
      array.phaseBits,
    ),
  );

describe('the table of an array kit', () => {
  it('has beams that point: theta off the normal, phi around it', () => {
    const { beams, skipped } = read([
      'TX,9,0,8,40,,,,,',
      'RX,9,0,-1.5,40,0,,,,',
      'TX,16,0,,30,90,,,,',
      ',,,,,,,,,',
      'TX,17,0,,25,180,,,,',
    ]);
    expect(skipped).toBe(1);
    expect(beams.map(({ name, direction }) => ({ name, ...direction }))).toEqual([
      { name: 'tx-9', azimuthDeg: 40, elevationDeg: 0 },
      { name: 'tx-16', azimuthDeg: 0, elevationDeg: 30 },
      { name: 'tx-17', azimuthDeg: -25, elevationDeg: 0 },
    ]);
    expect(beams.map(({ words }) => words)).toEqual([wordsTo(PLANE, 40), wordsTo(PLANE, 0, 30), wordsTo(PLANE, -25)]);
  });

  it('has beams of channels: what is left out is on, at the highest gain and 0 degrees', () => {
    const [beam] = read(['TX,8,1,,,,9,,10.5,90', 'TX,8,1,,,,10,1,11.5,', 'TX,8,,,,,11,0,,-90']).beams;
    expect(beam.words).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 48, 0, 0, 0, 0, 0]);
    expect(beam.enabled).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]);
    expect(beam.gainDb?.[8]).toBeCloseTo(-1, 9);
    expect(beam.gainDb?.[9]).toBe(0);
    expect(beam.from).toBe('beam 8 (TX) of kit.csv');
  });

  it('gives all RF chains of an element its phase, or one to each place where it has as many channels', () => {
    const [alike] = read(['TX,1,1,,,,3,,,45'], LINE).beams;
    expect(alike.words).toEqual([0, 0, 0, 0, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const [apart] = read(['TX,1,1,,,,3,,,45', 'TX,1,1,,,,16,,,90'], LINE).beams;
    expect(apart.words).toEqual([0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16]);
  });

  it.each([
    [['TX,1,1,,,,17,,,45'], "kit.csv, line 2: ch '17' is not allowed; allowed: a whole number from 1 to 16"],
    [['TX,1,1,,,,1,2,,45'], "line 2: ch_sw '2' is not allowed; allowed: a whole number from 0 to 1"],
    [['TX,1,1,,,,1,,,45', 'TX,1,1,,,,1,,,50'], "line 3: ch '1' is not allowed; allowed: each channel once in beam 1"],
    [['TX,1,0,,95,,,,,'], "line 2: beam_theta '95' is not allowed"],
    [['QX,1,0,,5,,,,,'], "line 2: Mode 'QX' is not allowed; allowed: TX or RX"],
    [['TX,,0,,5,,,,,'], 'line 2: BeamID is empty'],
    [['TX,1,0,,5,,,,,', 'TX,1,1,,,,2,,,'], "line 3: BeamType '1' is not allowed; allowed: the same in all rows of beam 1"],
  ])('is refused by line, column and value: %j', (rows, message) => {
    expect(() => read(rows)).toThrow(message);
  });

  it('is refused where a line of elements is to tell elevations apart, and without its columns', () => {
    expect(() => read(['TX,1,0,,30,90,,,,'], LINE)).toThrow('a line of elements cannot tell elevations apart');
    expect(() => beamsOfTable('a,b\n1,2', PLANE, { name: 'x.csv', mode: 'TX', user: 0 })).toThrow('unknown columns: a, b');
  });

  it.each([2, 6, 7, 10])('written and read again has the same words at Q = %i', (phaseBits) => {
    const array = { ...LINE, phaseBits };
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 ** phaseBits - 1 }), { minLength: 16, maxLength: 16 }),
        fc.option(fc.array(fc.constantFrom<0 | 1>(0, 1), { minLength: 16, maxLength: 16 })),
        (words, enabled) => {
          const beam = beamFileOf(
            array,
            { words: Uint16Array.from(words), digital: oneStream(2, 2, 0) },
            {
              name: 'any',
              from: 'a test',
              ...(enabled === null || enabled.every((on) => on === 1) ? {} : { enabled }),
            },
          );
          const [back] = beamsOfTable(tableOfBeams([beam], { angles: false, mode: 'TX' }), array, {
            name: 't',
            mode: 'TX',
            user: 0,
          }).beams;
          expect(back.words).toEqual(words);
          expect(back.enabled).toEqual(beam.enabled);
        },
      ),
      { numRuns: 50, seed: 2 },
    );
  });

  it('written as angles points where it did, in whole degrees', () => {
    const beams = read(['TX,1,0,,40,0,,,,', 'TX,2,0,,20,250,,,,']).beams;
    const text = tableOfBeams(beams, { angles: true, mode: 'RX' });
    expect(text).toBe(`${HEAD}\nRX,1,0,,40,0,,,,\nRX,2,0,,20,250,,,,\n`);
  });
});

describe('the file of a beam', () => {
  const beam = beamFileOf(
    LINE,
    { words: Uint16Array.from(wordsTo(LINE, 20)), digital: fromParts(2, 2, [3, 0, 0, 1], [0, 1, 0, 0]) },
    { name: 'east', from: 'a test', direction: { azimuthDeg: 20, elevationDeg: 0 } },
  );

  it('is read as it was written, its weights at power 1', () => {
    const path = writeBeamFile(folder, beam, false);
    expect(readBeamFile(path)).toEqual(beam);
    expect(frobeniusNorm(matmul(analogOf(LINE, beam.words), digitalOf(beam)))).toBeCloseTo(1, 12);
    expect(beamNames(folder)).toEqual(['east']);
    expect(beamNames(join(folder, 'nowhere'))).toEqual([]);
    expect(() => writeBeamFile(folder, beam, false)).toThrow("there is a beam 'east' already");
    expect(writeBeamFile(folder, beam, true)).toBe(path);
  });

  it.each([
    [
      'a word',
      (text: string) => text.replace(/"words": \[\s+\d+/, '"words": [\n  63'),
      'its checksum is not that of its contents',
    ],
    ['a key', (text: string) => text.replace('"users": 2', '"users": 2, "userss": 2'), 'userss'],
    ['its end', (text: string) => text.slice(0, -40), 'this is no JSON'],
    ['its number of words', (text: string) => text.replace(/"words": \[\s+\d+,/, '"words": ['), 'its checksum is not'],
  ])('that was changed in %s is refused', (_, change, message) => {
    const path = join(folder, 'bad.beam.json');
    writeFileSync(path, change(readFileSync(writeBeamFile(folder, beam, true), 'utf8')));
    expect(() => readBeamFile(path)).toThrow(message);
    rmSync(path);
  });

  it('says what another array has that it has not', () => {
    expect(beamMisfit(beam, { ...LINE, phaseBits: 8 })).toBeUndefined();
    expect(beamMisfit(beam, { ...LINE, phaseBits: 5, users: 1 })).toBe('users 2, not 1; words of 6 bits, not 5');
    expect(beamMisfit(beam, { ...LINE, geometry: { kind: 'upa', rows: 2, columns: 4, spacingWavelengths: 0.5 } })).toBe(
      'rows 1, not 2',
    );
  });
});
