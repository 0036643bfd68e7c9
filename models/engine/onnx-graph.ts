/** Reads what an ONNX graph says, in the terms of the compiler. */
import { TensorProto_DataLocation as Location, TensorProto_DataType as DataType } from 'onnx-buf';
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
  const shape = type?.value.case === 'tensorType' ? type.value.value.shape : undefined;
  if (shape === undefined) throw new NotCompiled(`the input '${name}', whose number of axes it does not say`);
  return shape.dim.map(({ value }) => {
    if (value.case !== 'dimValue') return 1;
    if (value.value < 1n) throw new NotCompiled(`the input '${name}' with an axis of length ${value.value}`);
    return Number(value.value);
  });
}

export function kindOf({ type, name }: ValueInfoProto): ElementKind {
  const elemType = type?.value.case === 'tensorType' ? type.value.value.elemType : undefined;
  if (elemType === DataType.FLOAT) return FLOAT32;
  if (elemType === DataType.DOUBLE) return FLOAT64;
  throw new NotCompiled(`'${name}', which is neither float32 nor float64`);
}

export type Numbers =
  | { readonly type: 'integers'; readonly values: number[]; readonly shape: Shape }
  | { readonly type: 'reals'; readonly values: Float32Array | Float64Array; readonly shape: Shape; readonly kind: ElementKind };

export const singles = (values: readonly number[], shape: Shape): Numbers => ({
  type: 'reals',
  values: Float32Array.from(values),
  shape,
  kind: FLOAT32,
});

/** A constant, however the file writes it. */
export function numbersOf(tensor: TensorProto): Numbers {
  const shape = tensor.dims.map(Number);
  if (tensor.dataLocation === Location.EXTERNAL) throw new NotCompiled(`the constant '${tensor.name}' in a file of its own`);
  const numbers = numbersAsWritten(tensor, shape);
  if (numbers.values.length !== sizeOf(shape))
    throw new NotCompiled(
      `the constant '${tensor.name}', whose ${numbers.values.length} numbers do not fill [${shape.join(', ')}]`,
    );
  return numbers;
}

function numbersAsWritten(tensor: TensorProto, shape: Shape): Numbers {
  const isRaw = tensor.rawData.length > 0;
  const dataType = tensor.dataType as DataType;
  if (dataType === DataType.INT64) {
    const values = isRaw ? new BigInt64Array(...inPlace(tensor, 8)) : tensor.int64Data;
    return { type: 'integers', values: Array.from(values, Number), shape };
  }
  if (dataType === DataType.FLOAT) {
    const values = isRaw ? new Float32Array(...inPlace(tensor, 4)) : Float32Array.from(tensor.floatData);
    return { type: 'reals', values, shape, kind: FLOAT32 };
  }
  if (dataType === DataType.DOUBLE) {
    const values = isRaw ? new Float64Array(...inPlace(tensor, 8)) : Float64Array.from(tensor.doubleData);
    return { type: 'reals', values, shape, kind: FLOAT64 };
  }
  throw new NotCompiled(`the constant '${tensor.name}', which is neither of real numbers nor of integers of 64 bits`);
}

/** Where the numbers of a constant lie in the file, which may be large: copied only where no number could begin there. */
function inPlace({ name, rawData }: TensorProto, bytesEach: number): [buffer: ArrayBufferLike, at: number, length: number] {
  if (rawData.length % bytesEach !== 0)
    throw new NotCompiled(`the constant '${name}', whose ${rawData.length} bytes are no whole numbers`);
  const { buffer, byteOffset } = rawData.byteOffset % bytesEach === 0 ? rawData : Uint8Array.from(rawData);
  return [buffer, byteOffset, rawData.length / bytesEach];
}
