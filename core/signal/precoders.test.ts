import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChannelScale } from './channel.ts';
import { salehValenzuela } from './channel.ts';
import type { CMatrix } from './complex-matrix.ts';
import {
  conjTranspose,
  frobeniusNorm,
  fromParts,
  fromPhases,
  identity,
  matmul,
  scale,
  subtract,
  zeros,
} from './complex-matrix.ts';
import { solveHermitian } from './cholesky.ts';
import { pseudoInverse, svd } from './decompositions.ts';
import type { ArrayGeometry } from './geometry.ts';
import { connectionMask } from './geometry.ts';
import { digitalForAnalog, wmmse, zeroForcing } from './precoders.ts';
import type { Random } from './random.ts';
import { createRandom } from './random.ts';
import { fromDb, sinr, sumRate, toDb } from './rate.ts';

const NOISE = 0.1; // 10 dB at power 1

function draw(random: Random, options: { elements?: number; users?: number; scale?: ChannelScale } = {}): CMatrix {
  const { elements = 32, users = 4, scale: channelScale = 'unit-element' } = options;
  const geometry: ArrayGeometry = { kind: 'ula', elements, spacingWavelengths: 0.5 };
  return salehValenzuela({ random, geometry, users, paths: 10, scale: channelScale });
}

/** exp(j·angle(Hᴴ)) */
function alignedAnalog(channel: CMatrix): CMatrix {
  const h = conjTranspose(channel);
  return fromPhases(
    h.re.map((re, i) => Math.atan2(h.im[i], re)),
    h.rows,
    h.cols,
  );
}

/** Fully digital: every element its own chain. */
const regularisedZeroForcing = (channel: CMatrix, total: number, noise: number): CMatrix =>
  digitalForAnalog(channel, identity(channel.cols), total, noise, { method: 'rzf' });

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const power = (a: CMatrix): number => frobeniusNorm(a) ** 2;

describe('SINR and rate', () => {
  it('are what the definition gives by hand', () => {
    // Two users; user 0 hears 2 of its own stream and 1 of the other, user 1 hears 1 of each.
    const channel = fromParts(2, 2, [2, 1, 1, 1], [0, 0, 0, 0]);
    const precoder = fromParts(2, 2, [1, 0, 0, 1], [0, 0, 0, 0]);
    const [first, second] = sinr(channel, precoder, 0.5);
    expect(first).toBeCloseTo(4 / 1.5, 12);
    expect(second).toBeCloseTo(1 / 1.5, 12);
    expect(sumRate(channel, precoder, 0.5)).toBeCloseTo(Math.log2(1 + 4 / 1.5) + Math.log2(1 + 1 / 1.5), 12);
    expect(toDb(fromDb(-3))).toBeCloseTo(-3, 12);
    expect(() => sinr(channel, zeros(2, 3), 1)).toThrow(/one column per user/);
  });
});

describe('digital precoders', () => {
  it('reach the reference rates of paper 001 at 10 dB in both scales', () => {
    // By an independent program over 100 channels of its own; the spread between draws is about ±0.5.
    const expected: Record<ChannelScale, [number, number, number]> = {
      'paper-001': [17.3, 17.7, 15.3],
      'unit-element': [23.8, 24.1, 20.1],
    };
    for (const scaleName of ['paper-001', 'unit-element'] as const) {
      const random = createRandom(1).stream('test');
      const rates = Array.from({ length: 200 }, () => {
        const channel = draw(random, { scale: scaleName });
        const analog = alignedAnalog(channel);
        const least = matmul(analog, matmul(pseudoInverse(analog), pseudoInverse(channel))); // A·A⁺H⁺: D of (13)
        return [zeroForcing(channel, 1), wmmse(channel, 1, NOISE), scale(least, 1 / frobeniusNorm(least))].map((v) =>
          sumRate(channel, v, NOISE),
        );
      });
      expected[scaleName].forEach((reference, i) => {
        expect(Math.abs(mean(rates.map((row) => row[i])) - reference)).toBeLessThan(0.5);
      });
    }
  });

  it('zero-forcing leaves no interference, serves all users alike and spends the whole power', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0.01, max: 100, noNaN: true }), (seed, total) => {
        const channel = draw(createRandom(seed), { elements: 16, users: 3 });
        const v = zeroForcing(channel, total);
        expect(power(v)).toBeCloseTo(total, 8);
        const gains = matmul(channel, v);
        const common = gains.re[0];
        for (let i = 0; i < 9; i++)
          expect(Math.hypot(gains.re[i] - (i % 4 === 0 ? common : 0), gains.im[i])).toBeLessThan(1e-7 * common);
      }),
      { numRuns: 50 },
    );
  });

  it('weighted MMSE never falls below zero-forcing, and grows with every update', () => {
    const random = createRandom(3);
    for (let i = 0; i < 20; i++) {
      const channel = draw(random, { elements: 8 });
      let rate = sumRate(channel, zeroForcing(channel, 1), NOISE);
      for (const iterations of [1, 2, 3, 10, 100]) {
        const v = wmmse(channel, 1, NOISE, { iterations });
        expect(power(v)).toBeCloseTo(1, 10);
        const next = sumRate(channel, v, NOISE);
        expect(next).toBeGreaterThanOrEqual(rate - 1e-9);
        rate = next;
      }
    }
  });

  it('weighted MMSE takes the textbook steps, N×N inverse and all', () => {
    const channel = draw(createRandom(4), { elements: 12, users: 3 });
    let v = zeroForcing(channel, 2);
    for (let iteration = 0; iteration < 5; iteration++) {
      const gains = matmul(channel, v);
      const weighted = zeros(3, 12); // rows √λₖ·h_kᴴ
      const right = zeros(12, 3);
      let eta = 0;
      for (let k = 0; k < 3; k++) {
        let received = (NOISE * power(v)) / 2;
        for (let j = 0; j < 3; j++) received += gains.re[k * 3 + j] ** 2 + gains.im[k * 3 + j] ** 2;
        const [re, im] = [gains.re[k * 4], gains.im[k * 4]];
        const weight = 1 / (1 - (re * re + im * im) / received);
        const lambda = (weight * (re * re + im * im)) / received ** 2;
        eta += (NOISE / 2) * lambda;
        for (let n = 0; n < 12; n++) {
          const [hr, hi] = [channel.re[k * 12 + n], channel.im[k * 12 + n]];
          weighted.re[k * 12 + n] = Math.sqrt(lambda) * hr;
          weighted.im[k * 12 + n] = Math.sqrt(lambda) * hi;
          right.re[n * 3 + k] = (weight * (hr * re + hi * im)) / received; // conj(h_kᴴ)·u·w
          right.im[n * 3 + k] = (weight * (hr * im - hi * re)) / received;
        }
      }
      const system = matmul(conjTranspose(weighted), weighted);
      for (let n = 0; n < 12; n++) system.re[n * 13] += eta;
      v = solveHermitian(system, right);
    }
    v = scale(v, Math.sqrt(2) / frobeniusNorm(v));
    expect(frobeniusNorm(subtract(wmmse(channel, 2, NOISE, { iterations: 5 }), v))).toBeLessThan(1e-9);
  });

  it('regularised zero-forcing is the matched filter in noise and zero-forcing without', () => {
    const channel = draw(createRandom(5));
    const matched = conjTranspose(channel);
    expect(
      frobeniusNorm(subtract(regularisedZeroForcing(channel, 1, 1e9), scale(matched, 1 / frobeniusNorm(matched)))),
    ).toBeLessThan(1e-6);
    expect(frobeniusNorm(subtract(regularisedZeroForcing(channel, 1, 1e-9), zeroForcing(channel, 1)))).toBeLessThan(1e-6);
  });

  it('stand users that share one channel and users that hear nothing', () => {
    const channel = draw(createRandom(6), { elements: 8, users: 2 });
    const twice = fromParts(3, 8, [...channel.re, ...channel.re.slice(0, 8)], [...channel.im, ...channel.im.slice(0, 8)]);
    const silent = fromParts(3, 8, [...channel.re, ...new Float64Array(8)], [...channel.im, ...new Float64Array(8)]);
    for (const difficult of [twice, silent]) {
      const analog = alignedAnalog(difficult);
      for (const v of [
        zeroForcing(difficult, 1),
        regularisedZeroForcing(difficult, 1, NOISE),
        wmmse(difficult, 1, NOISE),
        ...(['zf', 'rzf', 'wmmse'] as const).map((method) =>
          matmul(analog, digitalForAnalog(difficult, analog, 1, NOISE, { method })),
        ),
      ]) {
        expect(power(v)).toBeCloseTo(1, 8);
        expect(sumRate(difficult, v, NOISE)).toBeGreaterThan(0);
      }
    }
    expect(() => zeroForcing(zeros(2, 8), 1)).toThrow(/no user hears anything/);
  });
});

describe('the digital precoder for a given analog one', () => {
  it('is WMMSE on H·Q for orthonormal columns Q that span those of A', () => {
    const random = createRandom(8);
    for (let i = 0; i < 10; i++) {
      const channel = draw(random);
      const analog = alignedAnalog(channel);
      const { u: q } = svd(analog);
      const whitened = matmul(channel, q);
      for (const [method, expected] of [
        ['wmmse', matmul(q, wmmse(whitened, 1, NOISE))],
        ['zf', matmul(q, zeroForcing(whitened, 1))],
        ['rzf', matmul(q, regularisedZeroForcing(whitened, 1, NOISE))],
      ] as const) {
        const d = digitalForAnalog(channel, analog, 1, NOISE, { method, tolerance: 0 });
        expect(frobeniusNorm(subtract(matmul(analog, d), expected))).toBeLessThan(1e-8);
      }
    }
  });

  it('is at no SNR worse for its short cut than after 100 plain updates', () => {
    for (const noise of [1, 0.1, 0.01]) {
      const random = createRandom(9);
      const gains = Array.from({ length: 30 }, () => {
        const channel = draw(random, { elements: 64 });
        const analog = alignedAnalog(channel);
        const rate = (options: { tolerance?: number }): number =>
          sumRate(channel, matmul(analog, digitalForAnalog(channel, analog, 1, noise, options)), noise);
        return rate({}) - rate({ tolerance: 0 });
      });
      expect(mean(gains)).toBeGreaterThan(-0.002);
      expect(Math.min(...gains)).toBeGreaterThan(-0.2);
    }
  });

  it('goes on from the precoder it is given', () => {
    const channel = draw(createRandom(10));
    const analog = alignedAnalog(channel);
    const options = { tolerance: 0 };
    const half = digitalForAnalog(channel, analog, 1, NOISE, { ...options, iterations: 20 });
    const resumed = digitalForAnalog(channel, analog, 1, NOISE, { ...options, iterations: 20, start: scale(half, 3) });
    const whole = digitalForAnalog(channel, analog, 1, NOISE, { ...options, iterations: 40 });
    expect(frobeniusNorm(subtract(resumed, whole))).toBeLessThan(1e-9);
  });

  it('keeps to its power with coinciding chains, more chains than users, and chains that reach part of the array', () => {
    const channel = draw(createRandom(11), { users: 3 });
    const phases = Float64Array.from({ length: 32 * 4 }, (_, i) => (i % 4 < 2 ? 0.1 * Math.floor(i / 4) : i));
    for (const analog of [
      fromPhases(phases, 32, 4), // chains 0 and 1 alike
      fromPhases(phases, 32, 4, connectionMask('sub', 32, 4)),
      alignedAnalog(draw(createRandom(12), { users: 4 })),
    ]) {
      for (const method of ['zf', 'rzf', 'wmmse'] as const) {
        const d = digitalForAnalog(channel, analog, 2, NOISE, { method });
        expect([d.rows, d.cols]).toEqual([4, 3]);
        expect(power(matmul(analog, d))).toBeCloseTo(2, 8);
      }
    }
  });
});
