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
import { BASELINES, baselineMisfit, isBaselineName, runBaseline } from './baselines.ts';
import { factorise } from './factorise.ts';

const NOISE = 0.1;

function draw(seed: number, elements = 32, users = 4): CMatrix {
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  return salehValenzuela({ random: createRandom(seed), geometry, users, paths: 10, scale: 'unit-element' });
}

describe('the baselines', () => {
  it.each(BASELINES)('$name gives a beam of the asked power, the same in every unit of the channel', ({ name }) => {
    const channel = draw(1);
    const plain = runBaseline(name, { channel, power: 1, noise: NOISE, rfChains: 4 });
    const other = runBaseline(name, { channel: scale(channel, 1e-5), power: 4, noise: 4 * NOISE * 1e-10, rfChains: 4 });
    const analog = fromPhases(plain.analogPhase, 32, 4);
    expect(frobeniusNorm(subtract(analog, fromPhases(other.analogPhase, 32, 4)))).toBeLessThan(1e-6);
    expect(frobeniusNorm(matmul(analog, plain.digital)) ** 2).toBeCloseTo(1, 9);
    expect(frobeniusNorm(matmul(analog, other.digital)) ** 2).toBeCloseTo(4, 9);
  });

  it.each(BASELINES)('$name serves sub-connected arrays and more chains than users, or refuses by name', ({ name }) => {
    for (const [rfChains, kind] of [
      [4, 'sub'],
      [6, 'full'],
    ] as const) {
      const channel = draw(2);
      const connection = connectionMask(kind, 32, rfChains);
      const misfit = baselineMisfit(name, { elements: 32, rfChains, users: 4, connection: kind });
      if (misfit !== undefined) {
        expect(() => runBaseline(name, { channel, power: 1, noise: NOISE, rfChains, connection })).toThrow(misfit);
        continue;
      }
      const { analogPhase, digital } = runBaseline(name, { channel, power: 1, noise: NOISE, rfChains, connection });
      const precoder = matmul(fromPhases(analogPhase, 32, rfChains, connection), digital);
      expect(frobeniusNorm(precoder) ** 2).toBeCloseTo(1, 9);
      expect(sumRate(channel, precoder, NOISE)).toBeGreaterThan(2);
    }
  });

  it.each(BASELINES)(
    '$name gives a beam of full power where users are silent or in one place, and an element is dead',
    ({ name }) => {
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
          const { analogPhase, digital } = runBaseline(name, { channel, power: 3, noise, rfChains: 4 });
          const precoder = matmul(fromPhases(analogPhase, 32, 4), digital);
          expect(frobeniusNorm(precoder) ** 2).toBeCloseTo(3, 8);
          expect(sumRate(channel, precoder, noise)).toBeGreaterThan(0);
        }
      }
    },
  );

  it.each(BASELINES)('$name refuses what has no answer', ({ name }) => {
    const problem = { channel: draw(1), power: 1, noise: NOISE, rfChains: 4 };
    const broken = clone(draw(1));
    broken.re[40] = NaN;
    const refused: [Partial<Problem>, RegExp][] = [
      [{ power: 0 }, /power P is 0/],
      [{ power: Infinity }, /power P is Infinity/],
      [{ noise: NaN }, /noise σ² is NaN/],
      [{ rfChains: 0 }, /RF chains is 0/],
      [{ connection: new Uint8Array(7) }, /128 connections, got 7/],
      [{ channel: zeros(4, 32) }, /all zero|norm 0/],
      [{ channel: broken }, /not finite|not a number|norm NaN/],
    ];
    for (const [change, message] of refused) expect(() => runBaseline(name, { ...problem, ...change })).toThrow(message);
  });

  it('refuse arrays that they have no steps for: those found for another one would make a poor baseline', () => {
    const dimensions = { elements: 32, rfChains: 4, users: 4 };
    expect(baselineMisfit('pga-searched', dimensions)).toBeUndefined();
    for (const other of [{ elements: 48 }, { rfChains: 6 }, { users: 3 }, { connection: 'sub' as const }]) {
      expect(baselineMisfit('pga-searched', { ...dimensions, ...other })).toMatch(/has steps for 32 or 64 .* not for/);
    }
    expect(BASELINES.filter(({ name }) => baselineMisfit(name, { ...dimensions, rfChains: 6 }) === undefined).length).toBe(
      BASELINES.length - 1,
    );
  });

  it('get better from aligned phases over the steps of the paper to searched steps and phase extraction, on the whole', () => {
    const rates = new Map(BASELINES.map(({ name }) => [name, 0]));
    for (let seed = 0; seed < 20; seed++) {
      const channel = draw(seed);
      for (const { name } of BASELINES) {
        const { analogPhase, digital } = runBaseline(name, { channel, power: 1, noise: NOISE, rfChains: 4 });
        rates.set(name, (rates.get(name) ?? 0) + sumRate(channel, matmul(fromPhases(analogPhase, 32, 4), digital), NOISE) / 20);
      }
    }
    const rate = (name: string): number => rates.get(name as never) ?? NaN;
    expect(rate('pga')).toBeGreaterThan(rate('aligned') + 1);
    expect(rate('pga-searched')).toBeGreaterThan(rate('pga'));
    expect(rate('phase-extraction')).toBeGreaterThan(rate('pga-searched') + 0.2);
  });

  it('has searched steps for the demo rig too, better there than those of the paper at a third of the iterations', () => {
    let gain = 0;
    for (let seed = 0; seed < 10; seed++) {
      const channel = draw(seed, 64);
      const rate = (name: 'pga' | 'pga-searched'): number => {
        const { analogPhase, digital } = runBaseline(name, { channel, power: 1, noise: NOISE, rfChains: 4 });
        return sumRate(channel, matmul(fromPhases(analogPhase, 64, 4), digital), NOISE);
      };
      gain += rate('pga-searched') - rate('pga');
    }
    expect(gain).toBeGreaterThan(0);
  });

  it('align a chain with every further direction when there are more chains than users, and with the strongest users when fewer', () => {
    const channel = draw(3, 32, 2);
    const target = wmmse(channel, 1, NOISE);
    const missed = (chains: number): number => {
      const { analog, digital } = factorise(target, alignedAnalog(channel, chains), 1, 0);
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
    const { analog, digital } = factorise(target, alignedAnalog(channel, 4), 1, 300);
    expect(frobeniusNorm(subtract(target, matmul(analog, digital)))).toBeLessThan(0.02);
  });

  it('are known by name', () => {
    expect(isBaselineName('pga')).toBe(true);
    expect(isBaselineName('toString')).toBe(false);
  });
});
