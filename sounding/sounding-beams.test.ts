import { describe, expect, it } from 'vitest';
import { multiplyABh, zeros } from '../core/signal/complex-matrix.ts';
import { connectionMask } from '../core/signal/geometry.ts';
import { idealStates } from '../core/signal/quantise.ts';
import { createRandom } from '../core/signal/random.ts';
import { salehValenzuela } from '../core/signal/channel.ts';
import { matmul } from '../core/signal/complex-matrix.ts';
import { createHierarchicalSearch } from './hierarchical-beams.ts';
import { dftBeams, randomBeams, shownBeams, type SoundingArray } from './sounding-beams.ts';

const line: SoundingArray = {
  geometry: { kind: 'ula', elements: 16, spacingWavelengths: 0.5 },
  rfChains: 4,
  states: { bits: 6 },
};
const plane: SoundingArray = { ...line, geometry: { kind: 'upa', rows: 4, columns: 4, spacingWavelengths: 0.5 } };
const wired: SoundingArray = { ...line, connection: connectionMask('sub', 16, 4) };

describe('beams to sound with', () => {
  it('of the discrete Fourier transform tell all elements apart, on a line, a plane and in parts', () => {
    for (const array of [line, plane, wired]) {
      const beams = shownBeams(array, dftBeams(array, 4));
      const gram = multiplyABh(beams, beams); // B·I, or for parts B/M of each chain's own
      const own = array === wired ? 4 : 16;
      for (let i = 0; i < 16; i++) {
        for (let j = 0; j < 16; j++) {
          // Six bits move a phase by no more than 1/128 of a turn.
          expect(Math.hypot(gram.re[i * 16 + j] - (i === j ? own : 0), gram.im[i * 16 + j])).toBeLessThan(0.1 * own);
        }
      }
    }
  });

  it('are what the measured states of each place show', () => {
    const turned = { re: idealStates(6).re.map((re) => 0.5 * re), im: idealStates(6).im.map((im) => 0.5 * im) };
    const array: SoundingArray = { ...line, states: { bits: 6, of: (place) => (place === 5 ? turned : idealStates(6)) } };
    const words = randomBeams(array, 1, createRandom(3));
    const [shown, ideal] = [shownBeams(array, words), shownBeams(line, words)];
    for (let place = 0; place < 64; place++) {
      expect(shown.re[place]).toBeCloseTo(ideal.re[place] * (place === 5 ? 0.5 : 1), 12);
    }
  });

  it('are dark, and have word 0, where nothing is connected', () => {
    const random = createRandom(4);
    for (const slot of [...randomBeams(wired, 3, random), ...dftBeams(wired, 3)]) {
      const shown = shownBeams(wired, [slot]);
      wired.connection!.forEach((connected, place) => {
        if (connected === 0) expect(slot[place]).toBe(0);
        expect(Math.hypot(shown.re[place], shown.im[place])).toBeCloseTo(connected, 12);
      });
    }
  });

  it('are refused by their number', () => {
    for (const slots of [0, -1, 1.5, NaN]) {
      expect(() => randomBeams(line, slots, createRandom(1))).toThrow(/sounding of/);
      expect(() => dftBeams(line, slots)).toThrow(/sounding of/);
    }
  });
});

describe('a search from wide beams to narrow ones', () => {
  it('ends with a beam that hears a user on one path nearly as loudly as all elements can', () => {
    for (const array of [line, plane, wired]) {
      const random = createRandom(8);
      const shares: number[] = [];
      for (let draw = 0; draw < 20; draw++) {
        const channel = salehValenzuela({ random, geometry: array.geometry, users: 1, paths: 1, scale: 'unit-element' });
        const search = createHierarchicalSearch(array);
        let loudest = 0;
        let slots = 0;
        for (let next = search.next(); next.length > 0; next = search.next()) {
          slots += next.length;
          const beams = shownBeams(array, next);
          const heard = matmul(channel, beams);
          search.heard(heard);
          for (let b = 0; b < heard.cols; b++) loudest = Math.max(loudest, Math.hypot(heard.re[b], heard.im[b]));
        }
        expect(slots).toBeLessThanOrEqual(array === wired ? 8 : 6);
        const reached = array === wired ? 4 : 16;
        shares.push(loudest / (reached * Math.hypot(channel.re[0], channel.im[0])));
      }
      // Half-way between two beams a user hears 0.64 of the most; on a plane, that of both sides. Wide beams have ripples, so one may be missed.
      expect(shares.filter((share) => share > (array === plane ? 0.4 : 0.6)).length).toBeGreaterThanOrEqual(16);
    }
  });

  it('stops where readings are of nobody', () => {
    const search = createHierarchicalSearch(line);
    let levels = 0;
    for (let next = search.next(); next.length > 0 && levels < 20; next = search.next(), levels++)
      search.heard(zeros(1, next.length * 4));
    expect(levels).toBeLessThan(6);
  });
});
