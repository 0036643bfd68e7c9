/**
 * One training step of the unfolded network as an ONNX graph: step sizes and a batch of channels in, loss and its gradients out. Power is 1,
 * for the network folds it into the noise anyway.
 */
import { encodeModel } from '../graph/encode.ts';
import { backpropagate, gradients } from '../graph/gradients.ts';
import { Graph } from '../graph/graph.ts';
import type { FloatType, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { normalise, unfoldedPga } from './network.ts';
import type { PgaDimensions, PgaSteps } from './network.ts';
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
  guarded: boolean;
  /** How much each layer's rate weighs in the loss beside the answer's, which weighs 1; I. */
  layerWeights: readonly number[];
  /**
   * Clips what one channel says about relative changes of its steps to this norm. A trajectory that has turned chaotic has gradients of 1e5
   * and more; clipped with the rest of its batch it would drown them.
   */
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
  const found =
    options.clipNorm === undefined ? gradients(loss, parameters) : clippedGradients(loss, steps, parameters, options.clipNorm);
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
  const shared = stepsFor(graph, { form, mu, lambda, snrRangeDb }, normalised.noise);
  // Each channel gets steps of its own, so that each has a gradient of its own.
  const each = ops.expandLike(graph.constant(1), noise);
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

/** Gradients of the parameters, each channel's share clipped on its way at its step sizes. */
function clippedGradients(loss: Tensor, { mu, lambda }: PgaSteps, parameters: readonly Tensor[], clipNorm: number): Tensor[] {
  const { graph } = loss;
  const [muGradient, lambdaGradient] = gradients(loss, [mu, lambda]); // [I, J, B], [I, B]
  const muEnergy = ops.squeeze(ops.reduceSumSquare(ops.multiply(mu, muGradient), [0, 1]), [0]); // [1, B]
  const energy = ops.add(muEnergy, ops.reduceSumSquare(ops.multiply(lambda, lambdaGradient), [0]));
  // The loss is a mean, so a channel's own gradient is the batch's size times its share.
  const count = ops.reduceSum(ops.expandLike(graph.constant(1), energy), [1]);
  const limit = ops.divide(graph.constant(clipNorm), count);
  const factor = ops.minimum(ops.divide(limit, ops.sqrt(ops.maximum(energy, graph.constant(1e-30)))), graph.constant(1));
  // An overflow compares as false, and that channel then says nothing.
  const clip = (gradient: Tensor) =>
    ops.select(ops.greaterOrEqual(graph.constant(1e30), energy), ops.multiply(gradient, factor), graph.constant(0));
  const seeds = new Map([
    [mu, clip(muGradient)],
    [lambda, clip(lambdaGradient)],
  ]);
  const found = backpropagate(seeds, parameters);
  return parameters.map((parameter) => found.get(parameter) ?? ops.zerosLike(parameter));
}
