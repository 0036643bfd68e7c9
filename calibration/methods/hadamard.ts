/**
 * Elements on and off by an orthogonal code, all of them in one state: each reading hears half of the array, and the code tells the elements apart.
 * The columns of a Hadamard matrix, ±1, become on and off; its rows are gone through once, then their complements, then the rows again. Of the
 * first order of readings the constant column is an element that is always on; with the complements all are known alike.
 *
 * Source: Harwit and Sloane, Hadamard Transform Optics, Academic Press 1979, on weighing designs of zeros and ones; S. D. Silverstein, IEEE Trans. Signal
 * Processing 45 (1997) 206-218, on orthogonal codes for arrays.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { estimateStates } from '../estimate-states.ts';
import type { CalibrationMethod, MethodSetup } from '../method.ts';
import type { ReadingPlan } from '../reading-plan.ts';
import { planOf } from '../reading-plan.ts';

/** Rows of the code, so many times over, where nobody says how many readings to take. */
const USUAL_ROUNDS = 4;

export const hadamard: CalibrationMethod = {
  name: 'hadamard',
  about: 'offsets: half of the elements on in each reading, by an orthogonal code',
  source: 'Harwit and Sloane, Hadamard Transform Optics, 1979; Silverstein, IEEE Trans. Signal Processing 45 (1997) 206-218',
  hears: 'complex',
  needsElementEnable: true,
  hearsConstants: () => true,
  finds: 'offsets',
  readings: readingsOf,
  *run(setup) {
    const { elements, phaseBits } = setup;
    const plan = hadamardPlan({ elements, phaseBits, readings: readingsOf(setup), word: 0 });
    return estimateStates(plan, yield plan, setup);
  },
};

function readingsOf({ elements, readings }: MethodSetup): number {
  const order = hadamardOrder(elements);
  return order * Math.max(1, readings === undefined ? USUAL_ROUNDS : Math.round(readings / order));
}

export interface HadamardPlanOptions {
  elements: number;
  phaseBits: number;
  /** At least `hadamardOrder`. */
  readings: number;
  /** Word of every element that is on. */
  word: number;
}

/** Rows of the code: the least power of two that is not below N. */
export const hadamardOrder = (elements: number): number => 2 ** Math.ceil(Math.log2(elements));

/** @throws {BeamrigError} 'argument' for fewer readings than the code has rows */
export function hadamardPlan({ elements, phaseBits, readings, word }: HadamardPlanOptions): ReadingPlan {
  const order = hadamardOrder(elements);
  if (readings < order) {
    throw new BeamrigError(
      'argument',
      `${readings} readings for an on-off code of ${elements} elements, which has ${order} rows`,
      {
        wayOut: `take ${order} or more`,
      },
    );
  }
  return planOf({ elements, phaseBits, readings }, (i, n) => {
    const complement = Math.floor(i / order) % 2 === 1;
    const negative = parity((i % order) & n) === 1;
    return negative === complement ? word : undefined;
  });
}

function parity(bits: number): number {
  let odd = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) odd ^= 1;
  return odd;
}
