import { describe, expect, it } from 'vitest';
import { fromParts, scale, zeros } from '../core/signal/complex-matrix.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { flatInputs, problemTensors } from './model-tensors.ts';
import { contractTensors } from './zoo.ts';

const dimensions = { elements: 3, rfChains: 2, users: 2 };
const plain = { id: 'plain', dimensions, ...contractTensors({ dimensions, connection: 'full' }) };
const sensing = {
  ...{ id: 'senses', dimensions, sensing: 'input' as const },
  ...contractTensors({ dimensions, connection: 'full' }, 2),
};
const channel = fromParts(2, 3, [1, 2, 3, 4, 5, 6], [-1, -2, -3, -4, -5, -6]);
const problem = { channel, rfChains: 2, power: 10, noise: 0.5 };
const channelNumbers = [1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6];
const column = (...values: number[]): CMatrix =>
  fromParts(
    values.length,
    1,
    values,
    values.map(() => 0),
  );
const numbers = (flat: Float32Array): number[] => Array.from(flat, (value) => Math.round(value * 1e6) / 1e6);

describe('what a model is told of a problem', () => {
  it('is channel, power and noise, as many numbers as their shapes say', () => {
    expect(numbers(flatInputs(plain, problem))).toEqual([...channelNumbers, 10, 0.5]);
    expect(problemTensors(plain)).toEqual([
      { name: 'channel', shape: [1, 2, 3, 2] },
      { name: 'power', shape: [1] },
      { name: 'noise', shape: [1] },
    ]);
  });

  it('is the wanted covariance, too, where its card says so: a column that is not there is 0', () => {
    const factor = column(0.6, 0, 0.8);
    const told = flatInputs(sensing, { ...problem, sensing: { factor, weight: 0.25 } });
    expect(numbers(told)).toEqual([...channelNumbers, 10, 0.5, 0.6, 0, 0, 0, 0, 0, 0, 0, 0.8, 0, 0, 0, 0.25]);
    const lengths = problemTensors(sensing).map(({ shape }) => shape.reduce((product, size) => product * size, 1));
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(told.length);
  });

  it('says nothing of sensing to a model that takes nothing of it, and all zeros where nothing is sensed', () => {
    const factor = column(1, 0, 0);
    expect(flatInputs(plain, { ...problem, sensing: { factor, weight: 1 } })).toEqual(flatInputs(plain, problem));
    expect(numbers(flatInputs(sensing, problem)).slice(14)).toEqual(new Array(13).fill(0));
  });

  it('has the strongest columns of a covariance that has more, as long as they miss next to nothing', () => {
    const diagonal = (...values: number[]): CMatrix => {
      const out = zeros(3, 3);
      values.forEach((value, i) => (out.re[4 * i] = value));
      return scale(out, 1 / Math.hypot(...values));
    };
    const told = flatInputs(sensing, { ...problem, sensing: { factor: diagonal(0.1, 1, 2), weight: 1 } });
    const energies = [0, 1, 2].map((n) => [0, 1].map((r) => Math.hypot(told[14 + 4 * n + 2 * r], told[15 + 4 * n + 2 * r])));
    expect(energies[0]).toEqual([0, 0]);
    expect(energies[1][1]).toBeCloseTo(1 / Math.hypot(0.1, 1, 2), 6);
    expect(energies[2][0]).toBeCloseTo(2 / Math.hypot(0.1, 1, 2), 6);
    expect(() => flatInputs(sensing, { ...problem, sensing: { factor: diagonal(1, 1, 2), weight: 1 } })).toThrow(
      expect.objectContaining({
        code: 'model-mismatch',
        message: expect.stringMatching(/senses takes a wanted covariance in 2 columns.*of rank 3/) as string,
        wayOut: expect.stringContaining('fewer') as string,
      }),
    );
  });

  it('is refused for an array of another size, channel or covariance', () => {
    const other = { code: 'shape' };
    expect(() => flatInputs(plain, { ...problem, channel: zeros(2, 4) })).toThrow(expect.objectContaining(other));
    expect(() => flatInputs(sensing, { ...problem, sensing: { factor: column(1, 0), weight: 1 } })).toThrow(
      expect.objectContaining(other),
    );
  });
});
