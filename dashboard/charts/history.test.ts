import { describe, expect, it } from 'vitest';
import { predictedText } from './figures.ts';
import { History } from './history.ts';
import { steadyRange } from './steady-range.ts';

/** Cycles of one column at given times. */
function historyOf(cycles: [timeMs: number, value: number][], capacity = 10_000): History {
  const history = new History(1, capacity);
  for (const [timeMs, value] of cycles) {
    history.append({ startMs: timeMs, count: 1, columns: 2, values: Float32Array.of(0, value).buffer });
  }
  return history;
}

const steady = (count: number, value: (i: number) => number): [number, number][] =>
  Array.from({ length: count }, (_, i) => [1000 + 10 * i, value(i)]);

describe('what a strip chart is given', () => {
  it('is every cycle where there is room for it', () => {
    const [times, values] = historyOf(steady(4, (i) => i)).window(0, 2000, 100, [{ column: 0 }], 1000);
    expect(times).toEqual([1, 1.01, 1.02, 1.03]);
    expect(values).toEqual([0, 1, 2, 3]);
  });

  it('keeps a spike of one cycle when thousands share a few pixels', () => {
    const history = historyOf(steady(5000, (i) => (i === 2345 ? 99 : Math.sin(i))));
    const [times, values] = history.window(1000, 51_000, 50, [{ column: 0 }], 1000);
    expect(times.length).toBeLessThanOrEqual(2 * 52);
    expect(Math.max(...(values as number[]))).toBe(99);
  });

  it('has a gap where a cycle was void, even among thousands', () => {
    const history = historyOf(steady(5000, (i) => (i === 2345 ? NaN : 1)));
    const [, values] = history.window(1000, 51_000, 50, [{ column: 0 }], 1000);
    expect(values.filter((value) => value === null).length).toBe(1);
  });

  it('has a gap where a user is predicted −∞ dB, for one cycle, among thousands, and in means', () => {
    const unserved = (i: number) => (i >= 2345 && i < 2349 ? -Infinity : 1);
    const lines = [{ column: 0 }, { column: 0, meanMs: 100 }];
    for (const count of [4, 5000]) {
      const cycles = steady(count, count === 4 ? (i) => (i === 2 ? -Infinity : 1) : unserved);
      const [, extremes, means] = historyOf(cycles).window(1000, 51_000, 50, lines, 1000);
      expect(extremes.filter((value) => value === null).length).toBe(1);
      expect([...extremes, ...means].filter((value) => value !== null && value !== 1)).toEqual([]);
    }
    expect(historyOf(steady(4, (i) => (i === 2 ? -Infinity : i))).meanSince(1, 0)).toBe(2);
  });

  it('has a gap where no cycles came for longer than it may take', () => {
    const history = historyOf([[1000, 1], [1010, 2], [9000, 3]]); // prettier-ignore
    expect(history.window(0, 10_000, 100, [{ column: 0 }], 1000)[1]).toEqual([1, 2, null, 3]);
    expect(history.window(0, 10_000, 100, [{ column: 0 }], 60_000)[1]).toEqual([1, 2, 3]);
  });

  it('is the newest cycles when the ring has gone round', () => {
    const history = historyOf(
      steady(25, (i) => i),
      10,
    );
    expect(history.length).toBe(10);
    expect(history.window(0, 10_000, 100, [{ column: 0 }], 1000)[1]).toEqual([15, 16, 17, 18, 19, 20, 21, 22, 23, 24]);
    expect(history.meanSince(8, 0)).toBe(23.5);
  });

  it('starts anew when time jumps back', () => {
    const history = historyOf([[5000, 1], [2000, 2]]); // prettier-ignore
    expect(history.length).toBe(1);
    expect(history.newestMs).toBe(2000);
  });

  it('can be a mean over time, which reads well beside what it is compared with', () => {
    const history = historyOf(steady(2000, (i) => (i % 2 === 0 ? 1 : 3)));
    const lines = [{ column: 0 }, { column: 0, meanMs: 500 }];
    const [times, raw, mean] = history.window(1000, 21_000, 50, lines, 1000);
    expect(raw.length).toBe(times.length);
    expect(mean.length).toBe(times.length);
    expect(new Set(raw)).toEqual(new Set([1, 3]));
    for (const value of mean) expect(value).toBeCloseTo(2, 1);
  });
});

describe('the range of charts on one scale', () => {
  it('is of what is shown, and of no user who is not served', () => {
    expect(steadyRange(undefined, [[12, 31], [null, -Infinity, 18]], 5)).toEqual([10, 35]); // prettier-ignore
    expect(steadyRange([10, 35], [[-Infinity], [NaN]], 5)).toEqual([10, 35]);
  });

  it('flattens nobody for one whom next to no power reaches', () => {
    expect(steadyRange(undefined, [[12, 31], [-2776]], 5)).toEqual([-70, 35]);
  });
});

it('a user who is not served is called that, and not shown as a dash of nothing known', () => {
  expect([-Infinity, -12.34, NaN].map((db) => predictedText(db, false))).toEqual([
    'not served',
    'predicted −12.3 dB',
    'predicted – dB',
  ]);
  expect(predictedText(-Infinity, true)).toBe('not served');
});
