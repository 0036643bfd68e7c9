/**
 * phase-net where numbers turn bad: by both engines, for any number of users, in any unit, where users cannot be told apart or hear nothing;
 * and against a plain program of the same steps in float64. Never a phase that is no number: a defined beam at full power, or a clear refusal.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import { clone, frobeniusNorm, fromPhases, matmul, scale, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { sumRateObjective } from '../../core/signal/objectives/sum-rate.ts';
import { quantisePhases, wordsToPhases } from '../../core/signal/quantise.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { realiseBeam, realiseExactly } from '../../core/signal/realise-beam.ts';
import { plainPhaseNet } from '../../test/plain-phase-net.ts';
import { runBaseline } from '../baselines/baselines.ts';
import { openBeams } from '../compiled-beams.ts';
import { compileImage } from '../engine/compiled-session.ts';
import { fitModel, type FitTo } from '../fitted-model.ts';
import { openSession } from '../graph/session.ts';
import { beamOf, flatInputs } from '../model-tensors.ts';
import { readNumbers } from '../numbers-file.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { findModel, verifyModel } from '../zoo.ts';

const model = verifyModel(findModel('phase-net'));
const numbers = readNumbers(model.bytes, 'phase-net').numbers;

type TestArray = FitTo & { connection: 'full' | 'sub'; steps: number };

const ofWords = (array: TestArray, phaseBits: number): TestArray => ({ ...array, phaseBits });

interface Engines {
  compiled: (problem: Problem) => Beam;
  onnxruntime: (problem: Problem) => Promise<Beam>;
}

const closing: (() => Promise<void>)[] = [];
afterAll(async () => void (await Promise.all(closing.map((close) => close()))));

async function openEngines(array: TestArray): Promise<Engines> {
  const { card, onnx } = await fitModel(model, array);
  const session = await openSession(onnx);
  closing.push(() => session.close());
  return {
    compiled: openBeams({ card, image: compileImage(onnx) }),
    onnxruntime: async (problem) => {
      const { channel } = problem;
      const flat = flatInputs(card, problem);
      const [values, power, noise] = [flat.subarray(0, -2), flat.subarray(-2, -1), flat.subarray(-1)];
      const answer = await session.run({
        channel: { values, shape: [1, channel.rows, channel.cols, 2] },
        power: { values: power, shape: [1] },
        noise: { values: noise, shape: [1] },
      });
      return beamOf(card, [...answer['analog_phase'].values, ...answer['digital'].values]);
    },
  };
}

const arrayOf = (elements: number, rfChains: number, users: number, connection: 'full' | 'sub', steps = 10): TestArray => ({
  ...{ elements, rfChains, users, connection, steps },
});

const channelsOf = ({ elements, users }: TestArray, count: number): readonly CMatrix[] =>
  drawChannelSet({ seed: 5, name: 'validation', count, elements, users, paths: 10, scale: 'unit-element' }).channels;

const problemOf = ({ elements, rfChains, connection }: TestArray, channel: CMatrix, snrDb = 10, power = 4): Problem => ({
  ...{ channel, rfChains, power, noise: power * fromDb(-snrDb) },
  ...(connection === 'full' ? {} : { connection: connectionMask(connection, elements, rfChains) }),
});

/** X = A·D, of finite phases and at full power. */
function precoderOf({ channel, rfChains, power, connection }: Problem, { analogPhase, digital }: Beam): CMatrix {
  expect(analogPhase.every(Number.isFinite)).toBe(true);
  const x = matmul(fromPhases(analogPhase, channel.cols, rfChains, connection), digital);
  expect(frobeniusNorm(x) ** 2 / power).toBeCloseTo(1, 3);
  return x;
}

const ownRate = (problem: Problem, beam: Beam): number => sumRate(problem.channel, precoderOf(problem, beam), problem.noise);
/** With D as a rig has it. */
const rigRate = (problem: Problem, beam: Beam): number => realiseExactly(problem, beam, sumRateObjective).sumRate;

/** As a rig of so many bits radiates it. */
const wordsRate =
  (bits: number) =>
  (problem: Problem, beam: Beam): number =>
    realiseBeam(problem, beam, { states: { bits }, objective: sumRateObjective }).sumRate;

/** Of rates, engine against engine and float32 against float64: what is left of roundings after ten steps. */
const RATE_TOLERANCE = 1e-3;
/** With M ≥ 2K some chains show the same phases, AᴴA has no inverse, and roundings count for more. */
const engineTolerance = ({ rfChains, users }: TestArray): number => (rfChains < 2 * users ? RATE_TOLERANCE : 1e-2);

describe('phase-net', () => {
  it.each([
    ...[1, 2, 3, 4].flatMap((users) => [arrayOf(12, 4, users, 'full'), arrayOf(12, 4, users, 'sub')]),
    arrayOf(4, 4, 4, 'sub'),
    arrayOf(40, 6, 5, 'full'),
    arrayOf(64, 8, 8, 'full'),
  ])('is one beam by both engines for $users users on $rfChains chains, N = $elements, $connection', async (array) => {
    const { compiled, onnxruntime } = await openEngines(array);
    const [channel, other] = channelsOf(array, 2);
    for (const problem of [problemOf(array, channel, -10), problemOf(array, other, 10), problemOf(array, channel, 25)]) {
      const rate = rigRate(problem, compiled(problem));
      expect(Math.abs(rigRate(problem, await onnxruntime(problem)) / rate - 1)).toBeLessThan(engineTolerance(array));
      expect(ownRate(problem, compiled(problem))).toBeLessThan(rate * (1 + 1e-5));
      expect(rate).toBeGreaterThan(0.95 * rigRate(problem, runBaseline('phase-extraction', problem)));
    }
  });

  it.each([
    arrayOf(8, 2, 2, 'full', 30),
    arrayOf(32, 4, 4, 'full', 10),
    arrayOf(32, 4, 4, 'full', 30),
    arrayOf(32, 4, 4, 'sub', 10),
    arrayOf(32, 6, 4, 'full', 10),
    arrayOf(64, 8, 8, 'full', 5),
  ])(
    'has the rate of a plain program in float64: N = $elements, M = $rfChains, K = $users, $connection, $steps steps',
    async (array) => {
      const { compiled } = await openEngines(array);
      for (const channel of channelsOf(array, 4)) {
        for (const snrDb of [-10, 10, 25]) {
          const problem = problemOf(array, channel, snrDb);
          const plain = ownRate(problem, plainPhaseNet(problem, numbers, array.steps));
          expect(Math.abs(ownRate(problem, compiled(problem)) / plain - 1)).toBeLessThan(RATE_TOLERANCE);
        }
      }
    },
  );

  it('gives the same phases in any unit of the channel', async () => {
    const array = arrayOf(24, 4, 4, 'full');
    const { compiled, onnxruntime } = await openEngines(array);
    for (const channel of channelsOf(array, 5)) {
      const problem = problemOf(array, channel);
      for (const beamFor of [compiled, onnxruntime]) {
        const { analogPhase } = await beamFor(problem);
        for (const unit of [1e-60, 1e-20, 1e-6, 1e6, 1e20, 1e60]) {
          const other = { ...problem, channel: scale(channel, unit), noise: problem.noise * unit ** 2 };
          const turned = (await beamFor(other)).analogPhase.map((phase, i) => Math.abs(Math.sin((phase - analogPhase[i]) / 2)));
          expect(Math.max(...turned)).toBeLessThan(1e-3);
        }
      }
    }
  });
});

describe('phase-net for words', () => {
  it.each([
    ofWords(arrayOf(16, 4, 4, 'full'), 1),
    ofWords(arrayOf(32, 4, 4, 'full'), 1),
    ofWords(arrayOf(32, 4, 4, 'full'), 2),
    ofWords(arrayOf(32, 6, 4, 'full'), 2),
    ofWords(arrayOf(32, 4, 4, 'sub'), 1),
  ])(
    'gives phases of the grid, one rate by both engines, and more than rounding does: N = $elements, $connection, Q = $phaseBits',
    async (array) => {
      const { phaseBits = NaN } = array;
      const { compiled, onnxruntime } = await openEngines(array);
      const rounded = await openEngines({ ...array, phaseBits: undefined });
      const rate = wordsRate(phaseBits);
      let [words, others, any] = [0, 0, 0];
      for (const channel of channelsOf(array, 12)) {
        for (const snrDb of [0, 10, 20]) {
          const problem = problemOf(array, channel, snrDb);
          const beam = compiled(problem);
          const grid = wordsToPhases(quantisePhases(beam.analogPhase, phaseBits), phaseBits);
          beam.analogPhase.forEach((phase, i) => expect(Math.abs(Math.sin((phase - grid[i]) / 2))).toBeLessThan(1e-5));
          // D is for just these words.
          expect(ownRate(problem, beam)).toBeLessThan(rate(problem, beam) * (1 + 1e-5));
          words += rate(problem, beam);
          others += rate(problem, await onnxruntime(problem));
          any += rate(problem, rounded.compiled(problem));
        }
      }
      // A rounding that falls the other way sets a step on another course: engines agree in the mean.
      expect(Math.abs(others / words - 1)).toBeLessThan(0.01);
      expect(words / any).toBeGreaterThan(phaseBits === 1 ? 1.03 : 1.005);
    },
  );

  it('is taken up to the bits that the file has numbers for, and not where sensing is weighed', async () => {
    const array = { elements: 8, rfChains: 2, users: 2 };
    const onnxAt = async (more: Partial<FitTo>) => (await fitModel(model, { ...array, ...more })).onnx;
    expect(await fitModel(model, { ...array, phaseBits: 2 })).toMatchObject({ phaseBits: 2 });
    expect(await onnxAt({ phaseBits: 3 })).toEqual(await onnxAt({}));
    expect(await onnxAt({ phaseBits: 1 })).not.toEqual(await onnxAt({ phaseBits: 2 }));
    expect(await onnxAt({ phaseBits: 1, sensingColumns: 2 })).toEqual(await onnxAt({ sensingColumns: 2 }));
  });
});

/** Rows that are multiples of row `from`, and zero columns. */
function spoilt(
  channel: CMatrix,
  rows: readonly (readonly [row: number, from: number, factor: number])[],
  deaf: readonly number[] = [],
): CMatrix {
  const out = clone(channel);
  const { cols } = out;
  for (const part of ['re', 'im'] as const) {
    for (const [row, from, factor] of rows) {
      for (let n = 0; n < cols; n++) out[part][row * cols + n] = factor * channel[part][from * cols + n];
    }
    for (const n of deaf) for (let k = 0; k < out.rows; k++) out[part][k * cols + n] = 0;
  }
  return out;
}

function sumOfRows(channel: CMatrix): CMatrix {
  const out = clone(channel);
  for (const part of ['re', 'im'] as const) {
    for (let n = 0; n < out.cols; n++) out[part][3 * out.cols + n] = out[part][n] + out[part][out.cols + n];
  }
  return out;
}

describe.each([
  ['full', undefined],
  ['sub', undefined],
  ['full', 1],
  ['sub', 1],
  ['full', 2],
] as const)('phase-net of a %s-connected array, Q = %s, gives a beam at full power', async (connection, phaseBits) => {
  const array = { ...arrayOf(16, 4, 4, connection), phaseBits };
  const { compiled, onnxruntime } = await openEngines(array);
  const [channel] = channelsOf(array, 1);
  const rateOf = phaseBits === undefined ? rigRate : wordsRate(phaseBits);

  it.each([
    ['where two users are in one place', spoilt(channel, [[1, 0, 1]])],
    ['where they are, and one of them hears more', spoilt(channel, [[1, 0, -30]])],
    [
      'where all users are in one place',
      spoilt(
        channel,
        [1, 2, 3].map((k) => [k, 0, 1] as const),
      ),
    ],
    ['where a channel is the sum of two others', sumOfRows(channel)],
    ['where a user hears nothing', spoilt(channel, [[2, 2, 0]])],
    [
      'where only one user hears anything',
      spoilt(
        channel,
        [0, 1, 3].map((k) => [k, k, 0] as const),
      ),
    ],
    ['where elements are heard by nobody', spoilt(channel, [], [0, 5, 6, 7])],
    ['where a user is 80 dB farther away', spoilt(channel, [[3, 3, 1e-4]])],
  ])('%s', async (_, bad) => {
    for (const snrDb of [-40, 0, 30]) {
      const problem = problemOf(array, bad, snrDb);
      // One bit leaves few words to choose among where users cannot be told apart.
      const floor = (phaseBits === 1 ? 0.7 : 0.85) * rateOf(problem, runBaseline('phase-extraction', problem));
      for (const beam of [compiled(problem), await onnxruntime(problem)]) {
        precoderOf(problem, beam);
        expect(rateOf(problem, beam)).toBeGreaterThan(floor);
      }
    }
  });

  it.each([0, 1e-6, 1e-3])('that serves one user by itself where all are in one place, but for a share of %d', async (own) => {
    const alike = clone(channel);
    for (const part of ['re', 'im'] as const) {
      alike[part].forEach((value, at) => (alike[part][at] = channel[part][at % channel.cols] + own * value));
    }
    for (const snrDb of [10, 40, 60]) {
      const problem = problemOf(array, alike, snrDb);
      for (const beam of [compiled(problem), await onnxruntime(problem)]) {
        expect(ownRate(problem, beam)).toBeGreaterThan(0.95 * rateOf(problem, beam));
        expect(rateOf(problem, beam)).toBeGreaterThan(0.95 * rateOf(problem, runBaseline('phase-extraction', problem)));
      }
    }
  });

  it.each([
    ['where nothing is heard at all', problemOf(array, scale(channel, 0))],
    ['with no noise to speak of', problemOf(array, channel, 300)],
    ['with nothing but noise', problemOf(array, channel, -300)],
    ['at a power of a million', problemOf(array, channel, 10, 1e6)],
  ])('%s', async (_, problem) => {
    for (const beam of [compiled(problem), await onnxruntime(problem)]) precoderOf(problem, beam);
  });
});
