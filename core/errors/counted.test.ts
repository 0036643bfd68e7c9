import { describe, expect, it } from 'vitest';
import { counted } from './counted.ts';

describe('a number with its noun', () => {
  it('is in the singular for one and in the plural for all others', () => {
    expect([0, 1, 2, 1.5].map((count) => counted(count, 'bit'))).toEqual(['0 bits', '1 bit', '2 bits', '1.5 bits']);
    expect([1, 3].map((count) => counted(count, 'RF chain'))).toEqual(['1 RF chain', '3 RF chains']);
    expect(counted(2, 'entry')).toBe('2 entries');
  });
});
