import { describe, expect, it } from 'vitest';
import type { ChannelScale } from './channel.ts';
import { pathsToChannel, salehValenzuela } from './channel.ts';
import { conjTranspose, frobeniusNorm, matmul, subtract } from './complex-matrix.ts';
import type { ArrayGeometry } from './geometry.ts';
import { connectionMask, cosinePowerPattern, elementCount, steeringVector } from './geometry.ts';
import { createRandom } from './random.ts';

const ula = (elements: number): ArrayGeometry => ({ kind: 'ula', elements, spacingWavelengths: 0.5 });

describe('array geometry', () => {
  it('steers a half-wave line array by exp(jπ n sin θ)', () => {
    const steering = steeringVector(ula(4), Math.PI / 6);
    [0, 1, 2, 3].forEach((n) => {
      expect(steering.re[n]).toBeCloseTo(Math.cos((Math.PI * n) / 2), 12);
      expect(steering.im[n]).toBeCloseTo(Math.sin((Math.PI * n) / 2), 12);
    });
  });

  it('steers a planar array as the product of its rows and columns', () => {
    const planar: ArrayGeometry = { kind: 'upa', rows: 3, columns: 4, spacingWavelengths: 0.5 };
    const [azimuth, elevation] = [0.4, 0.3];
    const whole = steeringVector(planar, azimuth, elevation);
    const across = steeringVector(ula(4), azimuth, elevation);
    const up = steeringVector({ ...ula(3) }, elevation); // a line array turned upright sees elevation as its azimuth
    expect(elementCount(planar)).toBe(12);
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 4; column++) {
        const n = row * 4 + column;
        expect(whole.re[n]).toBeCloseTo(up.re[row] * across.re[column] - up.im[row] * across.im[column], 12);
        expect(whole.im[n]).toBeCloseTo(up.re[row] * across.im[column] + up.im[row] * across.re[column], 12);
      }
    }
  });

  it('wires every element to one chain when sub-connected, in equal neighbouring runs', () => {
    expect([...connectionMask('full', 2, 2)]).toEqual([1, 1, 1, 1]);
    expect([...connectionMask('sub', 4, 2)]).toEqual([1, 0, 1, 0, 0, 1, 0, 1]);
    const uneven = connectionMask('sub', 7, 3);
    for (let n = 0; n < 7; n++) expect(uneven.slice(n * 3, n * 3 + 3).reduce((a, b) => a + b)).toBe(1);
    for (let m = 0; m < 3; m++) expect(uneven.filter((_, i) => i % 3 === m).reduce((a, b) => a + b)).toBeGreaterThanOrEqual(2);
    expect(() => connectionMask('sub', 2, 3)).toThrow(/cannot be shared out/);
  });

  it('has elements that fade towards the side and never go quite dark behind', () => {
    const pattern = cosinePowerPattern({ exponent: 2, floorDb: -25 });
    expect(pattern(0, 0)).toBeCloseTo(0, 12);
    expect(pattern(Math.PI / 3, 0)).toBeCloseTo(20 * Math.log10(0.5), 12);
    expect(pattern(0, Math.PI / 3)).toBeCloseTo(20 * Math.log10(0.5), 12);
    expect(pattern(Math.PI / 2, 0)).toBe(-25);
    expect(pattern(Math.PI, 0)).toBe(-25);
  });
});

describe('the Saleh-Valenzuela channel', () => {
  it('has E‖h‖² = N in one scale and L in the other', () => {
    for (const [scale, expected] of [
      ['unit-element', 32],
      ['paper-001', 10],
    ] as [ChannelScale, number][]) {
      const random = createRandom(1);
      let energy = 0;
      for (let i = 0; i < 500; i++) {
        energy += frobeniusNorm(salehValenzuela({ random, geometry: ula(32), users: 4, paths: 10, scale })) ** 2 / 2000;
      }
      expect(Math.abs(energy / expected - 1)).toBeLessThan(0.06);
    }
  });

  it('is the same draw in both scales, up to √(N/L)', () => {
    const draw = (scale: ChannelScale) =>
      salehValenzuela({ random: createRandom(5), geometry: ula(32), users: 2, paths: 10, scale });
    const ratio = frobeniusNorm(draw('unit-element')) / frobeniusNorm(draw('paper-001'));
    expect(ratio).toBeCloseTo(Math.sqrt(32 / 10), 10);
  });

  it('has row h_kᴴ: the user on one path is served best by the steering vector itself', () => {
    const azimuthRad = 0.7;
    const channel = pathsToChannel({
      geometry: ula(8),
      scale: 'unit-element',
      users: [[{ gainRe: 0.6, gainIm: -0.8, azimuthRad }]],
    });
    const received = matmul(channel, steeringVector(ula(8), azimuthRad)); // αᴴ·aᴴa = N·α*
    expect(received.re[0]).toBeCloseTo(8 * 0.6, 10);
    expect(received.im[0]).toBeCloseTo(8 * 0.8, 10);
  });

  it('adds its paths, each weighted by the pattern of the element', () => {
    const paths = [
      { gainRe: 1, gainIm: 0, azimuthRad: 0.1 },
      { gainRe: 0, gainIm: 2, azimuthRad: Math.PI }, // behind the array
    ];
    const options = { geometry: ula(4), scale: 'unit-element' as const };
    const bare = pathsToChannel({ ...options, users: [paths] });
    const shaded = pathsToChannel({
      ...options,
      users: [paths],
      elementPattern: cosinePowerPattern({ exponent: 0, floorDb: -20 }),
    });
    const expected = pathsToChannel({ ...options, users: [[paths[0], { ...paths[1], gainIm: 0.2 }]] });
    expect(frobeniusNorm(subtract(shaded, expected))).toBeLessThan(1e-12);
    expect(frobeniusNorm(subtract(shaded, bare))).toBeGreaterThan(1);
    expect(() => pathsToChannel({ ...options, users: [[]] })).toThrow(/no propagation path/);
  });

  it('draws elevations on a planar array', () => {
    const planar: ArrayGeometry = { kind: 'upa', rows: 4, columns: 4, spacingWavelengths: 0.5 };
    const channel = salehValenzuela({ random: createRandom(1), geometry: planar, users: 1, paths: 1, scale: 'unit-element' });
    const h = conjTranspose(channel);
    // Not constant along a column, as it would be with every path in the horizontal plane.
    expect(Math.hypot(h.re[4] - h.re[0], h.im[4] - h.im[0])).toBeGreaterThan(1e-3);
  });
});
