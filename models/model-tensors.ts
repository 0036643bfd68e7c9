/** The tensors of the contract, strung together: from a problem to the inputs of a model, and from its outputs to a beam. */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { counted } from '../core/errors/counted.ts';
import type { Beam, Problem } from '../core/signal/beam-contract.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { zeros } from '../core/signal/complex-matrix.ts';
import type { SizedCard } from './card.ts';

type Named = Pick<SizedCard, 'id' | 'dimensions'>;

/** channel [K, N, 2], power, noise: one after another. */
export function flatInputs({ id, dimensions }: Named, { channel, power, noise }: Problem): Float32Array {
  const { elements, users } = dimensions;
  if (channel.rows !== users || channel.cols !== elements) {
    throw new BeamrigError(
      'shape',
      `the model ${id} takes channels of ${users}×${elements}, got ${channel.rows}×${channel.cols}`,
    );
  }
  const entries = users * elements;
  const flat = new Float32Array(2 * entries + 2);
  for (let i = 0; i < entries; i++) {
    flat[2 * i] = channel.re[i];
    flat[2 * i + 1] = channel.im[i];
  }
  flat[2 * entries] = power;
  flat[2 * entries + 1] = noise;
  return flat;
}

/** @param answer analog_phase [N, M], digital [M, K, 2]: one after the other */
export function beamOf({ id, dimensions }: Named, answer: ArrayLike<number>): Beam {
  const { elements, rfChains, users } = dimensions;
  const places = elements * rfChains;
  const weights = rfChains * users;
  if (answer.length !== places + 2 * weights) {
    throw new BeamrigError(
      'model-mismatch',
      `the model ${id} gave ${counted(answer.length, 'number')}, not ${places + 2 * weights}`,
    );
  }
  for (let i = 0; i < answer.length; i++) {
    if (Number.isFinite(answer[i])) continue;
    const where = i < places ? `phase ${i}` : `digital weight ${(i - places) >> 1}`;
    throw new BeamrigError('model-damaged', `the model ${id} gave ${answer[i]} as ${where}: no beam can be made of that`);
  }
  const digital: CMatrix = zeros(rfChains, users);
  for (let i = 0; i < weights; i++) {
    digital.re[i] = answer[places + 2 * i];
    digital.im[i] = answer[places + 2 * i + 1];
  }
  return { analogPhase: Float64Array.from({ length: places }, (_, i) => answer[i]), digital };
}
