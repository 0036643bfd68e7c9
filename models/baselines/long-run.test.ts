import { describe, expect, it } from 'vitest';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, frobeniusNorm, fromPhases, matmul } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { digitalForAnalog, wmmse } from '../../core/signal/precoders.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { runBaseline } from './baselines.ts';
import { longRun } from './long-run.ts';

const NOISE = 0.1;
const drawn = (count: number, elements: number, users: number): readonly CMatrix[] =>
  drawChannelSet({ seed: 1, name: 'test', count, elements, users, paths: 10, scale: 'paper-001' }).channels;

function rate(channel: CMatrix, rfChains: number, starts?: number, connection?: Uint8Array): number {
  const mask = connection === undefined ? {} : { connection };
  const { analog, digital } = longRun({ channel, power: 1, noise: NOISE, rfChains, ...mask }, starts);
  return sumRate(channel, matmul(analog, digital), NOISE);
}

describe('the long run', () => {
  it('has more than 97 % of digital WMMSE at 10 dB, and more than phase extraction on every channel', () => {
    let [own, digital] = [0, 0];
    for (const channel of drawn(10, 32, 4)) {
      const reached = rate(channel, 4);
      const problem = { channel, power: 1, noise: NOISE, rfChains: 4 };
      const extracted = runBaseline('phase-extraction', problem);
      expect(reached).toBeGreaterThan(
        sumRate(channel, matmul(fromPhases(extracted.analogPhase, 32, 4), extracted.digital), NOISE),
      );
      own += reached;
      digital += sumRate(channel, wmmse(channel, 1, NOISE), NOISE);
    }
    expect(own / digital).toBeGreaterThan(0.97);
  });

  it('is no worse than the best of all phases on a fine grid, on arrays small enough to try them', () => {
    const steps = 12;
    for (const channel of drawn(3, 3, 2)) {
      const phases = new Float64Array(6);
      let best = 0;
      // A turn of a whole column is D's affair: its first entry stays.
      for (let index = 0; index < steps ** 4; index++) {
        for (let free = 0, rest = index; free < 4; free++, rest = Math.floor(rest / steps)) {
          phases[2 + free] = (2 * Math.PI * (rest % steps)) / steps;
        }
        const analog = fromPhases(phases, 3, 2);
        const digital = digitalForAnalog(channel, analog, 1, NOISE, { start: 'rzf', iterations: 30 });
        best = Math.max(best, sumRate(channel, matmul(analog, digital), NOISE));
      }
      const reached = rate(channel, 2);
      expect(reached).toBeGreaterThan(best - 1e-9);
      expect(reached).toBeLessThan(best + 0.2);
    }
  });

  it('of one user and one chain adds all elements up in phase', () => {
    for (const [channel] of [drawn(1, 16, 1), drawn(1, 64, 1)]) {
      let amplitude = 0;
      channel.re.forEach((re, n) => (amplitude += Math.hypot(re, channel.im[n])));
      expect(rate(channel, 1)).toBeCloseTo(Math.log2(1 + amplitude ** 2 / channel.cols / NOISE), 6);
    }
  });

  it('reaches every digital precoder with two chains a user', () => {
    for (const channel of drawn(5, 32, 2)) {
      const digital = sumRate(channel, wmmse(channel, 1, NOISE, { iterations: 1000 }), NOISE);
      expect(rate(channel, 4) / digital).toBeGreaterThan(1 - 1e-4);
    }
  });

  it('is never worse for more starts, and the same when asked again', () => {
    for (const channel of drawn(3, 16, 3)) {
      const one = rate(channel, 3, 1);
      const four = rate(channel, 3, 4);
      expect(four).toBeGreaterThanOrEqual(one - 1e-9);
      expect(rate(channel, 3, 16)).toBeGreaterThanOrEqual(four - 1e-9);
      expect(rate(channel, 3, 4)).toBe(four);
    }
  });

  it('leaves unconnected what is, and gains on phase extraction there, too', () => {
    const connection = connectionMask('sub', 32, 4);
    for (const channel of drawn(3, 32, 4)) {
      const problem = { channel, power: 2, noise: NOISE, rfChains: 4, connection };
      const { analog, digital } = longRun(problem);
      connection.forEach((connected, place) => expect(Math.hypot(analog.re[place], analog.im[place])).toBeCloseTo(connected, 12));
      expect(frobeniusNorm(matmul(analog, digital)) ** 2).toBeCloseTo(2, 9);
      const extracted = runBaseline('phase-extraction', problem);
      const other = matmul(fromPhases(extracted.analogPhase, 32, 4, connection), extracted.digital);
      expect(sumRate(channel, matmul(analog, digital), NOISE)).toBeGreaterThan(sumRate(channel, other, NOISE));
    }
  });

  it('loses nothing to a user who hears nothing, and counts two in one place as one', () => {
    const [three] = drawn(1, 16, 3);
    const silent = clone(three);
    silent.re.fill(0, 32);
    silent.im.fill(0, 32);
    const two = { ...three, rows: 2, re: three.re.slice(0, 32), im: three.im.slice(0, 32) };
    const alone = rate(two, 3);
    expect(rate(silent, 3) / alone).toBeCloseTo(1, 2);
    const twins = clone(silent);
    twins.re.set(three.re.subarray(16, 32), 32);
    twins.im.set(three.im.subarray(16, 32), 32);
    expect(rate(twins, 3) / alone).toBeCloseTo(1, 2);
  });
});
