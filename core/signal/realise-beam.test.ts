import { describe, expect, it } from 'vitest';
import { salehValenzuela } from './channel.ts';
import type { Beam, Problem } from './beam-contract.ts';
import type { CMatrix } from './complex-matrix.ts';
import { fromPhases, frobeniusNorm, matmul, scale, zeros } from './complex-matrix.ts';
import { connectionMask } from './geometry.ts';
import { idealStates, wordsToPhases } from './quantise.ts';
import { createRandom } from './random.ts';
import { sinr, sumRate } from './rate.ts';
import { sumRateObjective } from './objectives/sum-rate.ts';
import { digitalForAnalog } from './precoders.ts';
import { realiseBeam, realiseExactly } from './realise-beam.ts';

const ELEMENTS = 32;
const USERS = 4;

function channelOf(seed: number): CMatrix {
  const geometry = { kind: 'ula', elements: ELEMENTS, spacingWavelengths: 0.5 } as const;
  return salehValenzuela({ random: createRandom(seed), geometry, users: USERS, paths: 10, scale: 'unit-element' });
}

/** Phases aligned with each user's channel: A₀ = exp(j·angle(Hᴴ)). */
function alignedPhases(channel: CMatrix): Float64Array {
  const phases = new Float64Array(ELEMENTS * USERS);
  for (let n = 0; n < ELEMENTS; n++) {
    for (let k = 0; k < USERS; k++)
      phases[n * USERS + k] = Math.atan2(-channel.im[k * ELEMENTS + n], channel.re[k * ELEMENTS + n]);
  }
  return phases;
}

/** Aligned phases, and a digital part that radiates nothing, so that it is no candidate. */
const wished = (channel: CMatrix, analogPhase = alignedPhases(channel)): Beam => ({ analogPhase, digital: zeros(USERS, USERS) });
const problemOf = (channel: CMatrix, more: Partial<Problem> = {}): Problem => ({
  channel,
  rfChains: USERS,
  power: 10,
  noise: 1,
  ...more,
});
const objective = sumRateObjective;
const realised = (channel: CMatrix, bits: number, more: Partial<Problem> = {}) =>
  realiseBeam(problemOf(channel, more), wished(channel), { states: { bits }, objective });

describe('quantising and solving D again', () => {
  it('predicts exactly what the words and D give on the channel, at full power', () => {
    for (const bits of [1, 2, 3, 6, 16]) {
      const channel = channelOf(bits);
      const beam = realised(channel, bits);
      const precoder = matmul(fromPhases(wordsToPhases(beam.words, bits), ELEMENTS, USERS), beam.digital);
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
        const beam = realised(channel, 2, { power });
        const rzf = digitalForAnalog(channel, beam.analog, power, 1, { method: 'rzf' });
        expect(beam.sumRate).toBeGreaterThanOrEqual(sumRate(channel, matmul(beam.analog, rzf), 1) - 1e-9);
        const unquantised = realised(channel, 16, { power });
        gained += beam.sumRate - sumRate(channel, matmul(beam.analog, unquantised.digital), 1);
      }
    }
    expect(gained / 60).toBeGreaterThan(1);
  });

  it('loses less the more bits there are', () => {
    const meanRate = (bits: number): number => {
      let sum = 0;
      for (let seed = 1; seed <= 20; seed++) {
        const channel = channelOf(seed);
        sum += realised(channel, bits).sumRate;
      }
      return sum / 20;
    };
    const rates = [1, 2, 3, 6, 12].map(meanRate);
    for (let i = 1; i < 4; i++) expect(rates[i]).toBeGreaterThan(rates[i - 1]);
    expect(rates[3] / rates[4]).toBeGreaterThan(0.99);
  });

  it('solves D when columns of A coincide, as with few bits they may', () => {
    const channel = channelOf(9);
    const analogPhase = alignedPhases(channel).map((_, place, all) => (place % USERS === 1 ? all[place - 1] : all[place]));
    const beam = realiseBeam(problemOf(channel), wished(channel, analogPhase), { states: { bits: 3 }, objective });
    const precoder = matmul(fromPhases(wordsToPhases(beam.words, 3), ELEMENTS, USERS), beam.digital);
    expect(frobeniusNorm(precoder) ** 2).toBeCloseTo(10, 6);
    expect(beam.sumRate).toBeCloseTo(sumRate(channel, precoder, 1), 6);
    expect(beam.sumRate).toBeGreaterThan(3);
  });

  it('leaves the words of missing connections at 0 and their entries of A at zero', () => {
    const channel = channelOf(5);
    const connection = connectionMask('sub', ELEMENTS, USERS);
    const beam = realised(channel, 4, { connection });
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
    const plain = realised(channel, 3);
    const measured = realiseBeam(problemOf(channel), wished(channel), { states: { bits: 3, of: () => backwards }, objective });
    expect([...measured.words]).toEqual([...plain.words].map((word) => 7 - word));
    expect(measured.sumRate).toBeCloseTo(plain.sumRate, 9);
  });

  it('refuses phases that do not fit the channel', () => {
    const channel = channelOf(7);
    const analogPhase = new Float64Array(5);
    expect(() => realiseBeam(problemOf(channel), wished(channel, analogPhase), { states: { bits: 3 }, objective })).toThrow(
      /32 elements × 4 RF chains/,
    );
  });

  it("takes the beamformer's own D where it is the better one, at the power of the array as set, and says whose it is", () => {
    const channel = channelOf(8);
    const resolved = realised(channel, 3);
    // What the objective found, and 1 % better than that is not to be had: of another power, it must come out as good.
    const own: Beam = { analogPhase: alignedPhases(channel), digital: scale(resolved.digital, 7) };
    const tie = realiseBeam(problemOf(channel), own, { states: { bits: 3 }, objective });
    expect(tie.sumRate).toBeCloseTo(resolved.sumRate, 9);
    expect(frobeniusNorm(matmul(tie.analog, tie.digital)) ** 2).toBeCloseTo(10, 9);
    // An objective that knows no better than to radiate on one chain leaves the beam to the beamformer.
    const poor: typeof objective = {
      name: 'poor',
      at: (problem, array) => ({ ...objective.at(problem, array), resolve: () => ({ digital: oneStream(array.analog) }) }),
    };
    const beam = realiseBeam(problemOf(channel), own, { states: { bits: 3 }, objective: poor });
    expect(beam.digitalFrom).toBe('beamformer');
    expect(beam.sumRate).toBeCloseTo(resolved.sumRate, 9);
    expect(resolved.digitalFrom).toBe('objective');
  });

  it('is the limit of many bits where phases are exact', () => {
    const channel = channelOf(10);
    const exact = realiseExactly(problemOf(channel), wished(channel), objective);
    expect(realised(channel, 16).sumRate).toBeCloseTo(exact.sumRate, 2);
  });
});

/** All the power on one stream of the first chain. */
function oneStream(analog: CMatrix): CMatrix {
  const digital = zeros(USERS, USERS);
  digital.re[0] = 1;
  return scale(digital, Math.sqrt(10) / frobeniusNorm(matmul(analog, digital)));
}

describe('a beam that somebody chose', () => {
  const problem = problemOf(channelOf(4));
  const own = realised(channelOf(4), 4);

  it('of given words goes out with these very words and D, whatever the quantiser and the objective would do', () => {
    const quiet = scale(own.digital, 0.5);
    const wished: Beam = { analogPhase: wordsToPhases(own.words, 4), digital: quiet, asGiven: { bits: 4, words: own.words } };
    const quantise = (): never => {
      throw new Error('nobody quantises it');
    };
    const beam = realiseBeam(problem, wished, { states: { bits: 4 }, objective, quantise });
    expect(beam.words).toEqual(own.words);
    expect(beam.digital).toBe(quiet);
    expect(beam.digitalFrom).toBe('beamformer');
    const precoder = matmul(fromPhases(wordsToPhases(own.words, 4), ELEMENTS, USERS), quiet);
    sinr(problem.channel, precoder, 1).forEach((value, user) => expect(beam.sinr[user]).toBeCloseTo(value, 8));
    const finer = realiseBeam(problem, wished, { states: { bits: 6 }, objective });
    expect(finer.words).toEqual(own.words.map((word) => word * 4));
    const coarser = realiseBeam(problem, wished, { states: { bits: 3 }, objective });
    coarser.words.forEach((word, place) => expect(word).toBe(Math.round(own.words[place] / 2) % 8));
  });

  it('never has more power than is allowed', () => {
    const loud: Beam = {
      analogPhase: wordsToPhases(own.words, 4),
      digital: scale(own.digital, 3),
      asGiven: { bits: 4, words: own.words },
    };
    const beam = realiseBeam(problem, loud, { states: { bits: 4 }, objective });
    expect(frobeniusNorm(matmul(beam.analog, beam.digital)) ** 2).toBeCloseTo(10, 9);
  });

  it('of given phases shows the states nearest in phase, at full power, and D is not solved again', () => {
    const analogPhase = alignedPhases(problem.channel);
    const weak = idealStates(4);
    const strong = { re: weak.re.map((x) => 3 * x), im: weak.im.map((y) => 3 * y) };
    const mixed = { bits: 4, of: (place: number) => (place % 2 === 0 ? weak : strong) };
    const digital = zeros(USERS, USERS);
    for (let m = 0; m < USERS; m++) digital.re[m * USERS] = 1;
    const beam = realiseBeam(problem, { analogPhase, digital, asGiven: 'phases' }, { states: mixed, objective });
    expect(beam.words).toEqual(realiseBeam(problem, { analogPhase, digital }, { states: { bits: 4 }, objective }).words);
    expect(frobeniusNorm(matmul(beam.analog, beam.digital)) ** 2).toBeCloseTo(10, 9);
    expect(beam.digital.re[1]).toBe(0);
    expect(beam.digital.re[USERS] / beam.digital.re[0]).toBeCloseTo(1, 12);
    expect(Array.from(beam.sinr.subarray(1))).toEqual([0, 0, 0]);
  });
});
