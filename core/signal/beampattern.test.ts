import { describe, expect, it } from 'vitest';
import type { CMatrix } from './complex-matrix.ts';
import { zeros } from './complex-matrix.ts';
import { azimuthCut, elevationCut } from './beampattern.ts';
import { fft } from './fft.ts';
import type { ArrayGeometry } from './geometry.ts';
import { elementCount, steeringVector } from './geometry.ts';
import { createRandom } from './random.ts';
import { beampatternDb } from '../../test/doubles/beampattern-by-definition.ts';

/** Streams of equal power, each steered at one direction, with a little noise so that nothing is a special case. */
function beamsTowards(geometry: ArrayGeometry, azimuths: readonly number[], noise = 0): CMatrix {
  const random = createRandom(5);
  const elements = elementCount(geometry);
  const out = zeros(elements, azimuths.length);
  azimuths.forEach((azimuth, k) => {
    const steering = steeringVector(geometry, azimuth);
    for (let n = 0; n < elements; n++) {
      out.re[n * azimuths.length + k] = steering.re[n] / elements + (noise * random.normal()) / elements;
      out.im[n * azimuths.length + k] = steering.im[n] / elements + (noise * random.normal()) / elements;
    }
  });
  return out;
}

/** By the formula, direction by direction. */
function powerTowards(geometry: ArrayGeometry, precoder: CMatrix, azimuth: number, elevation = 0): number {
  const steering = steeringVector(geometry, azimuth, elevation);
  let power = 0;
  for (let k = 0; k < precoder.cols; k++) {
    let [re, im] = [0, 0];
    for (let n = 0; n < precoder.rows; n++) {
      const i = n * precoder.cols + k;
      re += steering.re[n] * precoder.re[i] + steering.im[n] * precoder.im[i];
      im += steering.re[n] * precoder.im[i] - steering.im[n] * precoder.re[i];
    }
    power += re * re + im * im;
  }
  return power;
}

const GEOMETRIES: [string, ArrayGeometry][] = [
  ['a line of 1', { kind: 'ula', elements: 1, spacingWavelengths: 0.5 }],
  ['a line of 64', { kind: 'ula', elements: 64, spacingWavelengths: 0.5 }],
  ['a line of 1,024', { kind: 'ula', elements: 1024, spacingWavelengths: 0.5 }],
  ['a dense line of 37', { kind: 'ula', elements: 37, spacingWavelengths: 0.31 }],
  ['a sparse line of 100, with grating lobes', { kind: 'ula', elements: 100, spacingWavelengths: 1.7 }],
  ['a line of 4,096 at ten wavelengths', { kind: 'ula', elements: 4096, spacingWavelengths: 10 }],
  ['a plane of 8 × 16', { kind: 'upa', rows: 8, columns: 16, spacingWavelengths: 0.5 }],
  ['a plane of 32 × 32', { kind: 'upa', rows: 32, columns: 32, spacingWavelengths: 0.5 }],
];
const USERS = [-0.93, -0.2003, 0.31, 1.2];

describe.each(GEOMETRIES)('the beampattern of %s', (_, geometry) => {
  const precoder = beamsTowards(geometry, USERS, 0.3);

  it('is what the formula says at every point, and has the users among them', () => {
    const { anglesRad, power, places } = azimuthCut(geometry, precoder, USERS);
    expect(places.map((place) => anglesRad[place])).toEqual(USERS);
    expect([anglesRad[0], anglesRad.at(-1)]).toEqual([-Math.PI / 2, Math.PI / 2]);
    for (let i = 0; i < anglesRad.length; i += Math.ceil(anglesRad.length / 300)) {
      expect(power[i]).toBeCloseTo(powerTowards(geometry, precoder, anglesRad[i]), 9);
    }
    for (const place of places) expect(power[place]).toBeCloseTo(powerTowards(geometry, precoder, anglesRad[place]), 9);
  });

  it('loses at most a quarter of a dB of a peak between two of its points', () => {
    // A beam of its own towards where no point need be.
    for (const azimuth of [-1.01, -0.40071, 0.0006, 0.77]) {
      const { power } = azimuthCut(geometry, beamsTowards(geometry, [azimuth]), []);
      expect(10 * Math.log10(Math.max(...power))).toBeGreaterThan(-0.25);
    }
  });
});

it('has a cut over elevation for a planar array, at an azimuth of choice', () => {
  const geometry = { kind: 'upa', rows: 16, columns: 8, spacingWavelengths: 0.5 } as const;
  const precoder = beamsTowards(geometry, USERS, 0.3);
  const { anglesRad, power, places } = elevationCut(geometry, precoder, USERS[1], [0, 0.0123]);
  expect(places.map((place) => anglesRad[place])).toEqual([0, 0.0123]);
  expect([anglesRad[0], anglesRad.at(-1)]).toEqual([-Math.PI / 2, Math.PI / 2]);
  anglesRad.forEach((elevation, i) => {
    expect(power[i]).toBeCloseTo(powerTowards(geometry, precoder, USERS[1], elevation), 9);
  });
});

it('says which shapes do not fit', () => {
  const geometry = { kind: 'ula', elements: 8, spacingWavelengths: 0.5 } as const;
  expect(() => azimuthCut(geometry, zeros(7, 1), [])).toThrow('8 elements, the precoder 7 rows');
  expect(() => fft(new Float64Array(12), new Float64Array(12))).toThrow('power of two');
});

it('transforms as the sum says, forward and back', () => {
  const random = createRandom(3);
  for (const length of [1, 2, 8, 64]) {
    const [re, im] = [0, 1].map(() => Float64Array.from({ length }, () => random.normal()));
    const [fr, fi] = [re.slice(), im.slice()];
    fft(fr, fi);
    for (let k = 0; k < length; k++) {
      let [sumRe, sumIm] = [0, 0];
      for (let n = 0; n < length; n++) {
        const angle = (-2 * Math.PI * k * n) / length;
        sumRe += re[n] * Math.cos(angle) - im[n] * Math.sin(angle);
        sumIm += re[n] * Math.sin(angle) + im[n] * Math.cos(angle);
      }
      expect(fr[k]).toBeCloseTo(sumRe, 10);
      expect(fi[k]).toBeCloseTo(sumIm, 10);
    }
    fft(fr, fi, 'backward');
    for (let n = 0; n < length; n++) expect(fr[n] / length).toBeCloseTo(re[n], 10);
  }
});

describe('the beampattern by its definition, which the fast one is held to', () => {
  it('shows N² where the array is steered to, and nothing in its nulls', () => {
    const geometry: ArrayGeometry = { kind: 'ula', elements: 8, spacingWavelengths: 0.5 };
    const steering = steeringVector(geometry, 0.5);
    const firstNull = Math.asin(Math.sin(0.5) - 2 / 8);
    const [peak, hole] = beampatternDb(geometry, steering, Float64Array.of(0.5, firstNull));
    expect(peak).toBeCloseTo(20 * Math.log10(8), 10);
    expect(hole).toBe(-120);
  });
});
