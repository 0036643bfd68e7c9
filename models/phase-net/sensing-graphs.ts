/**
 * The graphs of phase-net's sensing form: a training step, the value alone, and the file that a rig runs. What sensing wishes for is an input of all
 * of them, as a factor B of the wanted covariance with R columns, of which those that are not needed are zero.
 */
import { clippedGradients } from '../graph/clipped-gradients.ts';
import type { Complex } from '../graph/complex.ts';
import { fromParts, partsOfPairs, scale } from '../graph/complex.ts';
import { encodeModel } from '../graph/encode.ts';
import { Graph } from '../graph/graph.ts';
import type { FloatType, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import type { ContractInputs } from '../network-ends.ts';
import { atPower, contractInputs, contractOutputs, normalise, trainingInputs } from '../network-ends.ts';
import type { SensingArray } from './sensing-network.ts';
import { sensingPhaseNet } from './sensing-network.ts';
import type { SensingName, SensingNumbers } from './sensing-schedule.ts';
import { SENSING_PARAMETERS } from './sensing-schedule.ts';

/** R, columns of the factor. */
interface Sensed extends SensingArray {
  readonly columns: number;
}

/**
 * `channel`, `noise`, `sensing_factor` [B, N, R, 2], `sensing_weight` [B] (power is 1), numbers → `loss`, `d_<number>`. The loss is minus the mean of
 * (R − w·τ)∕(1 + w∕50): where sensing decides, all differences are as many times larger.
 * @param clipNorm clips what one channel says about its steps
 * @public for models/reproduce/learn-sensing.ts
 */
export function encodeSensingTraining(array: Sensed, clipNorm: number, float: FloatType = 'float32'): Uint8Array {
  const graph = new Graph(float);
  const problem = drawnProblem(graph, array);
  const parameters = SENSING_PARAMETERS.map(({ name, shape }) => graph.input(name, shape));
  // Each channel gets numbers of its own, so that each has a gradient of its own.
  const each = ops.expandLike(graph.constant(1), problem.inputs.noise); // [B]
  const copies = parameters.map((parameter) => ops.multiply(parameter, each)); // [length, B]
  const { value } = beamFor(problem, named(copies), array);
  const unit = ops.add(ops.multiply(problem.weight, graph.constant(1 / 50)), graph.constant(1));
  const reward = ops.divide(value, unit);
  const count = ops.reduceSum(each, [0]);
  const loss = ops.negate(ops.squeeze(ops.divide(ops.reduceSum(reward, [0]), count), [0]));
  graph.output('loss', loss);
  const shares = copies.map((of) => ({ of }));
  clippedGradients(loss, shares, parameters, clipNorm).forEach((gradient, i) =>
    graph.output(`d_${SENSING_PARAMETERS[i].name}`, gradient),
  );
  return encodeModel(graph, 'phase-net-sensing-training');
}

/** The same inputs → `value`, R − w·τ, [B]. @public for tests */
export function encodeSensingValue(array: Sensed, float: FloatType = 'float32'): Uint8Array {
  const graph = new Graph(float);
  const problem = drawnProblem(graph, array);
  const numbers = SENSING_PARAMETERS.map(({ name, shape }) => graph.input(name, shape));
  graph.output('value', beamFor(problem, named(numbers), array).value);
  return encodeModel(graph, 'phase-net-sensing-value');
}

/** After the contract of models/README.md, with `sensing_factor` [N, R, 2] and `sensing_weight` [1], ω, beside. @param learned in the order of SENSING_PARAMETERS */
export function encodeSensingModel(array: Sensed, learned: readonly Float64Array[], float: FloatType = 'float32'): Uint8Array {
  const graph = new Graph(float);
  const inputs = contractInputs(graph, array);
  const one = ops.unsqueeze(ops.expandLike(graph.constant(1), inputs.noise), [1, 2]); // [B, 1, 1]
  const factor = scale(factorOf(graph.input('sensing_factor', [array.elements, array.columns, 2])), one);
  const omega = graph.input('sensing_weight', [1]);
  const weight = ops.multiply(ops.multiply(inputs.power, inputs.power), omega); // w = ω·P²
  const numbers = SENSING_PARAMETERS.map(({ shape }, i) => graph.constant(learned[i], shape));
  const { analog, digital } = beamFor({ inputs, factor, weight }, named(numbers), array);
  contractOutputs(graph, analog, atPower(digital, inputs.power));
  return encodeModel(graph, 'phase-net-sensing');
}

interface SensingProblem {
  readonly inputs: ContractInputs;
  readonly factor: Complex;
  /** w, [B] */
  readonly weight: Tensor;
}

function drawnProblem(graph: Graph, array: Sensed): SensingProblem {
  const inputs = trainingInputs(graph, array);
  const factor = factorOf(graph.input('sensing_factor', ['B', array.elements, array.columns, 2]));
  return { inputs, factor, weight: graph.input('sensing_weight', ['B']) };
}

const factorOf = (pairs: Tensor): Complex => fromParts(...partsOfPairs(pairs));

const named = (tensors: readonly Tensor[]): SensingNumbers =>
  Object.fromEntries(SENSING_PARAMETERS.map(({ name }, i) => [name, tensors[i]])) as Record<SensingName, Tensor>;

function beamFor({ inputs, factor, weight }: SensingProblem, numbers: SensingNumbers, array: Sensed) {
  return sensingPhaseNet(normalise(inputs, array), { factor, weight }, numbers, array);
}
