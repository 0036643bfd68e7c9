import { describe, expect, it } from 'vitest';
import { salehValenzuela, pathsToChannel } from '../core/signal/channel.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { clone, frobeniusNorm, fromParts, matmul, multiplyAhB, subtract } from '../core/signal/complex-matrix.ts';
import { connectionMask, elementCount } from '../core/signal/geometry.ts';
import { idealStates } from '../core/signal/quantise.ts';
import type { Random } from '../core/signal/random.ts';
import { createRandom } from '../core/signal/random.ts';
import { steeringDictionary } from './dictionary.ts';
import type { ChannelEstimate, Estimator } from './estimator.ts';
import { covariance } from './estimators/covariance.ts';
import { leastSquares } from './estimators/least-squares.ts';
import { matchingPursuit } from './estimators/matching-pursuit.ts';
import { sparseBayesian } from './estimators/sparse-bayesian.ts';
import { fuse } from './fuse.ts';
import { createLearnedCovariance } from './learned-covariance.ts';
import { noiseOfRepeats } from './noise-of-repeats.ts';
import { bestBeam, channelOfPhases, retrievePhases } from './power-only.ts';
import { seenDirections, type SeenDirections } from './seen-directions.ts';
import { dftBeams, randomBeams, shownBeams, type SoundingArray } from './sounding-beams.ts';

const ESTIMATORS: Record<string, Estimator> = {
  'least squares': leastSquares,
  'matching pursuit': matchingPursuit,
  'sparse Bayesian': sparseBayesian,
  covariance,
};
const line = (elements: number, rfChains = 4): SoundingArray => ({
  geometry: { kind: 'ula', elements, spacingWavelengths: 0.5 },
  rfChains,
  states: { bits: 6 },
});
const draw = ({ geometry }: SoundingArray, random: Random, users: number, paths: number): CMatrix =>
  salehValenzuela({ random, geometry, users, paths, scale: 'unit-element' });
const error = (estimate: CMatrix, channel: CMatrix): number =>
  (frobeniusNorm(subtract(estimate, channel)) / frobeniusNorm(channel)) ** 2;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function heard(channel: CMatrix, beams: CMatrix, noise: number, random: Random): CMatrix {
  const values = clone(matmul(channel, beams));
  for (let i = 0; i < values.re.length; i++) {
    const { re, im } = random.complexNormal();
    values.re[i] += Math.sqrt(noise) * re;
    values.im[i] += Math.sqrt(noise) * im;
  }
  return values;
}

function sound(
  estimator: Estimator,
  array: SoundingArray,
  slots: number,
  snrDb: number,
  paths: number,
  random: Random,
  users = 4,
) {
  const noise = elementCount(array.geometry) * 10 ** (-snrDb / 10);
  const channel = draw(array, random, users, paths);
  const sounded = seenDirections(shownBeams(array, randomBeams(array, slots, random)), steeringDictionary(array.geometry));
  const estimate = estimator.prepare(sounded)(heard(channel, sounded.beams, noise, random), noise);
  return { channel, estimate, noise };
}

describe.each(Object.entries(ESTIMATORS))('%s', (name, estimator) => {
  it('finds every channel where beams are many and noise is nearly none, in every array', () => {
    const random = createRandom(21);
    const arrays: SoundingArray[] = [
      line(4, 1),
      line(16, 3),
      { ...line(16), connection: connectionMask('sub', 16, 4) },
      { ...line(16), geometry: { kind: 'upa', rows: 4, columns: 4, spacingWavelengths: 0.5 } },
      { ...line(8, 2), geometry: { kind: 'ula', elements: 8, spacingWavelengths: 0.7 } },
    ];
    for (const array of arrays) {
      const elements = elementCount(array.geometry);
      const { channel, estimate } = sound(estimator, array, Math.ceil((3 * elements) / array.rfChains), 60, 4, random);
      expect(error(estimate.channel, channel), `${array.geometry.kind} of ${elements}`).toBeLessThan(0.01);
    }
  });

  it('says how far it may be off, the less the more it was told', () => {
    const random = createRandom(22);
    const array = line(32);
    const analog = shownBeams(array, randomBeams(array, 1, random));
    const expected = (slots: number, snrDb: number): number =>
      mean(
        Array.from({ length: 10 }, () => {
          const { estimate } = sound(estimator, array, slots, snrDb, 5, random);
          return mean(estimate.users.map(({ errorTowards }) => traceOf(multiplyAhB(analog, errorTowards(analog)))));
        }),
      );
    const [little, more, most] = [expected(4, 0), expected(16, 10), expected(16, 30)];
    expect(more).toBeLessThan(little);
    expect(most).toBeLessThan(0.2 * more);
    expect(most).toBeGreaterThan(0);
  });

  it('does not care for the unit of the channel', () => {
    const random = createRandom(23);
    const array = line(16);
    const sounded = seenDirections(shownBeams(array, randomBeams(array, 3, random)), steeringDictionary(array.geometry));
    const values = heard(draw(array, random, 2, 3), sounded.beams, 0.16, random);
    const scaled = fromParts(
      2,
      12,
      values.re.map((v) => 1e-4 * v),
      values.im.map((v) => 1e-4 * v),
    );
    const prepared = estimator.prepare(sounded);
    const [one, other] = [prepared(values, 0.16).channel, prepared(scaled, 0.16e-8).channel];
    for (let i = 0; i < one.re.length; i++) expect(1e4 * other.re[i]).toBeCloseTo(one.re[i], 8);
  });

  it('refuses readings that are of other beams or no numbers, and a noise that is none', () => {
    const array = line(8);
    const sounded = seenDirections(shownBeams(array, dftBeams(array, 2)), steeringDictionary(array.geometry));
    const prepared = estimator.prepare(sounded);
    const values = fromParts(1, 8, new Float64Array(8).fill(1), new Float64Array(8));
    expect(() => prepared(fromParts(1, 7, new Float64Array(7), new Float64Array(7)), 1)).toThrow(
      /readings of 1×7 do not fit 8 beams/,
    );
    expect(() => prepared(fromParts(1, 8, new Float64Array(8).fill(NaN), new Float64Array(8)), 1)).toThrow(
      /reading 0 of user 0 is NaN/,
    );
    for (const noise of [0, -1, NaN, Infinity]) expect(() => prepared(values, noise)).toThrow(/noise of a reading is/);
    if (name !== 'least squares' && name !== 'matching pursuit') {
      expect(() => prepared(values, 1, [new Float64Array(3)])).toThrow(/spectra of 1 users/);
    }
  });
});

function traceOf({ rows, re }: CMatrix): number {
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += re[i * rows + i];
  return sum;
}

const errorsOf = (estimator: Estimator, beams: number, snrDb: number, paths: number, seed: number): number => {
  const random = createRandom(seed);
  return mean(
    Array.from({ length: 20 }, () => {
      const { channel, estimate } = sound(estimator, line(64), beams / 4, snrDb, paths, random);
      return error(estimate.channel, channel);
    }),
  );
};

describe('fewer beams than elements', () => {
  it('do for sparse Bayesian learning, better than for matching pursuit, and for least squares they do not', () => {
    const [bayes, pursuit, squares] = [sparseBayesian, matchingPursuit, leastSquares].map((each) =>
      errorsOf(each, 24, 20, 10, 31),
    );
    expect(10 * Math.log10(bayes)).toBeLessThan(-8.5);
    expect(bayes).toBeLessThan(0.9 * pursuit);
    expect(squares).toBeGreaterThan(0.5); // 24 of 64 dimensions
  });

  it('do the better the fewer paths there are', () => {
    expect(10 * Math.log10(errorsOf(sparseBayesian, 16, 20, 3, 32))).toBeLessThan(-15);
  });
});

describe('the covariance of the error', () => {
  it('is what the error is, for a prior that is right', () => {
    const random = createRandom(41);
    const array = line(16);
    const sounded = seenDirections(shownBeams(array, randomBeams(array, 2, random)), steeringDictionary(array.geometry));
    const noise = 1.6;
    const analog = shownBeams(array, randomBeams(array, 1, random));
    // Two directions of the dictionary, and what the floor stands for everywhere: exactly the prior of the estimator.
    const spectrum = new Float64Array(sounded.seen.rows);
    spectrum[7] = 0.8;
    spectrum[30] = 0.2;
    const prepared = covariance.prepare(sounded);
    let [expected, actual] = [0, 0];
    for (let i = 0; i < 400; i++) {
      const channel = fromParts(1, 16, new Float64Array(16), new Float64Array(16));
      for (const [g, power] of [...spectrum.entries()].filter(([, each]) => each > 0)) {
        const { re, im } = random.complexNormal();
        for (let n = 0; n < 16; n++) {
          const [ar, ai] = [sounded.steering.re[g * 16 + n], sounded.steering.im[g * 16 + n]];
          channel.re[n] += Math.sqrt(power) * (re * ar - im * ai);
          channel.im[n] += Math.sqrt(power) * (re * ai + im * ar);
        }
      }
      for (let n = 0; n < 16; n++) {
        const { re, im } = random.complexNormal();
        channel.re[n] += 0.1 * re;
        channel.im[n] += 0.1 * im;
      }
      const estimate = prepared(heard(channel, sounded.beams, noise, random), noise, [spectrum]);
      expected += traceOf(multiplyAhB(analog, estimate.users[0].errorTowards(analog)));
      actual += frobeniusNorm(matmul(subtract(estimate.channel, channel), analog)) ** 2;
    }
    expect(actual / expected).toBeGreaterThan(0.9);
    expect(actual / expected).toBeLessThan(1.1);
  });
});

describe('one more slot through the phases', () => {
  const fusedErrors = (estimator: Estimator, slots: number, snrDb: number, seed: number) => {
    const random = createRandom(seed);
    const array = line(64);
    const through = { estimated: 0, sounded: 0, fused: 0, widened: 0 };
    for (let i = 0; i < 10; i++) {
      const { channel, estimate, noise } = sound(estimator, array, slots, snrDb, 10, random);
      const analog = shownBeams(array, randomBeams(array, 1, random));
      const values = heard(channel, analog, noise, random);
      const { channel: fused, widened } = fuse(estimate, analog, values, noise);
      const effective = matmul(channel, analog);
      through.estimated += frobeniusNorm(subtract(matmul(estimate.channel, analog), effective)) ** 2;
      through.sounded += frobeniusNorm(subtract(values, effective)) ** 2;
      through.fused += frobeniusNorm(subtract(matmul(fused, analog), effective)) ** 2;
      through.widened += mean(widened) / 10;
    }
    return through;
  };

  it('is put together with the estimate so that the two are better than each, wherever they stand', () => {
    for (const [slots, snrDb] of [
      [6, 20],
      [12, 10],
      [12, 0],
      [4, 10],
    ]) {
      const { estimated, sounded, fused } = fusedErrors(sparseBayesian, slots, snrDb, 51);
      expect(fused, `${slots} slots, ${snrDb} dB`).toBeLessThan(1.02 * Math.min(estimated, sounded));
    }
  });

  it('tells an estimator that is too sure of itself', () => {
    const sure: Estimator = {
      ...sparseBayesian,
      prepare: (sounded) => (values, noise) => {
        const { channel } = sparseBayesian.prepare(sounded)(values, noise);
        const users = Array.from({ length: channel.rows }, () => ({
          errorTowards: (analog: CMatrix) =>
            clone(
              fromParts(
                analog.rows,
                analog.cols,
                analog.re.map((v) => 1e-6 * v),
                analog.im.map((v) => 1e-6 * v),
              ),
            ),
        }));
        return { channel, users };
      },
    };
    const { sounded, fused, widened } = fusedErrors(sure, 4, 20, 52);
    expect(widened).toBeGreaterThan(100);
    expect(fused).toBeLessThan(1.1 * sounded);
  });

  it('refuses readings of another size', () => {
    const { estimate } = sound(sparseBayesian, line(16), 4, 20, 3, createRandom(5));
    const analog = shownBeams(line(16), dftBeams(line(16), 1));
    expect(() => fuse(estimate, analog, fromParts(4, 3, new Float64Array(12), new Float64Array(12)), 1)).toThrow(
      /readings of 4×3/,
    );
  });
});

describe('elements that are calibrated', () => {
  it('are heard through as they are: with measured states a sounding is as good as with ideal ones, without them it is not', () => {
    const random = createRandom(61);
    const ideal = idealStates(6);
    const states = Array.from({ length: 64 * 4 }, () => {
      const [turn, gain] = [2 * Math.PI * random.uniform(), 10 ** ((1.5 * random.normal()) / 20)];
      const [cos, sin] = [gain * Math.cos(turn), gain * Math.sin(turn)];
      return {
        re: ideal.re.map((re, w) => re * cos - ideal.im[w] * sin),
        im: ideal.re.map((re, w) => re * sin + ideal.im[w] * cos),
      };
    });
    const real: SoundingArray = { ...line(64), states: { bits: 6, of: (place) => states[place] } };
    const noise = 0.64;
    const errors = { known: [] as number[], believedIdeal: [] as number[] };
    for (let i = 0; i < 10; i++) {
      const words = randomBeams(real, 6, random);
      const channel = draw(real, random, 4, 3);
      const values = heard(channel, shownBeams(real, words), noise, random);
      const estimateBy = (array: SoundingArray): ChannelEstimate =>
        sparseBayesian.prepare(seenDirections(shownBeams(array, words), steeringDictionary(array.geometry)))(values, noise);
      errors.known.push(error(estimateBy(real).channel, channel));
      errors.believedIdeal.push(error(estimateBy(line(64)).channel, channel));
    }
    expect(10 * Math.log10(mean(errors.known))).toBeLessThan(-15);
    expect(mean(errors.believedIdeal)).toBeGreaterThan(0.5);
  });
});

describe('a covariance that is learned', () => {
  it('halves the error of a sounding, where directions stay and gains come and go', () => {
    const random = createRandom(71);
    const array = line(64);
    const dictionary = steeringDictionary(array.geometry);
    const noise = 6.4;
    const errors = { alone: [] as number[], learned: [] as number[] };
    for (let i = 0; i < 6; i++) {
      const angles = Array.from({ length: 2 }, () => Array.from({ length: 10 }, () => 2 * Math.PI * random.uniform()));
      const fading = (): CMatrix =>
        pathsToChannel({
          geometry: array.geometry,
          scale: 'unit-element',
          users: angles.map((user) =>
            user.map((azimuthRad) => {
              const { re, im } = random.complexNormal();
              return { azimuthRad, gainRe: re, gainIm: im };
            }),
          ),
        });
      const learned = createLearnedCovariance();
      expect(learned.spectra).toBeUndefined();
      for (let sounding = 0; sounding < 8; sounding++) {
        const sounded = seenDirections(shownBeams(array, randomBeams(array, 6, random)), dictionary);
        learned.add(sounded, heard(fading(), sounded.beams, noise, random), noise);
      }
      const sounded = seenDirections(shownBeams(array, randomBeams(array, 6, random)), dictionary);
      const channel = fading();
      const values = heard(channel, sounded.beams, noise, random);
      errors.alone.push(error(sparseBayesian.prepare(sounded)(values, noise).channel, channel));
      errors.learned.push(error(covariance.prepare(sounded)(values, noise, learned.spectra).channel, channel));
    }
    expect(mean(errors.learned)).toBeLessThan(0.5 * mean(errors.alone));
  });
});

describe('noise', () => {
  it('is learned of slots that are sounded twice, whatever the channel is', () => {
    const random = createRandom(81);
    const array = line(32);
    const beams = shownBeams(array, dftBeams(array, 8));
    const channel = draw(array, random, 4, 5);
    const learned = noiseOfRepeats(heard(channel, beams, 0.3, random), heard(channel, beams, 0.3, random));
    expect(learned / 0.3).toBeGreaterThan(0.6);
    expect(learned / 0.3).toBeLessThan(1.4); // 128 differences: 9 %, and more than four times that
    const values = heard(channel, beams, 0.3, random);
    expect(() => noiseOfRepeats(values, values)).toThrow(/no noise can be learned/);
  });

  it('is what it was where one reading of many is a million times too large', () => {
    const random = createRandom(82);
    const array = line(32);
    const beams = shownBeams(array, dftBeams(array, 8));
    const channel = draw(array, random, 4, 5);
    const [first, second] = [heard(channel, beams, 0.3, random), heard(channel, beams, 0.3, random)];
    const learned = noiseOfRepeats(first, second);
    for (const at of [0, 40, 127]) {
      const glitched = clone(second);
      glitched.re[at] *= 1e6;
      glitched.im[at] *= 1e6;
      expect(noiseOfRepeats(first, glitched) / learned).toBeGreaterThan(0.95);
      expect(noiseOfRepeats(first, glitched) / learned).toBeLessThan(1.05);
    }
  });
});

describe('powers alone', () => {
  const powersOf = (values: CMatrix): CMatrix =>
    fromParts(
      values.rows,
      values.cols,
      values.re.map((re, i) => re * re + values.im[i] ** 2),
      new Float64Array(values.re.length),
    );
  /** |ĥᴴh|²/(‖ĥ‖²‖h‖²): what a phase of the whole row does not change. */
  const alignment = (a: CMatrix, b: CMatrix): number => {
    const inner = multiplyAhB(fromParts(a.cols, 1, a.re, a.im), fromParts(b.cols, 1, b.re, b.im));
    return (inner.re[0] ** 2 + inner.im[0] ** 2) / (frobeniusNorm(a) * frobeniusNorm(b)) ** 2;
  };

  it('are enough for where the loudest beam points, and with more beams for the channel but its phase', () => {
    const random = createRandom(91);
    const array = line(16);
    const dictionary = steeringDictionary(array.geometry);
    const noise = 0.16;
    const retrieved = (many: SeenDirections, powers: CMatrix): CMatrix =>
      channelOfPhases(many, powers, noise, retrievePhases(many, powers, noise, random)).channel;
    const found = { loudest: [] as number[], retrieved: [] as number[] };
    for (let i = 0; i < 6; i++) {
      const channel = draw(array, random, 1, 3);
      const grid = seenDirections(shownBeams(array, dftBeams(array, 4)), dictionary);
      found.loudest.push(alignment(bestBeam(grid, powersOf(heard(channel, grid.beams, noise, random)), noise).channel, channel));
      const many = seenDirections(shownBeams(array, randomBeams(array, 16, random)), dictionary);
      found.retrieved.push(alignment(retrieved(many, powersOf(heard(channel, many.beams, noise, random))), channel));
    }
    expect(mean(found.loudest)).toBeGreaterThan(0.35);
    expect(mean(found.retrieved)).toBeGreaterThan(0.85);
  });
});
