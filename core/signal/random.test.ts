import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Random } from './random.ts';
import { createRandom } from './random.ts';

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.uniform());
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('the random generator', () => {
  it('gives the numbers of a reference written in another language from the published algorithms', () => {
    // Python integers, from the definitions of SplitMix64, xoshiro128** and FNV-1a-64. The same program reproduces the published vectors
    // SplitMix64(0) = e220a8397b1dcdaf, 6e789e6aa1b965f4; xoshiro128**(1, 2, 3, 4) = 11520, 0, 5927040, 70819200; FNV-1a-64("foobar") = 85944171f73967e8.
    expect(draw(createRandom(0), 3)).toEqual([0.870254774404272, 0.6697971505310978, 0.3616586206733957]);
    expect(draw(createRandom(1), 3)).toEqual([0.3946724931250869, 0.1477500889354657, 0.16688351314326166]);
    expect(draw(createRandom(-7), 3)).toEqual([0.6450926299117116, 0.16564091693603888, 0.6119869349501237]);
    expect(draw(createRandom(1).stream('test'), 3)).toEqual([0.48139369839590396, 0.9806266103795656, 0.0664856159175462]);
    expect(draw(createRandom(1).stream('test').stream('µ'), 3)).toEqual([
      0.6606665768881892, 0.8565932962392636, 0.9986754851946321,
    ]);
  });

  it('gives a stream the same numbers whenever it is asked for, and whatever was drawn before', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.string(), fc.string(), fc.nat(20), (seed, name, other, drawn) => {
        const fresh = draw(createRandom(seed).stream(name), 4);
        const used = createRandom(seed);
        draw(used, drawn);
        used.normal();
        draw(used.stream(other), 3);
        expect(draw(used.stream(name), 4)).toEqual(fresh);
        if (name !== other) expect(draw(used.stream(other), 4)).not.toEqual(fresh);
        expect(draw(used, 4)).not.toEqual(fresh);
      }),
    );
  });

  it('spreads evenly, and its normals have the moments of a normal', () => {
    const random = createRandom(42);
    const uniforms = draw(random, 20_000);
    expect(Math.abs(mean(uniforms) - 0.5)).toBeLessThan(0.01);
    expect(uniforms.every((u) => u >= 0 && u < 1)).toBe(true);
    const normals = Array.from({ length: 20_000 }, () => random.normal());
    expect(Math.abs(mean(normals))).toBeLessThan(0.03);
    expect(Math.abs(mean(normals.map((x) => x * x)) - 1)).toBeLessThan(0.05);
    expect(Math.abs(mean(normals.map((x) => x ** 4)) - 3)).toBeLessThan(0.3);
    const complex = Array.from({ length: 20_000 }, () => random.complexNormal());
    expect(Math.abs(mean(complex.map((z) => z.re ** 2 + z.im ** 2)) - 1)).toBeLessThan(0.03);
    expect(Math.abs(mean(complex.map((z) => z.re * z.im)))).toBeLessThan(0.02);
  });

  it('keeps its streams uncorrelated', () => {
    const random = createRandom(7);
    const a = draw(random.stream('a'), 20_000);
    const b = draw(random.stream('b'), 20_000);
    expect(Math.abs(mean(a.map((x, i) => (x - 0.5) * (b[i] - 0.5))) * 12)).toBeLessThan(0.03);
  });

  it('refuses a seed that is not a whole number', () => {
    for (const seed of [0.5, NaN, 2 ** 60]) expect(() => createRandom(seed)).toThrow(/seed must be an integer/);
  });
});
