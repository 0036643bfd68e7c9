/**
 * The network as a file that follows the model contract: channel, power and noise in, phases and digital weights out, step sizes inside.
 */
import { Graph } from '../graph/graph.ts';
import type { FloatType, Tensor } from '../graph/graph.ts';
import { encodeModel } from '../graph/encode.ts';
import type { NetworkDimensions } from '../network-ends.ts';
import { atPower, contractInputs, contractOutputs, normalise } from '../network-ends.ts';
import { unfoldedPga } from './network.ts';
import { effectiveSteps } from '../unfolded-ascent/step-sizes.ts';
import type { StepSizes } from '../unfolded-ascent/step-sizes.ts';

export interface InferenceOptions {
  dimensions: NetworkDimensions;
  steps: StepSizes;
  /** Past the paper: layers that would lower the rate by more than a tenth are skipped, and the best beam is the answer. */
  guarded: boolean;
  /** Adds the input `connection` [N, M] for sub-connected arrays. */
  connection?: boolean;
}

/**
 * ONNX bytes: `channel` [B, K, N, 2], `power` [B], `noise` [B] (and `connection` [N, M]) → `analog_phase` [B, N, M] in radians,
 * `digital` [B, M, K, 2] with ‖A·D‖²_F = power.
 */
export function encodeUnfoldedPga(options: InferenceOptions): Uint8Array {
  const { graph, analog, digital } = inferenceGraph(options, 'float32');
  contractOutputs(graph, analog, digital);
  return encodeModel(graph, 'unfolded-pga');
}

/** The network between the contract's inputs and what goes out, of either precision. */
export function inferenceGraph({ dimensions, steps, guarded, connection }: InferenceOptions, float: FloatType) {
  const { elements, rfChains } = dimensions;
  const graph = new Graph(float);
  const inputs = contractInputs(graph, dimensions);
  const mask: { connection?: Tensor } =
    connection === true ? { connection: graph.input('connection', [elements, rfChains]) } : {};
  const normalised = normalise(inputs, dimensions);
  const answer: 'best' | 'last' = guarded ? 'best' : 'last';
  const result = unfoldedPga(normalised, effectiveSteps(graph, steps, normalised.noise), dimensions, {
    guarded,
    answer,
    ...mask,
  });
  return { graph, analog: result.analog, digital: atPower(result.digital, inputs.power) };
}
