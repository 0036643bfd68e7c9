import { describe, expect, it } from 'vitest';
import { createArrayHealth, flawInWords, type ElementHealth } from './array-health.ts';

const flawOfTable = (element: number, flaw: ElementHealth['flaw'], chain: number | null = null): ElementHealth => {
  return { element, chain, flaw, offDeg: null, by: 'table' };
};
const oneOf = (...candidates: number[]) =>
  ({ fault: { what: 'element', index: candidates[0] }, candidates, grewDb: 0.5 }) as const;

describe('what is known of single elements', () => {
  it('is what the tables say, until something newer is known', () => {
    const health = createArrayHealth();
    const table = [flawOfTable(3, 'dead'), flawOfTable(5, 'weak', 1)];
    expect(health.list(table)).toEqual(table);
    health.measured(3, { flaw: 'stuck', offDeg: null });
    health.measured(5, undefined);
    expect(health.list(table)).toEqual([{ element: 3, chain: null, flaw: 'stuck', offDeg: null, by: 'probe' }]);
  });

  it('names one that has failed alone, and suspects where it is one of several, until they are measured', () => {
    const health = createArrayHealth();
    health.found(oneOf(7));
    health.found(oneOf(1, 2));
    expect(health.list([]).map(({ element, flaw, by }) => [element, flaw, by])).toEqual([
      [7, 'dead-or-stuck', 'watch'],
      [1, 'suspect', 'watch'],
      [2, 'suspect', 'watch'],
    ]);
    expect(health.suspects).toEqual([7, 1, 2]);
    health.measured(1, undefined);
    health.measured(2, { flaw: 'dead', offDeg: null });
    expect(health.suspects).toEqual([7]);
    expect(health.list([]).map(({ element }) => element)).toEqual([7, 2]);
  });

  it('says nothing of an element where a board, a chain or all of them have changed', () => {
    const health = createArrayHealth();
    health.found({ fault: { what: 'board', index: 1, turnDeg: 20 }, candidates: [1], grewDb: 2 });
    expect(health.list([])).toEqual([]);
    expect(health.figures([])).toEqual({ flawedElements: 0, lostDb: 2 });
  });

  it('is forgotten with the array, and so is that its table is outdated', () => {
    const health = createArrayHealth();
    health.found(oneOf(7));
    health.besideTable(9.5);
    expect(health.outdatedByDeg).toBe(9.5);
    health.forget();
    expect([health.list([]), health.suspects, health.outdatedByDeg]).toEqual([[], [], null]);
    expect(health.figures([])).toEqual({ flawedElements: 0, lostDb: 0 });
  });
});

describe('figures for the records', () => {
  it('count an element once, on however many chains, and several of which one has failed as one', () => {
    const health = createArrayHealth();
    const table = [flawOfTable(3, 'dead', 0), flawOfTable(3, 'dead', 1)];
    expect(health.figures(table).flawedElements).toBe(1);
    health.found(oneOf(1, 2));
    expect(health.figures(table).flawedElements).toBe(2);
    health.measured(1, undefined);
    expect(health.figures(table).flawedElements).toBe(2);
    health.measured(2, { flaw: 'dead', offDeg: null });
    expect(health.figures(table).flawedElements).toBe(2);
  });

  it('count none of several that were all found well', () => {
    const health = createArrayHealth();
    health.found(oneOf(1, 2));
    health.measured(1, undefined);
    health.measured(2, undefined);
    expect(health.figures([]).flawedElements).toBe(0);
  });

  it('add up what was lost, named or not, until the watch begins anew; flaws stay', () => {
    const health = createArrayHealth();
    health.found(oneOf(7));
    health.lost(1.25);
    expect(health.figures([])).toEqual({ flawedElements: 1, lostDb: 1.75 });
    health.beginsAnew();
    expect(health.figures([])).toEqual({ flawedElements: 1, lostDb: 0 });
  });
});

it('says a flaw in words', () => {
  expect(flawInWords({ flaw: 'dead-or-stuck', offDeg: null })).toBe('dead or stuck');
  expect(flawInWords({ flaw: 'off', offDeg: 21.4 })).toBe('off by 21°');
});
