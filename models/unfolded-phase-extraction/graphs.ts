/** The family's three graphs: a training step, the rate alone, and the file that a rig runs. */
import { clippedGradients } from '../graph/clipped-gradients.ts';
import { product } from '../graph/complex.ts';
import { encodeModel } from '../graph/encode.ts';
import { Graph } from '../graph/graph.ts';
import type { FloatType, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import type { NetworkDimensions } from '../network-ends.ts';
import { atPower, contractInputs, contractOutputs, normalise, sumRate, trainingInputs } from '../network-ends.ts';
import type { LearnedSteps } from './network.ts';
import { unfoldedPhaseExtraction } from './network.ts';

export interface GraphOptions {
  dimensions: NetworkDimensions;
  /** Layers of phase extraction. */
  layers: number;
  /** Steps of weighted MMSE. */
  digitalSteps: number;
  /** Clips what one channel says about its steps to this norm. */
  clipNorm: number;
}

/** Names of the learned inputs, each a column of one number a layer or step. */
export const parameterShapes = ({ layers, digitalSteps }: Pick<GraphOptions, 'layers' | 'digitalSteps'>) =>
  ({
    momentum: [layers, 1],
    extrapolation: [digitalSteps, 1],
    extrapolationSlope: [digitalSteps, 1],
  }) as const satisfies Record<keyof LearnedSteps, readonly number[]>;

/** `channel`, `noise`, parameters → `loss` (minus the rate, batch mean), `d_<parameter>`. */
export function encodeTrainingGraph(options: GraphOptions, float: FloatType = 'float32'): Uint8Array {
  const { graph, rate, parameters, copies } = forward(options, float);
  const count = ops.reduceSum(ops.expandLike(graph.constant(1), rate), [0]);
  const loss = ops.negate(ops.squeeze(ops.divide(ops.reduceSum(rate, [0]), count), [0]));
  const shares = copies.map((of) => ({ of }));
  graph.output('loss', loss);
  clippedGradients(loss, shares, parameters, options.clipNorm).forEach((gradient, i) =>
    graph.output(`d_${parameters[i].name}`, gradient),
  );
  return encodeModel(graph, 'unfolded-phase-extraction-training');
}

/** `channel`, `noise`, parameters → `rate` [B]. */
export function encodeRateGraph(options: GraphOptions): Uint8Array {
  const { graph, rate } = forward(options, 'float32');
  graph.output('rate', rate);
  return encodeModel(graph, 'unfolded-phase-extraction-rate');
}

/** After the contract of models/README.md. */
export function encodeModelGraph(options: GraphOptions, learned: Record<keyof LearnedSteps, Float64Array>): Uint8Array {
  const { dimensions } = options;
  const graph = new Graph();
  const inputs = contractInputs(graph, dimensions);
  const shapes = parameterShapes(options);
  const constant = (name: keyof LearnedSteps): Tensor => graph.constant(learned[name], shapes[name]);
  const steps = {
    momentum: constant('momentum'),
    extrapolation: constant('extrapolation'),
    extrapolationSlope: constant('extrapolationSlope'),
  };
  const { analog, digital } = unfoldedPhaseExtraction(normalise(inputs, dimensions), steps, dimensions);
  contractOutputs(graph, analog, atPower(digital, inputs.power));
  return encodeModel(graph, 'unfolded-phase-extraction');
}

function forward(options: GraphOptions, float: FloatType) {
  const { dimensions } = options;
  const graph = new Graph(float);
  const inputs = trainingInputs(graph, dimensions);
  const shapes = parameterShapes(options);
  const parameters = (Object.keys(shapes) as (keyof LearnedSteps)[]).map((name) => graph.input(name, shapes[name]));
  // Each channel gets numbers of its own, so that each has a gradient of its own.
  const each = ops.expandLike(graph.constant(1), inputs.noise); // [B]
  const copies = parameters.map((parameter) => ops.multiply(parameter, each)); // [L, B]
  const [momentum, extrapolation, extrapolationSlope] = copies;
  const normalised = normalise(inputs, dimensions);
  const { analog, digital } = unfoldedPhaseExtraction(normalised, { momentum, extrapolation, extrapolationSlope }, dimensions);
  const rate = sumRate(product(product(normalised.channel, analog), digital), normalised.noise); // of H·A·D
  return { graph, rate, parameters, copies };
}
