import { describe, expect, it } from 'vitest';
import type { SmoothFunction } from './lbfgs.ts';
import { maximise } from './lbfgs.ts';

const SETTINGS = { iterations: 200, tolerance: 1e-14, firstStep: 0.1 };

/** −Σ wᵢ(xᵢ − i)², the weights over four decades. */
const bowl: SmoothFunction = (x, gradient) => {
  let value = 0;
  for (let i = 0; i < x.length; i++) {
    const weight = 10 ** ((4 * i) / x.length);
    value -= weight * (x[i] - i) ** 2;
    gradient[i] = -2 * weight * (x[i] - i);
  }
  return value;
};

/** Minus Rosenbrock's valley; its top is at (1, 1), along a bend. */
const ridge: SmoothFunction = (x, gradient) => {
  const across = x[1] - x[0] ** 2;
  gradient[0] = 2 * (1 - x[0]) + 400 * x[0] * across;
  gradient[1] = -200 * across;
  return -((1 - x[0]) ** 2) - 100 * across ** 2;
};

describe('L-BFGS', () => {
  it('finds the top of a bowl whose curvatures are decades apart', () => {
    const { x, value } = maximise(bowl, new Float64Array(20), { ...SETTINGS, iterations: 2000 });
    x.forEach((entry, i) => expect(entry).toBeCloseTo(i, 5));
    expect(value).toBeGreaterThan(-1e-9);
  });

  it('follows a ridge around its bend', () => {
    const { x } = maximise(ridge, Float64Array.of(-1.2, 1), SETTINGS);
    expect(x[0]).toBeCloseTo(1, 5);
    expect(x[1]).toBeCloseTo(1, 5);
  });

  it('never ends below where it began or where fewer steps end, and leaves the start alone', () => {
    const start = Float64Array.of(-1.2, 1);
    let before = ridge(start, new Float64Array(2));
    for (let iterations = 0; iterations < 30; iterations++) {
      const { value } = maximise(ridge, start, { ...SETTINGS, iterations });
      expect(value).toBeGreaterThanOrEqual(before);
      before = value;
    }
    expect([...start]).toEqual([-1.2, 1]);
  });

  it('stays on a top, and where the function is no number', () => {
    expect([...maximise(ridge, Float64Array.of(1, 1), SETTINGS).x]).toEqual([1, 1]);
    expect([...maximise(() => NaN, Float64Array.of(3), SETTINGS).x]).toEqual([3]);
  });
});
