import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChannelScale } from '../../core/signal/channel.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import {
  clone,
  frobeniusNorm,
  matmul,
  multiplyABh,
  multiplyAhB,
  scale,
  subtract,
  zeros,
} from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { createRandom } from '../../core/signal/random.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { alignedAnalog, nearestToZeroForcing } from './aligned.ts';
import { fixedStepPga } from './fixed-step-pga.ts';
import { normaliseChannel } from './normalise.ts';
import { constantSteps, pgaUnfold, rateWeights } from './pga.ts';

function draw(seed: number, elements = 32, users = 4, scaleName: ChannelScale = 'unit-element'): CMatrix {
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  return salehValenzuela({ random: createRandom(seed), geometry, users, paths: 10, scale: scaleName });
}

const moduli = (a: CMatrix): number[] => [...a.re].map((re, i) => Math.hypot(re, a.im[i]));

describe('the gradients of the sum rate', () => {
  it('are those of finite differences, for A and for D', () => {
    const channel = draw(1, 6, 3);
    const analog = alignedAnalog(channel, 3);
    const digital = nearestToZeroForcing(channel, analog, 1);
    const noise = 0.1;
    const weights = rateWeights(matmul(matmul(channel, analog), digital), noise);
    // Of a real function, ∂R/∂Re z = 2·Re ∂R/∂z* and ∂R/∂Im z = 2·Im ∂R/∂z*.
    const byAnalog = multiplyAhB(channel, multiplyABh(weights, digital));
    const byDigital = multiplyAhB(matmul(channel, analog), weights);
    const rate = (a: CMatrix, d: CMatrix): number => sumRate(channel, matmul(a, d), noise);
    const step = 1e-6;
    const difference = (of: CMatrix, part: 're' | 'im', i: number, at: (moved: CMatrix) => number): number => {
      const up = clone(of);
      const down = clone(of);
      up[part][i] += step;
      down[part][i] -= step;
      return (at(up) - at(down)) / (2 * step);
    };
    for (const part of ['re', 'im'] as const) {
      byAnalog[part].forEach((g, i) =>
        expect(2 * g).toBeCloseTo(
          difference(analog, part, i, (a) => rate(a, digital)),
          5,
        ),
      );
      byDigital[part].forEach((g, i) =>
        expect(2 * g).toBeCloseTo(
          difference(digital, part, i, (d) => rate(analog, d)),
          4,
        ),
      );
    }
  });
});

describe('projected gradient ascent', () => {
  it('reaches the reference rates of paper 001 at 10 dB, with σ² = 1 and P = 10 on the channel as drawn', () => {
    const expected: [ChannelScale, number, number, number, number][] = [
      ['paper-001', 1, 0.01, 1e-4, 16.0],
      ['paper-001', 10, 0.01, 1e-4, 16.2],
      ['paper-001', 10, 0.1, 1e-3, 16.5],
      ['unit-element', 1, 0.01, 1e-4, 22.4],
      ['unit-element', 10, 0.01, 1e-4, 22.6],
      ['unit-element', 10, 0.1, 1e-3, 22.9],
    ];
    for (const [scaleName, innerSteps, mu, lambda, reference] of expected) {
      let rate = 0;
      for (let seed = 0; seed < 60; seed++) {
        const channel = draw(seed, 32, 4, scaleName);
        const { layers } = pgaUnfold({ channel, power: 10, noise: 1, ...constantSteps(30, innerSteps, mu, lambda) });
        rate += sumRate(channel, matmul(layers[29].analog, layers[29].digital), 1) / 60;
      }
      expect(Math.abs(rate - reference)).toBeLessThan(0.6);
    }
  });

  it('keeps unit moduli and full power after every layer, and climbs with small steps', () => {
    const channel = draw(2);
    const { start, layers } = pgaUnfold({ channel, power: 10, noise: 1, ...constantSteps(8, 3, 0.01, 1e-4) });
    let rate = sumRate(channel, matmul(start.analog, start.digital), 1);
    expect(layers).toHaveLength(8);
    for (const { analog, digital } of layers) {
      for (const modulus of moduli(analog)) expect(modulus).toBeCloseTo(1, 12);
      expect(frobeniusNorm(matmul(analog, digital)) ** 2).toBeCloseTo(10, 10);
      const next = sumRate(channel, matmul(analog, digital), 1);
      expect(next).toBeGreaterThan(rate);
      rate = next;
    }
  });

  it('goes on from a given start as if it had never stopped, and leaves the start alone', () => {
    const channel = draw(3);
    const run = (layers: number) => constantSteps(layers, 2, 0.02, 1e-4);
    const whole = pgaUnfold({ channel, power: 10, noise: 1, ...run(6) }).layers;
    const start = pgaUnfold({ channel, power: 10, noise: 1, ...run(3) }).layers[2];
    const before = clone(start.analog);
    const rest = pgaUnfold({ channel, power: 10, noise: 1, start, ...run(3) }).layers;
    expect(rest[2]).toEqual(whole[5]);
    expect(start.analog).toEqual(before);
  });

  it('never wires what is not wired', () => {
    const channel = draw(4);
    const connection = connectionMask('sub', 32, 4);
    const { layers } = pgaUnfold({ channel, power: 10, noise: 1, connection, ...constantSteps(5, 3, 0.05, 1e-4) });
    moduli(layers[4].analog).forEach((modulus, i) => expect(modulus).toBeCloseTo(connection[i], 12));
  });

  it('refuses step sizes for different numbers of layers', () => {
    expect(() => pgaUnfold({ channel: draw(5), power: 1, noise: 1, mu: [[0.1]], lambda: [] })).toThrow(/1 layers of steps on A/);
  });
});

describe('the canonical unit', () => {
  it('has mean |h|² = 1 and leaves every SINR as it was', () => {
    const channel = scale(draw(6), 1e-6);
    const normalised = normaliseChannel(channel, 3e-13, 4);
    expect(frobeniusNorm(normalised.channel) ** 2 / (4 * 32)).toBeCloseTo(1, 12);
    const analog = alignedAnalog(channel, 4);
    const digital = nearestToZeroForcing(channel, analog, 1);
    const asGiven = sumRate(channel, matmul(analog, scale(digital, 2)), 3e-13);
    expect(sumRate(normalised.channel, matmul(analog, digital), normalised.noise)).toBeCloseTo(asGiven, 10);
    expect(() => normaliseChannel(zeros(2, 4), 1)).toThrow(/cannot be normalised/);
  });

  it('makes the beam of fixed-step PGA independent of the unit of the channel and of the power', () => {
    fc.assert(
      fc.property(fc.double({ min: -9, max: 9, noNaN: true }), fc.double({ min: -3, max: 3, noNaN: true }), (unit, level) => {
        const channel = draw(7, 16);
        const settings = { layers: 3, innerSteps: 2, mu: 0.05, lambda: 1e-3 };
        const factor = 10 ** unit;
        const power = 10 ** level;
        const plain = fixedStepPga({ channel, power: 1, noise: 0.1, rfChains: 4 }, settings);
        const other = fixedStepPga(
          { channel: scale(channel, factor), power, noise: 0.1 * factor ** 2 * power, rfChains: 4 },
          settings,
        );
        expect(frobeniusNorm(subtract(plain.analog, other.analog))).toBeLessThan(1e-8);
        expect(frobeniusNorm(subtract(scale(plain.digital, Math.sqrt(power)), other.digital))).toBeLessThan(
          1e-8 * Math.sqrt(power),
        );
      }),
      { numRuns: 20 },
    );
  });
});
