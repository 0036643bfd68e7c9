import { describe, expect, it } from 'vitest';
import { flawAt, flawKey, type Flaw } from './flaw-marks.ts';

const flaw = (element: number, kind: Flaw['flaw'], more: Partial<Flaw> = {}): Flaw => ({
  ...{ element, chain: null, flaw: kind, offDeg: null, by: 'table' },
  ...more,
});

describe('elements that do not do what they are told', () => {
  it('are named by kind, each with its sign', () => {
    const flaws = [flaw(40, 'dead'), flaw(5, 'stuck', { by: 'probe' }), flaw(12, 'dead'), flaw(12, 'dead', { chain: 2 })];
    expect(flawKey(flaws)).toBe('✕ dead: 12, 40 · ■ stuck: 5');
    expect(flawKey([])).toBe('');
    expect(flawKey(Array.from({ length: 9 }, (_, n) => flaw(n, 'suspect')))).toBe('? suspected: 0, 1, 2, 3, 4, 5 and 3 more');
  });

  it('are told of at the cursor, on the chains where they are so, with who says it', () => {
    const flaws = [
      flaw(3, 'weak', { chain: 1 }),
      flaw(7, 'off', { offDeg: -31.6, by: 'probe' }),
      flaw(8, 'suspect', { by: 'watch' }),
    ];
    expect(flawAt(flaws, 3, 1)).toBe('weak (by its table)');
    expect(flawAt(flaws, 3, 0)).toBeUndefined();
    expect(flawAt(flaws, 7, 3)).toBe('off by -32° (measured again)');
    expect(flawAt(flaws, 8, 0)).toBe('suspected (by what users measure)');
  });
});
