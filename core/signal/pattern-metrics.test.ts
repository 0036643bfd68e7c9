import { describe, expect, it } from 'vitest';
import type { ArrayStates } from './beam-contract.ts';
import type { CMatrix } from './complex-matrix.ts';
import { fromPhases, matmul, zeros } from './complex-matrix.ts';
import type { ArrayGeometry } from './geometry.ts';
import { elementCount } from './geometry.ts';
import { patternMetrics } from './pattern-metrics.ts';
import { powerTowards } from './beampattern.ts';
import { idealStates, quantisePhases, wordsToPhases } from './quantise.ts';
import { createRandom } from './random.ts';
import { toDb } from './rate.ts';
import { nearestInPhase, oneStream, steeringPhases, type Direction } from './steering.ts';

const RAD = Math.PI / 180;
const line = (elements: number, spacingWavelengths = 0.5): ArrayGeometry => ({ kind: 'ula', elements, spacingWavelengths });
const plane = (rows: number, columns: number): ArrayGeometry => ({ kind: 'upa', rows, columns, spacingWavelengths: 0.5 });
const towards = (azimuthDeg: number, elevationDeg = 0): Direction => ({
  azimuthRad: azimuthDeg * RAD,
  elevationRad: elevationDeg * RAD,
});

/** X of a beam whose phases are shown exactly, or in words of Q bits. */
function beamOf(geometry: ArrayGeometry, direction: Direction, bits?: number): CMatrix {
  const phases = steeringPhases(geometry, direction, 1);
  const shown = bits === undefined ? phases : wordsToPhases(quantisePhases(phases, bits), bits);
  return matmul(fromPhases(shown, elementCount(geometry), 1), oneStream(1, 1, 0));
}
function metricsOf(geometry: ArrayGeometry, direction: Direction, bits?: number) {
  const found = patternMetrics(geometry, beamOf(geometry, direction, bits), direction);
  if (found === undefined) throw new Error('it radiates nothing');
  return found;
}

/** u = sin θ at which |sin(Nψ/2)/(N sin(ψ/2))|² is a half, ψ = 2πd·u: by bisection of the closed form. */
function halfPowerSine(elements: number, spacing: number): number {
  const factor = (u: number): number => {
    const x = Math.PI * spacing * u;
    return (Math.sin(elements * x) / (elements * Math.sin(x))) ** 2;
  };
  let [low, high] = [1e-9, 1 / (elements * spacing)];
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (factor(middle) > 0.5) low = middle;
    else high = middle;
  }
  return low;
}

describe('the figures of a beam', () => {
  it.each([
    [8, 0.5, 0],
    [64, 0.5, 0],
    [64, 0.5, 35],
    [64, 0.5, -60],
    [37, 0.31, 12],
    [256, 0.5, 20],
  ])('of %i elements %f wavelengths apart, at %i°, are those of the closed form', (elements, spacing, azimuthDeg) => {
    const { peak, pointingErrorRad, eirpOverElement, cuts } = metricsOf(line(elements, spacing), towards(azimuthDeg));
    const half = halfPowerSine(elements, spacing);
    const sine = Math.sin(azimuthDeg * RAD);
    expect(cuts).toHaveLength(1);
    expect(cuts[0].beamwidthRad).toBeCloseTo(Math.asin(sine + half) - Math.asin(sine - half), 6);
    expect(peak.azimuthRad).toBeCloseTo(azimuthDeg * RAD, 6);
    expect(pointingErrorRad).toBeLessThan(1e-6);
    expect(toDb(eirpOverElement)).toBeCloseTo(20 * Math.log10(elements), 6);
  });

  it('has its first sidelobe 13.26 dB down, as a long uniform line does', () => {
    expect(toDb(metricsOf(line(512), towards(0)).cuts[0].sidelobe ?? NaN)).toBeCloseTo(-13.26, 2);
  });

  it('loses EIRP and points a little aside with few bits, as the directions one by one say', () => {
    const geometry = line(32);
    const wanted = towards(23.4);
    for (const bits of [1, 2, 3, 6]) {
      const precoder = beamOf(geometry, wanted, bits);
      const { peak, eirpOverElement, cuts } = metricsOf(geometry, wanted, bits);
      const fine = Array.from({ length: 9001 }, (_, i) => (i / 50 - 90) * RAD);
      const power = fine.map((azimuth) => powerTowards(geometry, precoder, azimuth));
      const most = Math.max(...power);
      // One bit has an image as high as the beam.
      if (bits > 1) expect(Math.abs(peak.azimuthRad / RAD - fine[power.indexOf(most)] / RAD)).toBeLessThan(0.011);
      expect(toDb(eirpOverElement)).toBeCloseTo(toDb(most), 3);
      const place = power.indexOf(most);
      let [first, last] = [place, place];
      while (power[first - 1] <= power[first]) first--;
      while (power[last + 1] <= power[last]) last++;
      const beside = Math.max(...power.slice(0, first), ...power.slice(last + 1));
      if (bits > 1) expect(toDb(cuts[0].sidelobe ?? NaN)).toBeCloseTo(toDb(beside / most), 1);
    }
    expect(metricsOf(geometry, wanted, 2).eirpOverElement).toBeLessThan(0.9 * 32 ** 2);
    const { pointingErrorRad } = metricsOf(geometry, wanted, 2);
    expect(pointingErrorRad).toBeLessThan(1.5 * RAD);
    expect(pointingErrorRad).toBeGreaterThan(0.01 * RAD);
  });

  it('of a plane are found in both cuts', () => {
    const { peak, pointingErrorRad, eirpOverElement, cuts } = metricsOf(plane(8, 16), towards(25, -15));
    expect([peak.azimuthRad / RAD, peak.elevationRad / RAD]).toEqual([expect.closeTo(25, 4), expect.closeTo(-15, 4)]);
    expect(pointingErrorRad).toBeLessThan(1e-5);
    expect(toDb(eirpOverElement)).toBeCloseTo(20 * Math.log10(128), 6);
    const [azimuth, elevation] = cuts;
    // Towards an elevation the columns are nearer to one another.
    const half = halfPowerSine(16, 0.5 * Math.cos(15 * RAD));
    const sine = Math.sin(25 * RAD);
    expect(azimuth.beamwidthRad).toBeCloseTo(Math.asin(sine + half) - Math.asin(sine - half), 6);
    expect(elevation.axis).toBe('elevation');
    expect((elevation.beamwidthRad ?? NaN) / RAD).toBeGreaterThan((azimuth.beamwidthRad ?? NaN) / RAD);
  });

  it('at the edge of what the array sees has no second half-power point, and says so', () => {
    expect(metricsOf(line(16), towards(88)).cuts[0].beamwidthRad).toBeUndefined();
  });

  it('are none of an element alone, but that it points wherever it is to', () => {
    const { pointingErrorRad, eirpOverElement, cuts } = metricsOf(line(1), towards(33));
    expect([pointingErrorRad, cuts[0].beamwidthRad, cuts[0].sidelobe]).toEqual([0, undefined, undefined]);
    expect(eirpOverElement).toBeCloseTo(1, 12);
    expect(patternMetrics(line(4), zeros(4, 1), towards(0))).toBeUndefined();
  });
});

describe('words that steer', () => {
  const geometry = line(64);

  it('are the nearest ones where states are ideal, given or not', () => {
    const phases = steeringPhases(geometry, towards(31), 4);
    const ideal = idealStates(6);
    expect(nearestInPhase(phases, { bits: 6, of: () => ideal })).toEqual(quantisePhases(phases, 6));
    expect(nearestInPhase(phases, { bits: 6 })).toEqual(quantisePhases(phases, 6));
  });

  it('go by what each element shows: a beam of known errors points and has its gain back', () => {
    const random = createRandom(3);
    const offsets = Float64Array.from({ length: 64 }, () => 2 * Math.PI * random.uniform());
    const gains = Float64Array.from({ length: 64 }, () => Math.exp(0.2 * random.normal()));
    const statesOf = offsets.map((_, n) => n);
    const tables = Array.from(statesOf, (n) => {
      const { re, im } = idealStates(6);
      const [cos, sin] = [gains[n] * Math.cos(offsets[n]), gains[n] * Math.sin(offsets[n])];
      return { re: re.map((x, s) => x * cos - im[s] * sin), im: im.map((y, s) => re[s] * sin + y * cos) };
    });
    const states: ArrayStates = { bits: 6, of: (place) => tables[place] };
    const wanted = towards(20);
    const phases = steeringPhases(geometry, wanted, 1);
    const shownBy = (words: Uint16Array): CMatrix => {
      const shown = zeros(64, 1);
      words.forEach((word, n) => {
        shown.re[n] = tables[n].re[word];
        shown.im[n] = tables[n].im[word];
      });
      return shown;
    };
    const blind = patternMetrics(geometry, shownBy(quantisePhases(phases, 6)), wanted);
    const known = patternMetrics(geometry, shownBy(nearestInPhase(phases, states)), wanted);
    expect(toDb(known?.eirpOverElement ?? NaN)).toBeGreaterThan(20 * Math.log10(64) - 0.4);
    expect(known?.pointingErrorRad).toBeLessThan(0.1 * RAD);
    expect(toDb(blind?.eirpOverElement ?? NaN)).toBeLessThan(25);
  });

  it('are 0 where nothing is connected, and refused where a phase is none', () => {
    expect(Array.from(nearestInPhase(Float64Array.of(1, 1), { bits: 4 }, Uint8Array.of(0, 1)))).toEqual([0, 3]);
    const states = idealStates(2);
    expect(() => nearestInPhase(Float64Array.of(NaN), { bits: 2, of: () => states })).toThrow('phase 0 is NaN');
  });
});
