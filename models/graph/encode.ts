/**
 * Writes a tensor graph as an ONNX file: opset 20 and IR version 9, which every onnxruntime since 1.17 reads. The same graph gives the same
 * bytes.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType as Kind, GraphProtoSchema, ModelProtoSchema, TensorProto_DataType as Data } from 'onnx-buf';
import type { AttributeProtoSchema, GraphProto, NodeProtoSchema, TensorProtoSchema, ValueInfoProtoSchema } from 'onnx-buf';
import { functionBodies } from './functions.ts';
import { OWN_DOMAIN } from './ops.ts';
import type { Attribute, ElementType, Graph, GraphNode, Initializer, Scope, Tensor } from './graph.ts';

const OPSET = 20;
const IR_VERSION = 9;
const dataType: Record<ElementType, Data> = { float32: Data.FLOAT, float64: Data.DOUBLE, int64: Data.INT64, bool: Data.BOOL };

/** The graph as the bytes of an ONNX file, named so that a viewer shows what it is. */
export function encodeModel(graph: Graph, name: string): Uint8Array {
  const own = [...ownOps(graph.root)].sort();
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: 'beamrig',
    opsetImport: [
      { domain: '', version: BigInt(OPSET) },
      { domain: 'com.microsoft', version: 1n },
      ...(own.length > 0 ? [{ domain: OWN_DOMAIN, version: 1n }] : []),
    ],
    functions: own.map((op) => functionBodies(BigInt(OPSET))[op]),
    graph: encodeScope(graph.root, name, usedInitializers(graph)),
  });
  return toBinary(ModelProtoSchema, model);
}

/** Names of ops that ONNX does not have, here or in a body. */
function ownOps({ nodes }: Scope, found = new Set<string>()): Set<string> {
  for (const { op, domain, attributes } of nodes) {
    if (domain === OWN_DOMAIN) found.add(op);
    for (const attribute of Object.values(attributes)) if ('body' in attribute) ownOps(attribute.body, found);
  }
  return found;
}

function encodeScope(scope: Scope, name: string, initializers: readonly Initializer[] = []): GraphProto {
  return create(GraphProtoSchema, {
    name,
    node: scope.nodes.map(encodeNode),
    input: scope.inputs.map(encodeValue),
    output: scope.outputs.map(encodeValue),
    initializer: initializers.map(encodeInitializer),
  });
}

/** Shape checks and gradients may ask for constants that no node reads in the end. */
function usedInitializers(graph: Graph): Initializer[] {
  const read = new Set<Tensor>();
  for (const node of graph.root.nodes) {
    for (const tensor of [...node.inputs, ...(node.scan?.captures ?? [])]) read.add(tensor);
  }
  return graph.initializers.filter(({ tensor }) => read.has(tensor));
}

function encodeNode(node: GraphNode): MessageInitShape<typeof NodeProtoSchema> {
  return {
    opType: node.op,
    domain: node.domain,
    input: node.inputs.map((tensor) => tensor.name),
    output: node.outputs.map((tensor) => tensor.name),
    attribute: Object.entries(node.attributes).map(([name, value]) => encodeAttribute(name, value)),
  };
}

function encodeAttribute(name: string, value: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
  if ('int' in value) return { name, type: Kind.INT, i: BigInt(value.int) };
  if ('ints' in value) return { name, type: Kind.INTS, ints: value.ints.map(BigInt) };
  if ('float' in value) return { name, type: Kind.FLOAT, f: value.float };
  return { name, type: Kind.GRAPH, g: encodeScope(value.body, name) };
}

function encodeValue(tensor: Tensor): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = tensor.shape.map((length) =>
    typeof length === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(length) } }
      : { value: { case: 'dimParam' as const, value: length } },
  );
  const tensorType = { elemType: dataType[tensor.type], shape: { dim } };
  return { name: tensor.name, type: { value: { case: 'tensorType', value: tensorType } } };
}

function encodeInitializer({ tensor, values }: Initializer): MessageInitShape<typeof TensorProtoSchema> {
  const dims = tensor.shape.map((length) => BigInt(length));
  return { name: tensor.name, dims, dataType: dataType[tensor.type], rawData: rawBytes(values, tensor.type) };
}

/** Little-endian, as ONNX wants it on every machine. */
function rawBytes(values: Float64Array, type: ElementType): Uint8Array<ArrayBuffer> {
  const size = { float32: 4, float64: 8, int64: 8, bool: 1 }[type];
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    if (type === 'float32') view.setFloat32(i * size, value, true);
    else if (type === 'float64') view.setFloat64(i * size, value, true);
    else if (type === 'int64') view.setBigInt64(i * size, BigInt(value), true);
    else view.setUint8(i, value === 0 ? 0 : 1);
  });
  return bytes;
}
