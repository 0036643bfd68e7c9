import { describe, expect, it } from 'vitest';
import { fromParts } from '../../../core/signal/complex-matrix.ts';
import { doubtOf } from './reading-doubt.ts';

// Two users, four elements of gain 1: at P/σ² of 10 dB nobody hears more than 16 dB.
const asked = {
  pilots: 64,
  channel: fromParts(2, 4, new Array<number>(8).fill(1), new Array<number>(8).fill(0)),
  power: 10,
  noise: 1,
};
const reading = (first: number, pilots = 64) => ({ snrDb: Float64Array.of(first, 12), pilots });

describe('a reading', () => {
  it.each([-99, -20, 0, 16, 45.9])('of %d dB may be', (snrDb) => {
    expect(doubtOf(reading(snrDb), asked)).toBeUndefined();
  });

  it.each([327.67, -327.67, 47, -101, NaN, Infinity, -Infinity])('of %d dB cannot be', (snrDb) => {
    expect(doubtOf(reading(snrDb), asked)).toMatchObject({
      cause: 'out-of-reason',
      message: expect.stringMatching(/^outside reason: user 0: .* dB, -100 to 46 can be$/) as string,
    });
  });

  it.each([-60, -30, -16.16, -5, 11.9])('of %d dB may be where there is nothing to hear but noise', (snrDb) => {
    const deaf = { ...asked, channel: fromParts(2, 4, [0, 0, 0, 0, 1, 1, 1, 1], new Array<number>(8).fill(0)) };
    expect(doubtOf(reading(snrDb), deaf)).toBeUndefined();
    expect(doubtOf(reading(snrDb), { ...asked, power: 1e-58 })?.message ?? '').not.toContain('user 0');
    expect(doubtOf(reading(12.1), deaf)?.message).toContain('user 0: 12.10 dB, -100 to 12 can be');
  });

  it('of one pilot where 64 were asked for is not what was asked for; of more than that it is', () => {
    expect(doubtOf(reading(12, 1), asked)).toEqual({
      cause: 'few-pilots',
      message: 'averaged over 1 pilot where 64 were asked for',
    });
    expect(doubtOf(reading(12, 128), asked)).toBeUndefined();
  });
});
