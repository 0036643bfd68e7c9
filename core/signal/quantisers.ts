/** The quantisers by name; what each means is in quantiser-names.ts. */
import { createArrayQuantiser, requireSurrogate } from './array-quantiser.ts';
import type { Objective, Quantiser } from './beam-contract.ts';
import type { QuantiserChoice, SweepStart } from './quantiser-names.ts';
import { nearestStates } from './realise-beam.ts';

/**
 * A quantiser for one rig or evaluation: one that starts at the last words remembers them.
 * @throws {BeamrigError} 'argument' when the quantiser does not know the objective
 */
export function createQuantiser(
  { quantiser, sweeps }: QuantiserChoice,
  objective: Objective,
  start: SweepStart = 'nearest',
): Quantiser {
  if (quantiser === 'nearest') return nearestStates;
  requireSurrogate(objective);
  return createArrayQuantiser({ sweeps, start });
}
