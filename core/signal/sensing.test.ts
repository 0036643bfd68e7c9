import { describe, expect, it } from 'vitest';
import type { CMatrix } from './complex-matrix.ts';
import { frobeniusNorm, matmul, multiplyABh, multiplyAhB, scale, subtract, zeros } from './complex-matrix.ts';
import { elementCount, type ArrayGeometry } from './geometry.ts';
import { createRandom } from './random.ts';
import { climbRateSensing } from './rate-sensing.ts';
import { ratesOfGains } from './rate.ts';
import { beampatternMse, covarianceError, factorOfCovariance, inColumns, wantedEnergy } from './sensing.ts';
import { steeringRows } from '../../test/doubles/steering-rows.ts';
import { patternGrid } from './wanted-pattern.ts';

function randomMatrix(rows: number, cols: number, seed: number): CMatrix {
  const random = createRandom(seed).stream('matrix');
  const a = zeros(rows, cols);
  for (let i = 0; i < a.re.length; i++) {
    const { re, im } = random.complexNormal();
    a.re[i] = re;
    a.im[i] = im;
  }
  return a;
}
const unit = (a: CMatrix): CMatrix => scale(a, 1 / frobeniusNorm(a));

describe('what sensing wishes for', () => {
  it('is written in fewer columns where what they miss is next to nothing, and not where it is more', () => {
    const strong = randomMatrix(12, 3, 30);
    const wide = zeros(12, 5);
    const turned = matmul(unit(strong), unit(randomMatrix(3, 5, 31)));
    wide.re.set(turned.re);
    wide.im.set(turned.im);
    const faint = randomMatrix(12, 5, 32);
    for (let i = 0; i < 60; i++) {
      wide.re[i] += 1e-3 * faint.re[i];
      wide.im[i] += 1e-3 * faint.im[i];
    }
    const factor = unit(wide);
    const narrow = inColumns(factor, 3);
    if (narrow === undefined) throw new Error('refused');
    expect([narrow.rows, narrow.cols]).toEqual([12, 3]);
    const missed = subtract(multiplyABh(narrow, narrow), multiplyABh(factor, factor));
    expect(frobeniusNorm(missed) ** 2).toBeLessThan(1e-3 * wantedEnergy(factor));
    const energies = [0, 1, 2].map((r) =>
      narrow.re.reduce((sum, value, i) => (i % 3 === r ? sum + value ** 2 + narrow.im[i] ** 2 : sum), 0),
    );
    expect(energies).toEqual([...energies].sort((a, b) => b - a));
    expect(inColumns(factor, 5)).toBe(factor);
    expect(inColumns(unit(randomMatrix(12, 5, 33)), 4)).toBeUndefined();
  });

  it('is missed by as much as the covariances differ', () => {
    const factor = unit(randomMatrix(12, 5, 1));
    for (const power of [0.5, 16]) {
      const precoder = scale(unit(randomMatrix(12, 3, 2)), Math.sqrt(power));
      const difference = subtract(multiplyABh(precoder, precoder), scale(multiplyABh(factor, factor), power));
      expect(covarianceError({ factor, weight: 1 }, precoder, power)).toBeCloseTo(frobeniusNorm(difference) ** 2, 9);
    }
  });

  it('is met by a precoder that is its factor, pattern and all', () => {
    const factor = unit(randomMatrix(12, 3, 3));
    const precoder = scale(factor, 2);
    expect(covarianceError({ factor, weight: 1 }, precoder, 4)).toBeCloseTo(0, 9);
    expect(covarianceError({ factor, weight: 1 }, precoder, 4)).toBeGreaterThanOrEqual(0);
    const grid = patternGrid({ kind: 'ula', elements: 12, spacingWavelengths: 0.5 }, factor);
    expect(beampatternMse(grid, precoder, 4)).toBeCloseTo(0, 12);
    expect(beampatternMse(grid, scale(unit(randomMatrix(12, 3, 4)), 2), 4)).toBeGreaterThan(0.1);
  });

  it.each<ArrayGeometry>([
    { kind: 'ula', elements: 1, spacingWavelengths: 0.5 },
    { kind: 'ula', elements: 12, spacingWavelengths: 0.5 },
    { kind: 'ula', elements: 13, spacingWavelengths: 0.7 },
    { kind: 'upa', rows: 3, columns: 6, spacingWavelengths: 0.4 },
  ])('has the pattern error of its definition, a mean over azimuths half a degree apart: %j', (geometry) => {
    const elements = elementCount(geometry);
    const factor = unit(randomMatrix(elements, 3, 3));
    const precoder = scale(unit(randomMatrix(elements, 2, 4)), 2);
    const steering = steeringRows(geometry);
    const pattern = (x: CMatrix, t: number): number => {
      const { re, im, cols } = matmul(steering, x);
      return re.slice(t * cols, (t + 1) * cols).reduce((sum, real, k) => sum + real ** 2 + im[t * cols + k] ** 2, 0);
    };
    let mean = 0;
    for (let t = 0; t < 361; t++) mean += (pattern(precoder, t) / 4 - pattern(factor, t)) ** 2 / 361;
    expect(beampatternMse(patternGrid(geometry, factor), precoder, 4)).toBeCloseTo(mean, 10);
  });

  it('can be told as a covariance of any power', () => {
    const factor = unit(randomMatrix(12, 4, 5));
    const covariance = scale(multiplyABh(factor, factor), 15.8);
    const found = factorOfCovariance(covariance);
    expect(found.cols).toBe(4);
    expect(frobeniusNorm(subtract(scale(multiplyABh(found, found), 15.8), covariance))).toBeLessThan(1e-9);
  });

  it.each([
    ['zero', zeros(4, 4), /trace of the covariance is 0/],
    ['not square', zeros(4, 3), /square, got 4×3/],
    ['not Hermitian', { ...diagonal([1, 1]), im: Float64Array.of(0, 0.5, 0.5, 0) }, /not Hermitian/],
    ['indefinite', diagonal([1, 1, -0.5]), /not positive semidefinite: what is left of it has a norm of 0.333 of its trace/],
    ['not finite', diagonal([1, NaN, 1]), /trace of the covariance is NaN/],
  ])('is refused where it is %s', (_, covariance, message) => {
    expect(() => factorOfCovariance(covariance)).toThrow(message);
  });
});

function diagonal(values: readonly number[]): CMatrix {
  const a = zeros(values.length, values.length);
  values.forEach((value, i) => (a.re[i * values.length + i] = value));
  return a;
}

describe('the digital part for rate and sensing', () => {
  const gains = randomMatrix(3, 5, 7);
  const seen = unit(randomMatrix(4, 5, 8));
  const problem = { gains, wanted: multiplyAhB(seen, seen), power: 4, noise: 1, weight: 0.5, constant: 16 * wantedEnergy(seen) };
  const value = (v: CMatrix): number => {
    const tau = frobeniusNorm(multiplyAhB(v, v)) ** 2 - 8 * frobeniusNorm(matmul(seen, v)) ** 2 + problem.constant;
    return ratesOfGains(matmul(gains, v), 1).sumRate - 0.5 * tau;
  };
  const atPower = (v: CMatrix): CMatrix => scale(unit(v), 2);

  it('ends where no small change is better', () => {
    const random = createRandom(9);
    for (let seed = 10; seed < 15; seed++) {
      const start = randomMatrix(5, 3, seed);
      const best = climbRateSensing(problem, start);
      expect(frobeniusNorm(best) ** 2).toBeCloseTo(4, 9);
      expect(value(best)).toBeGreaterThan(value(atPower(start)));
      for (let change = 0; change < 50; change++) {
        const moved = zeros(5, 3);
        for (let i = 0; i < 15; i++) {
          moved.re[i] = best.re[i] + 0.02 * random.normal();
          moved.im[i] = best.im[i] + 0.02 * random.normal();
        }
        expect(value(atPower(moved))).toBeLessThan(value(best) + 2e-3);
      }
    }
  });

  it('is the rate alone where sensing has no weight, and sensing alone where nobody hears anything', () => {
    const start = randomMatrix(5, 3, 20);
    const rate = (v: CMatrix): number => ratesOfGains(matmul(gains, v), 1).sumRate;
    expect(rate(climbRateSensing({ ...problem, weight: 0 }, start))).toBeGreaterThan(rate(climbRateSensing(problem, start)));
    const deaf = climbRateSensing({ ...problem, gains: zeros(3, 5) }, start);
    expect(value(deaf) - rate(deaf)).toBeGreaterThan(
      value(climbRateSensing(problem, start)) - rate(climbRateSensing(problem, start)),
    );
  });
});
