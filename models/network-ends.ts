/**
 * What every network of this project has at its two ends: the inputs and outputs of the contract (models/README.md), the channel in the
 * network's own unit, and the rate to be judged by. What lies between is the network's own.
 */
import type { Complex } from './graph/complex.ts';
import { angle, entries, fromParts, partsOfPairs, scale, toPairs } from './graph/complex.ts';
import type { Graph, Tensor } from './graph/graph.ts';
import * as ops from './graph/ops.ts';

export interface NetworkDimensions {
  /** N */
  elements: number;
  /** M */
  rfChains: number;
  /** K */
  users: number;
}

export interface ContractInputs {
  /** [B, K, N, 2], row k is h_kᴴ. */
  channel: Tensor;
  /** [B] */
  power: Tensor;
  /** [B] */
  noise: Tensor;
}

/** The channel in the network's own unit: ‖H‖²_F = K·N, power 1. */
export interface NormalisedChannel {
  /** H, [B, K, 2N]. */
  channel: Complex;
  /** σ²∕P in the same unit, [B]. */
  noise: Tensor;
}

/** Inputs of a model file. */
export function contractInputs(graph: Graph, { elements, users }: NetworkDimensions): ContractInputs {
  return {
    channel: graph.input('channel', ['B', users, elements, 2]),
    power: graph.input('power', ['B']),
    noise: graph.input('noise', ['B']),
  };
}

export interface SensingInputs {
  /** B, [N, 2R]. */
  factor: Complex;
  /** ω, [1]. */
  weight: Tensor;
}

/** What a model file takes beside, where its card says `"sensing": "input"`: the wanted covariance as a factor of R columns, and its weight. */
export function sensingInputs(graph: Graph, { elements }: NetworkDimensions, columns: number): SensingInputs {
  const factor = graph.input('sensing_factor', [elements, columns, 2]);
  return { factor: fromParts(...partsOfPairs(factor)), weight: graph.input('sensing_weight', [1]) };
}

/** Inputs of a graph that trains or judges: power is 1, for a network folds it into the noise anyway. */
export function trainingInputs(graph: Graph, { elements, users }: NetworkDimensions): ContractInputs {
  const channel = graph.input('channel', ['B', users, elements, 2]);
  const noise = graph.input('noise', ['B']);
  return { channel, noise, power: ops.expandLike(graph.constant(1), noise) };
}

/** Scales the channel to ‖H‖²_F = K·N and the noise with it, so that a beam depends on neither the unit of H nor the power's. */
export function normalise(inputs: ContractInputs, { elements, users }: NetworkDimensions): NormalisedChannel {
  const { channel, power, noise } = inputs;
  const { graph } = channel;
  const [re, im] = partsOfPairs(channel);
  const energy = ops.reduceSumSquare(channel, [1, 2, 3]); // [B, 1, 1, 1]
  const factor = ops.divide(graph.constant(users * elements), ops.maximum(energy, graph.constant(1e-30)));
  const amplitude = ops.squeeze(ops.sqrt(factor), [3]); // [B, 1, 1]
  return {
    channel: scale(fromParts(re, im), amplitude),
    noise: ops.multiply(ops.divide(noise, power), ops.squeeze(factor, [1, 2, 3])),
  };
}

/** √P·D as the contract has it, [B, M, K, 2], from D at power 1. */
export const atPower = (digital: Complex, power: Tensor): Tensor =>
  toPairs(scale(digital, ops.unsqueeze(ops.sqrt(power), [1, 2])));

/** Outputs of a model file. @param digital from `atPower` */
export function contractOutputs(graph: Graph, analog: Complex, digital: Tensor): void {
  graph.output('analog_phase', angle(analog));
  graph.output('digital', digital);
}

/** R = Σₖ log₂(Sₖ∕Iₖ), [B], of G = H·A·D: S is all that user k hears, I what it hears beside its own signal. */
export function sumRate(gains: Complex, noise: Tensor): Tensor {
  const { graph } = gains.parts;
  const users = gains.rows;
  const others = graph.constant(
    entries(users, 2 * users, (row, col) => (row === col % users ? 0 : 1)),
    [users, 2 * users],
  );
  const floor = ops.unsqueeze(noise, [1, 2]); // [B, 1, 1]
  const received = ops.add(ops.reduceSumSquare(gains.parts, [2]), floor); // [B, K, 1]
  const interference = ops.add(ops.reduceSumSquare(ops.multiply(gains.parts, others), [2]), floor);
  const rate = ops.squeeze(ops.reduceSum(ops.log(ops.divide(received, interference)), [1]), [1, 2]);
  return ops.multiply(rate, graph.constant(1 / Math.LN2));
}
