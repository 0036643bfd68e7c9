/** The states are held to vectors that were derived from the data sheet apart from them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ADAR1000_STATES, adar1000States } from './adar1000.ts';

interface Vectors {
  meanMagnitudeSteps: number;
  rippleDb: number;
  rmsPhaseErrorDeg: number;
  states: { word: number; i: number; q: number; re: number; im: number; phaseErrorDeg: number }[];
}
const vectors = JSON.parse(
  readFileSync(new URL('../firmware-protocol/reference/vectors/adar1000.json', import.meta.url), 'utf8'),
) as Vectors;

describe('the phase states of an ADAR1000', () => {
  it('are those derived from the data sheet, all 128', () => {
    const { re, im } = adar1000States();
    expect(vectors.states).toHaveLength(ADAR1000_STATES);
    for (const state of vectors.states) {
      expect(re[state.word] * vectors.meanMagnitudeSteps).toBeCloseTo(state.re, 6);
      expect(im[state.word] * vectors.meanMagnitudeSteps).toBeCloseTo(state.im, 6);
    }
  });

  it('ripple by 0.78 dB and miss their phase by 1.4° RMS, 3.1° at worst', () => {
    const { re, im } = adar1000States();
    const magnitudes = Array.from(re, (x, word) => Math.hypot(x, im[word]));
    const errorsDeg = Array.from(re, (x, word) => {
      const turned = Math.atan2(im[word], x) - (2 * Math.PI * word) / ADAR1000_STATES;
      return (Math.asin(Math.sin(turned)) * 180) / Math.PI;
    });
    const rms = Math.sqrt(errorsDeg.reduce((sum, error) => sum + error * error, 0) / ADAR1000_STATES);
    expect(magnitudes.reduce((sum, magnitude) => sum + magnitude, 0) / ADAR1000_STATES).toBeCloseTo(1, 12);
    expect(20 * Math.log10(Math.max(...magnitudes) / Math.min(...magnitudes))).toBeCloseTo(0.7805, 4);
    expect(rms).toBeCloseTo(1.3971, 4);
    expect(Math.max(...errorsDeg.map(Math.abs))).toBeCloseTo(3.12, 3);
    expect([vectors.rippleDb, vectors.rmsPhaseErrorDeg].map((x) => x.toFixed(4))).toEqual(['0.7805', '1.3971']);
  });
});
