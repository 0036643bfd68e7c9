import { expect, it } from 'vitest';
import { decimated } from './decimated.ts';

const atS = Array.from({ length: 10_000 }, (_, i) => i / 100);

it('keeps every spike and every gap of a line of many points', () => {
  const values = atS.map((_, i): number | null =>
    i === 4321 ? 99 : i === 7777 ? -99 : i >= 5000 && i < 5003 ? null : Math.sin(i),
  );
  const points = decimated(atS, values, 120);
  expect(points.length).toBeLessThanOrEqual(125);
  expect(points).toContainEqual({ atS: 43.21, value: 99 });
  expect(points).toContainEqual({ atS: 77.77, value: -99 });
  expect(points).toContainEqual({ atS: 50, value: null });
  expect(points.map(({ atS: at }) => at)).toEqual(points.map(({ atS: at }) => at).sort((a, b) => a - b));
});

it('leaves a short line as it is', () => {
  expect(decimated([0, 1, 2], [5, null, 7], 120)).toEqual([
    { atS: 0, value: 5 },
    { atS: 1, value: null },
    { atS: 2, value: 7 },
  ]);
});
