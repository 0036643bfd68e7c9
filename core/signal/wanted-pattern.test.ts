import { describe, expect, it } from 'vitest';
import type { CMatrix } from './complex-matrix.ts';
import { frobeniusNorm, matmul, multiplyABh, zeros } from './complex-matrix.ts';
import { eigHermitian } from './decompositions.ts';
import type { ArrayGeometry } from './geometry.ts';
import { steeringRows } from '../../test/doubles/steering-rows.ts';
import { wantedCovarianceFactor } from './wanted-pattern.ts';

const degrees = (value: number): number => (value * Math.PI) / 180;
const DIRECTIONS = [-60, 0, 60].map(degrees);
const line = (elements: number, spacingWavelengths = 0.5): ArrayGeometry => ({ kind: 'ula', elements, spacingWavelengths });

const box = (halfWidth: number): Float64Array =>
  Float64Array.from({ length: 361 }, (_, t) =>
    DIRECTIONS.some((direction) => Math.abs(degrees(t / 2 - 90) - direction) <= halfWidth + 1e-9) ? 1 : 0,
  );

/** Σ (α·B_d − p)² with the best α, a mean over the grid. */
function errorOf(pattern: Float64Array, wanted: Float64Array): number {
  let shared = 0;
  let energy = 0;
  pattern.forEach((p, t) => {
    shared += p * wanted[t];
    energy += wanted[t] ** 2;
  });
  return pattern.reduce((sum, p, t) => sum + ((shared / energy) * wanted[t] - p) ** 2, 0) / pattern.length;
}

/** The same problem on Ψ itself: accelerated projected gradients, onto Ψ ⪰ 0 by eigenvalues and onto the diagonal, in turns (Dykstra). */
function byEigenvalues(elements: number, wanted: Float64Array): number {
  const steering = steeringRows(line(elements));
  let psi = zeros(elements, elements);
  for (let n = 0; n < elements; n++) psi.re[n * elements + n] = 1 / elements;
  let before = psi;
  for (let iteration = 0; iteration < 300; iteration++) {
    const ahead = iteration / (iteration + 3);
    const moved = zeros(elements, elements);
    for (let i = 0; i < elements ** 2; i++) {
      moved.re[i] = psi.re[i] + ahead * (psi.re[i] - before.re[i]);
      moved.im[i] = psi.im[i] + ahead * (psi.im[i] - before.im[i]);
    }
    const pattern = patternOf(steering, moved);
    let [shared, energy] = [0, 0];
    pattern.forEach((p, t) => {
      shared += p * wanted[t];
      energy += wanted[t] ** 2;
    });
    // The curvature is N² at most.
    const pull = pattern.map((p, t) => (p - (shared / energy) * wanted[t]) / (pattern.length * elements ** 2));
    for (let t = 0; t < pull.length; t++) {
      for (let i = 0; i < elements; i++) {
        const [ar, ai] = [steering.re[t * elements + i], -steering.im[t * elements + i]];
        for (let j = 0; j < elements; j++) {
          const [br, bi] = [steering.re[t * elements + j], steering.im[t * elements + j]];
          moved.re[i * elements + j] -= pull[t] * (ar * br - ai * bi);
          moved.im[i * elements + j] -= pull[t] * (ar * bi + ai * br);
        }
      }
    }
    [before, psi] = [psi, project(moved)];
  }
  return errorOf(patternOf(steering, psi), wanted);
}

const patternOfFactor = (elements: number, factor: CMatrix): Float64Array =>
  patternOf(steeringRows(line(elements)), multiplyABh(factor, factor));

function patternOf(steering: CMatrix, psi: CMatrix): Float64Array {
  const { re, im, cols } = matmul(steering, psi);
  const pattern = new Float64Array(steering.rows);
  for (let i = 0; i < re.length; i++) pattern[Math.floor(i / cols)] += re[i] * steering.re[i] + im[i] * steering.im[i];
  return pattern;
}

function project(a: CMatrix): CMatrix {
  const n = a.rows;
  let current = a;
  let leftOver = zeros(n, n);
  for (let round = 0; round < 8; round++) {
    const shifted = zeros(n, n);
    for (let i = 0; i < n * n; i++) {
      shifted.re[i] = current.re[i] + leftOver.re[i];
      shifted.im[i] = current.im[i] + leftOver.im[i];
    }
    const { values, vectors } = eigHermitian(shifted);
    const weighted = zeros(n, n);
    for (let i = 0; i < n * n; i++) {
      const value = Math.max(values[i % n], 0);
      weighted.re[i] = vectors.re[i] * value;
      weighted.im[i] = vectors.im[i] * value;
    }
    const positive = multiplyABh(weighted, vectors);
    leftOver = zeros(n, n);
    for (let i = 0; i < n * n; i++) {
      leftOver.re[i] = shifted.re[i] - positive.re[i];
      leftOver.im[i] = shifted.im[i] - positive.im[i];
    }
    for (let i = 0; i < n; i++) {
      positive.re[i * n + i] = 1 / n;
      positive.im[i * n + i] = 0;
    }
    current = positive;
  }
  return current;
}

describe('the covariance that sensing wishes for', () => {
  it.each([
    [8, 3],
    [12, 4],
  ])('has the pattern of the best one that a search over all covariances finds: %d elements, rank %d', (elements, streams) => {
    const wanted = box(degrees(10));
    const factor = wantedCovarianceFactor(line(elements), { directionsRad: DIRECTIONS, halfWidthRad: degrees(10), streams });
    const own = errorOf(patternOfFactor(elements, factor), wanted);
    const error = byEigenvalues(elements, wanted);
    expect(own).toBeLessThan(1.03 * error);
    expect(error).toBeLessThan(1.03 * own);
  });

  it('radiates the same from every element, in all power 1, and looks where it is told to', () => {
    const factor = wantedCovarianceFactor(line(64), { directionsRad: DIRECTIONS, halfWidthRad: degrees(5), streams: 4 });
    expect(factor.cols).toBe(4);
    expect(frobeniusNorm(factor)).toBeCloseTo(1, 12);
    for (let n = 0; n < 64; n++) {
      let energy = 0;
      for (let i = 4 * n; i < 4 * n + 4; i++) energy += factor.re[i] ** 2 + factor.im[i] ** 2;
      expect(energy).toBeCloseTo(1 / 64, 12);
    }
    const wanted = patternOfFactor(64, factor);
    for (const at of [60, 180, 300]) expect(wanted[at]).toBeGreaterThan(4);
    expect(Math.max(...wanted.slice(90, 150))).toBeLessThan(1.2);
  });

  it('is one a stream at most, and as good in patterns from three on', () => {
    const wanted = box(degrees(5));
    const errors = [1, 3, 8].map((streams) => {
      const factor = wantedCovarianceFactor(line(32), { directionsRad: DIRECTIONS, halfWidthRad: degrees(5), streams });
      expect(factor.cols).toBeLessThanOrEqual(streams);
      return errorOf(patternOfFactor(32, factor), wanted);
    });
    expect(errors[0]).toBeGreaterThan(errors[1]);
    expect(errors[1] / errors[2]).toBeCloseTo(1, 1);
  });

  it('of a planar array is that of its columns, every row the same', () => {
    const pattern = { directionsRad: [degrees(20)], halfWidthRad: degrees(8), streams: 2 };
    const planar = wantedCovarianceFactor({ kind: 'upa', rows: 3, columns: 16, spacingWavelengths: 0.5 }, pattern);
    const flat = wantedCovarianceFactor(line(16), pattern);
    expect(planar.rows).toBe(48);
    for (let i = 0; i < flat.re.length; i++) {
      for (let row = 0; row < 3; row++) expect(planar.re[row * flat.re.length + i]).toBeCloseTo(flat.re[i] / Math.sqrt(3), 12);
    }
  });

  it.each([
    [{ directionsRad: [], halfWidthRad: 0.1 }, /no direction/],
    [{ directionsRad: [degrees(91)], halfWidthRad: 0.1 }, /cannot look at 91/],
    [{ directionsRad: [NaN], halfWidthRad: 0.1 }, /cannot look at NaN/],
    [{ directionsRad: [0], halfWidthRad: 0 }, /half the width of a sensing beam is 0°/],
  ])('is refused for %j', (pattern, message) => {
    expect(() => wantedCovarianceFactor(line(8), { ...pattern, streams: 2 })).toThrow(message);
  });
});
