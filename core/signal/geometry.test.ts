/** The drawing of PROTOCOL.md section 1.5, held to the steering vector by where the elements stand and how far each is from a user. */
import { describe, expect, it } from 'vitest';
import { pathsToChannel } from './channel.ts';
import { matmul, zeros } from './complex-matrix.ts';
import type { ArrayGeometry } from './geometry.ts';
import { chainRuns, connectionMask, steeringVector, sumOfSteeringVectors } from './geometry.ts';
import { quantisePhases } from './quantise.ts';

const DEG = Math.PI / 180;
const UPA: ArrayGeometry = { kind: 'upa', rows: 3, columns: 4, spacingWavelengths: 0.5 };
const ULA: ArrayGeometry = { kind: 'ula', elements: 8, spacingWavelengths: 0.5 };

/** Seen from behind: x to the right, y to where the array looks, z upwards, in wavelengths. Element 0 is the left one of the top row. */
function placeOf(geometry: ArrayGeometry, element: number): [number, number, number] {
  const columns = geometry.kind === 'ula' ? geometry.elements : geometry.columns;
  const row = Math.floor(element / columns);
  return [geometry.spacingWavelengths * (element % columns), 0, -geometry.spacingWavelengths * row];
}

/** Azimuth is positive to the left, elevation upwards. */
const towards = (azimuthRad: number, elevationRad: number): [number, number, number] => [
  -Math.sin(azimuthRad) * Math.cos(elevationRad),
  Math.cos(azimuthRad) * Math.cos(elevationRad),
  Math.sin(elevationRad),
];

/** |sum| of carriers that start with these phases (they lead) and travel from their elements to a user far away. */
function heardBy(geometry: ArrayGeometry, phaseRad: Float64Array, azimuthRad: number, elevationRad: number): number {
  const [x, y, z] = towards(azimuthRad, elevationRad);
  let [re, im] = [0, 0];
  phaseRad.forEach((lead, element) => {
    const place = placeOf(geometry, element);
    const nearer = place[0] * x + place[1] * y + place[2] * z;
    re += Math.cos(lead + 2 * Math.PI * nearer);
    im += Math.sin(lead + 2 * Math.PI * nearer);
  });
  return Math.hypot(re, im);
}

const phasesOf = (geometry: ArrayGeometry, azimuthRad: number, elevationRad: number): Float64Array => {
  const { re, im } = steeringVector(geometry, azimuthRad, elevationRad);
  return Float64Array.from(re, (_, n) => Math.atan2(im[n], re[n]));
};

describe('the elements of the drawing', () => {
  it.each([
    ['a line', ULA, 20, 0],
    ['a line', ULA, -50, 0],
    ['a rectangle', UPA, 20, 30],
    ['a rectangle', UPA, -35, 10],
    ['a rectangle', UPA, 15, -40],
  ] as const)(
    'of %s (%o) lead so that all arrive together at azimuth %d°, elevation %d°, and nowhere else',
    (_name, geometry, az, el) => {
      const [azimuthRad, elevationRad] = [az * DEG, el * DEG];
      const phases = phasesOf(geometry, azimuthRad, elevationRad);
      expect(heardBy(geometry, phases, azimuthRad, elevationRad)).toBeCloseTo(phases.length, 9);
      expect(heardBy(geometry, phases, -azimuthRad, elevationRad)).toBeLessThan(0.9 * phases.length);
      if (el !== 0) expect(heardBy(geometry, phases, azimuthRad, -elevationRad)).toBeLessThan(0.9 * phases.length);
    },
  );

  it('have the phases of the page, and are numbered as one reads', () => {
    const [azimuthRad, elevationRad] = [25 * DEG, 12 * DEG];
    const { re, im } = steeringVector(UPA, azimuthRad, elevationRad);
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 4; column++) {
        const phase = Math.PI * (column * Math.sin(azimuthRad) * Math.cos(elevationRad) + row * Math.sin(elevationRad));
        expect(re[4 * row + column]).toBeCloseTo(Math.cos(phase), 12);
        expect(im[4 * row + column]).toBeCloseTo(Math.sin(phase), 12);
      }
    }
  });

  it('send the words of a beam to the user whose channel has this angle, and not to the one on the other side', () => {
    const [azimuthRad, elevationRad] = [-30 * DEG, 20 * DEG];
    const path = { azimuthRad, elevationRad, gainRe: 1, gainIm: 0 };
    const mirrored = { ...path, azimuthRad: -azimuthRad };
    const channel = pathsToChannel({ geometry: UPA, scale: 'unit-element', users: [[path], [mirrored]] });
    const words = quantisePhases(phasesOf(UPA, azimuthRad, elevationRad), 16);
    const beam = zeros(words.length, 1);
    words.forEach((word, n) => {
      beam.re[n] = Math.cos((word * 2 * Math.PI) / 2 ** 16);
      beam.im[n] = Math.sin((word * 2 * Math.PI) / 2 ** 16);
    });
    const { re, im } = matmul(channel, beam);
    expect(Math.hypot(re[0], im[0])).toBeCloseTo(words.length, 6);
    expect(Math.hypot(re[1], im[1])).toBeLessThan(0.9 * words.length);
  });
});

describe('a steering vector', () => {
  it.each([1, 2, 63, 64, 65, 129, 1000])(
    'of a line of %i elements is what its definition says, element by element',
    (elements) => {
      for (const azimuthRad of [-1.5, -0.7, 0, 1e-9, 0.31, 1.1]) {
        const { re, im } = steeringVector({ kind: 'ula', elements, spacingWavelengths: 0.6 }, azimuthRad, 0.2);
        const step = 1.2 * Math.PI * Math.sin(azimuthRad) * Math.cos(0.2);
        for (let n = 0; n < elements; n++) {
          expect(Math.hypot(re[n] - Math.cos(n * step), im[n] - Math.sin(n * step))).toBeLessThan(1e-12);
          expect(Math.abs(Math.hypot(re[n], im[n]) - 1)).toBeLessThan(1e-14);
        }
      }
    },
  );

  it('of a rectangle with more columns than a run has elements is what its definition says', () => {
    const { re, im } = steeringVector({ kind: 'upa', rows: 3, columns: 70, spacingWavelengths: 0.5 }, 0.4, -0.3);
    for (let n = 0; n < 210; n++) {
      const phase = Math.PI * (Math.floor(n / 70) * Math.sin(-0.3) + (n % 70) * Math.sin(0.4) * Math.cos(-0.3));
      expect(Math.hypot(re[n] - Math.cos(phase), im[n] - Math.sin(phase))).toBeLessThan(1e-12);
    }
  });

  it('adds up over more directions than there was room for, anew in every sum', () => {
    const directions = Array.from({ length: 50 }, (_, d) => ({ azimuthRad: 0.1 * d - 2, elevationRad: 0, re: d, im: 50 - d }));
    const sum = zeros(2, 8);
    for (const given of [directions, directions.slice(0, 1), directions]) sumOfSteeringVectors(ULA, given, sum, 8);
    const weights = zeros(50, 1);
    const vectors = zeros(8, 50);
    directions.forEach(({ azimuthRad, re, im }, d) => {
      const one = steeringVector(ULA, azimuthRad);
      for (let n = 0; n < 8; n++) [vectors.re[50 * n + d], vectors.im[50 * n + d]] = [one.re[n], one.im[n]];
      [weights.re[d], weights.im[d]] = [re, im];
    });
    const expected = matmul(vectors, weights);
    expect(sum.re.subarray(0, 8)).toEqual(new Float64Array(8));
    for (let n = 0; n < 8; n++) {
      expect(Math.hypot(sum.re[8 + n] - expected.re[n], sum.im[8 + n] - expected.im[n])).toBeLessThan(1e-11);
    }
  });
});

it('gives the runs of a sub-connected array as its mask has them, and none where every chain reaches all', () => {
  for (const [elements, rfChains] of [
    [10, 4],
    [7, 7],
    [100, 3],
  ]) {
    const runs = chainRuns('sub', elements, rfChains)!;
    const mask = new Uint8Array(elements * rfChains);
    runs.forEach(({ first, count }, chain) => {
      for (let n = first; n < first + count; n++) mask[n * rfChains + chain] = 1;
    });
    expect(mask).toEqual(connectionMask('sub', elements, rfChains));
  }
  expect(chainRuns('full', 8, 2)).toBeNull();
});
