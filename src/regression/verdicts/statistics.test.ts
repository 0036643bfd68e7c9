import { describe, expect, it } from 'vitest';
import { canShow, looksOf, seedsNeeded } from './looks.ts';
import { atMost, meanLimits, quantileLimits, shareLimits } from './statistics.ts';

describe('limits of a mean', () => {
  // Quantiles of t as published (Abramowitz and Stegun, table 26.10; NIST/SEMATECH e-Handbook, 1.3.6.7.2), and to more digits by R's qt.
  it.each([
    [1, 0.05, 6.313751514675],
    [4, 0.05, 2.131846786327],
    [10, 0.05, 1.812461122812],
    [30, 0.01, 2.457261542386],
    [99, 0.025, 1.984216951509],
    [4, 0.001, 7.173182219782],
  ])('reach as far as t with %i degrees of freedom at an error of %f', (degrees, error, t) => {
    const values = Array.from({ length: degrees + 1 }, (_, i) => i);
    const n = degrees + 1;
    const deviation = Math.sqrt((n * (n + 1)) / 12); // of 0 … n − 1
    const { estimate, lower, upper } = meanLimits(values, error);
    expect(estimate).toBeCloseTo((n - 1) / 2, 12);
    expect(((upper ?? NaN) - estimate) / (deviation / Math.sqrt(n))).toBeCloseTo(t, 6);
    expect(estimate - (lower ?? NaN)).toBeCloseTo((upper ?? NaN) - estimate, 10);
  });

  it('are not there for one value, and are the value itself where all are the same', () => {
    expect(meanLimits([3], 0.05)).toEqual({ estimate: 3, lower: null, upper: null });
    expect(meanLimits([0.1, 0.1, 0.1], 0.05)).toEqual({ estimate: 0.1, lower: 0.1, upper: 0.1 });
  });
});

describe('limits of a share', () => {
  it('are those of Clopper and Pearson', () => {
    // 0 of n: 1 − error^(1/n), exactly. 2 of 10 at 97.5 % a side: 0.0252107 to 0.5560955 (R's binom.test).
    expect(shareLimits(0, 59, 0.05).upper).toBeCloseTo(1 - 0.05 ** (1 / 59), 10);
    expect(shareLimits(0, 59, 0.05).lower).toBe(0);
    expect(shareLimits(59, 59, 0.05).upper).toBe(1);
    const { estimate, lower, upper } = shareLimits(2, 10, 0.025);
    expect(estimate).toBe(0.2);
    expect(lower).toBeCloseTo(0.0252107, 6);
    expect(upper).toBeCloseTo(0.5560955, 6);
  });

  it('are where the binomial leaves the error on their side, for every count up to 40', () => {
    for (const n of [1, 2, 7, 40]) {
      for (let k = 0; k <= n; k++) {
        const { lower, upper } = shareLimits(k, n, 0.05);
        if (k < n) expect(atMost(k, n, upper ?? NaN)).toBeCloseTo(0.05, 6);
        if (k > 0) expect(1 - atMost(k - 1, n, lower ?? NaN)).toBeCloseTo(0.05, 6);
      }
    }
  });
});

/** By adding up, as one would by hand. */
function binomial(k: number, n: number, p: number): number {
  let term = (1 - p) ** n;
  let sum = term;
  for (let i = 1; i <= k; i++) sum += term *= (((n - i + 1) / i) * p) / (1 - p);
  return sum;
}

describe('limits of a quantile', () => {
  it('the binomial is what it is added up', () => {
    for (const [k, n, p] of [
      [0, 59, 0.05],
      [3, 20, 0.3],
      [19, 20, 0.95],
      [100, 200, 0.5],
    ]) {
      expect(atMost(k, n, p)).toBeCloseTo(binomial(k, n, p), 7);
    }
    expect([atMost(-1, 5, 0.5), atMost(5, 5, 0.5)]).toEqual([0, 1]);
  });

  it('need 59 values for 95 % of all at 95 %', () => {
    const values = Array.from({ length: 59 }, (_, i) => i);
    expect(quantileLimits(values, 0.95, 0.05).upper).toBe(58);
    expect(quantileLimits(values.slice(1), 0.95, 0.05).upper).toBeNull();
    expect(quantileLimits(values, 0.05, 0.05).lower).toBe(0);
    expect(quantileLimits(values.slice(1), 0.05, 0.05).lower).toBeNull();
  });

  it('are the 6th and the 15th of 20 for a median at 97.93 % a side, in whatever order values come', () => {
    // P(B ≤ 5) = 0.0207 for 20 tosses (tables of the sign test).
    const values = Array.from({ length: 20 }, (_, i) => ((7 * i) % 20) + 1);
    expect(quantileLimits(values, 0.5, 0.021)).toEqual({ estimate: 10, lower: 6, upper: 15 });
    expect(quantileLimits(values, 0.5, 0.02)).toEqual({ estimate: 10, lower: 5, upper: 16 });
  });

  it('hold values that are infinite, for seeds that found none', () => {
    expect(quantileLimits([1, Infinity, 2, 3], 0.5, 0.1)).toEqual({ estimate: 2, lower: 1, upper: Infinity });
  });
});

describe('looks', () => {
  it('are one, with the whole error, where seeds do not end early', () => {
    expect(looksOf(100, 0.95, false)).toEqual([{ seeds: 100, error: expect.closeTo(0.05, 12) as number }]);
  });

  it('double from 4 on, the last having half of the error or more, and share it all', () => {
    for (const seeds of [1, 4, 7, 8, 17, 32, 100, 10_000]) {
      const looks = looksOf(seeds, 0.9, true);
      expect(looks.at(-1)?.seeds).toBe(seeds);
      expect(looks.reduce((sum, { error }) => sum + error, 0)).toBeCloseTo(0.1, 12);
      expect(looks.at(-1)?.error).toBeGreaterThan(0.0499999);
    }
    expect(looksOf(32, 0.9, true).map((look) => look.seeds)).toEqual([4, 8, 16, 32]);
    expect(looksOf(31, 0.9, true).map((look) => look.seeds)).toEqual([4, 8, 31]);
  });

  it('say how many seeds it takes: 59 for 95 % at 95 %, more where looks have to be paid for', () => {
    expect(seedsNeeded(0.95, 0.95, false)).toBe(59);
    const needed = seedsNeeded(0.95, 0.95, true) ?? NaN;
    expect(needed).toBeGreaterThan(59);
    expect([canShow(needed, 0.95, 0.95, true), canShow(needed - 1, 0.95, 0.95, true)]).toEqual([true, false]);
    expect(seedsNeeded(0.9999, 0.95, false)).toBeUndefined();
  });
});
