/**
 * All elements on, beams of a known set: the phases of a discrete Fourier transform, rounded to states. A reading hears the whole array, and none can be
 * switched off; what the states miss the grid by counts as noise, so that offsets come out with a floor.
 *
 * Source: R. Long, J. Ouyang, F. Yang, W. Han, L. Zhou, "Multi-element phased array calibration method by solving linear equations", IEEE Trans. Antennas
 * Propagation 65 (2017) 2931-2939, with the beams of a Fourier matrix.
 */
import { estimateStates } from '../estimate-states.ts';
import type { CalibrationMethod, MethodSetup } from '../method.ts';
import { planOf } from '../reading-plan.ts';

const USUAL_ROUNDS = 2;

export const steering: CalibrationMethod = {
  name: 'steering',
  about: 'offsets, all elements on: the beams of a Fourier codebook',
  source: 'Long et al., IEEE Trans. Antennas Propagation 65 (2017) 2931-2939',
  hears: 'complex',
  needsElementEnable: false,
  hearsConstants: () => false,
  finds: 'offsets',
  readings: readingsOf,
  *run(setup) {
    const { elements, phaseBits } = setup;
    const readings = readingsOf(setup);
    const states = 2 ** phaseBits;
    const beams = beamsOf(elements);
    const rounds = readings / beams;
    // In each round the whole codebook, shifted by a part of a beam, so that other states are shown.
    const plan = planOf({ elements, phaseBits, readings }, (i, n) => {
      const beam = (i % beams) + Math.floor(i / beams) / rounds;
      return Math.round((beam * (n + 1) * states) / beams) % states;
    });
    return estimateStates(plan, yield plan, setup);
  },
};

/** One more than there are elements, so that none shows the same state in all of them: what is always there is no element's. */
const beamsOf = (elements: number): number => elements + 1;

function readingsOf({ elements, readings }: MethodSetup): number {
  const beams = beamsOf(elements);
  return beams * Math.max(1, readings === undefined ? USUAL_ROUNDS : Math.round(readings / beams));
}
