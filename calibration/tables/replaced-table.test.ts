import { expect, it } from 'vitest';
import { betterReplaced } from './replaced-table.ts';
import { tableOf, type TableFacts } from './state-table.ts';
import { createRandom } from '../../core/signal/random.ts';
import { drawnArray } from '../drawn-array.ts';
import type { CalibrationTable } from './table-schema.ts';

const states = drawnArray({ elements: 2, phaseBits: 2, random: createRandom(1), phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 });

function table(phaseDeg: number, changes: Partial<TableFacts> = {}): CalibrationTable {
  const facts = {
    ...{ panel: 'A', measurement: `to ${phaseDeg}`, simulatedArray: null, frequencyGhz: 28, temperatureC: 30 },
    ...{ measuredAt: '2026-01-02T03:04:05.000Z', method: 'coded', readings: 100 },
    ...{ elements: 2, rfChains: 1, phaseBits: 2, accuracy: { phaseDeg, gainDb: phaseDeg / 9 } },
    ...changes,
  };
  return tableOf(facts, [{ elements: [0, 1], states, flaws: new Map() }], undefined);
}

it('names the most exact table that a clearly worse one takes the place of', () => {
  const exact = table(0.27);
  expect(betterReplaced([table(1), exact, table(5)], [table(4.2)])).toBe(exact);
  expect(betterReplaced([exact], [table(0.3)])).toBeUndefined();
  expect(betterReplaced([table(4.2)], [exact])).toBeUndefined();
});

it('takes nothing for replaced that is of another panel, frequency or temperature, or of a program', () => {
  const others: Partial<TableFacts>[] = [
    { panel: 'B' },
    { frequencyGhz: 27 },
    { temperatureC: 45 },
    { simulatedArray: '0123456789abcdef' },
    { measuredOn: 'played-panel' },
  ];
  for (const other of others) expect(betterReplaced([table(0.27, other)], [table(4.2)])).toBeUndefined();
  expect(betterReplaced([table(0.27, { temperatureC: 31 })], [table(4.2)])).toBeDefined();
  expect(betterReplaced([table(0.27, { temperatureC: null })], [table(4.2)])).toBeDefined();
});
