/** What a beam is worth as it was computed. */
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { asComputed } from '../../core/signal/realise-beam.ts';

/** R − ω·τ, and R where nothing is sensed; bit/s/Hz. */
export function beamWorth(problem: Problem, beam: Beam): number {
  const objective = OBJECTIVES[problem.sensing === undefined ? 'sum-rate' : 'rate-sensing'];
  return asComputed(problem, beam, objective).score.value;
}
