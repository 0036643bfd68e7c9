import { expect, it } from 'vitest';
import type { CycleRecord } from '../cycle-record.ts';
import { parseLine } from './line-protocol.ts';
import { cycleLines } from './points.ts';

const record: CycleRecord = {
  cycle: 0,
  timeNs: 0n,
  source: 'hardware',
  channelSource: 'simulation',
  panels: 'A',
  modelId: 'm',
  phaseBits: 6,
  beamId: 1,
  outcome: 'ok',
  objective: 'sum-rate',
  digital: 'objective',
  predictedSnrDb: Float64Array.of(12, 13),
  measuredSnrDb: Float64Array.of(10, 327.67),
  predictedSumRate: 4,
  measuredSumRate: NaN,
  zfSumRate: 5,
  stageMs: { channel: 0, model: 1, quantise: 0, push: 0, commit: 0, measure: 0 },
  cycleMs: 1,
  link: { retries: 0, timeouts: 0, discarded: 0, roundTripMs: 1 },
};
const pointsOf = (changes: Partial<CycleRecord>) =>
  cycleLines({ ...record, ...changes }, { rig: 'bench', run: 'r' }, 1_790_000_000_000_000_000n).map(parseLine);

it('marks the points of a cycle and of each of its users where nobody believes the reading', () => {
  const points = pointsOf({ doubt: 'outside reason: user 1' });
  expect(points.map((point) => point?.fields.doubt)).toEqual(Array(3).fill('outside reason: user 1'));
  expect(points.map((point) => point?.tags.doubtful)).toEqual([undefined, 'yes', 'yes']);
  expect(points.map((point) => point?.fields.measured_db)).toEqual([undefined, 10, 327.67]);
});

it('and no others', () => {
  for (const point of pointsOf({})) {
    expect(point?.fields).not.toHaveProperty('doubt');
    expect(point?.tags).not.toHaveProperty('doubtful');
  }
});
