/** ONNX files as other programs write them, node by node, and what onnxruntime makes of one against what the compiled model makes of it. */
import { create, toBinary } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType as Kind, ModelProtoSchema, TensorProto_DataType as Data } from 'onnx-buf';
import type { AttributeProtoSchema, NodeProtoSchema, TensorProtoSchema, ValueInfoProtoSchema } from 'onnx-buf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { createRandom } from '../core/signal/random.ts';
import { openCompiled } from '../models/engine/compiled-session.ts';
import { openSession, type Feed } from '../models/graph/session.ts';

type AttributeValue =
  { int: number } | { ints: readonly number[] } | { float: number } | { floats: readonly number[] } | { tensor: Constant };

export interface ForeignNode {
  readonly op: string;
  readonly inputs: readonly string[];
  /** Default: 'out'. */
  readonly outputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly domain?: string;
}

export type Constant =
  | { readonly reals: readonly number[]; readonly shape: readonly number[]; readonly type?: 'float32' | 'float64' }
  | { readonly integers: readonly number[]; readonly shape?: readonly number[] }
  | { readonly booleans: readonly boolean[] };

export interface ForeignModel {
  readonly nodes: readonly ForeignNode[];
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly constants?: Readonly<Record<string, Constant>>;
  /** Default: ['out']. */
  readonly outputs?: readonly string[];
  readonly float?: 'float32' | 'float64';
  readonly inputType?: Data;
  /** Default: 20. */
  readonly opset?: number;
}

export function encodeForeign(model: ForeignModel): Uint8Array {
  const { nodes, inputs, constants = {}, outputs = ['out'], float = 'float32', opset = 20 } = model;
  const elemType = float === 'float32' ? Data.FLOAT : Data.DOUBLE;
  const value = (name: string, type: Data, shape?: readonly number[]): MessageInitShape<typeof ValueInfoProtoSchema> => {
    const dim = shape?.map((length) => ({ value: { case: 'dimValue' as const, value: BigInt(length) } }));
    return {
      name,
      type: { value: { case: 'tensorType', value: { elemType: type, ...(dim === undefined ? {} : { shape: { dim } }) } } },
    };
  };
  const encoded = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      { domain: 'com.microsoft', version: 1n },
    ],
    graph: {
      name: 'foreign',
      node: nodes.map(encodeNode),
      input: Object.entries(inputs).map(([name, shape]) => value(name, model.inputType ?? elemType, shape)),
      output: outputs.map((name) => value(name, elemType)),
      initializer: Object.entries(constants).map(([name, constant]) => encodeConstant(name, constant, float)),
    },
  });
  return toBinary(ModelProtoSchema, encoded);
}

function encodeNode({ op, inputs, outputs = ['out'], attributes = {}, domain = '' }: ForeignNode) {
  return {
    opType: op,
    domain,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) => encodeAttribute(name, value)),
  } satisfies MessageInitShape<typeof NodeProtoSchema>;
}

function encodeAttribute(name: string, value: AttributeValue): MessageInitShape<typeof AttributeProtoSchema> {
  if ('int' in value) return { name, type: Kind.INT, i: BigInt(value.int) };
  if ('ints' in value) return { name, type: Kind.INTS, ints: value.ints.map(BigInt) };
  if ('float' in value) return { name, type: Kind.FLOAT, f: value.float };
  if ('floats' in value) return { name, type: Kind.FLOATS, floats: [...value.floats] };
  return { name, type: Kind.TENSOR, t: encodeConstant('', value.tensor, 'float32') };
}

/** By the fields of their types, as the builder does not write them. */
function encodeConstant(name: string, constant: Constant, float: string): MessageInitShape<typeof TensorProtoSchema> {
  if ('integers' in constant) {
    const { integers, shape = [integers.length] } = constant;
    return { name, dims: shape.map(BigInt), dataType: Data.INT64, int64Data: integers.map(BigInt) };
  }
  if ('booleans' in constant) {
    const { booleans } = constant;
    return { name, dims: [BigInt(booleans.length)], dataType: Data.BOOL, int32Data: booleans.map(Number) };
  }
  const { reals, shape, type = float } = constant;
  const dims = shape.map(BigInt);
  return type === 'float32'
    ? { name, dims, dataType: Data.FLOAT, floatData: [...reals] }
    : { name, dims, dataType: Data.DOUBLE, doubleData: [...reals] };
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);

/** Numbers for the inputs of a model. */
export function drawInputs(
  { inputs, float = 'float32' }: Pick<ForeignModel, 'inputs' | 'float'>,
  seed: number,
  [from, to]: readonly [number, number] = [-2, 2],
): Record<string, Feed> {
  const random = createRandom(seed);
  const Numbers = float === 'float32' ? Float32Array : Float64Array;
  const draw = (shape: readonly number[]): Feed => ({
    values: Numbers.from(Float64Array.from({ length: sizeOf(shape) }, () => from + (to - from) * random.uniform())),
    shape,
  });
  return Object.fromEntries(Object.entries(inputs).map(([name, shape]) => [name, draw(shape)]));
}

/**
 * Largest difference between what the compiled model and what onnxruntime makes of the same numbers, in units of 1 + |value|; infinite where
 * one has a number and the other NaN or infinity. Each is run twice: nothing of a run is left in the next one.
 * @throws Error where the shapes of outputs differ
 */
export async function disagreement(onnx: Uint8Array, feeds: Readonly<Record<string, Feed>>): Promise<number> {
  const judge = await openSession(onnx, { exact: true });
  const expected = await judge.run(feeds);
  await judge.close();
  const compiled = openCompiled(onnx);
  for (const [name, { values }] of Object.entries(feeds)) compiled.inputs[name].set(values);
  let most = 0;
  for (let run = 0; run < 2; run++) {
    compiled.run();
    for (const { name, shape } of compiled.model.outputs) {
      const { values, shape: wanted } = expected[name];
      if (shape.join() !== wanted.join())
        throw new Error(`${name}: [${shape.join()}] compiled, [${wanted.join()}] by onnxruntime`);
      values.forEach((value, i) => {
        const got = compiled.outputs[name][i];
        if (Object.is(got, value) || got === value) return;
        const difference = Math.abs(got - value) / (1 + Math.abs(value));
        most = Math.max(most, Number.isNaN(difference) ? Infinity : difference);
      });
    }
  }
  return most;
}
