import { describe, expect, it } from 'vitest';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { fromParts } from '../core/signal/complex-matrix.ts';
import type { Random } from '../core/signal/random.ts';
import { createRandom } from '../core/signal/random.ts';
import { estimateChainGains, estimateSinr } from './pilot-estimates.ts';

const gains = fromParts(2, 2, [3, 0.5, -0.2, 1], [1, 0.1, 0.4, -2]);
const NOISE = 0.7;
const truth = [10 / (0.26 + NOISE), 5 / (0.2 + NOISE)];

/** The same estimate the long way: every pilot sent, received and fitted. */
function bruteForce(channel: CMatrix, sigma2: number, pilots: number, user: number, random: Random): number {
  const users = channel.cols;
  const received: { re: number; im: number; sRe: number; sIm: number }[] = [];
  for (let i = 0; i < pilots; i++) {
    const angle = 2 * Math.PI * random.uniform();
    const own = { re: Math.cos(angle), im: Math.sin(angle) };
    const n = random.complexNormal();
    let re = Math.sqrt(sigma2) * n.re;
    let im = Math.sqrt(sigma2) * n.im;
    for (let j = 0; j < users; j++) {
      const s = j === user ? own : random.complexNormal();
      const at = user * users + j;
      re += channel.re[at] * s.re - channel.im[at] * s.im;
      im += channel.re[at] * s.im + channel.im[at] * s.re;
    }
    received.push({ re, im, sRe: own.re, sIm: own.im });
  }
  let gRe = 0;
  let gIm = 0;
  for (const y of received) {
    gRe += (y.re * y.sRe + y.im * y.sIm) / pilots;
    gIm += (y.im * y.sRe - y.re * y.sIm) / pilots;
  }
  let residual = 0;
  for (const y of received) {
    residual += (y.re - gRe * y.sRe + gIm * y.sIm) ** 2 + (y.im - gRe * y.sIm - gIm * y.sRe) ** 2;
  }
  residual /= pilots - 1;
  return ((gRe * gRe + gIm * gIm) * (pilots - 2)) / ((pilots - 1) * residual) - 1 / pilots;
}

function moments(values: number[]) {
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  const sorted = [...values].sort((a, b) => a - b);
  const quantile = (q: number): number => sorted[Math.floor(q * sorted.length)];
  return { mean, deviation: Math.sqrt(variance), quantiles: [0.1, 0.5, 0.9].map(quantile) };
}

const drawn = (pilots: number, draws: number, user: number): number[] => {
  const random = createRandom(11).stream(`drawn ${pilots}`);
  return Array.from({ length: draws }, () => estimateSinr(gains, NOISE, pilots, random)[user]);
};

describe('SINR from pilots', () => {
  it.each([8, 64])('has the distribution that %i pilots really give', (pilots) => {
    const random = createRandom(5);
    const long = moments(Array.from({ length: 8000 }, () => bruteForce(gains, NOISE, pilots, 1, random)));
    const short = moments(drawn(pilots, 8000, 1));
    const standardError = long.deviation / Math.sqrt(8000);
    expect(Math.abs(short.mean - long.mean)).toBeLessThan(5 * standardError);
    expect(short.deviation / long.deviation).toBeGreaterThan(0.9);
    expect(short.deviation / long.deviation).toBeLessThan(1.1);
    short.quantiles.forEach((quantile, i) => expect(Math.abs(quantile / long.quantiles[i] - 1)).toBeLessThan(0.05));
  });

  it('is unbiased, interference included', () => {
    for (const user of [0, 1]) {
      const { mean, deviation } = moments(drawn(16, 20_000, user));
      expect(Math.abs(mean - truth[user])).toBeLessThan((4 * deviation) / Math.sqrt(20_000));
    }
  });

  it('spreads less with more pilots, by one over their square root', () => {
    const few = moments(drawn(64, 4000, 0)).deviation;
    const many = moments(drawn(64 * 100, 4000, 0)).deviation;
    expect(few / many).toBeGreaterThan(9);
    expect(few / many).toBeLessThan(12);
  });
});

describe('chain gains from pilots', () => {
  it('are what the user hears, with noise σ²/P on each', () => {
    const random = createRandom(2);
    const answered = fromParts(1, 2, [1, -2], [0.5, 3]);
    const errors: number[] = [];
    for (let i = 0; i < 4000; i++) {
      const values = estimateChainGains(answered, NOISE, 10, random);
      errors.push((values[0] - 1) ** 2 + (values[1] - 0.5) ** 2, (values[2] + 2) ** 2 + (values[3] - 3) ** 2);
    }
    expect(moments(errors).mean / (NOISE / 10)).toBeCloseTo(1, 1);
  });
});
