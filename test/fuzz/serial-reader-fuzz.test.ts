import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/signal/random.ts';
import { createReaderFuzz } from './serial-reader-fuzz.ts';

const drawn = (seed: number) => {
  const random = createRandom(seed);
  return () => random.uniform();
};

describe('a serial line from a bad dream', () => {
  it('is read without a throw, frame by frame, and no good frame after a delimiter is lost', () => {
    const fuzz = createReaderFuzz(drawn(3));
    fuzz.run(50_000);
    const figures = fuzz.figures();
    expect(figures.framesIn).toBe(50_000);
    expect(figures.markers).toEqual({ sent: 500, found: 500 });
    expect(figures.changed).toBe(0);
    // The dream was bad enough: every way of being dropped has come up, and yet much was understood.
    for (const [reason, count] of Object.entries(figures.readerDiscards)) {
      if (reason !== 'too-long') expect(count, reason).toBeGreaterThan(0);
    }
    for (const reason of ['unsupported-version', 'reserved-flags', 'unknown-type', 'malformed'] as const) {
      expect(figures.codecDiscards[reason], reason).toBeGreaterThan(0);
    }
    expect(figures.understood).toBeGreaterThan(10_000);
  });

  it('is the same dream for the same seed', () => {
    const dream = (seed: number) => {
      const fuzz = createReaderFuzz(drawn(seed));
      fuzz.run(2_000);
      return fuzz.figures();
    };
    expect(dream(1)).toEqual(dream(1));
    expect(dream(2)).not.toEqual(dream(1));
  });
});
