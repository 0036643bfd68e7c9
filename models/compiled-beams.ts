/** A compiled model as a beamformer of one problem after the other, in the thread that asks. */
import type { Beam, Problem } from '../core/signal/beam-contract.ts';
import type { SizedCard } from './card.ts';
import { sessionOf, type CompiledImage } from './engine/compiled-session.ts';
import { beamOf, flatInputs, problemTensors } from './model-tensors.ts';

export interface CompiledModel {
  readonly card: SizedCard;
  readonly image: CompiledImage;
}

/**
 * @param connection N·M of 0/1 that all problems have; absent: the array is fully connected
 * @returns computes the beam of such an array
 */
export function openBeams({ card, image }: CompiledModel, connection?: Uint8Array): (problem: Problem) => Beam {
  const session = sessionOf(image);
  const { inputs, outputs } = session;
  if (card.connection === 'input') {
    inputs['connection'].fill(1);
    if (connection !== undefined) inputs['connection'].set(connection);
  }
  const tensors = problemTensors(card);
  return (problem) => {
    const flat = flatInputs(card, problem);
    let at = 0;
    for (const { name } of tensors) inputs[name].set(flat.subarray(at, (at += inputs[name].length)));
    session.run();
    return beamOf(card, [...outputs['analog_phase'], ...outputs['digital']]);
  };
}
