import { describe, expect, it } from 'vitest';
import type { Beam, Objective, ObjectiveAt, Problem } from '../beam-contract.ts';
import { salehValenzuela } from '../channel.ts';
import type { CMatrix } from '../complex-matrix.ts';
import {
  conjTranspose,
  frobeniusNorm,
  fromPhases,
  identity,
  matmul,
  multiplyABh,
  scale,
  subtract,
  zeros,
} from '../complex-matrix.ts';
import { createRandom } from '../random.ts';
import { ratesOfGains, sinr } from '../rate.ts';
import { asComputed, realiseBeam, realiseExactly } from '../realise-beam.ts';
import { beampatternMse } from '../sensing.ts';
import { patternGrid } from '../wanted-pattern.ts';
import { OBJECTIVE_NAMES, type ObjectiveName } from './objective-names.ts';
import { OBJECTIVES } from './objectives.ts';

const [elements, users] = [16, 3];
const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;

function problemOf(seed: number, more: Partial<Problem> = {}): Problem {
  const channel = salehValenzuela({ random: createRandom(seed), geometry, users, paths: 6, scale: 'unit-element' });
  const factor = scale(salehValenzuela({ random: createRandom(99), geometry, users, paths: 3, scale: 'unit-element' }), 1);
  const sensing = { factor: scale(conjTranspose(factor), 1 / frobeniusNorm(factor)), weight: 0.1 };
  return { channel, rfChains: users, power: 10, noise: 1, sensing, ...more };
}

/** Phases at random, or aligned with nobody in particular, and no digital part. */
function beamOf(seed: number, rfChains = users): Beam {
  const random = createRandom(seed).stream('phases');
  return {
    analogPhase: Float64Array.from({ length: elements * rfChains }, () => 2 * Math.PI * random.uniform()),
    digital: zeros(rfChains, users),
  };
}

/** What each is for, from the rates of the users and what is radiated. */
const SCORES: Record<ObjectiveName, (rates: readonly number[], problem: Problem, precoder: CMatrix) => number> = {
  'sum-rate': (each) => each.reduce((total, rate) => total + rate, 0),
  'min-rate': (each) => Math.min(...each),
  'rate-sensing': (each, { sensing, power }, precoder) => {
    if (sensing === undefined) throw new Error('the problem has no sensing');
    const wanted = scale(multiplyABh(sensing.factor, sensing.factor), power);
    const tau = frobeniusNorm(subtract(multiplyABh(precoder, precoder), wanted)) ** 2;
    return each.reduce((total, rate) => total + rate, 0) - sensing.weight * tau;
  },
};

const rates = ({ channel, noise }: Problem, analog: CMatrix, digital: CMatrix): number[] =>
  [...sinr(channel, matmul(analog, digital), noise)].map((value) => Math.log2(1 + value));

describe('objectives of the rig file', () => {
  it.each(OBJECTIVE_NAMES)('%s resolves at full power and scores what the precoder gives', (name) => {
    for (let seed = 1; seed <= 10; seed++) {
      const problem = problemOf(seed);
      const beam = realiseBeam(problem, beamOf(seed), { states: { bits: 4 }, objective: OBJECTIVES[name] });
      expect(frobeniusNorm(matmul(beam.analog, beam.digital)) ** 2).toBeCloseTo(problem.power, 8);
      const each = rates(problem, beam.analog, beam.digital);
      const precoder = matmul(beam.analog, beam.digital);
      expect(beam.sumRate).toBeCloseTo(SCORES['sum-rate'](each, problem, precoder), 9);
      expect(beam.score.value).toBeCloseTo(SCORES[name](each, problem, precoder), 9);
    }
  });

  it('min-rate gives every user the same, and nobody the more by any small change of D', () => {
    const random = createRandom(3);
    for (let seed = 1; seed <= 10; seed++) {
      const problem = problemOf(seed, { power: 10 ** (seed / 3 - 1) });
      const { analog, digital, score } = realiseBeam(problem, beamOf(seed), {
        states: { bits: 5 },
        objective: OBJECTIVES['min-rate'],
      });
      const each = rates(problem, analog, digital);
      for (const rate of each) expect(rate).toBeCloseTo(score.value, 6);
      for (let change = 0; change < 50; change++) {
        const moved = zeros(users, users);
        for (let i = 0; i < users * users; i++) {
          moved.re[i] = digital.re[i] * (1 + 0.02 * random.normal());
          moved.im[i] = digital.im[i] * (1 + 0.02 * random.normal());
        }
        const power = frobeniusNorm(matmul(analog, moved)) ** 2;
        const other = rates(problem, analog, scale(moved, Math.sqrt(problem.power / power)));
        expect(Math.min(...other)).toBeLessThanOrEqual(score.value + 1e-9);
      }
    }
  });

  it('are called as the rig file calls them', () => {
    for (const name of OBJECTIVE_NAMES) expect(OBJECTIVES[name].name).toBe(name);
  });

  it('are each the best at what they are for', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const beams = OBJECTIVE_NAMES.map((name) =>
        realiseBeam(problemOf(seed), beamOf(seed), { states: { bits: 6 }, objective: OBJECTIVES[name] }),
      );
      const problem = problemOf(seed);
      OBJECTIVE_NAMES.forEach((name, own) => {
        const values = beams.map(({ analog, digital }) =>
          SCORES[name](rates(problem, analog, digital), problem, matmul(analog, digital)),
        );
        for (const other of values) expect(values[own]).toBeGreaterThanOrEqual(other - 1e-6);
      });
    }
  });

  it('rate-sensing climbs from the beam it is given, and resolves where columns of A coincide', () => {
    const objective = OBJECTIVES['rate-sensing'];
    for (let seed = 1; seed <= 5; seed++) {
      const problem = problemOf(seed);
      const { analogPhase } = beamOf(seed);
      const alike = analogPhase.map((phase, place) => (place % users === 1 ? analogPhase[place - 1] : phase));
      const resolved = realiseExactly(problem, { analogPhase: alike, digital: zeros(users, users) }, objective);
      expect(Number.isFinite(resolved.score.value)).toBe(true);
      expect(frobeniusNorm(matmul(resolved.analog, resolved.digital)) ** 2).toBeCloseTo(problem.power, 6);
      const { digital } = realiseExactly(problem, beamOf(seed), OBJECTIVES['min-rate']);
      const climbed = realiseExactly(problem, { analogPhase, digital }, objective);
      const plain = realiseExactly(problem, beamOf(seed), objective);
      expect(climbed.score.value).toBeGreaterThanOrEqual(plain.score.value);
      expect(climbed.metrics.tau).toBeGreaterThan(0);
    }
  });

  it.each(OBJECTIVE_NAMES)(
    '%s leaves it told how far the beam is from what sensing wishes for, where it wishes for something',
    (name) => {
      const problem = problemOf(2);
      const { sensing } = problem;
      if (sensing === undefined) throw new Error('the problem has no sensing');
      const grid = patternGrid(geometry, sensing.factor);
      const objective = OBJECTIVES[name];
      for (const beam of [
        realiseBeam({ ...problem, sensing: { ...sensing, grid } }, beamOf(2), { states: { bits: 4 }, objective }),
        realiseExactly({ ...problem, sensing: { ...sensing, grid } }, beamOf(2), objective),
        asComputed({ ...problem, sensing: { ...sensing, grid } }, { ...beamOf(2), digital: identity(users) }, objective),
      ]) {
        const precoder = matmul(beam.analog, beam.digital);
        const wanted = scale(multiplyABh(sensing.factor, sensing.factor), problem.power);
        const tau = frobeniusNorm(subtract(multiplyABh(precoder, precoder), wanted)) ** 2;
        expect(beam.metrics.tau / tau).toBeCloseTo(1, 9);
        expect(beam.metrics.rate_less_tau).toBeCloseTo(beam.sumRate - 0.1 * beam.metrics.tau, 9);
        expect(beam.metrics.beampattern_mse).toBe(beampatternMse(grid, precoder, problem.power));
        if (name === 'rate-sensing') expect(beam.score.value).toBeCloseTo(beam.metrics.rate_less_tau, 9);
      }
      // Without a grid, and without sensing, less is known.
      const blind = realiseBeam(problem, beamOf(2), { states: { bits: 4 }, objective });
      expect(Object.keys(blind.metrics)).toEqual(['min_rate', 'tau', 'rate_less_tau']);
    },
  );

  it('none takes a covariance of another array', () => {
    const problem = problemOf(1);
    const factor = zeros(elements + 1, 1);
    const other = { ...problem, sensing: { factor, weight: 1 } };
    for (const name of OBJECTIVE_NAMES) {
      expect(() => realiseExactly(other, beamOf(1), OBJECTIVES[name])).toThrow('is for 17 elements, the channel has 16');
    }
  });

  it('rate-sensing says what it lacks', () => {
    const { channel } = problemOf(1);
    const problem = { channel, rfChains: users, power: 1, noise: 1 };
    expect(() => realiseExactly(problem, beamOf(1), OBJECTIVES['rate-sensing'])).toThrow(/needs to know what sensing wishes for/);
  });

  it('min-rate solves D when columns of A coincide, and where a user hears nothing', () => {
    const problem = problemOf(4);
    const { analogPhase, digital } = beamOf(4);
    const alike = analogPhase.map((phase, place) => (place % users === 1 ? analogPhase[place - 1] : phase));
    const states = { bits: 3 };
    const objective = OBJECTIVES['min-rate'];
    expect(realiseBeam(problem, { analogPhase: alike, digital }, { states, objective }).score.value).toBeGreaterThan(0);
    const { re, im } = problem.channel;
    const deaf = {
      ...problem.channel,
      re: re.map((x, i) => (i < elements ? 0 : x)),
      im: im.map((x, i) => (i < elements ? 0 : x)),
    };
    const beam = realiseBeam({ ...problem, channel: deaf }, beamOf(4), { states, objective });
    expect(beam.score.value).toBe(0);
    expect(beam.sumRate).toBeGreaterThan(0);
  });

  it('min-rate serves a user who hears next to nothing, and names one whom no number can be made alike to', () => {
    const problem = problemOf(4);
    const heard = (db: number): number[] => {
      const weaker = (x: number, i: number): number => (Math.floor(i / elements) === 1 ? x * 10 ** (db / 20) : x);
      const channel = { ...problem.channel, re: problem.channel.re.map(weaker), im: problem.channel.im.map(weaker) };
      return [
        ...realiseBeam({ ...problem, channel }, beamOf(4), { states: { bits: 3 }, objective: OBJECTIVES['min-rate'] }).sinr,
      ];
    };
    const weak = heard(-120);
    expect(weak[1]).toBeGreaterThan(0);
    for (const sinr of weak) expect(sinr / weak[1]).toBeCloseTo(1, 2);
    for (const db of [-200, -400, -3000]) {
      expect(() => heard(db)).toThrow(
        expect.objectContaining({
          code: 'argument',
          message: expect.stringMatching(
            /^user 1 hears -\d+ dB at most, and the loudest \d+: no powers make their rates alike$/,
          ) as string,
          wayOut: expect.stringContaining('choose the objective sum-rate') as string,
        }),
      );
    }
  });
});

/** Sketches of what is to come: they hold the contract to its word, and are no product. */
describe('the beam contract has room for', () => {
  it('symbol errors with combiners at the users (paper 002)', () => {
    const symbolErrors: Objective = {
      name: 'symbol-errors',
      at: (problem, array): ObjectiveAt => ({
        resolve: () => ({
          ...OBJECTIVES['sum-rate'].at(problem, array).resolve(),
          userDigital: fromPhases(new Float64Array(users), users, 1),
        }),
        score({ digital, userDigital }) {
          const { sinr: each } = ratesOfGains(matmul(matmul(problem.channel, array.analog), digital), problem.noise);
          // Chernoff's bound for QPSK; a combiner that is missing hears nothing.
          const bound = [...each].reduce((sum, value) => sum + Math.exp(-value / 2), 0) / users;
          return { value: userDigital === undefined ? -1 : -bound, metrics: { symbolErrorBound: bound } };
        },
      }),
    };
    const beam = realiseExactly(problemOf(6), { ...beamOf(6), userPhase: new Float64Array(users) }, symbolErrors);
    expect(beam.userDigital?.rows).toBe(users);
    expect(beam.score.value).toBeGreaterThan(-1);
  });

  it('a beamformer of two timescales, which keeps its phases and solves D for each channel (paper 003)', async () => {
    let phases: Float64Array | undefined;
    let seen = 0;
    const compute = async (problem: Problem): Promise<Beam> => {
      if (seen++ % 10 === 0) phases = beamOf(seen).analogPhase;
      const analogPhase = phases ?? new Float64Array(elements * problem.rfChains);
      const { digital } = realiseExactly(problem, { analogPhase, digital: zeros(users, users) }, OBJECTIVES['sum-rate']);
      return Promise.resolve({ analogPhase, digital });
    };
    const beams = await Promise.all(Array.from({ length: 11 }, (_, i) => compute(problemOf(i))));
    expect(beams[1].analogPhase).toBe(beams[0].analogPhase);
    expect(beams[10].analogPhase).not.toBe(beams[0].analogPhase);
    expect(beams[1].digital).not.toEqual(beams[0].digital);
  });
});
