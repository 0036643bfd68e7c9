/** The family's graphs: a training step, the rate alone, and the file that a rig runs. */
import { connectionMask } from '../../core/signal/geometry.ts';
import type { ArrayAtHand } from '../family.ts';
import { clippedGradients } from '../graph/clipped-gradients.ts';
import { product } from '../graph/complex.ts';
import { encodeModel } from '../graph/encode.ts';
import { Graph } from '../graph/graph.ts';
import type { FloatType, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { atPower, contractInputs, contractOutputs, normalise, sumRate, trainingInputs } from '../network-ends.ts';
import type { ContractInputs, NetworkDimensions } from '../network-ends.ts';
import { phaseNet } from './network.ts';
import type { Schedule } from './schedule.ts';
import { NUMBERS_SHAPE, SCHEDULE_NAMES, scheduleOf } from './schedule.ts';

/** `channel` of `drawn` elements and users, `noise`, numbers → `loss` (minus the rate of the array, batch mean), `d_<function>`. */
export function encodeTrainingGraph(
  array: ArrayAtHand,
  { drawn, clipNorm }: { drawn: NetworkDimensions; clipNorm: number },
  float: FloatType = 'float32',
): Uint8Array {
  const graph = new Graph(float);
  const inputs = trainingInputs(graph, drawn);
  const numbers = numbersAs((name) => graph.input(name, NUMBERS_SHAPE));
  const { schedule, rate } = forward({ ...inputs, channel: partOf(inputs, array) }, numbers, array);
  const loss = minusMean(rate);
  graph.output('loss', loss);
  const shares = SCHEDULE_NAMES.map((name) => ({ of: schedule[name] }));
  const parameters = SCHEDULE_NAMES.map((name) => numbers[name]);
  clippedGradients(loss, shares, parameters, clipNorm).forEach((gradient, i) => graph.output(`d_${SCHEDULE_NAMES[i]}`, gradient));
  return encodeModel(graph, 'phase-net-training');
}

/** The same of words of 1 … `mostPhaseBits` bits: their mean, and no gradients, which rounding has none of. */
export function encodeWordsTraining(
  array: ArrayAtHand,
  { drawn, mostPhaseBits }: { drawn: NetworkDimensions; mostPhaseBits: number },
): Uint8Array {
  const graph = new Graph();
  const inputs = trainingInputs(graph, drawn);
  const numbers = numbersAs((name) => graph.input(name, NUMBERS_SHAPE));
  const rate = rateOfWords({ ...inputs, channel: partOf(inputs, array) }, numbers, array, mostPhaseBits);
  graph.output('loss', minusMean(rate));
  return encodeModel(graph, 'phase-net-words-training');
}

/** `channel`, `noise`, numbers → `rate` [B], with `mostPhaseBits` the mean over words of 1 to so many bits. */
export function encodeRateGraph(array: ArrayAtHand, mostPhaseBits?: number): Uint8Array {
  const graph = new Graph();
  const inputs = trainingInputs(graph, array);
  const numbers = numbersAs((name) => graph.input(name, NUMBERS_SHAPE));
  const rate =
    mostPhaseBits === undefined ? forward(inputs, numbers, array).rate : rateOfWords(inputs, numbers, array, mostPhaseBits);
  graph.output('rate', rate);
  return encodeModel(graph, 'phase-net-rate');
}

/** After the contract of models/README.md; the connection of the array is known here, and no input. */
export function encodeModelGraph(array: ArrayAtHand, learned: Schedule<Float64Array>): Uint8Array {
  const graph = new Graph();
  const inputs = contractInputs(graph, array);
  const numbers = numbersAs((name) => graph.constant(learned[name], NUMBERS_SHAPE));
  const { analog, digital } = beam(inputs, numbers, array);
  contractOutputs(graph, analog, atPower(digital, inputs.power));
  return encodeModel(graph, 'phase-net');
}

const numbersAs = (tensor: (name: keyof Schedule) => Tensor): Schedule =>
  Object.fromEntries(SCHEDULE_NAMES.map((name) => [name, tensor(name)])) as unknown as Schedule;

/** The first elements and users of what was drawn. */
const partOf = ({ channel }: ContractInputs, { elements, users }: ArrayAtHand): Tensor =>
  ops.slice(ops.slice(channel, 2, 0, elements), 1, 0, users);

function minusMean(rate: Tensor): Tensor {
  const count = ops.reduceSum(ops.expandLike(rate.graph.constant(1), rate), [0]);
  return ops.negate(ops.squeeze(ops.divide(ops.reduceSum(rate, [0]), count), [0]));
}

/** Mean over Q = 1 … `mostPhaseBits`, [B]. */
function rateOfWords(inputs: ContractInputs, numbers: Schedule, array: ArrayAtHand, mostPhaseBits: number): Tensor {
  const rates = Array.from({ length: mostPhaseBits }, (_, i) => forward(inputs, numbers, { ...array, phaseBits: i + 1 }).rate);
  const sum = rates.reduce((all, next) => ops.add(all, next));
  return ops.multiply(sum, sum.graph.constant(1 / mostPhaseBits));
}

function forward(inputs: ContractInputs, numbers: Schedule, array: ArrayAtHand) {
  const { schedule, normalised, analog, digital } = beam(inputs, numbers, array);
  return { schedule, rate: sumRate(product(product(normalised.channel, analog), digital), normalised.noise) }; // of H·A·D
}

function beam(inputs: ContractInputs, numbers: Schedule, array: ArrayAtHand) {
  const { elements, rfChains, users, connection, steps } = array;
  const normalised = normalise(inputs, array);
  const reach = connection === undefined ? elements : connection.reduce((sum, one) => sum + one, 0) / rfChains;
  const schedule = scheduleOf(numbers, normalised.noise, { steps, reach, users });
  return { schedule, normalised, ...phaseNet(normalised, schedule, array) };
}

/** For words also arrays with chains to spare: what is best for any phases on a chain a user is good on those, too, and for words it is not. */
export function wordsTasks(drawn: NetworkDimensions, steps: number): ArrayAtHand[] {
  const { elements, rfChains, users } = drawn;
  const [half, fewer] = [Math.ceil(elements / 2), Math.ceil(users / 2)];
  const spare = [
    { elements: Math.max(half, rfChains + fewer), rfChains: rfChains + fewer, users, steps },
    { elements: Math.max(half, rfChains), rfChains, users: fewer, steps },
  ];
  const sub = { ...spare[1], connection: connectionMask('sub', spare[1].elements, rfChains) };
  return [
    ...trainingTasks(drawn, steps),
    ...spare.filter((task) => task.elements <= elements),
    ...(spare[1].elements <= elements ? [sub] : []),
  ];
}

/**
 * What is learned from in turn: the array itself, its half and its quarter, half of its users, each chain with a block of its own, at budgets from
 * half to six times the one asked for.
 */
export function trainingTasks({ elements, rfChains, users }: NetworkDimensions, steps: number): ArrayAtHand[] {
  const part = (share: number, budget: number): ArrayAtHand => ({
    elements: Math.max(rfChains, Math.ceil(elements * share)),
    ...{ rfChains, users, steps: Math.max(1, Math.round(steps * budget)) },
  });
  const whole = part(1, 1);
  const fewer = { rfChains: rfChains - users + Math.ceil(users / 2), users: Math.ceil(users / 2) };
  return [
    part(0.5, 1),
    ...(elements < rfChains ? [] : [{ ...whole, connection: connectionMask('sub', elements, rfChains) }]),
    part(0.5, 3),
    whole,
    part(0.25, 2),
    part(0.5, 0.5),
    { ...part(0.5, 1), ...fewer },
    part(1, 6),
  ];
}
