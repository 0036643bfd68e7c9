/**
 * Power alone, states and all: each element by itself in each state, and beside one that stays, in state 0 and a quarter of a turn ahead. Singles are the
 * sizes, pairs the phases; nothing is assumed of how states depend on words. Few elements are on at a time, so that noise counts for more than elsewhere.
 *
 *   |a + c|² − |a|² − |c|² = 2·Re(a*·c) for the a and the a′ of the element that stays; from there by the three amplitudes
 *
 * An element that stays must be there and turn: of a few whose power is as usual two are chosen that do, and read often, for all others stand on them.
 *
 * Source: pairs as of C. Shipley and D. Woods, "Mutual coupling-based calibration of phased array antennas", IEEE Int. Conf. Phased Array Systems and
 * Technology 2000, 529-532, with a receiver in place of coupling.
 */
import { fitAmplitudes, type Field, type SumHeard } from '../amplitude-fit.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { estimateStates } from '../estimate-states.ts';
import type { CalibrationMethod, MethodSetup, Readings } from '../method.ts';
import { planOf, type ReadingPlan } from '../reading-plan.ts';
import { singlesPlan } from './one-at-a-time.ts';

/** Elements that might stay. */
const CANDIDATES = 4;
/** Of everything that is read of them. */
const ROUNDS = 8;
/** Beside a, beside a′. */
const STAYING_STATES = 2;
/** σ² where nobody has measured it. */
const SUPPOSED_NOISE = 0.01;
/** Across a state whose amplitudes all lie along it, in variances of an amplitude: so much and no more is it taken for. */
const MOST_VARIANCE = 20;

export const pairwise: CalibrationMethod = {
  name: 'pairwise',
  about: 'all states by power alone: each element alone and beside one that stays, state by state',
  source: 'Shipley and Woods, Phased Array Systems and Technology 2000, 529-532',
  hears: 'power',
  needsElementEnable: true,
  hearsConstants: () => true,
  least: { elements: 2, phaseBits: 2 },
  finds: 'states',
  readings: (setup) => (1 + STAYING_STATES) * setup.elements * 2 ** setup.phaseBits + ROUNDS * trialsOf(setup).length,
  *run(setup) {
    const { elements, phaseBits, noise = SUPPOSED_NOISE } = setup;
    const states = 2 ** phaseBits;
    const alone = amplitudes(yield singlesPlan(setup, { states, rounds: 1 }), noise);
    const candidates = usualOnes(alone, elements, states).slice(0, candidatesOf(setup));
    const tried = trialMeans(yield trialPlan(setup, candidates), trialsOf(setup), noise);
    const [first, second] = twoThatTurn(tried, candidates);
    const stayings = stayingFields(tried, candidates, first, second);
    const stayingBeside = (element: number): number => (element === first ? second : first);
    const pairs = amplitudes(
      yield planOf({ elements, phaseBits, readings: STAYING_STATES * elements * states }, (i, n) => {
        const at = Math.floor(i / STAYING_STATES);
        const element = Math.floor(at / states);
        if (n === element) return at % states;
        return n === stayingBeside(element) ? ((i % STAYING_STATES) * states) / 4 : undefined;
      }),
      noise,
    );
    const found = zeros(elements * states, 1);
    let variance = 0;
    for (let at = 0; at < elements * states; at++) {
      const [a, ahead] = stayings[Math.floor(at / states) === first ? 1 : 0];
      const state = stateBeside(a, ahead, alone[at], pairs[STAYING_STATES * at], pairs[STAYING_STATES * at + 1]);
      found.re[at] = state.field.re;
      found.im[at] = state.field.im;
      // A phase is less certain than a size, which is read by itself: both are taken for as uncertain, and what stays for as uncertain as its readings are.
      variance += (Math.min(state.variance, MOST_VARIANCE) * noise * (1 + 1 / ROUNDS)) / (elements * states);
    }
    return estimateStates(singlesPlan(setup, { states, rounds: 1 }), found, { noise: variance });
  },
};

/** √P without what noise adds to it in the mean. */
const amplitudes = ({ re: powers }: Readings, noise: number): Float64Array =>
  powers.map((power) => Math.sqrt(Math.max(power - noise / 2, 0)));

/** Elements in the order of how near their power is to the middle one. */
function usualOnes(alone: Float64Array, elements: number, states: number): number[] {
  const powers = Array.from({ length: elements }, (_, n) =>
    alone.subarray(n * states, (n + 1) * states).reduce((sum, amplitude) => sum + amplitude ** 2, 0),
  );
  const middle = powers.slice().sort((a, b) => a - b)[elements >> 1];
  const apart = (n: number): number => Math.abs(Math.log(Math.max(powers[n], Number.MIN_VALUE) / middle));
  return Array.from(powers.keys()).sort((a, b) => apart(a) - apart(b));
}

const candidatesOf = ({ elements }: Pick<MethodSetup, 'elements'>): number => Math.min(CANDIDATES, elements);

/** Field 2·c of candidate c in state 0, 2·c + 1 a quarter of a turn ahead: each alone, and each with each of another candidate. */
function trialsOf(setup: Pick<MethodSetup, 'elements'>): number[][] {
  const fields = Array.from({ length: 2 * candidatesOf(setup) }, (_, field) => field);
  return fields.flatMap((a) => [[a], ...fields.filter((b) => b >> 1 > a >> 1).map((b) => [a, b])]);
}

function trialPlan(setup: MethodSetup, candidates: readonly number[]): ReadingPlan {
  const { elements, phaseBits } = setup;
  const trials = trialsOf(setup);
  return planOf({ elements, phaseBits, readings: ROUNDS * trials.length }, (i, n) => {
    const field = trials[i % trials.length].find((each) => candidates[each >> 1] === n);
    return field === undefined ? undefined : ((field % 2) * 2 ** phaseBits) / 4;
  });
}

function trialMeans({ re: powers }: Readings, trials: readonly number[][], noise: number): SumHeard[] {
  return trials.map((of, at) => {
    let mean = 0;
    for (let round = 0; round < ROUNDS; round++) mean += powers[round * trials.length + at] / ROUNDS;
    return { of, amplitude: Math.sqrt(Math.max(mean - noise, 0)) };
  });
}

const powerOf = (tried: readonly SumHeard[], ...of: number[]): number => {
  const heard = tried.find((each) => each.of.length === of.length && of.every((field) => each.of.includes(field)));
  return heard === undefined ? 0 : heard.amplitude ** 2;
};

/** Those whose quarter of a turn changes the most beside others: one that is stuck changes nothing, one that is dead next to nothing. */
function twoThatTurn(tried: readonly SumHeard[], candidates: readonly number[]): [number, number] {
  const changes = candidates.map((_, c) => {
    const others = candidates.flatMap((__, other) => (other === c ? [] : [2 * other, 2 * other + 1]));
    return others.reduce((sum, other) => sum + Math.abs(powerOf(tried, 2 * c, other) - powerOf(tried, 2 * c + 1, other)), 0);
  });
  const [first, second] = Array.from(changes.keys()).sort((a, b) => changes[b] - changes[a]);
  return [candidates[first], candidates[second]];
}

/** a and a′ of the first, of about phase 0 and a quarter, and of the second beside it: of all that was tried, for the more fields the surer are their angles. */
function stayingFields(
  tried: readonly SumHeard[],
  candidates: readonly number[],
  first: number,
  second: number,
): [Field, Field][] {
  const [one, other] = [candidates.indexOf(first), candidates.indexOf(second)];
  const size = (field: number): number => Math.sqrt(powerOf(tried, field));
  const a = { re: size(2 * one), im: 0 };
  const ahead = { re: 0, im: size(2 * one + 1) };
  const fields = Array.from({ length: 2 * candidates.length }, (_, field) => field);
  const start = fields.map((field) => {
    if (field >> 1 === one) return field % 2 === 0 ? a : ahead;
    const beside = [2 * one, 2 * one + 1].map((staying) => Math.sqrt(powerOf(tried, staying, field)));
    return startBeside(a, ahead, size(field), beside[0], beside[1]);
  });
  const fitted = fitAmplitudes(start, fields, tried).fields;
  return [one, other].map((c) => [fitted[2 * c], fitted[2 * c + 1]]);
}

/** c of |c|, |a + c| and |a′ + c|, as the powers have it. */
function startBeside(a: Field, ahead: Field, alone: number, withA: number, withAhead: number): Field {
  const along = (withA ** 2 - alone ** 2 - a.re ** 2 - a.im ** 2) / 2; // Re(a*·c)
  const across = (withAhead ** 2 - alone ** 2 - ahead.re ** 2 - ahead.im ** 2) / 2;
  const determinant = a.re * ahead.im - a.im * ahead.re || Number.MIN_VALUE;
  const c = { re: (along * ahead.im - across * a.im) / determinant, im: (across * a.re - along * ahead.re) / determinant };
  const size = Math.hypot(c.re, c.im) || Number.MIN_VALUE;
  // Its size is known better by itself.
  return { re: (c.re * alone) / size, im: (c.im * alone) / size };
}

/** The same by all three amplitudes, and the variance of its phase. */
function stateBeside(
  a: Field,
  ahead: Field,
  alone: number,
  withA: number,
  withAhead: number,
): { field: Field; variance: number } {
  const start = [startBeside(a, ahead, alone, withA, withAhead), a, ahead];
  const heard = [
    { of: [0], amplitude: alone },
    { of: [0, 1], amplitude: withA },
    { of: [0, 2], amplitude: withAhead },
  ];
  const { fields, variance } = fitAmplitudes(start, [0], heard);
  return { field: fields[0], variance };
}
