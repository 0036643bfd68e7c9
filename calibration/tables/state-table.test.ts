import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../core/files/package-root.ts';
import { tableSchemaText } from '../../scripts/table-schema.ts';
import { TABLE_SCHEMA_FILE } from './table-schema.ts';
import { describe, expect, it } from 'vitest';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { drawnArray } from '../drawn-array.ts';
import { stateDifference } from '../state-difference.ts';
import type { CalibrationTable } from './table-schema.ts';
import type { MeasuredChain } from './state-table.ts';
import { alphabetsOf, readTable, tableId, tableOf, tableText } from './state-table.ts';

const [ELEMENTS, CHAINS, BITS] = [6, 2, 3];
const facts = {
  panel: 'BOARD-1',
  measurement: 'lab 2026-01-02',
  simulatedArray: null,
  frequencyGhz: 28,
  temperatureC: 31.4,
  measuredAt: '2026-01-02T03:04:05.000Z',
  method: 'coded',
  readings: 1000,
  elements: ELEMENTS,
  rfChains: CHAINS,
  phaseBits: BITS,
  accuracy: { phaseDeg: 0.5, gainDb: 0.05 },
};
const all = Array.from({ length: ELEMENTS }, (_, n) => n);
const drawn = [1, 2].map((seed) =>
  drawnArray({
    elements: ELEMENTS,
    phaseBits: BITS,
    random: createRandom(seed),
    phaseStateErrorDeg: 3,
    gainStateErrorDb: 0.3,
    dead: seed === 2 ? [4] : [],
  }),
);
const chains: MeasuredChain[] = drawn.map((states, m) => ({
  elements: all,
  states,
  flaws: new Map(m === 1 ? [[4, 'dead' as const]] : []),
}));
const table = tableOf(facts, chains);
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

describe('a table', () => {
  it('says of every state what was measured, chains beside each other, and of a common factor nothing', () => {
    const alphabets = alphabetsOf(table);
    const written = fromParts(
      ELEMENTS * CHAINS,
      8,
      alphabets.flatMap((states) => Array.from(states?.re ?? [])),
      alphabets.flatMap((states) => Array.from(states?.im ?? [])),
    );
    const rows = all.flatMap((n) => drawn.map((states) => ({ states, n })));
    const measured = fromParts(
      ELEMENTS * CHAINS,
      8,
      rows.flatMap(({ states, n }) => Array.from(states.re.subarray(8 * n, 8 * n + 8))),
      rows.flatMap(({ states, n }) => Array.from(states.im.subarray(8 * n, 8 * n + 8))),
    );
    const off = stateDifference(written, measured);
    expect(off.phaseDeg).toBeLessThan(0.001);
    expect(off.gainDb).toBeLessThan(0.001);
    const turned = tableOf(
      facts,
      chains.map(({ states, ...chain }) => ({ ...chain, states: times(states, 0, 3) })),
    );
    expect(turned.gainDb).toEqual(table.gainDb);
  });

  it('has phases of state 0 that add up to 0 over what is not flawed, and gains of mean 0', () => {
    const first = table.phaseDeg.filter((_, place) => place !== 4 * CHAINS + 1).map((row) => row?.[0] ?? NaN);
    expect(first.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 1);
    expect(table.flaws).toEqual([{ element: 4, rfChain: 1, flaw: 'dead' }]);
    expect(table.gainDb[4 * CHAINS + 1]).toEqual(Array.from({ length: 8 }, () => -200));
  });

  it('is the same after it was written and read, and is called by panel, frequency, temperature and content', () => {
    expect(readTable(bytes(tableText(table)), 't.json')).toEqual(table);
    expect(tableId(table)).toBe(`BOARD-1/28GHz/31C/${table.sha256.slice(0, 8)}`);
  });
});

describe('refused is', () => {
  const changed = (change: (copy: CalibrationTable) => void): CalibrationTable => {
    const copy = structuredClone(table);
    change(copy);
    return copy;
  };
  it.each([
    ['what is cut off', tableText(table).slice(0, 900), /cut off/],
    ['what is no table', { format: 'something else' }, /format/],
    ['a key that is not known', { ...table, colour: 'red' }, /colour/],
    ['a number that was changed', changed((copy) => ((copy.gainDb[0] as number[])[0] += 1)), /checksum/],
    ['a place too few', changed((copy) => copy.phaseDeg.pop()), /phaseDeg has 11 places/],
    ['a state too few', changed((copy) => copy.gainDb[3]?.pop()), /gainDb\.3 has 7 states/],
    ['a gain without a phase', changed((copy) => (copy.phaseDeg[2] = null)), /place 2/],
    ['a flaw of an element that there is not', changed((copy) => (copy.flaws[0].element = 6)), /element 6/],
    ['another number of bits', changed((copy) => (copy.phaseBits = 4)), /4 bits have 16/],
  ])('%s', (_, content, message) => {
    expect(() => readTable(bytes(content), 't.json')).toThrow(message);
  });
});

function times(states: { rows: number; cols: number; re: Float64Array; im: Float64Array }, re: number, im: number) {
  return fromParts(
    states.rows,
    states.cols,
    states.re.map((value, i) => value * re - states.im[i] * im),
    states.im.map((value, i) => states.re[i] * im + value * re),
  );
}

it('has the published schema that it says now (npx tsx scripts/table-schema.ts writes it)', () => {
  expect(readFileSync(join(packageRoot(), TABLE_SCHEMA_FILE), 'utf8')).toBe(tableSchemaText());
});
