/**
 * Reverse-mode differentiation of the tensor graph. The gradient is more graph: every rule adds ordinary nodes, so a training step is one
 * ONNX model that onnxruntime runs at its own speed.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { shapeText } from './graph.ts';
import type { GraphNode, Tensor } from './graph.ts';
import { add, zerosLike } from './ops.ts';

/**
 * ∂loss/∂x for every x of `wrt`; zeros where the loss does not depend on it.
 * @param loss one number: shape [] or all ones
 * @throws BeamrigError 'shape' when the loss is not one number
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.shape.some((dim) => dim !== 1)) {
    throw new BeamrigError('shape', `gradients: a loss of shape ${shapeText(loss.shape)} is not one number`);
  }
  const seed = loss.graph.constant(
    1,
    loss.shape.map(() => 1),
    loss.type,
  );
  const found = backpropagate(new Map([[loss, seed]]), wrt);
  return wrt.map((tensor) => found.get(tensor) ?? zerosLike(tensor));
}

/**
 * Carries gradients from `seeds` (tensor → its gradient) back to `wrt` through the nodes of the current scope.
 * Tensors that get no gradient are missing from the answer.
 */
export function backpropagate(seeds: ReadonlyMap<Tensor, Tensor>, wrt: readonly Tensor[]): Map<Tensor, Tensor> {
  const collected = new Map(seeds);
  const [first] = seeds.keys();
  if (first === undefined) return collected;
  const nodes = [...first.graph.current.nodes];
  const active = dependents(nodes, wrt);
  const isActive = (tensor: Tensor) => active.has(tensor);
  const collect = (tensor: Tensor, gradient: Tensor) => {
    const before = collected.get(tensor);
    collected.set(tensor, before === undefined ? gradient : add(before, gradient));
  };
  for (const node of nodes.reverse()) {
    const outputGradients = node.outputs.map((output) => collected.get(output));
    if (outputGradients.every((gradient) => gradient === undefined)) continue;
    if (node.scan !== undefined) {
      for (const [tensor, gradient] of node.scan.backward(outputGradients, isActive)) collect(tensor, gradient);
      continue;
    }
    const gradient = outputGradients[0];
    node.inputs.forEach((input, index) => {
      const rule = node.gradients[index];
      if (gradient !== undefined && rule !== null && isActive(input)) collect(input, rule(gradient));
    });
  }
  return collected;
}

/** All tensors whose value depends on one of `sources`. */
function dependents(nodes: readonly GraphNode[], sources: readonly Tensor[]): Set<Tensor> {
  const active = new Set(sources);
  for (const node of nodes) {
    const reads = [...node.inputs, ...(node.scan?.captures ?? [])];
    if (reads.some((tensor) => active.has(tensor))) for (const output of node.outputs) active.add(output);
  }
  return active;
}
