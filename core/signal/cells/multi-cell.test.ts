import { describe, expect, it } from 'vitest';
import type { CMatrix } from '../complex-matrix.ts';
import { add, clone, frobeniusNorm, multiplyAhB, realInner, scale, subtract, zeros } from '../complex-matrix.ts';
import { createRandom } from '../random.ts';
import { fastFp, type FastFpBound } from './fast-fp.ts';
import { drawMultiCellChannel, MULTI_CELL_SETTINGS } from './multi-cell-channel.ts';
import type { CellPrecoders, MultiCell } from './multi-cell.ts';
import { equalUsers, gainsOf } from './multi-cell.ts';
import { multiCellWmmse } from './multi-cell-wmmse.ts';
import { pullOf, receiversFor, userRates, weightedSumRate } from './receivers.ts';
import { eigenRegularisedZeroForcing, eigenZeroForcing, maximumRatio, randomStart } from './starts.ts';

const SHAPE = { usersPerCell: 3, receiveAntennas: 2, streams: 2 };

function problemOf(cells: number, elements: number, seed = 1): MultiCell {
  const { channels } = drawMultiCellChannel({
    ...{ random: createRandom(seed), setting: MULTI_CELL_SETTINGS.text, cells, elements },
    ...SHAPE,
  });
  const problem = equalUsers(channels, SHAPE);
  return { ...problem, weights: problem.weights.map((_, u) => 0.5 + (u % 3)), powers: channels.map((_, l) => 1 + l / 4) };
}
const startOf = (problem: MultiCell): CMatrix[] => randomStart(problem, createRandom(7));

/** Few elements and many, of one cell and of seven: K·d > N among them. */
const PROBLEMS: [string, MultiCell][] = [
  ['one cell, 16 elements', problemOf(1, 16)],
  ['one cell, 4 elements', problemOf(1, 4)],
  ['seven cells, 8 elements', problemOf(7, 8)],
  ['seven cells, 64 elements', problemOf(7, 64)],
];

function expectSame(found: CellPrecoders, wanted: CellPrecoders): void {
  found.forEach((v, l) => expect(frobeniusNorm(subtract(v, wanted[l])) / frobeniusNorm(wanted[l])).toBeLessThan(1e-9));
}

function ratesAlong(run: (onRate: (rate: number) => void) => CellPrecoders, problem: MultiCell): number[] {
  const rates: number[] = [];
  const last = run((rate) => rates.push(rate));
  return [...rates, weightedSumRate(problem, last)];
}

function expectNeverFalling(rates: number[]): void {
  for (let i = 1; i < rates.length; i++) expect(rates[i]).toBeGreaterThan(rates[i - 1] * (1 - 1e-9));
  expect(rates.at(-1)).toBeGreaterThan(1.1 * rates[0]);
}

describe.each(PROBLEMS)('many cells: %s', (_, problem) => {
  it('Hᴴ·pull is the gradient of the weighted sum rate', () => {
    const v = startOf(problem);
    const gains = gainsOf(problem, v);
    const receivers = receiversFor(problem, gains);
    problem.channels.forEach((channel, l) => {
      const gradient = multiplyAhB(channel, pullOf(problem, receivers, l, gains[l]));
      const direction = startOf(problem)[(l + 1) % v.length];
      const step = 1e-6;
      const at = (t: number) =>
        weightedSumRate(
          problem,
          v.map((x, i) => (i === l ? add(x, scale(direction, t)) : x)),
        );
      const slope = ((at(step) - at(-step)) / (2 * step)) * Math.LN2;
      expect(2 * realInner(direction, gradient)).toBeCloseTo(slope, 3);
    });
  });

  it.each(['largest-eigenvalue', 'power-iteration', 'frobenius', 'trace'] as FastFpBound[])(
    'FastFP by %s never falls',
    (bound) => {
      expectNeverFalling(ratesAlong((onRate) => fastFp(problem, startOf(problem), { iterations: 12, bound, onRate }), problem));
    },
  );

  it('weighted MMSE by search never falls, and keeps to the powers', () => {
    const run = (onRate: (rate: number) => void) =>
      multiCellWmmse(problem, startOf(problem), { iterations: 12, multiplier: 'search', onRate });
    expectNeverFalling(ratesAlong(run, problem));
    run(() => undefined).forEach((v, l) => expect(frobeniusNorm(v) ** 2).toBeLessThan(problem.powers[l] * (1 + 1e-9)));
  });

  it('is the same in the row space and plain, or says that it has none', () => {
    const start = startOf(problem);
    if (problem.channels[0].rows > problem.channels[0].cols) {
      expect(() => fastFp(problem, start, { iterations: 1, form: 'row-space' })).toThrow('form is row-space');
      return;
    }
    for (const extrapolated of [false, true]) {
      const [rows, plain] = (['row-space', 'plain'] as const).map((form) =>
        fastFp(problem, start, { iterations: 6, form, extrapolated }),
      );
      expectSame(rows, plain);
    }
    for (const multiplier of ['search', 'closed'] as const) {
      const [rows, plain] = (['row-space', 'plain'] as const).map((form) =>
        multiCellWmmse(problem, start, { iterations: 4, form, multiplier }),
      );
      expectSame(rows, plain);
    }
  });

  it('starts and closed weighted MMSE are at full power', () => {
    const closed = multiCellWmmse(problem, maximumRatio(problem), { iterations: 2, multiplier: 'closed' });
    for (const vs of [
      closed,
      maximumRatio(problem),
      eigenZeroForcing(problem),
      eigenRegularisedZeroForcing(problem),
      startOf(problem),
    ]) {
      vs.forEach((v, l) => expect(frobeniusNorm(v) ** 2).toBeCloseTo(problem.powers[l], 9));
    }
  });

  it('gives defined beams where users have no channel, no weight, or the same channel', () => {
    for (const change of [silent, unweighted, alike, dark]) {
      const changed = change(problem);
      const start = maximumRatio(changed);
      const found = [
        start,
        eigenZeroForcing(changed),
        eigenRegularisedZeroForcing(changed),
        fastFp(changed, start, { iterations: 5, extrapolated: true }),
        multiCellWmmse(changed, start, { iterations: 5, multiplier: 'search' }),
        multiCellWmmse(changed, start, { iterations: 5, multiplier: 'closed' }),
      ];
      for (const vs of found) {
        expect(userRates(changed, vs).every(Number.isFinite)).toBe(true);
        vs.forEach((v, l) => expect(frobeniusNorm(v) ** 2).toBeLessThan(changed.powers[l] * (1 + 1e-9)));
      }
    }
  });
});

/** User 0 hears nobody. */
const silent = (problem: MultiCell): MultiCell => ({
  ...problem,
  channels: problem.channels.map((channel) => withRows(channel, 2, () => 0)),
});
/** The last cell's users hear nobody. */
const dark = (problem: MultiCell): MultiCell => ({
  ...problem,
  channels: problem.channels.map((channel) => {
    const out = clone(channel);
    out.re.fill(0, (channel.rows - 6) * channel.cols);
    out.im.fill(0, (channel.rows - 6) * channel.cols);
    return out;
  }),
});
const unweighted = (problem: MultiCell): MultiCell => ({
  ...problem,
  weights: problem.weights.map((w, u) => (u % 3 === 0 ? 0 : w)),
});
/** Both antennas of users 0 and 1 hear the same: rank 1. */
const alike = (problem: MultiCell): MultiCell => ({
  ...problem,
  channels: problem.channels.map((channel) => withRows(channel, 4, (part, at) => part[at % channel.cols])),
});

function withRows(channel: CMatrix, rows: number, value: (part: Float64Array, at: number) => number): CMatrix {
  const out = clone(channel);
  for (let at = 0; at < rows * channel.cols; at++) {
    out.re[at] = value(channel.re, at);
    out.im[at] = value(channel.im, at);
  }
  return out;
}

describe('many cells', () => {
  it('a rate is log det of signal over interference, by hand', () => {
    const channel = zeros(2, 1);
    channel.re.set([2, 1]);
    const problem = { ...equalUsers([channel], { usersPerCell: 2, receiveAntennas: 1, streams: 1 }), powers: [2] };
    const v = zeros(1, 2);
    v.re.set([1, 1]);
    const rates = userRates(problem, [v]);
    expect(rates[0]).toBeCloseTo(Math.log2(1 + 4 / 5), 12);
    expect(rates[1]).toBeCloseTo(Math.log2(1 + 1 / 2), 12);
  });

  it('does not care in which order users are', () => {
    const problem = { ...problemOf(1, 16), weights: [1, 1, 1] };
    const [channel] = problem.channels;
    const turned = clone(channel);
    const block = 2 * channel.cols;
    for (const part of ['re', 'im'] as const) {
      for (let u = 0; u < 3; u++) turned[part].set(channel[part].subarray(u * block, (u + 1) * block), ((u + 1) % 3) * block);
    }
    const rates = [problem, { ...problem, channels: [turned] }].map((p) =>
      userRates(p, multiCellWmmse(p, maximumRatio(p), { iterations: 5, multiplier: 'closed' })),
    );
    for (let u = 0; u < 3; u++) expect(rates[1][(u + 1) % 3]).toBeCloseTo(rates[0][u], 9);
  });

  it.each([
    [{ streams: 3 }, 'streams is 3'],
    [{ noise: 0 }, 'noise is 0'],
    [{ weights: [1, -1, 1] }, 'weights[1] is -1'],
    [{ weights: [1] }, 'weights has 1 entry'],
    [{ powers: [Infinity] }, 'powers[0] is Infinity'],
    [{ powers: [1, 1] }, 'channels has 1 entry'],
    [{ channels: [zeros(5, 4)] }, 'channels[0] is 5×4'],
  ])('refuses %o', (more, words) => {
    expect(() => maximumRatio({ ...problemOf(1, 4), ...more })).toThrow(words);
  });

  it('refuses entries that are no numbers, and too few factors', () => {
    const problem = problemOf(1, 4);
    problem.channels[0].re[5] = NaN;
    expect(() => maximumRatio(problem)).toThrow('channels[0] has NaN');
    const good = problemOf(1, 4, 2);
    expect(() => fastFp(good, maximumRatio(good), { iterations: 3, factors: [1] })).toThrow('factors has 1 entries');
  });
});
