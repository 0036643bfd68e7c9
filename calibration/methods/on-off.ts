/**
 * Power alone, in 2N + 1 readings: all elements on; each off; each a quarter of a turn ahead. The two changes of the power are the two parts of the
 * element's field beside that of all, E taken for real:
 *
 *   |E − c|² = E² − 2E·Re c + |c|²,    |E + (j − 1)·c|² = E² − 2E·(Re c + Im c) + 2|c|²
 *
 * solved by Newton's method from where |c|² is nothing beside E².
 *
 * Source: the two power changes of an on-off test, as in H.-J. Yoon and B.-W. Min, "Improved rotating-element electric-field vector method for fast far-field
 * phased array calibration", IEEE Trans. Antennas Propagation 69 (2021) 8021-8026.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { estimateStates } from '../estimate-states.ts';
import type { CalibrationMethod, MethodSetup, Readings } from '../method.ts';
import { requireStrongField } from './field-of-all.ts';
import { planOf } from '../reading-plan.ts';
import { singlesPlan } from './one-at-a-time.ts';

const NEWTON_STEPS = 6;
/** Of the field of all, in fields of an element; of few elements, of their number. */
const LEAST_STRENGTH = 2.5;
const LEAST_SHARE = 0.6;

export const onOff: CalibrationMethod = {
  name: 'on-off',
  about: 'offsets by power alone: all on, each off, each a quarter of a turn ahead',
  source: 'Yoon and Min, IEEE Trans. Antennas Propagation 69 (2021) 8021-8026',
  hears: 'power',
  needsElementEnable: true,
  hearsConstants: () => true,
  least: { elements: 2, phaseBits: 2 },
  finds: 'offsets',
  readings: readingsOf,
  *run(setup) {
    const { elements, phaseBits } = setup;
    const once = 2 * elements + 1;
    const readings = readingsOf(setup);
    const quarter = 2 ** phaseBits / 4;
    const plan = planOf({ elements, phaseBits, readings }, (i, n) => {
      const step = (i % once) - 1; // −1: all
      if (step < 0 || step >> 1 !== n) return 0;
      return step % 2 === 0 ? undefined : quarter;
    });
    const offsets = offsetsOf(yield plan, elements, readings / once);
    const noise = setup.noise === undefined ? undefined : (3 * setup.noise * once) / readings;
    return estimateStates(singlesPlan(setup, { states: 1, rounds: 1 }), offsets, { noise: noise ?? 0.01 });
  },
};

function readingsOf({ elements, readings }: MethodSetup): number {
  const once = 2 * elements + 1;
  return once * Math.max(1, Math.round((readings ?? once) / once));
}

/** c_n beside E taken for real, N×1; the mean over the rounds of each reading. */
function offsetsOf({ re: powers }: Readings, elements: number, rounds: number): CMatrix {
  const once = 2 * elements + 1;
  const mean = (step: number): number => {
    let sum = 0;
    for (let round = 0; round < rounds; round++) sum += powers[round * once + step];
    return sum / rounds;
  };
  const total = Math.max(mean(0), Number.MIN_VALUE);
  const out = zeros(elements, 1);
  for (let n = 0; n < elements; n++) {
    const [re, im] = fieldOf(Math.sqrt(total), mean(1 + 2 * n) - total, mean(2 + 2 * n) - total);
    out.re[n] = re;
    out.im[n] = im;
  }
  requireStrongField(out, Math.sqrt(total), Math.min(LEAST_STRENGTH, LEAST_SHARE * elements));
  return out;
}

/** @param off by how much the power changes with the element off @param ahead and with it a quarter of a turn ahead */
function fieldOf(total: number, off: number, ahead: number): [number, number] {
  let re = -off / (2 * total);
  let im = -ahead / (2 * total) - re;
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const own = re * re + im * im;
    const missedOff = -2 * total * re + own - off;
    const missedAhead = -2 * total * (re + im) + 2 * own - ahead;
    const [a, b, c, d] = [2 * re - 2 * total, 2 * im, 4 * re - 2 * total, 4 * im - 2 * total];
    const determinant = a * d - b * c;
    if (!(Math.abs(determinant) > 1e-3 * total * total)) break; // the element is as strong as all others together
    re -= (d * missedOff - b * missedAhead) / determinant;
    im -= (a * missedAhead - c * missedOff) / determinant;
  }
  return [re, im];
}
