/**
 * All states of all elements at once: an orthogonal array of strength two, in which any two elements show every pair of states equally often. So
 * the other elements average out of what is heard of each state, and every reading is about every element.
 *
 *   element n ─► a point (1, x) of the projective space over GF(2^Q);  reading (a, b) ─► word a + b·x    (k = 2; k = 3 for more elements)
 *
 * Of q = 2^Q states, q^k readings serve (q^k − 1)/(q − 1) elements. Where all elements are always on, the mean of an element's states cannot be
 * told from the others', and is taken for the nominal one. Where they can be switched off that is mended: in one round by a few readings more with half of
 * the elements off, in several by a tenth of them off in each.
 *
 * Source: Rao-Hamming orthogonal arrays, Hedayat, Sloane and Stufken, Orthogonal Arrays, Springer 1999, §3.4.
 */
import type { Random } from '../../core/signal/random.ts';
import { estimateStates } from '../estimate-states.ts';
import { galoisProduct } from '../galois-field.ts';
import type { CalibrationMethod, MethodSetup } from '../method.ts';
import type { ReadingPlan } from '../reading-plan.ts';
import { joinPlans, planOf, shownIn, shuffled, shuffledPlan } from '../reading-plan.ts';
import { hadamardOrder, hadamardPlan } from './hadamard.ts';

const OFF_SHARE = 0.1;
/** Of the readings with half of the elements off, after a single round: so many times the least number. */
const OFFSET_ROUNDS = 4;
/** Of the elements in each reading, where no more readings were asked for than one round has. */
const FEW_OFF_SHARE = 0.02;
/** Of one round: so many readings must there be at least, where fewer than all of it are asked for. */
const LEAST_OF_ROUND = 7 / 8;

export const coded: CalibrationMethod = {
  name: 'coded',
  about: 'all states of all elements at once, by an orthogonal array over GF(2^Q)',
  source: 'Hedayat, Sloane and Stufken, Orthogonal Arrays, 1999',
  hears: 'complex',
  needsElementEnable: false,
  hearsConstants: ({ elementEnable }) => elementEnable,
  draws: true,
  finds: 'states',
  readings: (setup) => codedReadings(setup),
  *run(setup) {
    const plan = codedPlan(setup);
    return estimateStates(plan, yield plan, setup);
  },
};

const roundsOf = ({ elements, phaseBits, readings }: MethodSetup): number =>
  Math.max(1, Math.round((readings ?? 0) / oneRound(elements, phaseBits)));

function codedReadings(setup: MethodSetup): number {
  const { elements, phaseBits } = setup;
  const rounds = roundsOf(setup);
  const extra = rounds === 1 && setup.elementEnable ? OFFSET_ROUNDS * hadamardOrder(elements) : 0;
  return shortRound(setup) ?? rounds * oneRound(elements, phaseBits) + extra;
}

/** How many readings of one round there shall be, where those with half of the elements off would be too many. */
function shortRound({ elements, phaseBits, elementEnable, readings }: MethodSetup): number | undefined {
  const round = oneRound(elements, phaseBits);
  if (!elementEnable || readings === undefined || readings > round || readings < LEAST_OF_ROUND * round) return undefined;
  return readings;
}

function codedPlan(setup: MethodSetup): ReadingPlan {
  const { elements, phaseBits, elementEnable, random } = setup;
  const rounds = roundsOf(setup);
  const orthogonal = (offShare: number): ReadingPlan => orthogonalPlan({ elements, phaseBits, rounds, offShare, random });
  if (!elementEnable) return orthogonal(0);
  const short = shortRound(setup);
  if (short !== undefined) {
    const round = orthogonal(FEW_OFF_SHARE);
    // In a drawn order already: the last ones are any.
    return planOf({ elements, phaseBits, readings: short }, (i, n) => shownIn(round, i, n));
  }
  if (rounds > 1) return orthogonal(OFF_SHARE);
  const offsets = hadamardPlan({ elements, phaseBits, readings: OFFSET_ROUNDS * hadamardOrder(elements), word: 0 });
  return shuffledPlan(joinPlans(orthogonal(0), offsets), random.stream('among'));
}

/** k: so many readings are 2^(Q·k). */
function codeDimension(elements: number, phaseBits: number): number {
  let points = 1;
  for (let dimension = 1; ; dimension++) {
    if (points >= elements) return dimension;
    points += 2 ** (phaseBits * dimension);
  }
}

const oneRound = (elements: number, phaseBits: number): number => 2 ** (phaseBits * codeDimension(elements, phaseBits));

interface OrthogonalPlanOptions {
  elements: number;
  phaseBits: number;
  /** How often the whole array of settings is gone through. */
  rounds: number;
  /** Share of the elements that are off in a reading, drawn for each. */
  offShare: number;
  random: Random;
}

/** In an order drawn at random, so that what drifts looks like no element. */
export function orthogonalPlan({ elements, phaseBits, rounds, offShare, random }: OrthogonalPlanOptions): ReadingPlan {
  const states = 2 ** phaseBits;
  const multiply = galoisProduct(phaseBits);
  const dimension = codeDimension(elements, phaseBits);
  const points = projectivePoints(elements, dimension, states);
  const rows = states ** dimension;
  const order = shuffled(rows * rounds, random.stream('order'));
  const off = random.stream('off');
  return planOf({ elements, phaseBits, readings: rows * rounds }, (i, n) => {
    if (offShare > 0 && off.uniform() < offShare) return undefined;
    let word = 0;
    for (let digit = 0, rest = order[i] % rows; digit < dimension; digit++, rest = Math.floor(rest / states)) {
      word ^= multiply(points[n * dimension + digit], rest % states);
    }
    return word;
  });
}

/** Points of which none is a multiple of another: the first coordinate that is not 0 is 1. [elements, dimension] */
function projectivePoints(elements: number, dimension: number, states: number): Uint16Array {
  const points = new Uint16Array(elements * dimension);
  let n = 0;
  for (let first = 0; first < dimension; first++) {
    for (let rest = 0; rest < states ** (dimension - 1 - first) && n < elements; rest++, n++) {
      points[n * dimension + first] = 1;
      for (let digit = first + 1, left = rest; digit < dimension; digit++, left = Math.floor(left / states)) {
        points[n * dimension + digit] = left % states;
      }
    }
  }
  return points;
}
