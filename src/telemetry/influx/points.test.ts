import { expect, it } from 'vitest';
import { cycleRecord } from '../../../test/cycle-record.ts';
import type { CycleRecord } from '../cycle-record.ts';
import { parseLine } from './line-protocol.ts';
import { cycleLines } from './points.ts';

const record = cycleRecord({ measuredSnrDb: Float64Array.of(10, 327.67), measuredSumRate: NaN });
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
