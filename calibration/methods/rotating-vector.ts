/**
 * The rotating element electric field vector method, REV: one element turns through its states while the others stay, and the power goes up and down as a
 * cosine, whose size and phase are the element's field beside that of all others. Done once in the field as it is, with few states, and again with all
 * elements turned towards each other, where that field is strongest.
 *
 *   P(φ) = |E_n|² + |c_n|² + 2·Re(E_n*·c_n·e^{jφ}),  E_n = E − c_n
 *
 * Source: S. Mano and T. Katagiri, "A method for measuring amplitude and phase of each radiating element of a phased array antenna", Electronics and
 * Communications in Japan 65-B (1982) 58-64. Where E_n and c_n could be taken for each other the larger is E_n.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { estimateStates, USUAL_SPREAD, type StateEstimate } from '../estimate-states.ts';
import type { CalibrationMethod, MethodSetup, Readings } from '../method.ts';
import type { ReadingPlan } from '../reading-plan.ts';
import { requireStrongField } from './field-of-all.ts';
import { planOf } from '../reading-plan.ts';

/** States of the first time: the fewest that a cosine needs, and one more. */
const FIRST_STATES = 4;
const USUAL_STATES = 16;
/** Turned towards each other by states that are so far apart, elements have at least this share of what they could. */
const LEAST_TOGETHER = 0.85;
const sinc = (turns: number): number => Math.sin(Math.PI * turns) / (Math.PI * turns);

export const rotatingVector: CalibrationMethod = {
  name: 'rev',
  about: 'offsets by power alone, all elements on: one element turns while the others stay (REV)',
  source: 'Mano and Katagiri, Electronics and Communications in Japan 65-B (1982) 58-64',
  hears: 'power',
  needsElementEnable: false,
  hearsConstants: () => false,
  least: { elements: 2, phaseBits: 2 },
  finds: 'offsets',
  readings: (setup) => setup.elements * (firstStates(setup) + statesOf(setup)),
  *run(setup) {
    const { elements, phaseBits } = setup;
    const first = firstStates(setup);
    const asItIs = new Uint16Array(elements);
    const { fields: found } = offsetsOf(yield turningPlan(setup, asItIs, first), elements, first);
    // Towards each other: the state whose phase is nearest to minus the offset's.
    const together = Uint16Array.from(found.re, (re, n) => {
      const turns = -Math.atan2(found.im[n], re) / (2 * Math.PI);
      return Math.round((turns - Math.floor(turns)) * 2 ** phaseBits) % 2 ** phaseBits;
    });
    const states = statesOf(setup);
    const turned = offsetsOf(yield turningPlan(setup, together, states), elements, states);
    requireStrongField(turned.fields, turned.total, LEAST_TOGETHER * elements * sinc(1 / 2 ** phaseBits));
    for (let n = 0; n < elements; n++) turn(turned.fields, n, (-2 * Math.PI * together[n]) / 2 ** phaseBits);
    return atGrid(setup, turned.fields, states);
  },
};

/**
 * States on the grid of offsets that were heard in so many of them: what these have in common is known better than any by itself. So each is told as heard there,
 * with a noise that is that of the cosine once all are together.
 */
function atGrid(setup: MethodSetup, offsets: CMatrix, states: number): StateEstimate {
  const { elements, phaseBits, noise = 0.005 * states } = setup;
  const step = 2 ** phaseBits / states;
  const plan = planOf({ elements, phaseBits, readings: elements * states }, (i, n) =>
    Math.floor(i / states) === n ? (i % states) * step : undefined,
  );
  const heard = zeros(plan.readings, 1);
  for (let i = 0; i < plan.readings; i++) {
    const n = Math.floor(i / states);
    [heard.re[i], heard.im[i]] = [offsets.re[n], offsets.im[n]];
    turn(heard, i, (2 * Math.PI * (i % states)) / states);
  }
  // They agree by the making: how far states are from the grid is not to be learned from them.
  return estimateStates(plan, heard, { noise: 2 * noise, spread: USUAL_SPREAD });
}

const firstStates = ({ phaseBits }: MethodSetup): number => Math.min(FIRST_STATES, 2 ** phaseBits);

/** A power of two, so that states are evenly spread. */
function statesOf({ elements, phaseBits, readings }: MethodSetup): number {
  const wanted = readings === undefined ? USUAL_STATES : readings / elements;
  const nearest = 2 ** Math.max(2, Math.round(Math.log2(Math.max(1, wanted))));
  return Math.min(nearest, 2 ** phaseBits);
}

/** Reading i: element ⌊i/states⌋ turned by (i mod states)/states of a turn from where it stands. */
function turningPlan({ elements, phaseBits }: MethodSetup, standing: Uint16Array, states: number): ReadingPlan {
  const all = 2 ** phaseBits;
  return planOf({ elements, phaseBits, readings: elements * states }, (i, n) =>
    Math.floor(i / states) === n ? (standing[n] + ((i % states) * all) / states) % all : standing[n],
  );
}

/** c_n as each stands, beside E taken for real. N×1 */
function offsetsOf({ re: powers }: Readings, elements: number, states: number): { fields: CMatrix; total: number } {
  let total = 0; // |E|²: the setting that every element begins with
  for (let n = 0; n < elements; n++) total += powers[n * states] / elements;
  const sum = Math.sqrt(Math.max(total, Number.MIN_VALUE));
  const out = zeros(elements, 1);
  for (let n = 0; n < elements; n++) {
    let [mean, re, im] = [0, 0, 0];
    for (let s = 0; s < states; s++) {
      const power = powers[n * states + s] / states;
      mean += power;
      re += power * Math.cos((2 * Math.PI * s) / states);
      im -= power * Math.sin((2 * Math.PI * s) / states);
    }
    // E_n*·c_n = re + j·im and |E_n|² + |c_n|² = mean, so that |c_n|² is the smaller root of a quadratic.
    const own = (mean - Math.sqrt(Math.max(mean * mean - 4 * (re * re + im * im), 0))) / 2;
    out.re[n] = (re + own) / sum; // E·c_n − |c_n|² = E_n*·c_n
    out.im[n] = im / sum;
  }
  return { fields: out, total: sum };
}

function turn({ re, im }: CMatrix, n: number, by: number): void {
  const [cos, sin] = [Math.cos(by), Math.sin(by)];
  [re[n], im[n]] = [re[n] * cos - im[n] * sin, re[n] * sin + im[n] * cos];
}
