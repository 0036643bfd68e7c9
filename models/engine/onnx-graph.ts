/** Reads what an ONNX graph says, in the terms of the compiler. */
import { TensorProto_DataType as DataType } from 'onnx-buf';
import type { AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto } from 'onnx-buf';
import { sizeOf, type Shape } from './lazy-tensor.ts';
import { FLOAT32, FLOAT64, type ElementKind } from './wasm-module.ts';

/** The model has something that is not compiled: onnxruntime runs it. */
export class NotCompiled extends Error {}

export const attributeOf = ({ attribute }: NodeProto, name: string): AttributeProto | undefined =>
  attribute.find((each) => each.name === name);

export const integerAttribute = (node: NodeProto, name: string, missing: number): number => {
  const found = attributeOf(node, name);
  return found === undefined ? missing : Number(found.i);
};

export const integersAttribute = (node: NodeProto, name: string): number[] | undefined =>
  attributeOf(node, name)?.ints.map(Number);

/** The graph inside a Scan. */
export const bodyOf = (node: NodeProto): GraphProto | undefined => attributeOf(node, 'body')?.g;

/** Names from outside that the body of a Scan reads, there or deeper. */
export function capturesOf(node: NodeProto): string[] {
  const body = bodyOf(node);
  if (body === undefined) return [];
  const own = new Set([
    ...body.input.map(({ name }) => name),
    ...body.initializer.map(({ name }) => name),
    ...body.node.flatMap(({ output }) => output),
  ]);
  const read = [...body.node.flatMap((each) => [...each.input, ...capturesOf(each)]), ...body.output.map(({ name }) => name)];
  return [...new Set(read.filter((name) => name !== '' && !own.has(name)))];
}

/** Lengths for one channel: one that is known only when the model runs, the batch, is 1. */
export function shapeOf({ type, name }: ValueInfoProto): Shape {
  if (type?.value.case !== 'tensorType') throw new NotCompiled(`${name} is no tensor`);
  const dims = type.value.value.shape?.dim ?? [];
  return dims.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : 1));
}

export function kindOf({ type, name }: ValueInfoProto): ElementKind {
  const elemType = type?.value.case === 'tensorType' ? type.value.value.elemType : undefined;
  if (elemType === DataType.FLOAT) return FLOAT32;
  if (elemType === DataType.DOUBLE) return FLOAT64;
  throw new NotCompiled(`${name} holds neither float32 nor float64`);
}

export type Numbers =
  | { readonly type: 'integers'; readonly values: number[]; readonly shape: Shape }
  | { readonly type: 'reals'; readonly values: Float32Array | Float64Array; readonly shape: Shape; readonly kind: ElementKind };

/** A constant, however the file writes it. */
export function numbersOf(tensor: TensorProto): Numbers {
  const shape = tensor.dims.map(Number);
  const { buffer } = Uint8Array.from(tensor.rawData);
  const isRaw = tensor.rawData.length > 0 || sizeOf(shape) === 0;
  const dataType = tensor.dataType as DataType;
  if (dataType === DataType.INT64) {
    const values = Array.from(isRaw ? new BigInt64Array(buffer) : tensor.int64Data, Number);
    return { type: 'integers', values, shape };
  }
  if (dataType === DataType.FLOAT) {
    const values = isRaw ? new Float32Array(buffer) : Float32Array.from(tensor.floatData);
    return { type: 'reals', values, shape, kind: FLOAT32 };
  }
  if (dataType === DataType.DOUBLE) {
    const values = isRaw ? new Float64Array(buffer) : Float64Array.from(tensor.doubleData);
    return { type: 'reals', values, shape, kind: FLOAT64 };
  }
  throw new NotCompiled(`the constant ${tensor.name} is neither of real numbers nor of integers of 64 bits`);
}
