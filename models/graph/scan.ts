/**
 * A loop in the graph: ONNX `Scan`. Layers are its steps, so a network of a thousand steps is a file of a few kilobytes that opens at once.
 *
 * The reverse rule keeps what each step started from, and runs a second Scan from the last step to the first: its body builds the step
 * again from the kept values, differentiates it, and hands the carries' gradients one step back. Bodies nest: the body of a reversed
 * Scan differentiates the Scans inside it the same way.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { backpropagate } from './gradients.ts';
import { sameShape, shapeText } from './graph.ts';
import type { Dim, Graph, GraphNode, Scope, Tensor } from './graph.ts';
import { add, identity, zerosLike } from './ops.ts';

/** One step: what it carries on, and what it leaves behind (stacked over the steps on a new first axis). */
export type ScanBody = (carries: Tensor[], inputs: Tensor[]) => { carries: Tensor[]; outputs?: Tensor[] };

interface ScanDirection {
  /** Read the inputs from the last step to the first, and stack the outputs so that they line up with the inputs. */
  reverse?: boolean;
}

/**
 * Runs `body` once for each entry of the inputs' first axis.
 * @param carries what the first step starts from; shapes stay the same from step to step
 * @param inputs at least one; the first axis counts the steps
 * @returns the carries after the last step, and the stacked outputs
 * @throws BeamrigError 'shape' when step counts or the carries' shapes do not fit
 */
export function scan(
  carries: readonly Tensor[],
  inputs: readonly Tensor[],
  body: ScanBody,
  direction: ScanDirection = {},
): { carries: Tensor[]; outputs: Tensor[] } {
  if (inputs.length === 0) throw new BeamrigError('shape', 'Scan: it needs at least one input to count its steps');
  const steps = inputs[0].shape[0];
  for (const input of inputs) {
    if (input.shape.length === 0 || input.shape[0] !== steps || steps === 0) {
      throw new BeamrigError('shape', `Scan: ${input.name} of shape ${shapeText(input.shape)} does not count ${steps} steps`);
    }
  }
  const { graph } = inputs[0];
  const { scope, result } = graph.inScope(() => buildBody(graph, carries, inputs, body));
  const outputs = [
    ...carries.map((carry) => graph.tensor(carry.shape, carry.type, undefined, 'carry')),
    ...result.outputs.map((output) => graph.tensor([steps, ...output.shape], output.type, undefined, 'stacked')),
  ];
  const attributes: GraphNode['attributes'] = { body: { body: scope }, num_scan_inputs: { int: inputs.length } };
  if (direction.reverse === true) {
    attributes.scan_input_directions = { ints: inputs.map(() => 1) };
    attributes.scan_output_directions = { ints: result.outputs.map(() => 1) };
  }
  const node: GraphNode = {
    op: 'Scan',
    domain: '',
    inputs: [...carries, ...inputs],
    outputs,
    attributes,
    gradients: [],
    scan: {
      body: scope,
      captures: scope.captures,
      backward: (outputGradients, isActive) => {
        if (direction.reverse === true) throw new BeamrigError('internal', 'Scan: a reversed Scan is not differentiated again');
        return backward(node, { carries, inputs, body, steps }, outputGradients, isActive);
      },
    },
  };
  graph.addNode(node);
  return { carries: outputs.slice(0, carries.length), outputs: outputs.slice(carries.length) };
}

function buildBody(graph: Graph, carries: readonly Tensor[], inputs: readonly Tensor[], body: ScanBody) {
  const scope = graph.current;
  const bodyCarries = carries.map((carry) => graph.tensor(carry.shape, carry.type, undefined, 'carried'));
  const bodyInputs = inputs.map((input) => graph.tensor(input.shape.slice(1), input.type, undefined, 'step'));
  scope.inputs.push(...bodyCarries, ...bodyInputs);
  const step = body(bodyCarries, bodyInputs);
  const outputs = step.outputs ?? [];
  step.carries.forEach((carry, i) => {
    if (carries[i] === undefined || !sameShape(carry.shape, carries[i].shape) || carry.type !== carries[i].type) {
      const before = carries[i] === undefined ? 'nothing' : shapeText(carries[i].shape);
      throw new BeamrigError('shape', `Scan: carry ${i} enters a step as ${before} and leaves it as ${shapeText(carry.shape)}`);
    }
  });
  if (step.carries.length !== carries.length) {
    throw new BeamrigError('shape', `Scan: ${carries.length} carries enter a step and ${step.carries.length} leave it`);
  }
  for (const output of [...step.carries, ...outputs]) scope.outputs.push(ownOutput(scope, output));
  return { outputs };
}

/**
 * onnxruntime fills a Scan output with zeros, without a word, where it is an input of the body or appears twice among the outputs, and
 * refuses a captured value. A copy through Identity avoids all three.
 */
function ownOutput(scope: Scope, output: Tensor): Tensor {
  const plain = output.scope === scope && !scope.inputs.includes(output) && !scope.outputs.includes(output);
  return plain ? output : identity(output);
}

interface Forward {
  carries: readonly Tensor[];
  inputs: readonly Tensor[];
  body: ScanBody;
  steps: Dim;
}

function backward(
  node: GraphNode,
  forward: Forward,
  outputGradients: readonly (Tensor | undefined)[],
  isActive: (tensor: Tensor) => boolean,
): Map<Tensor, Tensor> {
  const { carries, inputs } = forward;
  const kept = keepCarries(node, forward);
  const carryGradients = carries.map((carry, i) => outputGradients[i] ?? zerosLike(carry));
  const stacked = outputGradients.slice(carries.length, node.outputs.length - kept.length);
  const stackedGradients = stacked.filter((gradient) => gradient !== undefined);
  const activeInputs = inputs.filter(isActive);
  const captures = [...(node.scan?.captures ?? [])].filter(isActive);

  const reversed = scan(
    [...carryGradients, ...captures.map(zerosLike)],
    [...kept, ...inputs, ...stackedGradients],
    (state, now) => {
      const started = now.slice(0, kept.length);
      const read = now.slice(kept.length, kept.length + inputs.length);
      const left = now.slice(kept.length + inputs.length);
      const step = forward.body(started, read);
      const seeds = new Map<Tensor, Tensor>();
      const seed = (tensor: Tensor, gradient: Tensor) => {
        const before = seeds.get(tensor);
        seeds.set(tensor, before === undefined ? gradient : add(before, gradient));
      };
      step.carries.forEach((carry, i) => seed(carry, state[i]));
      let next = 0;
      stacked.forEach((gradient, i) => {
        if (gradient !== undefined) seed((step.outputs ?? [])[i], left[next++]);
      });
      const sources = read.filter((_, i) => isActive(inputs[i]));
      const found = backpropagate(seeds, [...started, ...sources, ...captures]);
      const accumulated = captures.map((tensor, i) => {
        const gradient = found.get(tensor);
        const sum = state[carries.length + i];
        return gradient === undefined ? sum : add(sum, gradient);
      });
      return {
        carries: [...started.map((tensor) => found.get(tensor) ?? zerosLike(tensor)), ...accumulated],
        outputs: sources.map((tensor) => found.get(tensor) ?? zerosLike(tensor)),
      };
    },
    { reverse: true },
  );

  const answer = new Map<Tensor, Tensor>();
  const collect = (tensor: Tensor, gradient: Tensor) => {
    const before = answer.get(tensor);
    answer.set(tensor, before === undefined ? gradient : add(before, gradient));
  };
  carries.forEach((carry, i) => {
    if (isActive(carry)) collect(carry, reversed.carries[i]);
  });
  captures.forEach((tensor, i) => collect(tensor, reversed.carries[carries.length + i]));
  activeInputs.forEach((tensor, i) => collect(tensor, reversed.outputs[i]));
  return answer;
}

/** Makes the forward Scan also stack what each step started from. */
function keepCarries(node: GraphNode, { carries, steps }: Forward): Tensor[] {
  const body = node.scan?.body as Scope;
  const { graph } = node.inputs[0];
  const outer = graph.current;
  const kept = carries.map((carry) => graph.tensor([steps, ...carry.shape], carry.type, undefined, 'kept'));
  graph.current = body;
  try {
    carries.forEach((_, i) => body.outputs.push(identity(body.inputs[i])));
  } finally {
    graph.current = outer;
  }
  node.outputs.push(...kept);
  return kept;
}
