import { describe, expect, it } from 'vitest';
import { cycleRecord } from '../../test/cycle-record.ts';
import { CYCLE_COLUMNS } from './cycle-columns.ts';
import type { CycleRecord } from './cycle-record.ts';
import { Percentiles, SummaryTally } from './run-summary.ts';

const record = (cycle: number, more: Partial<CycleRecord> = {}): CycleRecord =>
  cycleRecord({
    cycle,
    timeNs: BigInt(cycle) * 50_000_000n,
    source: 'hardware',
    modelId: 'first',
    phaseBits: 6,
    predictedSnrDb: Float64Array.of(12),
    measuredSnrDb: Float64Array.of(10),
    predictedSumRate: 4,
    measuredSumRate: 3,
    zfSumRate: 5,
    metrics: { predicted: { min_rate: 4 }, measured: { min_rate: 3 } },
    ...more,
  });

const summaryOf = (records: CycleRecord[]) => {
  const tally = new SummaryTally();
  for (const each of records) tally.cycle(each, each.timeNs);
  return tally.summary('done', 0);
};

it('has one mean over a run that was steered by one model with one Q', () => {
  const summary = summaryOf([record(0), record(1, { measuredSumRate: 5 })]);
  expect(summary.means).toMatchObject({
    predicted_sum_rate: 4,
    measured_sum_rate: 4,
    zf_sum_rate: 5,
    predicted_min_rate: 4,
    measured_min_rate: 3,
  });
  expect(summary.objective).toBe('sum-rate');
  expect(summary.parts).toHaveLength(1);
});

it.each<[string, Partial<CycleRecord>]>([
  ['another model', { modelId: 'second' }],
  ['another Q', { phaseBits: 2 }],
  ['another objective', { objective: 'min-rate' }],
  ['the simulator', { source: 'simulator' }],
  ['channels of a file', { channelSource: 'file' }],
])('has a mean for each part of a run that went on with %s, and none over all', (_, other) => {
  const summary = summaryOf([record(0), record(1, { ...other, measuredSumRate: 9 }), record(2)]);
  const figures = CYCLE_COLUMNS.flatMap(({ name, figure }) => (figure === undefined ? [] : [[name, null]]));
  expect(summary.means).toEqual(Object.fromEntries(figures));
  expect(summary.users).toEqual([{ user: 0, predicted_db: null, measured_db: null }]);
  expect(summary.parts).toMatchObject([
    { modelId: 'first', phaseBits: 6, source: 'hardware', firstCycle: 0, cycles: 2, means: { measured_sum_rate: 3 } },
    { ...other, firstCycle: 1, cycles: 1, means: { measured_sum_rate: 9 }, users: [{ user: 0, measured_db: 10 }] },
  ]);
});

it('counts a reading that nobody believes in no mean of what was measured', () => {
  const summary = summaryOf([
    record(0),
    record(1, {
      measuredSnrDb: Float64Array.of(327.67),
      measuredSumRate: NaN,
      doubt: 'user 0: 327.67 dB, …',
      doubtCause: 'out-of-reason',
    }),
    record(2, { measuredSumRate: 1, doubt: 'averaged over 1 pilot where 64 were asked for', doubtCause: 'few-pilots' }),
  ]);
  expect(summary).toMatchObject({ ok: 3, void: 0, doubtful: { 'outside reason': 1, 'too few pilots': 1 } });
  expect(summary.means.measured_sum_rate).toBe(3);
  expect(summary.users[0].measured_db).toBe(10);
});

it('counts what came of an incomplete report in no mean, and its cycle among the void ones only', () => {
  const partial = {
    beamId: 0,
    outcome: 'void',
    measuredSumRate: NaN,
    failure: 'measure: incomplete',
    doubt: 'incomplete',
    doubtCause: 'incomplete',
  } as const;
  const summary = summaryOf([record(0), record(1, { ...partial, measuredSnrDb: Float64Array.of(40) })]);
  expect(summary).toMatchObject({ ok: 1, void: 1, failures: { 'measure: incomplete': 1 }, doubtful: {} });
  expect(summary.users[0]?.measured_db).toBe(10);
});

describe('percentiles', () => {
  it('are right to one per cent over a million-fold range', () => {
    const times = new Percentiles();
    for (let index = 1; index <= 10_000; index++) times.add(index / 10);
    const value = times.value();
    expect(Math.abs((value?.p50 ?? 0) / 500 - 1)).toBeLessThan(0.01);
    expect(Math.abs((value?.p99 ?? 0) / 990 - 1)).toBeLessThan(0.01);
    expect(value?.max).toBe(1000);
    times.add(NaN);
    times.add(-1);
    expect(times.value()).toEqual(value);
  });
});
