/**
 * One training step of an unfolded ascent as an ONNX graph: step sizes and a batch of channels in, loss and its gradients out. Power is 1, for
 * the networks fold it into the noise anyway.
 */
import { encodeModel } from '../graph/encode.ts';
import { clippedGradients } from '../graph/clipped-gradients.ts';
import { gradients } from '../graph/gradients.ts';
import { Graph } from '../graph/graph.ts';
import type { FloatType, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import type { ContractInputs, NetworkDimensions, NormalisedChannel } from '../network-ends.ts';
import { normalise, trainingInputs } from '../network-ends.ts';
import type { AscentSteps } from './climb.ts';
import { stepInputs, stepsFor } from './step-sizes.ts';
import type { StepForm } from './step-sizes.ts';

export interface UnfoldedAscent {
  /** Of the family: what the graphs are called. */
  name: string;
  dimensions: NetworkDimensions;
  layers: number;
  innerSteps: number;
  form: StepForm;
  /** Coefficients of each step's polynomial in the SNR; 1 is the papers' form. */
  coefficients: number;
  snrRangeDb: readonly [number, number];
  /** Whether the best beam is the answer, or the last. */
  guarded: boolean;
  /** How much each layer's value weighs in the loss beside the answer's, which weighs 1; I. */
  layerWeights: readonly number[];
  /** Clips what one channel says about relative changes of its steps to this norm. */
  clipNorm?: number;
  /** What is climbed, at the start and after each layer, [I + 1, B]. */
  values: (at: ProblemAtUnitPower, steps: AscentSteps) => Tensor;
  /** Where that is not the rate: the outputs of the rate graph, each [B]; `rate` is among them. */
  figures?: (at: ProblemAtUnitPower, steps: AscentSteps) => Record<string, Tensor>;
}

export interface ProblemAtUnitPower {
  inputs: ContractInputs;
  normalised: NormalisedChannel;
}

/** Inputs: `channel`, `noise`, the parameters. Outputs: `loss` (minus the answer's value and the weighted values of the layers, batch mean), `d_<parameter>`. */
export function encodeTrainingGraph(ascent: UnfoldedAscent, float: FloatType = 'float32'): Uint8Array {
  const { graph, at, parameters, steps } = forward(ascent, float);
  const values = ascent.values(at, steps);
  const answered = answeredOf(values, ascent);
  const layerValues = ops.slice(values, 0, 1, ascent.layers + 1);
  const weights = graph.constant(ascent.layerWeights, [ascent.layers, 1]);
  const weighted = ops.add(answered, ops.reduceSum(ops.multiply(layerValues, weights), [0])); // [1, B]
  const count = ops.reduceSum(ops.expandLike(graph.constant(1), weighted), [1]);
  const loss = ops.negate(ops.squeeze(ops.divide(ops.reduceSum(weighted, [1]), count), [0, 1]));
  const { mu, lambda } = steps;
  const shares = [
    { of: mu, unit: mu },
    { of: lambda, unit: lambda },
  ];
  const found =
    ascent.clipNorm === undefined ? gradients(loss, parameters) : clippedGradients(loss, shares, parameters, ascent.clipNorm);
  graph.output('loss', loss);
  found.forEach((gradient, i) => graph.output(`d_${parameters[i].name}`, gradient));
  return encodeModel(graph, `${ascent.name}-training`);
}

/** Only what the answer is worth: validation. */
export function encodeRateGraph(ascent: UnfoldedAscent): Uint8Array {
  const { graph, at, steps } = forward(ascent, 'float32');
  const figures = ascent.figures?.(at, steps) ?? { rate: answeredOf(ascent.values(at, steps), ascent) };
  for (const [name, figure] of Object.entries(figures)) graph.output(name, figure);
  return encodeModel(graph, `${ascent.name}-rate`);
}

function forward({ dimensions, layers, innerSteps, form, coefficients, snrRangeDb }: UnfoldedAscent, float: FloatType) {
  const graph = new Graph(float);
  const inputs = trainingInputs(graph, dimensions);
  const { mu, lambda } = stepInputs(graph, layers, innerSteps, coefficients);
  const normalised = normalise(inputs, dimensions);
  const shared = stepsFor(graph, { form, mu, lambda, snrRangeDb }, normalised.noise);
  // Each channel gets steps of its own, so that each has a gradient of its own.
  const each = ops.expandLike(graph.constant(1), inputs.noise);
  const steps = { mu: ops.multiply(shared.mu, each), lambda: ops.multiply(shared.lambda, each) };
  return { graph, at: { inputs, normalised }, steps, parameters: mu.flatMap((tensor, i) => [tensor, lambda[i]]) };
}

/** The value of the best beam is the best of the values, so the gradient need not go through the choice of the beam; [1, B]. */
function answeredOf(values: Tensor, { layers, guarded }: UnfoldedAscent): Tensor {
  const after = (layer: number): Tensor => ops.slice(values, 0, layer, layer + 1);
  let answered = after(layers);
  if (guarded) for (let layer = layers - 1; layer >= 0; layer--) answered = ops.maximum(answered, after(layer));
  return answered;
}
