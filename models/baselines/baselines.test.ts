import { describe, expect, it } from 'vitest';
import type { Problem } from '../../core/signal/beam-contract.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, frobeniusNorm, fromPhases, matmul, scale, subtract, zeros } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { wmmse } from '../../core/signal/precoders.ts';
import { createRandom } from '../../core/signal/random.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { alignedAnalog } from './aligned.ts';
import { sweptFactors } from './altmin-sweeps.ts';
import type { BaselineName } from './baselines.ts';
import { BASELINE_NAMES, BASELINES, baselineMisfit, isBaselineName, runBaseline } from './baselines.ts';

const NOISE = 0.1;

function draw(seed: number, elements = 32, users = 4): CMatrix {
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  return salehValenzuela({ random: createRandom(seed), geometry, users, paths: 10, scale: 'unit-element' });
}

describe('the baselines', () => {
  it.each(BASELINES)('$name gives a beam of the asked power, the same in every unit of the channel', ({ name }) => {
    const rfChains = name === 'two-phase' ? 8 : 4;
    for (const seed of [1, 2, 3]) {
      const channel = draw(seed);
      const { analogPhase, digital } = runBaseline(name, { channel, power: 1, noise: NOISE, rfChains });
      const analog = fromPhases(analogPhase, 32, rfChains);
      const other = runBaseline(name, { channel: scale(channel, 1e-5), power: 4, noise: 4 * NOISE * 1e-10, rfChains });
      expect(frobeniusNorm(subtract(analog, fromPhases(other.analogPhase, 32, rfChains)))).toBeLessThan(1e-6);
      expect(frobeniusNorm(matmul(analog, digital)) ** 2).toBeCloseTo(1, 9);
      expect(frobeniusNorm(matmul(analog, other.digital)) ** 2).toBeCloseTo(4, 9);
    }
  });

  it.each(BASELINES)('$name serves arrays of any kind, with more chains than users too, or refuses by name', ({ name }) => {
    const partly = connectionMask('full', 30, 4).map((_, place) => Number(place % 7 !== 3));
    const arrays = [
      { elements: 30, rfChains: 4, users: 4, connection: connectionMask('sub', 30, 4) },
      { elements: 30, rfChains: 4, users: 4, connection: partly },
      { elements: 30, rfChains: 6, users: 4 },
      { elements: 30, rfChains: 9, users: 4 },
      { elements: 7, rfChains: 1, users: 1 },
      { elements: 4, rfChains: 4, users: 4 },
      { elements: 1, rfChains: 1, users: 1 },
    ];
    for (const { elements, rfChains, users, connection } of arrays) {
      const channel = draw(2, elements, users);
      const mask = connection === undefined ? {} : { connection };
      const problem = { channel, power: 1, noise: NOISE, rfChains, ...mask };
      const kind = connection === undefined ? 'full' : 'sub';
      const misfit = baselineMisfit(name, { elements, rfChains, users, connection: kind });
      if (misfit !== undefined) {
        expect(() => runBaseline(name, problem)).toThrow(misfit);
        continue;
      }
      const { analogPhase, digital } = runBaseline(name, problem);
      const precoder = matmul(fromPhases(analogPhase, elements, rfChains, connection), digital);
      expect(frobeniusNorm(precoder) ** 2).toBeCloseTo(1, 9);
      expect(sumRate(channel, precoder, NOISE)).toBeGreaterThan(0.9);
    }
  });

  it.each(BASELINES)(
    '$name gives a beam of full power where users are silent or in one place, and an element is dead',
    ({ name }) => {
      const rfChains = name === 'two-phase' ? 8 : 4;
      const twins = clone(draw(5));
      twins.re.copyWithin(32, 0, 32);
      twins.im.copyWithin(32, 0, 32);
      const silent = clone(draw(6));
      silent.re.fill(0, 64, 96);
      silent.im.fill(0, 64, 96);
      const dead = clone(draw(7));
      for (let user = 0; user < 4; user++) dead.re[32 * user + 9] = dead.im[32 * user + 9] = 0;
      for (const channel of [twins, silent, dead]) {
        for (const noise of [1e-6, 0.1, 1e3]) {
          const { analogPhase, digital } = runBaseline(name, { channel, power: 3, noise, rfChains });
          const precoder = matmul(fromPhases(analogPhase, 32, rfChains), digital);
          expect(frobeniusNorm(precoder) ** 2).toBeCloseTo(3, 8);
          expect(sumRate(channel, precoder, noise)).toBeGreaterThan(0);
        }
      }
    },
  );

  it.each(BASELINES)('$name refuses what has no answer', ({ name }) => {
    const problem = { channel: draw(1), power: 1, noise: NOISE, rfChains: 8 };
    const broken = clone(draw(1));
    broken.re[40] = NaN;
    const refused: [Partial<Problem>, RegExp][] = [
      [{ power: 0 }, /power P is 0/],
      [{ power: Infinity }, /power P is Infinity/],
      [{ noise: NaN }, /noise σ² is NaN/],
      [{ rfChains: 0 }, /RF chains is 0/],
      [{ connection: new Uint8Array(7) }, /256 connections, got 7/],
      [{ channel: zeros(4, 32) }, /all zero|norm 0/],
      [{ channel: broken }, /not finite|not a number|norm NaN/],
    ];
    for (const [change, message] of refused) expect(() => runBaseline(name, { ...problem, ...change })).toThrow(message);
  });

  it('refuse an array only where they have no meaning there, and say so', () => {
    const dimensions = { elements: 48, rfChains: 6, users: 4 };
    const refusing = (more: object): string[] =>
      BASELINE_NAMES.filter((name) => baselineMisfit(name, { ...dimensions, ...more }) !== undefined);
    expect(refusing({})).toEqual(['two-phase']);
    expect(refusing({ rfChains: 8 })).toEqual([]);
    expect(refusing({ rfChains: 8, connection: 'sub' })).toEqual(['two-phase']);
    expect(baselineMisfit('two-phase', dimensions)).toMatch(/two RF chains a user: 8 for 4, not 6/);
  });

  it('stand in the order in which they are said to, on the whole', () => {
    const rates = new Map<BaselineName, number>();
    for (const { name } of BASELINES.filter((each) => each.name !== 'two-phase')) {
      const each = Array.from({ length: 8 }, (_, seed) => {
        const channel = draw(seed);
        const { analogPhase, digital } = runBaseline(name, { channel, power: 1, noise: NOISE, rfChains: 4 });
        return sumRate(channel, matmul(fromPhases(analogPhase, 32, 4), digital), NOISE);
      });
      rates.set(name, each.reduce((sum, rate) => sum + rate, 0) / each.length);
    }
    const above = (better: BaselineName, worse: BaselineName, by: number): void =>
      expect((rates.get(better) ?? NaN) - (rates.get(worse) ?? NaN), `${better} above ${worse}`).toBeGreaterThan(by);
    above('pga', 'aligned', 1);
    above('pga-searched', 'pga', 0.2);
    above('phase-extraction', 'pga-searched', 0);
    above('phase-extraction-best', 'phase-extraction', 0.05);
    above('manifold', 'pga-searched', 0);
    // Factored afterwards, a precoder loses more than phases that were chosen for the rate.
    for (const twoStep of ['sca-rmm', 'altmin-manifold', 'altmin-phase-extraction', 'wmmse-factored', 'omp'] as const) {
      above('phase-extraction', twoStep, 0.5);
    }
    for (const { name } of BASELINES) {
      if (name !== 'two-phase' && name !== 'long-run') above('long-run', name, 0);
    }
  });

  it('by gradients are above the phases that they begin with on arrays of any size', () => {
    for (const [elements, users] of [
      [8, 2],
      [64, 8],
      [256, 4],
    ]) {
      const mean = (name: BaselineName): number => {
        let sum = 0;
        for (let seed = 0; seed < 3; seed++) {
          const channel = draw(seed, elements, users);
          const { analogPhase, digital } = runBaseline(name, { channel, power: 1, noise: NOISE, rfChains: users });
          sum += sumRate(channel, matmul(fromPhases(analogPhase, elements, users), digital), NOISE);
        }
        return sum / 3;
      };
      expect(mean('pga')).toBeGreaterThan(mean('aligned'));
      expect(mean('pga-searched')).toBeGreaterThan(mean('pga'));
      expect(mean('manifold')).toBeGreaterThan(mean('pga-searched'));
    }
  });

  it('align a chain with every further direction when there are more chains than users, and with the strongest users when fewer', () => {
    const channel = draw(3, 32, 2);
    const target = wmmse(channel, 1, NOISE);
    const missed = (chains: number): number => {
      const { analog, digital } = sweptFactors(target, alignedAnalog(channel, chains), 0);
      return frobeniusNorm(subtract(target, matmul(analog, digital)));
    };
    expect(missed(3)).toBeLessThan(missed(2));
    expect(missed(4)).toBeLessThan(missed(3));
    const loud = {
      ...channel,
      re: channel.re.map((x, i) => (i < 32 ? x : 9 * x)),
      im: channel.im.map((x, i) => (i < 32 ? x : 9 * x)),
    };
    const received = matmul(loud, alignedAnalog(loud, 1));
    expect(Math.hypot(received.re[1], received.im[1])).toBeGreaterThan(Math.hypot(received.re[0], received.im[0]));
  });

  it('factor a digital precoder without loss when there are twice as many chains as users', () => {
    // Any complex vector is a sum of two of constant modulus (Zhang et al., IEEE Trans. Signal Process. 53(11), 2005).
    const channel = draw(4, 32, 2);
    const target = wmmse(channel, 1, NOISE);
    const { analog, digital } = sweptFactors(target, alignedAnalog(channel, 4), 300);
    expect(frobeniusNorm(subtract(target, matmul(analog, digital)))).toBeLessThan(0.02);
  });

  it('are known by name', () => {
    expect(isBaselineName('pga')).toBe(true);
    expect(isBaselineName('toString')).toBe(false);
  });
});
