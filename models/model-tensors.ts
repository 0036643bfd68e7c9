/** The tensors of the contract, strung together: from a problem to the inputs of a model, and from its outputs to a beam. */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { counted } from '../core/errors/counted.ts';
import type { Beam, Problem } from '../core/signal/beam-contract.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { scale, zeros } from '../core/signal/complex-matrix.ts';
import { inColumns, requireSameElements } from '../core/signal/sensing.ts';
import { sensingColumns, type SizedCard } from './card.ts';

type Named = Pick<SizedCard, 'id' | 'dimensions'>;
type Taking = Named & Pick<SizedCard, 'sensing' | 'inputs'>;

/** Inputs that change with the problem, for one channel, in the order in which `flatInputs` strings them together. */
export function problemTensors(card: Taking): { name: string; shape: number[] }[] {
  const { elements, users } = card.dimensions;
  const columns = sensingColumns(card);
  return [
    { name: 'channel', shape: [1, users, elements, 2] },
    { name: 'power', shape: [1] },
    { name: 'noise', shape: [1] },
    ...(columns === undefined
      ? []
      : [
          { name: 'sensing_factor', shape: [elements, columns, 2] },
          { name: 'sensing_weight', shape: [1] },
        ]),
  ];
}

/**
 * The numbers of `problemTensors`, one after another. What a problem senses is left out where the model takes nothing of it; a model that would
 * take it is told of nothing, B = 0 and ω = 0, where the problem senses nothing. A channel whose squares float32 does not hold comes in another unit, and
 * σ² with it.
 * @throws {BeamrigError} 'shape' for an array of another size, 'model-mismatch' for a covariance that takes more columns than the model has
 */
export function flatInputs(card: Taking, { channel, power, noise, sensing }: Problem): Float32Array {
  const { elements, users } = card.dimensions;
  if (channel.rows !== users || channel.cols !== elements) {
    throw new BeamrigError(
      'shape',
      `the model ${card.id} takes channels of ${users}×${elements}, got ${channel.rows}×${channel.cols}`,
    );
  }
  const columns = sensingColumns(card);
  const entries = users * elements;
  const flat = new Float32Array(2 * entries + 2 + (columns === undefined ? 0 : 2 * elements * columns + 1));
  const unit = unitFor(writePairs(channel, flat, 0));
  if (unit !== 1) writePairs(scale(channel, unit), flat, 0);
  flat[2 * entries] = power;
  flat[2 * entries + 1] = unit === 1 ? noise : Math.min(Math.max(noise * unit ** 2, 1 / MOST_NOISE), MOST_NOISE);
  if (columns === undefined || sensing === undefined) return flat;
  requireSameElements(sensing, elements);
  const factor = kept(sensing.factor, columns, card);
  for (let n = 0; n < elements; n++) {
    for (let r = 0; r < factor.cols; r++) {
      const at = 2 * (entries + 1 + n * columns + r);
      flat[at] = factor.re[n * factor.cols + r];
      flat[at + 1] = factor.im[n * factor.cols + r];
    }
  }
  flat[flat.length - 1] = sensing.weight;
  return flat;
}

/** The same covariance comes with problem after problem. */
const compressed = new WeakMap<CMatrix, Map<number, CMatrix>>();

function kept(factor: CMatrix, columns: number, { id }: Named): CMatrix {
  if (factor.cols <= columns) return factor;
  const known = compressed.get(factor) ?? new Map<number, CMatrix>();
  const made = known.get(columns) ?? inColumns(factor, columns);
  if (made === undefined) {
    throw new BeamrigError(
      'model-mismatch',
      `the model ${id} takes a wanted covariance in ${counted(columns, 'column')}, and of this one, of rank ${factor.cols}, they would miss more than 0.1 %`,
      { wayOut: 'Sense fewer or narrower directions, or choose a baseline, or a model with more columns.' },
    );
  }
  compressed.set(factor, known.set(columns, made));
  return made;
}

/** Of the largest number of a channel: float32 ends at 1e±38, and a model squares and sums. */
const FLOAT32_SIZE = { min: 1e-9, max: 1e9 };
/** Beyond ±300 dB no model has a beam of its own. */
const MOST_NOISE = 1e30;

/** 1, or what brings a channel that float32 has no squares for near 1: of H and σ alike, it leaves every SINR as it is. */
const unitFor = (largest: number): number =>
  (largest >= FLOAT32_SIZE.min && largest <= FLOAT32_SIZE.max) || !(largest > 0 && Number.isFinite(largest)) ? 1 : 1 / largest;

/** @returns the largest of all numbers */
function writePairs({ re, im }: CMatrix, flat: Float32Array, from: number): number {
  let largest = 0;
  for (let i = 0; i < re.length; i++) {
    flat[from + 2 * i] = re[i];
    flat[from + 2 * i + 1] = im[i];
    largest = Math.max(largest, Math.abs(re[i]), Math.abs(im[i]));
  }
  return largest;
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
  const analogPhase = new Float64Array(places);
  for (let i = 0; i < places; i++) analogPhase[i] = answer[i];
  return { analogPhase, digital };
}
