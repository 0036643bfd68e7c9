import { describe, expect, it } from 'vitest';
import { fromParts, fromPhases, frobeniusNorm, identity, matmul, subtract } from '../core/signal/complex-matrix.ts';
import { connectionMask } from '../core/signal/geometry.ts';
import { wordsToPhases } from '../core/signal/quantise.ts';
import { createRandom } from '../core/signal/random.ts';
import type { Impairments, SimulatedArray, SimulatedArrayOptions } from './simulated-array.ts';
import { createSimulatedArray } from './simulated-array.ts';

const [N, M, Q] = [32, 4, 6];
const DEG = Math.PI / 180;
const words = Uint16Array.from({ length: N * M }, (_, i) => (i * 37) % 2 ** Q);
const ideal = fromPhases(wordsToPhases(words, Q), N, M);

const build = (impairments: Impairments = {}, changes: Partial<SimulatedArrayOptions> = {}) =>
  createSimulatedArray({ elements: N, rfChains: M, phaseBits: Q, random: createRandom(3), impairments, ...changes });

/** Of each place, the response over the ideal one, as gain in dB and phase in degrees. */
const deviations = (impairments: Impairments, timeS = 0) => {
  const { re, im } = build(impairments).radiatedAnalog(words, timeS);
  return Array.from(re, (_, i) => ({
    gainDb: 20 * Math.log10(Math.hypot(re[i], im[i])),
    phaseDeg: Math.atan2(im[i] * ideal.re[i] - re[i] * ideal.im[i], re[i] * ideal.re[i] + im[i] * ideal.im[i]) / DEG,
  }));
};
const deviation = (values: number[]): number => {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
};
const ofElement = <T>(all: T[], n: number): T[] => all.slice(n * M, (n + 1) * M);

/** What one element without coupling answers on one chain to a word. */
function elementResponse(array: SimulatedArray, element: number, chain: number, word: number): { re: number; im: number } {
  const place = element * array.rfChains + chain;
  const words = new Uint16Array(array.elements * array.rfChains);
  words[place] = word;
  const { re, im } = array.radiatedAnalog(words, 0);
  return { re: re[place], im: im[place] };
}

describe('the simulated array', () => {
  it('without impairments radiates exactly exp(jφ)·D', () => {
    const digital = fromParts(M, 2, [1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 0, 1, 0, 1, 0, 1]);
    const radiated = build().radiatedPrecoder(words, digital, 0);
    expect(frobeniusNorm(subtract(radiated, matmul(ideal, digital)))).toBeLessThan(1e-12);
  });

  it('gives each element its own gain and phase, the same on all chains', () => {
    const all = deviations({ gainErrorDb: 0.5, phaseErrorDeg: 5 });
    for (let n = 0; n < N; n++) {
      expect(deviation(ofElement(all, n).map((d) => d.gainDb))).toBeLessThan(1e-9);
      expect(deviation(ofElement(all, n).map((d) => d.phaseDeg))).toBeLessThan(1e-9);
    }
    const [gain, phase] = [deviation(all.map((d) => d.gainDb)), deviation(all.map((d) => d.phaseDeg))];
    expect(gain).toBeGreaterThan(0.3);
    expect(gain).toBeLessThan(0.75);
    expect(phase).toBeGreaterThan(3);
    expect(phase).toBeLessThan(7.5);
  });

  it('misses each phase state by its own error, of the deviation asked for at any Q', () => {
    for (const phaseBits of [2, 6, 16]) {
      const array = build({ phaseStateErrorDeg: 2, gainStateErrorDb: 0.4 }, { phaseBits });
      const step = (2 * Math.PI) / 2 ** phaseBits;
      const missed: number[] = [];
      const gains: number[] = [];
      for (let n = 0; n < N; n++) {
        for (let m = 0; m < M; m++) {
          for (const word of [0, 1, 2, 3, 2 ** phaseBits - 1]) {
            const { re, im } = elementResponse(array, n, m, word);
            const phase = Math.atan2(im, re) - word * step;
            missed.push(Math.atan2(Math.sin(phase), Math.cos(phase)) / DEG);
            gains.push(20 * Math.log10(Math.hypot(re, im)));
          }
        }
      }
      expect(deviation(missed)).toBeGreaterThan(1.6);
      expect(deviation(missed)).toBeLessThan(2.4);
      expect(deviation(gains)).toBeGreaterThan(0.32);
      expect(deviation(gains)).toBeLessThan(0.48);
      expect(new Set(missed.map((value) => value.toFixed(6))).size).toBeGreaterThan(missed.length / 2);
    }
  });

  it('radiates the same whether its states fit in a table or not', () => {
    // The same sections, looked at through all states of a small array (kept) and of a larger one (factors of them), also of an odd number
    // of bits and of a chip with states of its own.
    const own = { re: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8), im: Float64Array.of(8, 7, 6, 5, 4, 3, 2, 1) };
    const cases = [
      { small: 2, large: 4, changes: { rfChains: 2, phaseBits: 16 } },
      { small: 2, large: 8, changes: { rfChains: 2, phaseBits: 15 } },
      { small: 2, large: 20_000, changes: { rfChains: 2, phaseBits: 3, states: own } },
    ];
    for (const { small, large, changes } of cases) {
      const errors = { phaseStateErrorDeg: 3, gainStateErrorDb: 0.4 };
      const [kept, multiplied] = [small, large].map((elements) => build(errors, { ...changes, elements }));
      for (const word of [0, 1, 2, 5, 20_000, 32_767, 40_000, 65_535].filter((word) => word < 2 ** changes.phaseBits)) {
        const [expected, found] = [elementResponse(kept, 1, 1, word), elementResponse(multiplied, 1, 1, word)];
        expect(found.re).toBeCloseTo(expected.re, 12);
        expect(found.im).toBeCloseTo(expected.im, 12);
      }
    }
  });

  it('shows the states of the chip it is given, ripple and all, with state errors on top', () => {
    const random = createRandom(8);
    const draw = (): Float64Array => Float64Array.from({ length: 2 ** Q }, () => random.normal());
    const states = { re: draw(), im: draw() };
    const { re, im } = build({}, { states }).radiatedAnalog(words, 0);
    words.forEach((word, place) => {
      expect(re[place]).toBe(states.re[word]);
      expect(im[place]).toBe(states.im[word]);
    });
    const off = build({ phaseStateErrorDeg: 2 }, { states }).radiatedAnalog(words, 0);
    const turned = build({ phaseStateErrorDeg: 2 }).radiatedAnalog(words, 0);
    const seen = off.re.map((x, i) => Math.atan2(off.im[i] * re[i] - x * im[i], x * re[i] + off.im[i] * im[i]));
    const told = turned.re.map((x, i) =>
      Math.atan2(turned.im[i] * ideal.re[i] - x * ideal.im[i], x * ideal.re[i] + turned.im[i] * ideal.im[i]),
    );
    seen.forEach((angle, i) => expect(angle).toBeCloseTo(told[i], 9));
  });

  it('lets a dead element radiate nothing and the others as before', () => {
    const array = build({ deadElements: [5] });
    const { re, im } = array.radiatedAnalog(words, 0);
    for (let m = 0; m < M; m++) expect(Math.hypot(re[5 * M + m], im[5 * M + m])).toBe(0);
    expect(re[6 * M]).toBeCloseTo(ideal.re[6 * M], 12);
  });

  it('lets a stuck element show its word whatever it is told', () => {
    const array = build({ stuckElements: [{ element: 2, word: 16 }, 9] });
    const other = words.map((word) => (word + 11) % 2 ** Q);
    const [before, after] = [array.radiatedAnalog(words, 0), array.radiatedAnalog(other, 0)];
    for (let m = 0; m < M; m++) {
      expect(before.im[2 * M + m]).toBeCloseTo(1, 12); // word 16 of 64 is 90°
      expect(after.re[9 * M + m]).toBe(before.re[9 * M + m]);
      expect(after.re[3 * M + m]).not.toBe(before.re[3 * M + m]);
    }
    expect(build({ stuckElements: [9] }).radiatedAnalog(words, 0).re[9 * M]).toBe(
      build({ stuckElements: [9] }).radiatedAnalog(other, 0).re[9 * M],
    );
  });

  it('lets an element stick while it runs, at the word it is given or one that is drawn', () => {
    const faults = [
      { do: 'stick', atS: 10, elements: [2], word: 16 },
      { do: 'stick', atS: 20, elements: [9] },
    ] as const;
    const [array, well] = [build({}, { faults }), build()];
    const other = words.map((word) => (word + 11) % 2 ** Q);
    const ofRow = (shown: { re: Float64Array }, n: number) => [...shown.re.slice(n * M, (n + 1) * M)];
    expect(array.radiatedAnalog(words, 9)).toEqual(well.radiatedAnalog(words, 9));
    const [first, second] = [array.radiatedAnalog(words, 15), array.radiatedAnalog(words, 25)];
    for (let m = 0; m < M; m++) expect(first.im[2 * M + m]).toBeCloseTo(1, 12); // word 16 of 64 is 90°
    expect(ofRow(first, 9)).toEqual(ofRow(well.radiatedAnalog(words, 15), 9));
    expect(new Set(ofRow(second, 9)).size).toBe(1);
    expect(ofRow(array.radiatedAnalog(other, 25), 9)).toEqual(ofRow(second, 9));
    expect(ofRow(second, 3)).toEqual(ofRow(well.radiatedAnalog(words, 25), 3));
  });

  it('leaves a stuck element dark that is switched off', () => {
    const array = build({}, { faults: [{ do: 'stick', atS: 0, elements: [2], word: 16 }] });
    const off = fromParts(N, M, new Array<number>(N * M).fill(0), new Array<number>(N * M).fill(0));
    expect(Math.max(...array.radiatedStates(off, 1).im.map(Math.abs))).toBe(0);
  });

  it('refuses to stick at a word that it has not, or an element', () => {
    expect(() => build({}, { faults: [{ do: 'stick', atS: 0, word: 64 }] })).toThrow('faults[0].word is 64, beyond 6 bits');
    expect(() => build({}, { faults: [{ do: 'stick', atS: 0, elements: [32] }] })).toThrow('element 32 is not one of 0 … 31');
  });

  it('drifts with its temperature: degrees a minute at first, then saturates', () => {
    const drift = { temperatureDriftDegPerMinute: 2, warmUpMinutes: 5 };
    const spread = (minutes: number): number => deviation(deviations(drift, 60 * minutes).map((d) => d.phaseDeg));
    const unit = spread(0.05) / (0.05 * 2);
    expect(spread(0)).toBeLessThan(1e-9);
    expect(unit).toBeGreaterThan(0.7);
    expect(unit).toBeLessThan(1.3);
    expect(spread(5) / unit).toBeCloseTo(2 * 5 * (1 - Math.exp(-1)), 0);
    expect(spread(600) / spread(60)).toBeCloseTo(1, 3);
    const array = build(drift);
    expect(array.temperatureC(0)).toBe(25);
    expect(array.temperatureC(36_000)).toBeCloseTo(45, 3);
  });

  it('couples elements through the matrix given', () => {
    const coupling = identity(N);
    coupling.re[0 * N + 1] = 0.1;
    const radiated = build({}, { coupling }).radiatedAnalog(words, 0);
    for (let m = 0; m < M; m++) {
      expect(radiated.re[m]).toBeCloseTo(ideal.re[m] + 0.1 * ideal.re[M + m], 12);
      expect(radiated.re[M + m]).toBeCloseTo(ideal.re[M + m], 12);
    }
  });

  it('leaves unconnected places dark on a sub-connected board', () => {
    const mask = connectionMask('sub', N, M);
    const { re, im } = build({ gainErrorDb: 1 }, { connection: 'sub' }).radiatedAnalog(words, 0);
    mask.forEach((wired, place) => expect(Math.hypot(re[place], im[place]) > 0).toBe(wired === 1));
  });

  it('is the same array for the same seed and another one for another', () => {
    const impairments = { gainErrorDb: 1, phaseErrorDeg: 5, phaseStateErrorDeg: 2 };
    expect(build(impairments).radiatedAnalog(words, 9)).toEqual(build(impairments).radiatedAnalog(words, 9));
    expect(build(impairments, { random: createRandom(4) }).radiatedAnalog(words, 9)).not.toEqual(
      build(impairments).radiatedAnalog(words, 9),
    );
  });

  it('refuses what no array can have, and names it', () => {
    expect(() => build({ deadElements: [N] })).toThrow(/deadElements is 32/);
    expect(() => build({ stuckElements: [{ element: 0, word: 64 }] })).toThrow(/stuckElements.word is 64/);
    expect(() => build({ gainErrorDb: -1 })).toThrow(/gainErrorDb is -1/);
    expect(() => build({}, { coupling: identity(3) })).toThrow(/coupling matrix is 3×3/);
    expect(() => build({}, { states: { re: new Float64Array(64), im: new Float64Array(63) } })).toThrow(/64 and 63 states/);
    expect(() => build().radiatedAnalog(new Uint16Array(3), 0)).toThrow(/3 words/);
    expect(() =>
      build().radiatedAnalog(
        words.map(() => 64),
        0,
      ),
    ).toThrow(/beyond 6 bits/);
  });
});
