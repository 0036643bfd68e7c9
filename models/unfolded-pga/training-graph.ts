/**
 * One training step of the unfolded network as an ONNX graph: step sizes and a batch of channels in, loss and its gradients out. Power is 1,
 * for the network folds it into the noise anyway.
 */
import { encodeModel } from '../graph/encode.ts';
import { clippedGradients } from '../graph/clipped-gradients.ts';
import { gradients } from '../graph/gradients.ts';
import { Graph } from '../graph/graph.ts';
import type { FloatType, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import type { NetworkDimensions } from '../network-ends.ts';
import { normalise, trainingInputs } from '../network-ends.ts';
import { unfoldedPga } from './network.ts';
import { stepsFor } from './step-sizes.ts';
import type { StepForm } from './step-sizes.ts';

export interface TrainingGraphOptions {
  dimensions: NetworkDimensions;
  layers: number;
  innerSteps: number;
  form: StepForm;
  /** Coefficients of each step's polynomial in the SNR; 1 is the paper's form. */
  coefficients: number;
  snrRangeDb: readonly [number, number];
  guarded: boolean;
  /** How much each layer's rate weighs in the loss beside the answer's, which weighs 1; I. */
  layerWeights: readonly number[];
  /** Clips what one channel says about relative changes of its steps to this norm. */
  clipNorm?: number;
}

/** Names of the learned inputs, in order: mu_0 [I, J], lambda_0 [I, 1], mu_1, … */
export const parameterNames = (coefficients: number): string[] =>
  Array.from({ length: coefficients }, (_, power) => [`mu_${power}`, `lambda_${power}`]).flat();

/** Inputs: `channel`, `noise`, the parameters. Outputs: `loss` (minus the answer's rate and the weighted rates of the layers, batch mean), `d_<parameter>`. */
export function encodeTrainingGraph(options: TrainingGraphOptions, float: FloatType = 'float32'): Uint8Array {
  const { graph, layerRates, answered, parameters, steps } = forward(options, float);
  const weights = graph.constant(options.layerWeights, [options.layers, 1]);
  const weighted = ops.add(answered, ops.reduceSum(ops.multiply(layerRates, weights), [0])); // [1, B]
  const count = ops.reduceSum(ops.expandLike(graph.constant(1), weighted), [1]);
  const loss = ops.negate(ops.squeeze(ops.divide(ops.reduceSum(weighted, [1]), count), [0, 1]));
  const { mu, lambda } = steps;
  const shares = [
    { of: mu, unit: mu },
    { of: lambda, unit: lambda },
  ];
  const found =
    options.clipNorm === undefined ? gradients(loss, parameters) : clippedGradients(loss, shares, parameters, options.clipNorm);
  graph.output('loss', loss);
  found.forEach((gradient, i) => graph.output(`d_${parameters[i].name}`, gradient));
  return encodeModel(graph, 'unfolded-pga-training');
}

/** Only the rate of the answer, `rate` [1, B]: validation. */
export function encodeRateGraph(options: TrainingGraphOptions): Uint8Array {
  const { graph, answered } = forward(options, 'float32');
  graph.output('rate', answered);
  return encodeModel(graph, 'unfolded-pga-rate');
}

function forward(
  { dimensions, layers, innerSteps, form, coefficients, snrRangeDb, guarded }: TrainingGraphOptions,
  float: FloatType,
) {
  const graph = new Graph(float);
  const inputs = trainingInputs(graph, dimensions);
  const mu: Tensor[] = [];
  const lambda: Tensor[] = [];
  for (let i = 0; i < coefficients; i++) {
    mu.push(graph.input(`mu_${i}`, [layers, innerSteps]));
    lambda.push(graph.input(`lambda_${i}`, [layers, 1]));
  }
  const normalised = normalise(inputs, dimensions);
  const shared = stepsFor(graph, { form, mu, lambda, snrRangeDb }, normalised.noise);
  // Each channel gets steps of its own, so that each has a gradient of its own.
  const each = ops.expandLike(graph.constant(1), inputs.noise);
  const steps = { mu: ops.multiply(shared.mu, each), lambda: ops.multiply(shared.lambda, each) };
  const { rates } = unfoldedPga(normalised, steps, dimensions, { guarded, answer: 'last' });
  const rateAfter = (layer: number) => ops.slice(rates, 0, layer, layer + 1); // [1, B]
  // The rate of the best beam is the best of the rates, so the gradient need not go through the choice of the beam.
  let answered = rateAfter(layers);
  if (guarded) for (let layer = layers - 1; layer >= 0; layer--) answered = ops.maximum(answered, rateAfter(layer));
  return {
    graph,
    layerRates: ops.slice(rates, 0, 1, layers + 1),
    answered,
    steps,
    parameters: mu.flatMap((tensor, i) => [tensor, lambda[i]]),
  };
}
