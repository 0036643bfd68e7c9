/** What the surrogates say of a place, against D solved again for every state of it. */
import { describe, expect, it } from 'vitest';
import { ArraySpan } from '../array-span.ts';
import type { Objective, Problem } from '../beam-contract.ts';
import { salehValenzuela } from '../channel.ts';
import type { CMatrix } from '../complex-matrix.ts';
import { clone, fromPhases, identity, matmul, multiplyABh, zeros } from '../complex-matrix.ts';
import { solveHermitian } from '../cholesky.ts';
import { qrThin } from '../decompositions.ts';
import { equivalentArray } from '../equivalent-array.ts';
import { idealStates } from '../quantise.ts';
import { createRandom } from '../random.ts';
import type { SpanSurrogate } from '../span-surrogate.ts';
import { wantedCovarianceFactor } from '../wanted-pattern.ts';
import { OBJECTIVE_NAMES, type ObjectiveName } from './objective-names.ts';
import { OBJECTIVES } from './objectives.ts';
import { uplinkSurrogate } from './uplink-surrogate.ts';

function problemOf(seed: number, elements: number, users: number, rfChains = users, power = 10): Problem {
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  const channel = salehValenzuela({ random: createRandom(seed), geometry, users, paths: 6, scale: 'unit-element' });
  const sensing = {
    factor: wantedCovarianceFactor(geometry, { directionsRad: [-1, 0.2], halfWidthRad: 0.1, streams: users }),
    weight: 0.3,
  };
  return { channel, rfChains, power, noise: 1, sensing };
}

function stateOfArray(seed: number, { channel, rfChains }: Problem, bits: number): CMatrix {
  const random = createRandom(seed).stream('words');
  const step = (2 * Math.PI) / 2 ** bits;
  const phases = Float64Array.from({ length: channel.cols * rfChains }, () => step * Math.floor(2 ** bits * random.uniform()));
  return fromPhases(phases, channel.cols, rfChains);
}

/** Phases that align chain k with user k, rounded to the states. */
function alignedArray({ channel, rfChains }: Problem, bits: number): CMatrix {
  const step = (2 * Math.PI) / 2 ** bits;
  const phases = new Float64Array(channel.cols * rfChains);
  for (let place = 0; place < phases.length; place++) {
    const at = (place % rfChains) * channel.cols + Math.floor(place / rfChains);
    phases[place] = step * Math.round(Math.atan2(-channel.im[at], channel.re[at]) / step);
  }
  return fromPhases(phases, channel.cols, rfChains);
}

/** The objective with D solved again. */
function solvedValue(objective: Objective, problem: Problem, analog: CMatrix): number {
  const at = objective.at(problem, { analog, equivalent: equivalentArray(problem.channel, analog) });
  return at.score(at.resolve()).value;
}

function surrogateOf(objective: Objective, problem: Problem): SpanSurrogate {
  const surrogate = objective.surrogate?.(problem);
  if (surrogate === undefined) throw new Error(`${objective.name} has no surrogate`);
  return surrogate;
}

/** C·U for an orthonormal basis U of the span. */
const seenOf = ({ rows }: SpanSurrogate, analog: CMatrix): CMatrix => matmul(rows, qrThin(analog).q);

function shown(analog: CMatrix, place: number, re: number, im: number): CMatrix {
  const changed = clone(analog);
  changed.re[place] = re;
  changed.im[place] = im;
  return changed;
}

interface Bounds {
  /** Share by which a settling may be off what D solved to its end gives. */
  off: number;
  /** Share of places at which the best state of all is chosen, at least. */
  right: number;
  /** What the choice loses, of what lies between the best state and the worst, at most. */
  lost: number;
}

/** Of rates, duality says the value of every state; of rate and sensing there is a quadratic form, and D takes many steps. */
const BOUNDS: Record<ObjectiveName, Bounds> = {
  'sum-rate': { off: 0.002, right: 0.85, lost: 0.005 },
  'min-rate': { off: 1e-6, right: 0.85, lost: 0.005 },
  'rate-sensing': { off: 0.1, right: 0.4, lost: 0.15 },
};

describe.each(OBJECTIVE_NAMES)('the surrogate of %s', (name) => {
  const objective = OBJECTIVES[name];
  const bounds = BOUNDS[name];

  it('settles at what the objective has with D solved again', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const problem = problemOf(seed, 12, 3, 3 + (seed % 3), 10 ** (seed / 4 - 1));
      const analog = stateOfArray(seed, problem, 2);
      const surrogate = surrogateOf(objective, problem);
      const value = surrogate.settle(seenOf(surrogate, analog));
      const solved = solvedValue(objective, problem, analog);
      expect(Math.abs(value - solved)).toBeLessThan(bounds.off * Math.abs(solved));
    }
  });

  it('chooses, of the states of a place, one that is as good as the best with D solved again for each', () => {
    const states = idealStates(3);
    let ranked = 0;
    let right = 0;
    let lost = 0;
    let range = 0;
    for (let seed = 1; seed <= 4; seed++) {
      const problem = problemOf(seed, 8, 3);
      const analog = alignedArray(problem, 3);
      const surrogate = surrogateOf(objective, problem);
      const span = new ArraySpan(surrogate.rows, clone(analog));
      for (let m = 0; m < problem.rfChains; m++) {
        span.lift(m);
        surrogate.settle(span.seen());
        surrogate.liftChain(span.chain);
        for (let n = 0; n < 8; n++) {
          span.at(n);
          surrogate.liftPlace(span.place);
          const values = Array.from(states.re, (re, word) => surrogate.value(re, states.im[word]));
          const solved = Array.from(states.re, (re, word) =>
            solvedValue(objective, problem, shown(analog, n * problem.rfChains + m, re, states.im[word])),
          );
          const best = Math.max(...solved);
          const chosen = solved[values.indexOf(Math.max(...values))];
          ranked++;
          if (chosen > best - 1e-4) right++;
          lost += best - chosen;
          range += best - Math.min(...solved);
        }
        span.lower();
      }
    }
    expect(ranked).toBe(4 * 3 * 8);
    expect(right / ranked).toBeGreaterThan(bounds.right);
    expect(lost / range).toBeLessThan(bounds.lost);
  });

  it('says the same of a place after moves as when it is asked anew', () => {
    const problem = problemOf(5, 10, 3, 4);
    const analog = stateOfArray(5, problem, 2);
    const [moving, fresh] = [surrogateOf(objective, problem), surrogateOf(objective, problem)];
    moving.settle(seenOf(moving, analog));
    fresh.settle(seenOf(fresh, analog));
    const span = new ArraySpan(moving.rows, clone(analog));
    span.lift(1);
    moving.liftChain(span.chain);
    const random = createRandom(6);
    for (let n = 0; n < 9; n++) {
      span.at(n);
      moving.liftPlace(span.place);
      const { re, im } = random.complexNormal();
      span.move(re, im);
      moving.move(re, im);
    }
    const anew = new ArraySpan(fresh.rows, clone(span.analog));
    anew.lift(1);
    fresh.liftChain(anew.chain);
    span.at(9);
    anew.at(9);
    moving.liftPlace(span.place);
    fresh.liftPlace(anew.place);
    for (let trial = 0; trial < 10; trial++) {
      const { re, im } = random.complexNormal();
      expect(moving.value(re, im)).toBeCloseTo(fresh.value(re, im), 9);
    }
  });
});

it('errors of the uplink are those of the whole array, place by place', () => {
  const problem = problemOf(3, 9, 4, 3);
  const analog = stateOfArray(3, problem, 2);
  const powers = [0.4, 0.3, 0.2, 0.1];
  const told: number[][] = [];
  const surrogate = uplinkSurrogate(problem.channel, 0.05, {
    settle: (_, out) => {
      out.set(powers);
      return 0;
    },
    worth: (errors) => {
      told.push([...errors]);
      return 0;
    },
  });
  surrogate.settle(zeros(4, 4));
  const span = new ArraySpan(surrogate.rows, clone(analog));
  span.lift(2);
  surrogate.liftChain(span.chain);
  span.at(4);
  surrogate.liftPlace(span.place);
  const random = createRandom(9);
  for (let trial = 0; trial < 10; trial++) {
    const { re, im } = random.complexNormal();
    surrogate.value(re, im);
    const seen = seenOf(surrogate, shown(analog, 4 * 3 + 2, re, im));
    const gram = multiplyABh(seen, seen);
    const whole = identity(4);
    for (let i = 0; i < 16; i++) {
      const factor = Math.sqrt(powers[Math.floor(i / 4)] * powers[i % 4]) / 0.05;
      whole.re[i] += factor * gram.re[i];
      whole.im[i] += factor * gram.im[i];
    }
    const errors = solveHermitian(whole, identity(4));
    told[trial].forEach((error, k) => expect(error).toBeCloseTo(errors.re[5 * k], 10));
  }
});

it('ranks states by the sum rate of so many users, too, that the product of their errors is no number', () => {
  const problem = { ...problemOf(4, 40, 40, 40), power: 1e12 };
  const objective = OBJECTIVES['sum-rate'];
  const surrogate = surrogateOf(objective, problem);
  const analog = stateOfArray(4, problem, 4);
  const span = new ArraySpan(surrogate.rows, clone(analog));
  span.lift(0);
  surrogate.settle(span.seen());
  surrogate.liftChain(span.chain);
  span.at(0);
  surrogate.liftPlace(span.place);
  const values = [0, 1, 2, 3].map((quarter) =>
    surrogate.value(Math.cos((quarter * Math.PI) / 2), Math.sin((quarter * Math.PI) / 2)),
  );
  expect(new Set(values).size).toBe(4);
  for (const value of values) expect(value).toBeGreaterThan(400);
});
