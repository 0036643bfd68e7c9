import { describe, expect, it } from 'vitest';
import { clone, frobeniusNorm, fromPhases, matmul, subtract } from '../../core/signal/complex-matrix.ts';
import { wmmse } from '../../core/signal/precoders.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { baselineMisfit, runBaseline } from './baselines.ts';
import { inTwoPhases } from './two-phase.ts';

const { channels } = drawChannelSet({ seed: 1, name: 'test', count: 5, elements: 24, users: 3, paths: 10, scale: 'paper-001' });

describe('two phases an entry', () => {
  it.each([6, 7, 11, 13])('are any digital precoder, to the last digits, with %i chains for 3 users', (rfChains) => {
    for (const channel of channels) {
      const target = wmmse(channel, 1, 0.1);
      const { analog, digital } = inTwoPhases(target, rfChains);
      expect(frobeniusNorm(subtract(target, matmul(analog, digital)))).toBeLessThan(1e-12);
      analog.re.forEach((re, at) => expect(Math.hypot(re, analog.im[at])).toBeCloseTo(1, 12));
    }
  });

  it('are nothing for a user who gets nothing', () => {
    const target = clone(wmmse(channels[0], 1, 0.1));
    for (let n = 0; n < 24; n++) target.re[3 * n + 1] = target.im[3 * n + 1] = 0;
    const { analog, digital } = inTwoPhases(target, 6);
    expect(frobeniusNorm(subtract(target, matmul(analog, digital)))).toBeLessThan(1e-12);
    analog.re.forEach((re, at) => expect(Math.hypot(re, analog.im[at])).toBeCloseTo(1, 12));
  });

  it('make the baseline as good as digital WMMSE', () => {
    for (const channel of channels) {
      const { analogPhase, digital } = runBaseline('two-phase', { channel, power: 2, noise: 0.2, rfChains: 6 });
      const rate = sumRate(channel, matmul(fromPhases(analogPhase, 24, 6), digital), 0.2);
      expect(rate).toBeGreaterThan(sumRate(channel, wmmse(channel, 2, 0.2), 0.2) - 1e-4);
    }
  });

  it('are refused where there are none: fewer chains, or chains that do not reach every element', () => {
    expect(baselineMisfit('two-phase', { elements: 24, rfChains: 5, users: 3 })).toMatch(/6 for 3, not 5/);
    expect(baselineMisfit('two-phase', { elements: 24, rfChains: 6, users: 3, connection: 'sub' })).toMatch(/every element/);
    const connection = new Uint8Array(24 * 6).fill(1);
    connection[17] = 0;
    const problem = { channel: channels[0], power: 1, noise: 0.1, rfChains: 6 };
    expect(() => runBaseline('two-phase', { ...problem, connection })).toThrow(/every element/);
  });
});
