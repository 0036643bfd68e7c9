/** A graph compiled, against what onnxruntime makes of the same numbers. */
import { encodeModel } from '../models/graph/encode.ts';
import { Graph, type Dim, type FloatType, type Tensor } from '../models/graph/graph.ts';
import { disagreement, drawInputs } from './foreign-model.ts';

let seed = 11;
const lengthOf = (dim: Dim): number => (dim === 'B' ? 1 : Number(dim));

export interface Case {
  float?: FloatType;
  inputs: readonly (readonly Dim[])[];
  /** Numbers from … to. */
  range?: readonly [number, number];
  build: (tensors: Tensor[]) => Record<string, Tensor>;
}

/** Largest difference to what onnxruntime makes of the same numbers, in units of 1 + |value|; asserts the shapes. */
export async function difference({ float = 'float32', inputs, range, build }: Case): Promise<number> {
  const graph = new Graph(float);
  const tensors = inputs.map((shape, i) => graph.input(`in_${i}`, shape));
  for (const [name, tensor] of Object.entries(build(tensors))) graph.output(name, tensor);
  const shapes = Object.fromEntries(inputs.map((shape, i) => [`in_${i}`, shape.map(lengthOf)]));
  return disagreement(encodeModel(graph, 'test'), drawInputs({ inputs: shapes, float }, seed++, range));
}

/** What roundings leave. */
export const NEAR: Record<FloatType, number> = { float32: 2e-6, float64: 2e-14 };
