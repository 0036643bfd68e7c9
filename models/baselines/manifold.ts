/**
 * Manifold optimisation of the sum rate itself: conjugate gradients on the complex circle manifold from aligned phases, D solved again by weighted
 * MMSE for every A on the way, so that the gradient is that of the best rate which the phases allow (rate-of-phases.ts). With sensing the same for
 * R − ω·τ (rate-sensing-of-phases.ts).
 *
 * Source: the manifold and its method are those of Yu et al., IEEE J. Sel. Topics Signal Process. 10(3), 2016, section III, whose cost is the
 * distance to a digital precoder; here it is the rate.
 */
import { scale } from '../../core/signal/complex-matrix.ts';
import { alignedAnalog } from './aligned.ts';
import type { Baseline } from './baseline.ts';
import { climb } from './climb.ts';
import { conjugateGradient } from './conjugate-gradient.ts';
import { sensingTask } from './digital-rate-sensing.ts';
import { roundedNormalisedChannel } from './normalise.ts';
import { rateOfPhases } from './rate-of-phases.ts';
import { rateSensingOfPhases } from './rate-sensing-of-phases.ts';

const LONGEST_STEP_RAD = 1;
const CLIMB = { iterations: 200, tolerance: 1e-5 };

export const manifold: Baseline = {
  title: 'conjugate gradients on the circles of the phases, for the sum rate, or R − ωτ, with the best D; from aligned phases',
  source: 'the manifold of Yu et al., IEEE JSTSP 10(3), 2016, section III; the cost is the rate',
  run: (problem) => {
    const { power, rfChains, connection, sensing } = problem;
    const { channel, noise } = roundedNormalisedChannel(problem.channel, problem.noise, power);
    const reached =
      sensing === undefined
        ? rateOfPhases(channel, rfChains, noise, connection)
        : rateSensingOfPhases(sensingTask(problem), rfChains, connection);
    const start = reached.phasesOf(alignedAnalog(channel, rfChains, connection));
    const { x } = climb(reached.at, start, conjugateGradient(start.length, LONGEST_STEP_RAD), CLIMB);
    reached.at(x, new Float64Array(x.length));
    const { analog, digital } = reached.shown();
    return { analog, digital: scale(digital, Math.sqrt(power)) };
  },
};
