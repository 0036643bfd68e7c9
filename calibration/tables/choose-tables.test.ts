import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/signal/random.ts';
import { drawnArray } from '../drawn-array.ts';
import { chooseTables, type PanelAtHand } from './choose-tables.ts';
import { compareTables } from './compare-tables.ts';
import { mergeTables } from './merge-tables.ts';
import { readTable, tableOf, tableText, type TableFacts } from './state-table.ts';
import type { CalibrationTable } from './table-schema.ts';

const [ELEMENTS, BITS] = [6, 3];
const drawn = drawnArray({
  elements: ELEMENTS,
  phaseBits: BITS,
  random: createRandom(1),
  phaseStateErrorDeg: 3,
  gainStateErrorDb: 0.3,
});
const all = Array.from({ length: ELEMENTS }, (_, n) => n);

/** @param turnDeg of all states of element 2; the whole panel is turned, too */
function table(changes: Partial<TableFacts> = {}, turnDeg = 0, commonDeg = 0): CalibrationTable {
  const facts = {
    ...{
      panel: 'A',
      measurement: 'lab 1',
      simulatedArray: null,
      frequencyGhz: 28,
      temperatureC: 30,
      measuredAt: '2026-01-02T03:04:05.000Z',
    },
    ...{
      method: 'coded',
      readings: 1000,
      elements: ELEMENTS,
      rfChains: 1,
      phaseBits: BITS,
      accuracy: { phaseDeg: 0.5, gainDb: 0.05 },
    },
    ...changes,
  };
  const states = { ...drawn, re: drawn.re.slice(), im: drawn.im.slice() };
  for (let at = 0; at < states.re.length; at++) {
    const rad = ((commonDeg + (Math.floor(at / 2 ** BITS) === 2 ? turnDeg : 0)) * Math.PI) / 180;
    const [re, im] = [states.re[at], states.im[at]];
    states.re[at] = re * Math.cos(rad) - im * Math.sin(rad);
    states.im[at] = re * Math.sin(rad) + im * Math.cos(rad);
  }
  return tableOf(facts, [{ elements: all, states, flaws: new Map() }]);
}

const at: PanelAtHand = {
  ...{ panel: 'A', elements: ELEMENTS, rfChains: 1, phaseBits: BITS, frequencyGhz: 28, temperatureC: 30, simulatedArray: null },
};
const chosen = (tables: CalibrationTable[], changes: Partial<PanelAtHand> = {}): CalibrationTable => {
  const choice = chooseTables(tables, { ...at, ...changes });
  if ('why' in choice) throw new Error(choice.why);
  return choice.table;
};
/** How far element 2 is turned beside the others: they are turned the other way by what the factor of all takes. */
const elementTurned = (before: CalibrationTable, after: CalibrationTable): number => {
  const { elements } = compareTables(before, after);
  return elements[2].phaseDeg + elements[0].phaseDeg;
};
const whyNot = (tables: CalibrationTable[], changes: Partial<PanelAtHand> = {}): string => {
  const choice = chooseTables(tables, { ...at, ...changes });
  return 'why' in choice ? choice.why : 'it was chosen';
};

describe('the table of a panel', () => {
  it('is the newest of its frequency and temperature', () => {
    const [old, young] = [table(), table({ measuredAt: '2026-03-01T00:00:00.000Z' })];
    expect(chosen([young, old])).toBe(young);
    expect(chosen([old], { temperatureC: null })).toBe(old);
    expect(chosen([table({ temperatureC: null })])).toMatchObject({ temperatureC: null });
  });

  it('lies on the line between two temperatures, and beyond both is the nearest', () => {
    const [cold, warm] = [table({ temperatureC: 20 }, 0), table({ temperatureC: 40 }, 20, 77)];
    const between = chosen([cold, warm], { temperatureC: 25 });
    expect(between).toMatchObject({ temperatureC: 25, frequencyGhz: 28 });
    expect(between.method).toMatch(/^between A\/28GHz\/20C.* \(75 %\) and A\/28GHz\/40C.* \(25 %\)$/);
    expect(elementTurned(cold, between)).toBeCloseTo(20 / 4, 2);
    expect(readTable(new TextEncoder().encode(tableText(between)), 't')).toEqual(between);
    expect(chosen([cold, warm], { temperatureC: 55 })).toBe(warm);
    expect(chosen([cold, warm], { temperatureC: 5 })).toBe(cold);
  });

  it('lies on the line between two frequencies, and is not guessed beyond them', () => {
    const [low, high] = [table({ frequencyGhz: 27 }), table({ frequencyGhz: 29 }, 8)];
    const middle = chosen([low, high]);
    expect(elementTurned(low, middle)).toBeCloseTo(8 / 2, 2);
    expect(whyNot([low])).toBe('it was measured at 27 GHz, and the rig is at 28');
    expect(whyNot([low, high], { frequencyGhz: 30 })).toBe('it was measured at 27, 29 GHz, and the rig is at 30');
  });

  it.each([
    ['of another panel', [table({ panel: 'B' })], {}, /the tables are of B/],
    ['of no panel', [], {}, /there are no tables/],
    ['of another number of elements', [table()], { elements: 8 }, /for 6 elements, and the panel has 8/],
    ['of other bits', [table()], { phaseBits: 4 }, /for 3 bits, and the panel has 4/],
    ['of another simulated array', [table({ simulatedArray: 'x' })], { simulatedArray: 'y' }, /simulated from other settings/],
    ['of a simulated array, for a real panel', [table({ simulatedArray: 'x' })], {}, /simulated from other settings/],
  ])('is never one %s', (_, tables, changes, why) => {
    expect(whyNot(tables, changes)).toMatch(why);
  });
});

describe('merged tables', () => {
  it('are their mean by how exact each is, whatever phase their receivers had', () => {
    const merged = mergeTables([table(), table({ measurement: 'lab 2', accuracy: { phaseDeg: 1, gainDb: 0.1 } }, 10, 123)]);
    // A fifth of the weight is the coarse one's.
    expect(elementTurned(table(), merged)).toBeCloseTo(10 / 5, 2);
    expect(merged.accuracy.phaseDeg).toBeCloseTo(0.447, 2);
    expect(merged.readings).toBe(2000);
  });

  it.each([
    ['other panels', table({ panel: 'B' }), /different panels: panel A and B/],
    ['other frequencies', table({ frequencyGhz: 29 }), /at 28 and 29 GHz/],
    ['other temperatures', table({ temperatureC: 50 }), /at 30 and 50 °C/],
  ])('are not of %s', (_, other, message) => {
    expect(() => mergeTables([table(), { ...other, measurement: 'lab 2' }])).toThrow(message);
  });

  it('count no measurement twice', () => {
    expect(() => mergeTables([table(), table()])).toThrow(/the measurement 'lab 1' is among them twice/);
  });
});

it('says which elements two tables differ in, and whose flaws', () => {
  const dead = { ...table(), flaws: [{ element: 4, rfChain: 0, flaw: 'dead' as const }] };
  const difference = compareTables(table(), dead);
  expect(difference.phaseDeg).toBeLessThan(1e-3);
  expect(difference.elements.map(({ element }) => element)).toEqual([0, 1, 2, 3, 5]);
  expect(difference.flaws).toEqual([{ element: 4, rfChain: 0, before: null, after: 'dead' }]);
});
