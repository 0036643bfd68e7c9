/** The network's graphs: what training climbs and what it is judged by, and the file that a rig runs. */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { complex } from '../graph/complex.ts';
import { encodeModel } from '../graph/encode.ts';
import { Graph } from '../graph/graph.ts';
import type { FloatType } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import type { ContractInputs, NetworkDimensions, SensingInputs } from '../network-ends.ts';
import { atPower, contractInputs, contractOutputs, normalise, sensingInputs } from '../network-ends.ts';
import { effectiveSteps, type StepSizes } from '../unfolded-ascent/step-sizes.ts';
import type { ProblemAtUnitPower, UnfoldedAscent } from '../unfolded-ascent/training-graph.ts';
import { upganet, type SensingProblem, type UpganetOptions } from './network.ts';

/** What training senses: one wanted covariance, B of N×R, at one weight ω. */
export interface TrainedSensing {
  factor: CMatrix;
  weight: number;
}

/** `values` and `figures` of the training graphs: σ² = 1 and P = SNR, as the paper has it. */
export function climbed(
  dimensions: NetworkDimensions,
  sensing: TrainedSensing,
  options: UpganetOptions,
): Pick<UnfoldedAscent, 'values' | 'figures'> {
  const run = (at: ProblemAtUnitPower, steps: Parameters<typeof upganet>[1]) => {
    const problem = sensedAt(at, sensing);
    return { ...upganet(problem, steps, dimensions, options), problem };
  };
  return {
    values: (at, steps) => run(at, steps).values,
    figures: (at, steps) => {
      const { rate, tau, problem } = run(at, steps);
      const power = ops.divide(rate.graph.constant(1), at.inputs.noise);
      const objective = ops.subtract(rate, ops.multiply(problem.weight, tau));
      return { rate, tau: ops.multiply(ops.multiply(power, power), tau), objective };
    },
  };
}

function sensedAt({ inputs, normalised }: ProblemAtUnitPower, { factor, weight }: TrainedSensing): SensingProblem {
  const { graph } = inputs.noise;
  const { rows, cols, re, im } = factor;
  const parts = Float64Array.from({ length: 2 * rows * cols }, (_, i) => {
    const [row, col] = [Math.floor(i / (2 * cols)), i % (2 * cols)];
    return col < cols ? re[row * cols + col] : im[row * cols + col - cols];
  });
  const power = ops.divide(graph.constant(1), inputs.noise);
  return {
    ...normalised,
    factor: complex(graph.constant(parts, [rows, 2 * cols])),
    weight: ops.multiply(ops.multiply(power, power), graph.constant(weight)),
  };
}

export interface InferenceOptions extends UpganetOptions {
  dimensions: NetworkDimensions;
  steps: StepSizes;
  /** R, columns of `sensing_factor`. */
  columns: number;
}

/**
 * ONNX bytes: `channel` [B, K, N, 2], `power` [B], `noise` [B], `sensing_factor` [N, R, 2], `sensing_weight` [1] → `analog_phase` [B, N, M] in
 * radians, `digital` [B, M, K, 2] with ‖A·D‖²_F = power.
 */
export function encodeUpganet(options: InferenceOptions): Uint8Array {
  const { graph, analog, digital } = inferenceGraph(options, 'float32');
  contractOutputs(graph, analog, digital);
  return encodeModel(graph, 'upganet');
}

/** The network between the contract's inputs and what goes out, of either precision. */
export function inferenceGraph({ dimensions, steps, columns, ...options }: InferenceOptions, float: FloatType) {
  const graph = new Graph(float);
  const inputs = contractInputs(graph, dimensions);
  const problem = problemOf(inputs, sensingInputs(graph, dimensions, columns), dimensions);
  const { analog, digital } = upganet(problem, effectiveSteps(graph, steps, problem.noise), dimensions, options);
  return { graph, analog, digital: atPower(digital, inputs.power) };
}

export function problemOf(
  inputs: ContractInputs,
  { factor, weight }: SensingInputs,
  dimensions: NetworkDimensions,
): SensingProblem {
  const { power } = inputs;
  return { ...normalise(inputs, dimensions), factor, weight: ops.multiply(ops.multiply(power, power), weight) };
}
