import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idealStates, quantisePhases, quantiseToStates, wordsToPhases } from './quantise.ts';

const bits = fc.integer({ min: 1, max: 16 });
const phase = fc.double({ min: -50, max: 50, noNaN: true });

/** Distance around the circle. */
function apart(a: number, b: number): number {
  const turn = 2 * Math.PI;
  const difference = (((a - b) % turn) + turn) % turn;
  return Math.min(difference, turn - difference);
}

describe('quantising phases', () => {
  it('never moves a phase by more than half a step, around the circle', () => {
    fc.assert(
      fc.property(phase, bits, (phaseRad, q) => {
        const [back] = wordsToPhases(quantisePhases(Float64Array.of(phaseRad), q), q);
        expect(apart(back, phaseRad)).toBeLessThanOrEqual(Math.PI / 2 ** q + 1e-12);
      }),
    );
  });

  it('gives every word back as itself', () => {
    for (let q = 1; q <= 16; q++) {
      const words = Uint16Array.from({ length: 2 ** q }, (_, word) => word);
      expect(quantisePhases(wordsToPhases(words, q), q)).toEqual(words);
    }
  });

  it('wraps just below a full turn, a full turn and minus nothing to word 0', () => {
    const turn = 2 * Math.PI;
    for (let q = 1; q <= 16; q++) {
      expect([...quantisePhases(Float64Array.of(turn - 1e-6, turn, -1e-6, -turn, 5 * turn, -0), q)]).toEqual([0, 0, 0, 0, 0, 0]);
    }
    expect([...quantisePhases(Float64Array.of(-Math.PI / 2, (3 * Math.PI) / 2), 2)]).toEqual([3, 3]);
  });

  it('takes any alphabet of states, and with the ideal one does the same', () => {
    const clear = fc.tuple(phase, fc.integer({ min: 1, max: 8 })).filter(([phaseRad, q]) => {
      const steps = (phaseRad / (2 * Math.PI)) * 2 ** q;
      return Math.abs(steps - Math.floor(steps) - 0.5) > 1e-6; // half-way between two states either is right
    });
    fc.assert(
      fc.property(clear, ([phaseRad, q]) => {
        const states = idealStates(q);
        expect(quantiseToStates(Float64Array.of(phaseRad), () => states)).toEqual(quantisePhases(Float64Array.of(phaseRad), q));
      }),
    );
    // An element whose states are all turned by 90°: word 3 is where the others have word 0.
    const turned = { re: Float64Array.of(0, -1, 0, 1), im: Float64Array.of(1, 0, -1, 0) };
    expect([...quantiseToStates(Float64Array.of(0, 0), (i) => (i === 0 ? idealStates(2) : turned))]).toEqual([0, 3]);
  });

  it('refuses bits out of range and phases that are not finite', () => {
    for (const q of [0, 17, 2.5, NaN]) expect(() => quantisePhases(new Float64Array(1), q)).toThrow(/from 1 to 16/);
    for (const bad of [NaN, Infinity]) {
      expect(() => quantisePhases(Float64Array.of(0, bad), 4)).toThrow(/phase 1 is/);
      expect(() => quantiseToStates(Float64Array.of(0, bad), () => idealStates(4))).toThrow(/phase 1 is/);
    }
  });
});
