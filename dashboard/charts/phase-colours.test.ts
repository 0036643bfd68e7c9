import { describe, expect, it } from 'vitest';
import { phaseColour, wordColours } from './phase-colours.ts';

/** How far apart two colours are for an eye without red-green discrimination: brightness and blueness only. */
function distanceWithoutRedGreen(a: number[], b: number[]): number {
  const seen = ([red, green, blue]: number[]): [number, number] => [0.5 * (red + green), blue];
  const [brightA, blueA] = seen(a);
  const [brightB, blueB] = seen(b);
  return Math.hypot(brightA - brightB, blueA - blueB);
}

describe('colours of phases', () => {
  it('meet where the circle closes', () => {
    expect(phaseColour(2 * Math.PI)).toEqual(phaseColour(0));
    const steps = Array.from({ length: 64 }, (_, i) =>
      Math.hypot(...phaseColour((i * Math.PI) / 32).map((value, j) => value - phaseColour(((i + 1) * Math.PI) / 32)[j])),
    );
    expect(Math.max(...steps)).toBeLessThan(40); // no jump anywhere
  });

  it('tell eighths of a turn apart for red-green-blind eyes', () => {
    const eighths = Array.from({ length: 8 }, (_, i) => phaseColour((i * Math.PI) / 4));
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j < i; j++) expect(distanceWithoutRedGreen(eighths[i], eighths[j])).toBeGreaterThan(25);
    }
  });

  it('give each word of Q bits its own opaque pixel', () => {
    const colours = wordColours(6);
    expect(new Set(colours).size).toBe(64);
    expect([...colours].every((pixel) => pixel >>> 24 === 255)).toBe(true);
  });
});
