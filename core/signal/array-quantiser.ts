/**
 * Words chosen with the array in mind: what rounding one phase spoils, others can mend, and D, solved again, along with them. The places are
 * gone through one by one, each takes the state that is best for the objective *with D solved again* (span-surrogate.ts) while the others stay,
 * until a sweep gains little. Then an eighth of the places are set at random and the same is done from there; the best words of all are kept.
 *
 *   nearest words ─┐                         ┌─ kick ◄─┐
 *   words before ──┴─ the better ─► sweep, sweep, … ───┘ … until the budget of sweeps is spent ─► the best, if above where it began
 *
 * Nothing depends on time or on anything but the arguments (and the words before, where they are a start): the same seed gives the same words.
 * Going chain by chain through all elements is as good as element by element, and cheaper, because a chain is lifted out once.
 * Iterated local search after Lourenço, Martin and Stützle, in Handbook of Metaheuristics, 2003.
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import { ArraySweep } from './array-sweep.ts';
import type { ArrayStates, DigitalChoice, Objective, Problem, Quantiser } from './beam-contract.ts';
import type { SweepStart } from './quantiser-names.ts';
import type { Random } from './random.ts';
import { createRandom } from './random.ts';
import { choiceFor, nearestWords } from './realise-beam.ts';
import type { SpanSurrogate } from './span-surrogate.ts';

export interface ArrayQuantiserOptions {
  /** The budget. */
  sweeps: number;
  start: SweepStart;
}

/** A descent ends with a sweep that gains less than this share of what it has gained. */
const LEAST_SHARE_OF_GAIN = 1 / 16;
const KICKED_SHARE = 1 / 8;
const LEAST_KICKED = 2;
const SEED = 1;

/**
 * Its words are never worse, by `realiseBeam` and the objective, than the nearest ones. With 'last-words' it remembers what it gave.
 * @throws {BeamrigError} when called: 'argument' where the objective has no surrogate, and whatever the objective throws
 */
export function createArrayQuantiser({ sweeps, start }: ArrayQuantiserOptions): Quantiser {
  let before: { bits: number; words: Uint16Array } | undefined;
  return (problem, beam, states, objective) => {
    const choose = (words: Uint16Array): DigitalChoice => choiceFor(problem, beam, words, states, objective);
    let words = nearestWords(problem, beam, states);
    const surrogate = requireSurrogate(objective)(problem);
    let choice = choose(words);
    const nearestValue = choice.score.value;
    const keep = (others: Uint16Array): void => {
      const other = choose(others);
      if (!(other.score.value > choice.score.value)) return;
      [words, choice] = [others, other];
    };
    if (before !== undefined && before.bits === states.bits && before.words.length === words.length) keep(before.words);
    keep(descendRepeatedly(problem, words, states, surrogate, sweeps));
    if (start === 'last-words') before = { bits: states.bits, words };
    return { words, gain: choice.score.value - nearestValue, choice };
  };
}

/** @throws {BeamrigError} 'argument' where the objective has no surrogate */
export function requireSurrogate(objective: Objective): NonNullable<Objective['surrogate']> {
  if (objective.surrogate !== undefined) return objective.surrogate;
  throw new BeamrigError('argument', `the quantiser 'array' does not know the objective '${objective.name}' yet`, {
    wayOut: "Choose the quantiser 'nearest' for it.",
  });
}

/** @returns the best words found, by the surrogate; `start` is left as it is */
function descendRepeatedly(
  problem: Problem,
  start: Uint16Array,
  states: ArrayStates,
  surrogate: SpanSurrogate,
  sweeps: number,
): Uint16Array {
  const random = createRandom(SEED);
  const sweep = new ArraySweep(problem, start, states, surrogate);
  const best = start.slice();
  let bestValue = sweep.value;
  for (let left = sweeps; ;) {
    const from = sweep.value;
    for (let gained = 0, gain = Infinity; left > 0 && gain > LEAST_SHARE_OF_GAIN * gained; left--) {
      const reached = sweep.value;
      sweep.next();
      gain = sweep.value - reached;
      gained = sweep.value - from;
    }
    if (sweep.value > bestValue) {
      bestValue = sweep.value;
      best.set(sweep.words);
    }
    if (left === 0) return best;
    sweep.words.set(best);
    kick(sweep.words, problem, states, random);
    sweep.begin();
  }
}

/** Sets some places at random. */
function kick(words: Uint16Array, { connection }: Problem, { bits }: ArrayStates, random: Random): void {
  const kicks = Math.max(LEAST_KICKED, Math.round(KICKED_SHARE * words.length));
  for (let i = 0; i < kicks; i++) {
    const place = Math.floor(random.uniform() * words.length);
    const word = Math.floor(random.uniform() * 2 ** bits);
    if (connection === undefined || connection[place] !== 0) words[place] = word;
  }
}
