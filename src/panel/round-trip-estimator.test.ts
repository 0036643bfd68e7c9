import { describe, expect, it } from 'vitest';
import { createRoundTripEstimator } from './round-trip-estimator.ts';

describe('round-trip estimator', () => {
  const bounds = { initialMs: 250, minMs: 1, maxMs: 1000 };

  it('waits the initial timeout until it has heard anything', () => {
    const estimator = createRoundTripEstimator(bounds);
    expect([estimator.timeoutMs, estimator.smoothedMs]).toEqual([250, 0]);
  });

  it('follows RFC 6298: worked by hand for round trips of 100, 60 and 140 ms', () => {
    const estimator = createRoundTripEstimator(bounds);
    estimator.sample(100); // SRTT 100, RTTVAR 50
    expect([estimator.smoothedMs, estimator.timeoutMs]).toEqual([100, 300]);
    estimator.sample(60); // RTTVAR ¾·50 + ¼·40 = 47.5, SRTT ⅞·100 + ⅛·60 = 95
    expect([estimator.smoothedMs, estimator.timeoutMs]).toEqual([95, 285]);
    estimator.sample(140); // RTTVAR ¾·47.5 + ¼·45 = 46.875, SRTT ⅞·95 + ⅛·140 = 100.625
    expect([estimator.smoothedMs, estimator.timeoutMs]).toEqual([100.625, 288.125]);
  });

  it('stays within its bounds on a link of no latency and on one of an age', () => {
    const estimator = createRoundTripEstimator({ ...bounds, minMs: 25 });
    for (let i = 0; i < 50; i++) estimator.sample(0);
    expect(estimator.timeoutMs).toBe(25);
    for (let i = 0; i < 50; i++) estimator.sample(10_000);
    expect(estimator.timeoutMs).toBe(1000);
  });
});
