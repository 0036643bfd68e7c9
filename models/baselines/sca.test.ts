import { describe, expect, it } from 'vitest';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, frobeniusNorm, matmul } from '../../core/signal/complex-matrix.ts';
import { regularisedZeroForcing, wmmse } from '../../core/signal/precoders.ts';
import { fromDb, ratesOfGains, sumRate } from '../../core/signal/rate.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { successiveConvexApproximation } from './sca.ts';

const drawn = (count: number, elements: number, users: number) =>
  drawChannelSet({ seed: 1, name: 'test', count, elements, users, paths: 10, scale: 'paper-001' }).channels;

describe('successive convex approximation', () => {
  it('begins with regularised zero-forcing and never falls from one approximation to the next, at full power', () => {
    for (const channel of drawn(5, 16, 4)) {
      for (const noise of [1, 0.1, 0.01]) {
        let before = sumRate(channel, regularisedZeroForcing(channel, 1, noise), noise);
        for (let approximations = 0; approximations < 8; approximations++) {
          const v = successiveConvexApproximation(channel, noise, { approximations });
          expect(frobeniusNorm(v)).toBeCloseTo(1, 12);
          const rate = sumRate(channel, v, noise);
          expect(rate).toBeGreaterThan(before - 1e-9);
          before = rate;
        }
      }
    }
  });

  it('ends where weighted MMSE ends, which is another way to a precoder that no small change makes better', () => {
    for (const snrDb of [0, 10, 20]) {
      const noise = fromDb(-snrDb);
      const ratios = drawn(10, 32, 4).map((channel) => {
        const other = wmmse(channel, 1, noise, { iterations: 5000 });
        return sumRate(channel, successiveConvexApproximation(channel, noise), noise) / sumRate(channel, other, noise);
      });
      expect(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length).toBeCloseTo(1, 3);
    }
  });

  it('weighs the rates of the users as it is told to', () => {
    const rates = (channel: CMatrix, weights: readonly number[]): Float64Array =>
      ratesOfGains(matmul(channel, successiveConvexApproximation(channel, 0.1, { weights })), 0.1).sinr.map((x) =>
        Math.log2(1 + x),
      );
    const weighted = (own: Float64Array, weights: readonly number[]): number =>
      weights.reduce((sum, weight, user) => sum + weight * own[user], 0);
    for (const channel of drawn(5, 8, 3)) {
      const [equal, third, alone] = [
        [1, 1, 1],
        [1, 1, 5],
        [0, 0, 1],
      ].map((weights) => rates(channel, weights));
      expect(third[2]).toBeGreaterThan(equal[2]);
      expect(weighted(third, [1, 1, 5])).toBeGreaterThan(weighted(equal, [1, 1, 5]));
      expect(weighted(equal, [1, 1, 1])).toBeGreaterThan(weighted(third, [1, 1, 1]));
      const own = { rows: 1, cols: 8, re: channel.re.slice(16), im: channel.im.slice(16) };
      expect(alone[2]).toBeCloseTo(Math.log2(1 + frobeniusNorm(own) ** 2 / 0.1), 6);
      expect(rates(channel, [4, 4, 4])[1]).toBeCloseTo(equal[1], 6);
    }
  });

  it('is the matched filter for one user, and gives nothing to one who hears nothing', () => {
    const [one] = drawn(1, 16, 1);
    const snr = frobeniusNorm(one) ** 2 / 0.1;
    expect(sumRate(one, successiveConvexApproximation(one, 0.1), 0.1)).toBeCloseTo(Math.log2(1 + snr), 9);
    const [three] = drawn(1, 16, 3);
    const silent = clone(three);
    silent.re.fill(0, 32);
    silent.im.fill(0, 32);
    const v = successiveConvexApproximation(silent, 0.1);
    for (let n = 0; n < 16; n++) expect(Math.hypot(v.re[3 * n + 2], v.im[3 * n + 2])).toBe(0);
    const two = { ...three, rows: 2, re: three.re.slice(0, 32), im: three.im.slice(0, 32) };
    const alone = sumRate(two, successiveConvexApproximation(two, 0.1), 0.1);
    expect(sumRate(silent, v, 0.1)).toBeCloseTo(alone, 3);
  });
});
