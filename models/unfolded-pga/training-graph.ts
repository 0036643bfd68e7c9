/**
 * One training step of the unfolded network as an ONNX graph: step sizes and a batch of channels in, loss and its gradients out. Power is 1,
 * for the network folds it into the noise anyway.
 */
import { encodeModel } from '../graph/encode.ts';
import { gradients } from '../graph/gradients.ts';
import { Graph } from '../graph/graph.ts';
import type { FloatType, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { normalise, unfoldedPga } from './network.ts';
import type { PgaDimensions } from './network.ts';
import { stepsFor } from './step-sizes.ts';
import type { StepForm } from './step-sizes.ts';

export interface TrainingGraphOptions {
  dimensions: PgaDimensions;
  layers: number;
  innerSteps: number;
  form: StepForm;
  /** Coefficients of each step's polynomial in the SNR; 1 is the paper's form. */
  coefficients: number;
  snrRangeDb: readonly [number, number];
  /** How much each layer's rate weighs in the loss, I. */
  layerWeights: readonly number[];
}

/** Names of the learned inputs, in order: mu_0 [I, J], lambda_0 [I, 1], mu_1, … */
export const parameterNames = (coefficients: number): string[] =>
  Array.from({ length: coefficients }, (_, power) => [`mu_${power}`, `lambda_${power}`]).flat();

/** Inputs: `channel`, `noise`, the parameters. Outputs: `loss` (minus the weighted rate, batch mean), `rates` [I, B], `d_<parameter>`. */
export function encodeTrainingGraph(options: TrainingGraphOptions, float: FloatType = 'float32'): Uint8Array {
  const { graph, rates, parameters } = forward(options, float);
  const weights = graph.constant(options.layerWeights, [options.layers, 1]);
  const batchMean = ops.divide(ops.reduceSum(ops.multiply(rates, weights), [0, 1]), countOf(rates));
  const loss = ops.negate(ops.squeeze(batchMean, [0, 1]));
  const found = gradients(loss, parameters);
  graph.output('loss', loss);
  graph.output('rates', rates);
  found.forEach((gradient, i) => graph.output(`d_${parameters[i].name}`, gradient));
  return encodeModel(graph, 'unfolded-pga-training');
}

/** Only the rates after each layer, [I, B]: validation. */
export function encodeRateGraph(options: TrainingGraphOptions): Uint8Array {
  const { graph, rates } = forward(options, 'float32');
  graph.output('rates', rates);
  return encodeModel(graph, 'unfolded-pga-rates');
}

function forward({ dimensions, layers, innerSteps, form, coefficients, snrRangeDb }: TrainingGraphOptions, float: FloatType) {
  const { elements, users } = dimensions;
  const graph = new Graph(float);
  const channel = graph.input('channel', ['B', users, elements, 2]);
  const noise = graph.input('noise', ['B']);
  const power = ops.expandLike(graph.constant(1), noise);
  const mu: Tensor[] = [];
  const lambda: Tensor[] = [];
  for (let i = 0; i < coefficients; i++) {
    mu.push(graph.input(`mu_${i}`, [layers, innerSteps]));
    lambda.push(graph.input(`lambda_${i}`, [layers, 1]));
  }
  const normalised = normalise({ channel, power, noise }, dimensions);
  const steps = stepsFor(graph, { form, mu, lambda, snrRangeDb }, normalised.noise);
  const { layerRates } = unfoldedPga(normalised, steps, dimensions);
  return { graph, rates: layerRates, parameters: mu.flatMap((tensor, i) => [tensor, lambda[i]]) };
}

/** The number of channels in the batch, from the rates [I, B]. */
function countOf(rates: Tensor): Tensor {
  const first = ops.slice(rates, 0, 0, 1);
  return ops.reduceSum(ops.expandLike(rates.graph.constant(1), first), [0, 1]);
}
