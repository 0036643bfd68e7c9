/** An array that shows other states than the host believes: what its beams are worth there. */
import type { ArrayStates, Beam, Problem, Quantiser } from '../../core/signal/beam-contract.ts';
import { matmul } from '../../core/signal/complex-matrix.ts';
import { sumRateObjective } from '../../core/signal/objectives/sum-rate.ts';
import { idealOf } from '../../core/signal/quantise.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { realiseBeam } from '../../core/signal/realise-beam.ts';

/** What users get of words and D that are for the states the host believes in, over those there are, bit/s/Hz. @param quantise default: the nearest words */
export function rateOver(problem: Problem, beam: Beam, believed: ArrayStates, there: ArrayStates, quantise?: Quantiser): number {
  const { words, digital, analog } = realiseBeam(problem, beam, {
    ...{ states: believed, objective: sumRateObjective },
    ...(quantise === undefined ? {} : { quantise }),
  });
  const shown = { ...analog, re: analog.re.slice(), im: analog.im.slice() };
  words.forEach((word, place) => {
    const states = there.of?.(place) ?? idealOf(there.bits);
    shown.re[place] = states.re[word];
    shown.im[place] = states.im[word];
  });
  return sumRate(problem.channel, matmul(shown, digital), problem.noise);
}
