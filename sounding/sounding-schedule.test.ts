import { describe, expect, it } from 'vitest';
import { netRate, slotsSpent, soundingDue } from './sounding-schedule.ts';

const periods = { wholeSlots: 58, effectiveSlots: 16, mostMissedDb: 3 };
const fresh = { sinceWholeSlots: 10, sinceEffectiveSlots: 5, effectiveBySinr: false };

describe('sounding again', () => {
  it('is due by both periods, the whole channel first', () => {
    expect(soundingDue(fresh, periods)).toBeUndefined();
    expect(soundingDue({ ...fresh, sinceEffectiveSlots: 16 }, periods)).toEqual({ what: 'effective', because: 'period' });
    expect(soundingDue({ ...fresh, sinceWholeSlots: 58, sinceEffectiveSlots: 16 }, periods)).toEqual({
      what: 'whole',
      because: 'period',
    });
  });

  it('is asked for by a SINR that is not what was predicted, and for the whole channel where the cheap kind did not help', () => {
    expect(soundingDue({ ...fresh, missedDb: 2.9 }, periods)).toBeUndefined();
    expect(soundingDue({ ...fresh, missedDb: 3.1 }, periods)).toEqual({ what: 'effective', because: 'sinr' });
    expect(soundingDue({ ...fresh, missedDb: 3.1, effectiveBySinr: true }, periods)).toEqual({ what: 'whole', because: 'sinr' });
    expect(soundingDue({ ...fresh, missedDb: 30 }, { wholeSlots: 58, effectiveSlots: 16 })).toBeUndefined();
  });

  it('costs the slots that a walk over one period meets', () => {
    for (const [whole, wholeSlots, effectiveSlots] of [
      [6, 58, 16],
      [6, 40, 12],
      [1, 8, 2],
      [6, 8, 8],
      [3, 35, 16],
    ]) {
      let spent = whole;
      for (let slot = whole; slot < wholeSlots; slot += effectiveSlots) spent++;
      expect(slotsSpent(whole, { wholeSlots, effectiveSlots })).toBe(spent);
    }
    expect(netRate(10, 10, 40)).toBe(7.5);
  });

  it('is refused where nothing would be left for data', () => {
    for (const [whole, wholeSlots, effectiveSlots] of [
      [6, 7, 7],
      [6, 58, 1],
      [16, 10, 4],
    ]) {
      expect(() => slotsSpent(whole, { wholeSlots, effectiveSlots })).toThrow(/leaves no slot for data/);
    }
  });
});
