import { describe, expect, it } from 'vitest';
import { salehValenzuela } from '../../signal/channel.ts';
import type { CMatrix } from '../../signal/complex-matrix.ts';
import { fromPhases, frobeniusNorm, matmul } from '../../signal/complex-matrix.ts';
import { connectionMask } from '../../signal/geometry.ts';
import { idealStates, wordsToPhases } from '../../signal/quantise.ts';
import { createRandom } from '../../signal/random.ts';
import { sinr, sumRate } from '../../signal/rate.ts';
import { quantiseAndResolve } from './quantise-and-resolve.ts';

const elements = 32;
const users = 4;

function channelOf(seed: number): CMatrix {
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  return salehValenzuela({ random: createRandom(seed), geometry, users, paths: 10, scale: 'unit-element' });
}

/** Phases aligned with each user's channel: A₀ = exp(j·angle(Hᴴ)). */
function alignedPhases(channel: CMatrix): Float64Array {
  const phases = new Float64Array(elements * users);
  for (let n = 0; n < elements; n++) {
    for (let k = 0; k < users; k++)
      phases[n * users + k] = Math.atan2(-channel.im[k * elements + n], channel.re[k * elements + n]);
  }
  return phases;
}

describe('quantising and solving D again', () => {
  it('predicts exactly what the words and D give on the channel, at full power', () => {
    for (const bits of [1, 2, 3, 6, 16]) {
      const channel = channelOf(bits);
      const beam = quantiseAndResolve({
        channel,
        analogPhase: alignedPhases(channel),
        rfChains: users,
        power: 10,
        noise: 1,
        bits,
      });
      const precoder = matmul(fromPhases(wordsToPhases(beam.words, bits), elements, users), beam.digital);
      expect(Math.max(...beam.words)).toBeLessThan(2 ** bits);
      expect(frobeniusNorm(precoder) ** 2).toBeCloseTo(10, 9);
      expect(beam.sumRate).toBeCloseTo(sumRate(channel, precoder, 1), 9);
      sinr(channel, precoder, 1).forEach((value, user) => expect(beam.sinr[user]).toBeCloseTo(value, 8));
    }
  });

  it('is never below regularised zero-forcing on the same words, and well above keeping the rounded phases with an old D', () => {
    let gained = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const channel = channelOf(seed);
      for (const power of [1, 10, 100]) {
        const options = { channel, analogPhase: alignedPhases(channel), rfChains: users, power, noise: 1, bits: 2 };
        const rzf = quantiseAndResolve({ ...options, method: 'rzf' });
        const wmmse = quantiseAndResolve(options);
        expect(wmmse.words).toEqual(rzf.words);
        expect(wmmse.sumRate).toBeGreaterThanOrEqual(rzf.sumRate - 1e-9);
        const unquantised = quantiseAndResolve({ ...options, bits: 16 });
        gained += wmmse.sumRate - sumRate(channel, matmul(wmmse.analog, unquantised.digital), 1);
      }
    }
    expect(gained / 60).toBeGreaterThan(1);
  });

  it('loses less the more bits there are', () => {
    const meanRate = (bits: number): number => {
      let sum = 0;
      for (let seed = 1; seed <= 20; seed++) {
        const channel = channelOf(seed);
        sum += quantiseAndResolve({
          channel,
          analogPhase: alignedPhases(channel),
          rfChains: users,
          power: 10,
          noise: 1,
          bits,
        }).sumRate;
      }
      return sum / 20;
    };
    const rates = [1, 2, 3, 6, 12].map(meanRate);
    for (let i = 1; i < 4; i++) expect(rates[i]).toBeGreaterThan(rates[i - 1]);
    expect(rates[3] / rates[4]).toBeGreaterThan(0.99);
  });

  it('solves D when columns of A coincide, as with few bits they may', () => {
    const channel = channelOf(9);
    const analogPhase = alignedPhases(channel).map((_, place, all) => (place % users === 1 ? all[place - 1] : all[place]));
    const beam = quantiseAndResolve({ channel, analogPhase, rfChains: users, power: 10, noise: 1, bits: 3 });
    const precoder = matmul(fromPhases(wordsToPhases(beam.words, 3), elements, users), beam.digital);
    expect(frobeniusNorm(precoder) ** 2).toBeCloseTo(10, 6);
    expect(beam.sumRate).toBeCloseTo(sumRate(channel, precoder, 1), 6);
    expect(beam.sumRate).toBeGreaterThan(3);
  });

  it('leaves the words of missing connections at 0 and their entries of A at zero', () => {
    const channel = channelOf(5);
    const connection = connectionMask('sub', elements, users);
    const beam = quantiseAndResolve({
      channel,
      analogPhase: alignedPhases(channel),
      rfChains: users,
      power: 10,
      noise: 1,
      bits: 4,
      connection,
    });
    connection.forEach((wired, place) => {
      expect(Math.hypot(beam.analog.re[place], beam.analog.im[place])).toBeCloseTo(wired, 12);
      if (wired === 0) expect(beam.words[place]).toBe(0);
    });
    expect(frobeniusNorm(matmul(beam.analog, beam.digital)) ** 2).toBeCloseTo(10, 9);
  });

  it('chooses among measured states where there are some', () => {
    const channel = channelOf(6);
    const ideal = idealStates(3);
    // Every element is wired backwards: word w shows the phase of word 7 − w.
    const backwards = { re: ideal.re.slice().reverse(), im: ideal.im.slice().reverse() };
    const options = { channel, analogPhase: alignedPhases(channel), rfChains: users, power: 10, noise: 1, bits: 3 };
    const plain = quantiseAndResolve(options);
    const measured = quantiseAndResolve({ ...options, statesOf: () => backwards });
    expect([...measured.words]).toEqual([...plain.words].map((word) => 7 - word));
    expect(measured.sumRate).toBeCloseTo(plain.sumRate, 9);
  });

  it('refuses phases that do not fit the channel', () => {
    const channel = channelOf(7);
    const analogPhase = new Float64Array(5);
    expect(() => quantiseAndResolve({ channel, analogPhase, rfChains: 4, power: 1, noise: 1, bits: 3 })).toThrow(
      /32 elements × 4 RF chains/,
    );
  });
});
