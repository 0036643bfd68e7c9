import { describe, expect, it } from 'vitest';
import { meanWithoutGlitches } from './mean-without-glitches.ts';
import { createRandom } from './random.ts';

describe('the mean of powers without glitches', () => {
  const random = createRandom(3);
  const complexNoise = (): number => {
    const { re, im } = random.complexNormal();
    return re * re + im * im;
  };

  it.each([
    ['complex noise', complexNoise],
    ['real noise', () => random.normal() ** 2],
  ])('is the mean of %s, and stays so beside one value in many that is enormous', (_, draw) => {
    const powers = Float64Array.from({ length: 40_000 }, draw);
    expect(meanWithoutGlitches(powers)).toBeGreaterThan(0.98);
    expect(meanWithoutGlitches(powers)).toBeLessThan(1.02);
    const few = powers.slice(0, 100);
    for (const glitch of [100, 1e12, Infinity]) {
      expect(meanWithoutGlitches([...few, glitch])).toBe(meanWithoutGlitches(few));
    }
  });

  it('is that of all values where they are few, or mostly 0', () => {
    expect(meanWithoutGlitches([4])).toBe(4);
    expect(meanWithoutGlitches([0, 4])).toBe(2);
    expect(meanWithoutGlitches([0, 0, 0, 8])).toBe(2);
    expect(meanWithoutGlitches([0, 0])).toBe(0);
  });

  it('takes nothing away from noise of few values', () => {
    const means = Array.from({ length: 20_000 }, () => meanWithoutGlitches(Array.from({ length: 4 }, complexNoise)));
    const mean = means.reduce((sum, each) => sum + each, 0) / means.length;
    expect(mean).toBeGreaterThan(0.98);
    expect(mean).toBeLessThan(1.02);
  });
});
