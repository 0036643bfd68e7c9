import { describe, expect, it } from 'vitest';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, frobeniusNorm, matmul, multiplyAhB, subtract } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { wmmse } from '../../core/signal/precoders.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { alignedAnalog } from './aligned.ts';
import { manifoldFactors } from './altmin-manifold.ts';
import { extractedFactors } from './altmin-phase-extraction.ts';
import { sweptFactors } from './altmin-sweeps.ts';
import { matchingPursuit } from './omp.ts';

const METHODS = { manifold: manifoldFactors, 'phase extraction': extractedFactors, sweeps: sweptFactors };
const { channels } = drawChannelSet({
  seed: 1,
  name: 'test',
  count: 6,
  elements: 32,
  users: 4,
  paths: 10,
  scale: 'unit-element',
});
const targets = channels.map((channel) => wmmse(channel, 1, 0.1));

const missed = (target: CMatrix, { analog, digital }: { analog: CMatrix; digital: CMatrix }): number =>
  frobeniusNorm(subtract(target, matmul(analog, digital)));

describe.each(Object.entries(METHODS))('factoring a digital precoder by %s', (name, factorsOf) => {
  it('comes nearer to it than aligned phases do, and with D nothing can come nearer', () => {
    targets.forEach((target, i) => {
      const start = alignedAnalog(channels[i], 4);
      const factors = factorsOf(target, start);
      expect(missed(target, factors)).toBeLessThan(missed(target, sweptFactors(target, start, 0)));
      // What is missed is at right angles to all that D can add.
      const left = multiplyAhB(factors.analog, subtract(target, matmul(factors.analog, factors.digital)));
      expect(frobeniusNorm(left)).toBeLessThan(1e-9);
    });
  });

  it('leaves unconnected what is, and the start as it was', () => {
    const connection = connectionMask('sub', 32, 4);
    const start = alignedAnalog(channels[0], 4, connection);
    const before = clone(start);
    const { analog } = factorsOf(targets[0], start);
    connection.forEach((connected, place) => expect(Math.hypot(analog.re[place], analog.im[place])).toBeCloseTo(connected, 12));
    expect(start).toEqual(before);
  });

  it('takes the phases of a single column, which are the best there are', () => {
    const column: CMatrix = { rows: 16, cols: 1, re: targets[0].re.slice(0, 16), im: targets[0].im.slice(0, 16) };
    const start = { ...column, re: new Float64Array(16).fill(1), im: new Float64Array(16) };
    const { analog, digital } = factorsOf(column, start);
    let amplitude = 0;
    column.re.forEach((re, n) => (amplitude += Math.hypot(re, column.im[n])));
    const best = frobeniusNorm(column) ** 2 - amplitude ** 2 / 16;
    expect(missed(column, { analog, digital }) ** 2).toBeCloseTo(best, name === 'manifold' ? 5 : 9);
  });
});

describe('factoring by turns', () => {
  it.each(['manifold', 'sweeps'] as const)('of %s never steps back', (name) => {
    targets.forEach((target, i) => {
      let before = Infinity;
      for (let turns = 0; turns < 12; turns++) {
        const now = missed(target, METHODS[name](target, alignedAnalog(channels[i], 4), turns));
        expect(now).toBeLessThan(before + 1e-12);
        before = now;
      }
    });
  });

  it('ends at much the same distance by the manifold as by sweeps', () => {
    const mean = (factorsOf: typeof sweptFactors): number =>
      targets.reduce((sum, target, i) => sum + missed(target, factorsOf(target, alignedAnalog(channels[i], 4), 300)), 0) / 6;
    expect(mean(manifoldFactors) / mean(sweptFactors)).toBeCloseTo(1, 1);
    expect(mean(extractedFactors)).toBeGreaterThan(mean(sweptFactors));
  });

  it('loses next to nothing with twice as many chains as columns', () => {
    for (const factorsOf of [manifoldFactors, sweptFactors]) {
      const factors = factorsOf(targets[0], alignedAnalog(channels[0], 8), 1000);
      expect(missed(targets[0], factors)).toBeLessThan(0.05);
    }
    // And beams on a grid lose more than phases that are free, but less with every chain.
    const pursued = [4, 6, 8].map((chains) =>
      missed(targets[0], matchingPursuit(targets[0], alignedAnalog(channels[0], chains))),
    );
    expect(pursued[1]).toBeLessThan(pursued[0]);
    expect(pursued[2]).toBeLessThan(pursued[1]);
  });
});
