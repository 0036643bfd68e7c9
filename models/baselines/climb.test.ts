import { describe, expect, it } from 'vitest';
import type { SmoothFunction } from './climb.ts';
import { climb } from './climb.ts';
import { conjugateGradient } from './conjugate-gradient.ts';
import { lbfgs } from './lbfgs.ts';

const SETTLE = { iterations: 5000, tolerance: 1e-14 };

/** −Σ wᵢ(xᵢ − i)², the weights over three decades. */
const bowl: SmoothFunction = (x, gradient) => {
  let value = 0;
  for (let i = 0; i < x.length; i++) {
    const weight = 10 ** ((3 * i) / x.length);
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

describe.each([
  ['L-BFGS', lbfgs],
  ['conjugate gradients', conjugateGradient],
] as const)('%s', (_, method) => {
  it('finds the top of a bowl whose curvatures are decades apart', () => {
    const { x, value } = climb(bowl, new Float64Array(20), method(20, 0.1), SETTLE);
    x.forEach((entry, i) => expect(entry).toBeCloseTo(i, 4));
    expect(value).toBeGreaterThan(-1e-8);
  });

  it('follows a ridge around its bend', () => {
    const { x } = climb(ridge, Float64Array.of(-1.2, 1), method(2, 0.1), SETTLE);
    expect(x[0]).toBeCloseTo(1, 4);
    expect(x[1]).toBeCloseTo(1, 4);
  });

  it('never ends below where fewer steps end, and leaves the start alone', () => {
    const start = Float64Array.of(-1.2, 1);
    let before = ridge(start, new Float64Array(2));
    for (let iterations = 0; iterations < 30; iterations++) {
      const { value } = climb(ridge, start, method(2, 0.1), { ...SETTLE, iterations });
      expect(value).toBeGreaterThanOrEqual(before);
      before = value;
    }
    expect([...start]).toEqual([-1.2, 1]);
  });

  it('stays on a top, and where the function is no number', () => {
    expect([...climb(ridge, Float64Array.of(1, 1), method(2, 0.1), SETTLE).x]).toEqual([1, 1]);
    expect([...climb(() => NaN, Float64Array.of(3), method(1, 0.1), SETTLE).x]).toEqual([3]);
  });
});

it('conjugate gradients are soon on top of a bowl of two curvatures, where the steepest way goes to and fro', () => {
  const two: SmoothFunction = (x, gradient) => {
    let value = 0;
    for (let i = 0; i < x.length; i++) {
      const weight = i % 2 === 0 ? 1 : 50;
      value -= weight * (x[i] - 1) ** 2;
      gradient[i] = -2 * weight * (x[i] - 1);
    }
    return value;
  };
  const { value } = climb(two, new Float64Array(10), conjugateGradient(10, 0.1), { iterations: 40, tolerance: 0 });
  const start = two(new Float64Array(10), new Float64Array(10));
  expect(value / start).toBeLessThan(1e-8);
});
