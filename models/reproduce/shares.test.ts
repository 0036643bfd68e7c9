import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/signal/random.ts';
import { meanAndError } from '../evaluation/statistics.ts';
import { meanShare, type Paired } from './shares.ts';

const COUNT = 50;

/** Rates of which ours are a share of theirs, give or take. */
function draw(seed: number, share = 0.9): Paired {
  const random = createRandom(seed);
  const theirs = Array.from({ length: COUNT }, () => 10 + random.normal());
  return { theirs, ours: theirs.map((rate) => share * rate + 0.05 * random.normal()) };
}

describe('a share of another rate', () => {
  it('is a ratio of means, far less scattered than either', () => {
    const { ours, theirs } = draw(1);
    const share = meanShare([{ ours, theirs }]);
    expect(share.mean).toBeCloseTo(meanAndError(ours).mean / meanAndError(theirs).mean, 12);
    expect(share.stderr).toBeLessThan(0.2 * (meanAndError(ours).stderr / meanAndError(theirs).mean));
  });

  it('has the standard error that its draws scatter by', () => {
    const shares = Array.from({ length: 400 }, (_, seed) => meanShare([draw(seed)]));
    const scatter = meanAndError(shares.map(({ mean }) => mean)).stderr * Math.sqrt(shares.length);
    const told = meanAndError(shares.map(({ stderr }) => stderr)).mean;
    expect(told / scatter).toBeGreaterThan(0.9);
    expect(told / scatter).toBeLessThan(1.1);
  });

  it('is no surer from several SNRs at which channels do alike, and surer where they do not', () => {
    const one = draw(1);
    expect(meanShare([one, one]).stderr).toBeCloseTo(meanShare([one]).stderr, 12);
    const both = meanShare([one, draw(2)]);
    expect(both.stderr).toBeLessThan(0.85 * meanShare([one]).stderr);
    expect(both.mean).toBeCloseTo((meanShare([one]).mean + meanShare([draw(2)]).mean) / 2, 12);
  });
});
