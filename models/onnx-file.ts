/**
 * What an ONNX file is before any runtime opens it: its tensors, the versions it was written in, and whether all of it is in the file. Weights
 * that lie in another file are refused: no checksum covers that one, and the runtime would look for it in whatever folder it works in.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataLocation, TensorProto_DataType } from 'onnx-buf';
import type { AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto } from 'onnx-buf';

/** The newest that onnxruntime 1.30 takes. */
export const NEWEST_OPSET = 26;
export const NEWEST_IR = 13;

/** A tensor as a file tells of it. */
export interface OnnxTensor {
  name: string;
  /** 'float32', 'int64', …; 'no tensor' for a list or a map. */
  type: string;
  /** Lengths, or names of those known at run time, '?' where they have none; undefined where not even their number is said. */
  shape: (number | string)[] | undefined;
}

export interface OnnxFile {
  /** Without those that the file has values of, as older exporters list them, too. */
  inputs: OnnxTensor[];
  outputs: OnnxTensor[];
  /** Files beside this one that hold some of its tensors. */
  externalFiles: string[];
  irVersion: number;
  /** Of the operators of ONNX itself. */
  opset: number;
}

/** @throws Error that says what is wrong with the bytes, as the end of a sentence */
export function readOnnx(bytes: Uint8Array): OnnxFile {
  const model = fromBinary(ModelProtoSchema, bytes);
  if (model.graph === undefined) throw new Error('no graph inside');
  const external = new Set<string>();
  const graphs = [model.graph, ...model.trainingInfo.flatMap(({ initialization, algorithm }) => [initialization, algorithm])];
  for (const graph of graphs) visitGraph(graph, external);
  for (const { node } of model.functions) visitNodes(node, external);
  const given = new Set(model.graph.initializer.map(({ name }) => name));
  return {
    inputs: model.graph.input.filter(({ name }) => !given.has(name)).map(tensorOf),
    outputs: model.graph.output.map(tensorOf),
    externalFiles: [...external],
    irVersion: Number(model.irVersion),
    opset: Math.max(
      0,
      ...model.opsetImport.filter(({ domain }) => domain === '' || domain === 'ai.onnx').map(({ version }) => Number(version)),
    ),
  };
}

function visitGraph(graph: GraphProto | undefined, external: Set<string>): void {
  if (graph === undefined) return;
  for (const tensor of graph.initializer) visitTensor(tensor, external);
  for (const { values, indices } of graph.sparseInitializer) {
    visitTensor(values, external);
    visitTensor(indices, external);
  }
  visitNodes(graph.node, external);
}

function visitNodes(nodes: readonly NodeProto[], external: Set<string>): void {
  for (const { attribute } of nodes) for (const one of attribute) visitAttribute(one, external);
}

/** Loops and branches have graphs in their attributes, and constants their values. */
function visitAttribute({ t, g, tensors, graphs, sparseTensor, sparseTensors }: AttributeProto, external: Set<string>): void {
  for (const tensor of [t, ...tensors]) visitTensor(tensor, external);
  for (const sparse of [sparseTensor, ...sparseTensors]) {
    visitTensor(sparse?.values, external);
    visitTensor(sparse?.indices, external);
  }
  for (const graph of [g, ...graphs]) visitGraph(graph, external);
}

function visitTensor(tensor: TensorProto | undefined, external: Set<string>): void {
  if (tensor === undefined) return;
  if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL && tensor.externalData.length === 0) return;
  external.add(tensor.externalData.find(({ key }) => key === 'location')?.value ?? '(a file without a name)');
}

function tensorOf({ name, type }: ValueInfoProto): OnnxTensor {
  const tensor = type?.value.case === 'tensorType' ? type.value.value : undefined;
  const shape = tensor?.shape?.dim.map(({ value }) => {
    if (value.case === 'dimValue') return Number(value.value);
    return value.value === undefined || value.value === '' ? '?' : value.value;
  });
  return { name, type: tensor === undefined ? 'no tensor' : typeName(tensor.elemType), shape };
}

const typeName = (elemType: number): string => {
  const names: Record<number, string> = TensorProto_DataType;
  return { FLOAT: 'float32', DOUBLE: 'float64' }[names[elemType]] ?? names[elemType]?.toLowerCase() ?? `type ${elemType}`;
};
