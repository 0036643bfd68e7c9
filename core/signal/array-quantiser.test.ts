import { describe, expect, it } from 'vitest';
import { createArrayQuantiser } from './array-quantiser.ts';
import type { ArrayStates, Beam, Objective, Problem } from './beam-contract.ts';
import { salehValenzuela } from './channel.ts';
import { zeros } from './complex-matrix.ts';
import { connectionMask } from './geometry.ts';
import { OBJECTIVES } from './objectives/objectives.ts';
import { idealStates } from './quantise.ts';
import { createQuantiser } from './quantisers.ts';
import { createRandom } from './random.ts';
import { choiceFor, nearestStates, realiseBeam } from './realise-beam.ts';
import { wantedCovarianceFactor } from './wanted-pattern.ts';

const OBJECTIVE_LIST = Object.values(OBJECTIVES);
const sumRate = OBJECTIVES['sum-rate'];
const array = (sweeps = 4) => createArrayQuantiser({ sweeps, start: 'nearest' });

function problemOf(seed: number, elements: number, users: number, more: Partial<Problem> = {}): Problem {
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  const channel = salehValenzuela({ random: createRandom(seed), geometry, users, paths: 6, scale: 'unit-element' });
  const sensing = {
    factor: wantedCovarianceFactor(geometry, { directionsRad: [-1, 0.2], halfWidthRad: 0.1, streams: users }),
    weight: 0.05,
  };
  return { channel, rfChains: users, power: 10, noise: 1, sensing, ...more };
}

/** Phases that align each chain with a user; those of chains beyond the users are drawn. */
function beamOf({ channel, rfChains }: Problem): Beam {
  const random = createRandom(1).stream('phases');
  const analogPhase = new Float64Array(channel.cols * rfChains);
  for (let place = 0; place < analogPhase.length; place++) {
    const [n, m] = [Math.floor(place / rfChains), place % rfChains];
    const at = m * channel.cols + n;
    analogPhase[place] = m < channel.rows ? Math.atan2(-channel.im[at], channel.re[at]) : 2 * Math.PI * random.uniform();
  }
  return { analogPhase, digital: zeros(rfChains, channel.rows) };
}

const scoreWith = (problem: Problem, states: ArrayStates, objective: Objective, quantise = array()): number =>
  realiseBeam(problem, beamOf(problem), { states, objective, quantise }).score.value;
const nearestScore = (problem: Problem, states: ArrayStates, objective: Objective): number =>
  scoreWith(problem, states, objective, nearestStates);

describe.each(OBJECTIVE_LIST)('words chosen with the array in mind, for $name', (objective) => {
  it('are never worse than the nearest, on arrays of all kinds and at any Q', () => {
    const shapes: [elements: number, rfChains: number, users: number][] = [
      [16, 4, 4],
      [12, 6, 3],
      [8, 2, 1],
      [5, 1, 1],
      [4, 4, 4],
    ];
    for (const [elements, rfChains, users] of shapes) {
      for (const bits of [1, 2, 3, 5, 8, 16]) {
        const problem = problemOf(bits, elements, users, { rfChains, power: 10 ** (bits / 4 - 1) });
        const states = { bits };
        const { words, score } = realiseBeam(problem, beamOf(problem), { states, objective, quantise: array() });
        expect(score.value).toBeGreaterThanOrEqual(nearestScore(problem, states, objective));
        expect(Math.max(...words)).toBeLessThan(2 ** bits);
      }
    }
  });

  it('gain much where there are few bits', () => {
    const mean = (of: (problem: Problem) => number): number => {
      let sum = 0;
      for (let seed = 1; seed <= 10; seed++) sum += of(problemOf(seed, 16, 3)) / 10;
      return sum;
    };
    const gainOf = (bits: number): number =>
      mean((problem) => scoreWith(problem, { bits }, objective)) / mean((problem) => nearestScore(problem, { bits }, objective));
    expect(gainOf(1)).toBeGreaterThan(1.08);
    expect(gainOf(2)).toBeGreaterThan(1.02);
    expect(gainOf(3)).toBeGreaterThan(1.01);
  });

  it('come near the best of all words where all can be tried', () => {
    // A chain turned as a whole shows the same: its first word may be 0.
    for (const [elements, rfChains, users, bits] of [
      [4, 2, 2, 1],
      [4, 3, 2, 1],
      [3, 2, 2, 2],
      [6, 1, 1, 2],
    ]) {
      let [bestSum, reachedSum, nearestSum] = [0, 0, 0];
      for (let seed = 1; seed <= 6; seed++) {
        const problem = problemOf(seed, elements, users, { rfChains });
        const beam = beamOf(problem);
        const states = { bits };
        const places = elements * rfChains;
        let best = -Infinity;
        for (let choice = 0; choice < 2 ** (bits * (places - rfChains)); choice++) {
          const words = new Uint16Array(places);
          for (let i = 0; i < places - rfChains; i++) words[rfChains + i] = (choice >> (bits * i)) & (2 ** bits - 1);
          best = Math.max(best, choiceFor(problem, beam, words, states, objective).score.value);
        }
        const reached = scoreWith(problem, states, objective, array(10));
        expect(reached).toBeLessThanOrEqual(best + 1e-4 * Math.abs(best));
        bestSum += best;
        reachedSum += reached;
        nearestSum += nearestScore(problem, states, objective);
      }
      // Of a rate less a penalty there is no share; how much of the way from the nearest words is made can be said of all.
      if (objective.name !== 'rate-sensing') expect(reachedSum / bestSum).toBeGreaterThan(0.98);
      expect((reachedSum - nearestSum) / (bestSum - nearestSum)).toBeGreaterThan(0.5);
    }
  });

  it('are the same for the same problem, whatever was asked for in between', () => {
    const quantise = array();
    const words = (seed: number) => {
      const problem = problemOf(seed, 16, 4);
      return quantise(problem, beamOf(problem), { bits: 2 }, objective);
    };
    const [first, other, again] = [words(1), words(2), words(1)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(array()(problemOf(1, 16, 4), beamOf(problemOf(1, 16, 4)), { bits: 2 }, objective)).toEqual(first);
  });

  it('leave the words of missing connections at 0 and use the others', () => {
    const connection = connectionMask('sub', 24, 3);
    let gained = 0;
    for (let seed = 1; seed <= 5; seed++) {
      const problem = problemOf(seed, 24, 3, { connection });
      const beam = realiseBeam(problem, beamOf(problem), { states: { bits: 2 }, objective, quantise: array() });
      beam.words.forEach((word, place) => {
        if (connection[place] === 0) expect(word).toBe(0);
      });
      gained += beam.score.value / nearestScore(problem, { bits: 2 }, objective) / 5;
    }
    expect(gained).toBeGreaterThan(1.02);
  });

  it('choose among measured states as they are: wired backwards, of uneven gain, and dead', () => {
    const problem = problemOf(3, 16, 3);
    const ideal = idealStates(3);
    const backwards = { re: ideal.re.slice().reverse(), im: ideal.im.slice().reverse() };
    const turned = scoreWith(problem, { bits: 3, of: () => backwards }, objective);
    expect(turned / scoreWith(problem, { bits: 3 }, objective)).toBeCloseTo(1, 1);
    const random = createRandom(4);
    const tables = Array.from({ length: 48 }, (_, place) => {
      const gains = Float64Array.from(ideal.re, () => (place % 7 === 0 ? 0 : 1 + 0.3 * random.normal()));
      const turns = Float64Array.from(ideal.re, () => 0.2 * random.normal());
      return {
        re: gains.map((gain, word) => gain * Math.cos((word * Math.PI) / 4 + turns[word])),
        im: gains.map((gain, word) => gain * Math.sin((word * Math.PI) / 4 + turns[word])),
      };
    });
    const states = { bits: 3, of: (place: number) => tables[place] };
    // Who knows the states does better than who believes them ideal, and better than the nearest of them.
    const { words: blind } = array()(problem, beamOf(problem), { bits: 3 }, objective);
    const knowing = scoreWith(problem, states, objective);
    expect(knowing).toBeGreaterThan(choiceFor(problem, beamOf(problem), blind, states, objective).score.value);
    expect(knowing).toBeGreaterThan(nearestScore(problem, states, objective));
  });

  it('go through the array as often as they may, and no more', () => {
    for (const sweeps of [1, 2, 7]) {
      const problem = problemOf(2, 8, 2, { rfChains: 3 });
      let lifted = 0;
      const counting: Objective = {
        ...objective,
        surrogate: (asked) => {
          const surrogate = objective.surrogate?.(asked);
          if (surrogate === undefined) throw new Error('there is none');
          const liftChain = surrogate.liftChain.bind(surrogate);
          surrogate.liftChain = (chain) => {
            lifted++;
            liftChain(chain);
          };
          return surrogate;
        },
      };
      array(sweeps)(problem, beamOf(problem), { bits: 2 }, counting);
      expect(lifted).toBe(sweeps * problem.rfChains);
    }
  });
});

describe('words that begin at those before', () => {
  it('are never worse than those were, nor than the nearest, and forget them where Q is another', () => {
    const quantise = createArrayQuantiser({ sweeps: 1, start: 'last-words' });
    const states = { bits: 1 };
    const problem = problemOf(5, 16, 4);
    const beam = beamOf(problem);
    let before = -Infinity;
    let rose = 0;
    for (let cycle = 0; cycle < 6; cycle++) {
      const { words, gain } = quantise(problem, beam, states, sumRate);
      const value = choiceFor(problem, beam, words, states, sumRate).score.value;
      expect(value).toBeGreaterThanOrEqual(before);
      if (value > before) rose++;
      expect(gain).toBe(value - scoreWith(problem, states, sumRate, nearestStates));
      before = value;
    }
    expect(rose).toBeGreaterThan(1);
    const other = quantise(problem, beam, { bits: 2 }, sumRate);
    expect(other).toEqual(array(1)(problem, beam, { bits: 2 }, sumRate));
    // Words of one channel are no start for one of no kin: what comes is what comes without them.
    const stranger = problemOf(6, 16, 4);
    expect(quantise(stranger, beamOf(stranger), { bits: 2 }, sumRate)).toEqual(
      array(1)(stranger, beamOf(stranger), { bits: 2 }, sumRate),
    );
  });
});

describe('where there is little to choose by', () => {
  const outcome = (problem: Problem, quantise: typeof nearestStates, beam = beamOf(problem)): string | number => {
    try {
      return realiseBeam(problem, beam, { states: { bits: 2 }, objective: sumRate, quantise }).sumRate;
    } catch (error) {
      return String(error);
    }
  };
  const silenced = (problem: Problem, user: number): Problem => {
    const silent = (part: Float64Array) => part.map((x, i) => (Math.floor(i / problem.channel.cols) === user ? 0 : x));
    const { channel } = problem;
    return { ...problem, channel: { ...channel, re: silent(channel.re), im: silent(channel.im) } };
  };

  it('two users in one place and a user who hears nothing leave a beam', () => {
    const problem = problemOf(7, 12, 3);
    const { channel } = problem;
    const twice = (part: Float64Array) => part.map((x, i) => (i < 12 ? part[i + 12] : x));
    const together = { ...problem, channel: { ...channel, re: twice(channel.re), im: twice(channel.im) } };
    for (const objective of OBJECTIVE_LIST) {
      for (const odd of [together, silenced(problem, 1)]) {
        const value = scoreWith(odd, { bits: 2 }, objective);
        expect(value).toBeGreaterThanOrEqual(nearestScore(odd, { bits: 2 }, objective));
        expect(Number.isFinite(value)).toBe(true);
      }
    }
    expect(outcome(together, array())).toBeGreaterThan(outcome(together, nearestStates) as number);
    expect(outcome(silenced(problem, 1), array())).toBeGreaterThan(1);
  });

  it('whatever the nearest words refuse is refused in the same words, and what they bear is borne', () => {
    const problem = problemOf(8, 12, 3);
    const { channel } = problem;
    const spoiled = (x: number) => ({ ...problem, channel: { ...channel, re: channel.re.map((r, i) => (i === 5 ? x : r)) } });
    const mute = { ...problem, channel: zeros(3, 12) };
    for (const odd of [
      spoiled(NaN),
      spoiled(Infinity),
      mute,
      { ...problem, power: 0 },
      { ...problem, power: Infinity },
      { ...problem, noise: 0 },
    ]) {
      const [nearest, chosen] = [outcome(odd, nearestStates), outcome(odd, array())];
      if (typeof nearest === 'string') expect(chosen).toBe(nearest);
      else expect(chosen).toBeGreaterThanOrEqual(nearest);
    }
    const beam = beamOf(problem);
    beam.analogPhase[3] = NaN;
    expect(outcome(problem, array(), beam)).toMatch(/phase 3 is NaN/);
  });

  it('an objective that has no surrogate is refused by name, before anything is computed', () => {
    const objective: Objective = { name: 'symbol-errors', at: (problem, shown) => sumRate.at(problem, shown) };
    expect(() => createQuantiser({ quantiser: 'array', sweeps: 1 }, objective)).toThrow(/'symbol-errors'/);
    expect(createQuantiser({ quantiser: 'nearest', sweeps: 1 }, objective)).toBe(nearestStates);
  });
});
