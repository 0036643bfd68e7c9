/**
 * Power alone, states and all: each element by itself in each state, and beside one that stays, in state 0 and a quarter of a turn ahead. Singles are the
 * sizes, pairs the phases; nothing is assumed of how states depend on words. Few elements are on at a time, so that noise counts for more than elsewhere.
 *
 *   |a + c|² − |a|² − |c|² = 2·Re(a*·c) for the a and the a′ of the element that stays
 *
 * Source: pairs as of C. Shipley and D. Woods, "Mutual coupling-based calibration of phased array antennas", IEEE Int. Conf. Phased Array Systems and
 * Technology 2000, 529-532, with a receiver in place of coupling.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { estimateStates } from '../estimate-states.ts';
import type { CalibrationMethod, Readings } from '../method.ts';
import { planOf } from '../reading-plan.ts';
import { singlesPlan } from './one-at-a-time.ts';

/** For each state of each element: alone, beside a, beside a′. */
const KINDS = 3;

export const pairwise: CalibrationMethod = {
  name: 'pairwise',
  about: 'all states by power alone: each element alone and beside one that stays, state by state',
  source: 'Shipley and Woods, Phased Array Systems and Technology 2000, 529-532',
  hears: 'power',
  needsElementEnable: true,
  hearsConstants: () => true,
  least: { elements: 2, phaseBits: 2 },
  finds: 'states',
  readings: (setup) => KINDS * setup.elements * 2 ** setup.phaseBits,
  *run(setup) {
    const { elements, phaseBits } = setup;
    const states = 2 ** phaseBits;
    const plan = planOf({ elements, phaseBits, readings: KINDS * elements * states }, (i, n) => {
      const kind = i % KINDS;
      const [tried, word] = [Math.floor(i / KINDS / states), Math.floor(i / KINDS) % states];
      if (n === tried) return word;
      if (kind === 0 || n !== stayingBeside(tried)) return undefined;
      return kind === 1 ? 0 : states / 4;
    });
    const found = statesOf(yield plan, elements, states);
    const noise = setup.noise === undefined ? {} : { noise: 2 * setup.noise };
    return estimateStates(singlesPlan(setup, { states, rounds: 1 }), found, { noise: noise.noise ?? 0.01 });
  },
};

/** Element 0 for all others, and 1 for itself. */
const stayingBeside = (element: number): number => (element === 0 ? 1 : 0);

/** c[n, s] at n·2^Q + s, with element 0 of about phase 0 in state 0. */
function statesOf({ re: powers }: Readings, elements: number, states: number): CMatrix {
  const powerOf = (element: number, word: number, kind: number): number => powers[KINDS * (element * states + word) + kind];
  const out = zeros(elements * states, 1);
  const others = Array.from({ length: elements - 1 }, (_, i) => i + 1);
  for (const [stays, tried] of [
    [0, others],
    [1, [0]],
  ] as const) {
    const pairs = tried.flatMap((element) =>
      Array.from({ length: states }, (_, word) => {
        const alone = powerOf(element, word, 0);
        const along = [0, states / 4].map((staysAt, i) => {
          const staying = powerOf(stays, staysAt, 0);
          return (powerOf(element, word, 1 + i) - staying - alone) / 2 / Math.sqrt(Math.max(staying, Number.MIN_VALUE)); // Re(a*·c)/|a|
        });
        return { at: element * states + word, alone, along: along[0], across: along[1] };
      }),
    );
    // From a to a′ the phase is about a quarter of a turn; over states all around the circle the mean of the products says by how much it is not.
    let [products, size] = [0, 0];
    for (const { along, across, alone } of pairs) {
      products += along * across;
      size += alone;
    }
    const cos = Math.min(Math.max((2 * products) / Math.max(size, Number.MIN_VALUE), -0.5), 0.5);
    const sin = Math.sqrt(1 - cos * cos);
    // In the frame of the element that stays: for all others that is element 0 itself, for element 0 what element 1 shows in state 0.
    const [turnRe, turnIm] = stays === 0 ? [1, 0] : unit(out.re[states], out.im[states]);
    for (const { at, along, across } of pairs) {
      const quadrature = (across - cos * along) / sin;
      out.re[at] = along * turnRe - quadrature * turnIm;
      out.im[at] = along * turnIm + quadrature * turnRe;
    }
  }
  return out;
}

function unit(re: number, im: number): [number, number] {
  const size = Math.hypot(re, im) || 1;
  return [re / size, im / size];
}
