/**
 * What one RF chain shows for each reading of a calibration. A receiver with its own phase hears
 *
 *   y_i = Σ_n on(i, n)·c[n, word(i, n)] + noise
 *
 * where c[n, s] is what element n radiates towards it in state s, element, path and all. So whatever states are shown in which order, what is
 * heard is linear in the N·2^Q numbers that are looked for, and `estimate-states.ts` solves any plan.
 *
 * All chains of an array are read in the same settings: a panel reports what it hears of each of them.
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { Random } from '../core/signal/random.ts';

export interface ReadingPlan {
  /** N, elements of the chain. */
  readonly elements: number;
  /** Q */
  readonly phaseBits: number;
  /** R */
  readonly readings: number;
  /** Word of element n in reading i at i·N + n; without meaning where the element is off. */
  readonly words: Uint16Array;
  /** 0 where element n is off in reading i, at i·N + n; absent: all are on in all. */
  readonly on?: Uint8Array;
  /** How a field that is added at the receiver is turned in reading i, in quarters of a turn; absent: there is none. */
  readonly reference?: Uint8Array;
}

/** What element n shows in reading i; undefined: nothing. */
export type Shown = (reading: number, element: number) => number | undefined;

/**
 * @param shown the word, or undefined where the element is off
 * @throws {BeamrigError} 'argument' where there are no elements or readings, or Q is not 1 … 16
 */
export function planOf(
  { elements, phaseBits, readings }: Pick<ReadingPlan, 'elements' | 'phaseBits' | 'readings'>,
  shown: Shown,
): ReadingPlan {
  requireWhole('elements', elements, 1, 65_535);
  requireWhole('phaseBits', phaseBits, 1, 16);
  requireWhole('readings', readings, 1, 2 ** 24);
  const words = new Uint16Array(readings * elements);
  const on = new Uint8Array(readings * elements);
  let allOn = true;
  for (let i = 0, at = 0; i < readings; i++) {
    for (let n = 0; n < elements; n++, at++) {
      const word = shown(i, n);
      if (word === undefined) {
        allOn = false;
        continue;
      }
      words[at] = word;
      on[at] = 1;
    }
  }
  return { elements, phaseBits, readings, words, ...(allOn ? {} : { on }) };
}

/** The readings of one plan after those of the other. */
export function joinPlans(first: ReadingPlan, second: ReadingPlan): ReadingPlan {
  const { elements, phaseBits, readings } = first;
  if (elements !== second.elements || phaseBits !== second.phaseBits) {
    throw new BeamrigError('shape', 'plans for different arrays cannot be joined', { wayOut: 'plan both for the same array' });
  }
  return planOf({ elements, phaseBits, readings: readings + second.readings }, (i, n) =>
    i < readings ? shownIn(first, i, n) : shownIn(second, i - readings, n),
  );
}

/** The same readings in a drawn order. */
export function shuffledPlan(plan: ReadingPlan, random: Random): ReadingPlan {
  const order = shuffled(plan.readings, random);
  return planOf(plan, (i, n) => shownIn(plan, order[i], n));
}

/** 0 … count − 1 in a drawn order (Fisher and Yates). */
export function shuffled(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(random.uniform() * (i + 1));
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

export function shownIn({ elements, words, on }: ReadingPlan, reading: number, element: number): number | undefined {
  const at = reading * elements + element;
  return on === undefined || on[at] !== 0 ? words[at] : undefined;
}

function requireWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new BeamrigError('argument', `a calibration plan of ${value} ${name}, outside ${least} … ${most}`, {
    wayOut: `choose whole ${name} between ${least} and ${most}`,
  });
}
