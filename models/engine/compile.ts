/**
 * From an ONNX file to a WebAssembly module that computes one channel: every length that is known only when the model runs, the batch, is 1.
 * What has an op that is not known here throws `NotCompiled`, and onnxruntime runs it.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { OWN_DOMAIN } from '../graph/ops.ts';
import type { LazyTensor, Shape, View } from './lazy-tensor.ts';
import { kindOf, NotCompiled, shapeOf } from './onnx-graph.ts';
import { Program } from './program.ts';
import { Scope } from './scope.ts';
import { Workspace } from './workspace.ts';
import type { ElementKind } from './wasm-module.ts';

/** To be counted up with every change of what compiled models compute: verdicts on the engines are kept by it. */
export const COMPILER_VERSION = 1;

/** An input or an output, and where it lies. */
export interface Port {
  readonly name: string;
  readonly shape: Shape;
  readonly address: number;
}

export interface CompiledModel {
  readonly module: Uint8Array<ArrayBuffer>;
  readonly kind: ElementKind;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly memoryBytes: number;
  /** Writes what memory holds before the first run. */
  readonly fill: (memory: ArrayBuffer) => void;
}

export interface CompileOptions {
  /** a·b + c in one instruction (relaxed vector instructions): faster, and the last digit depends on the processor. Default: no. */
  readonly fused?: boolean;
}

/** Models that need more are left to onnxruntime, which reads weights where they lie. */
const MOST_MEMORY_BYTES = 512 * 2 ** 20;

/** @throws NotCompiled with what is in the way, as the end of a sentence */
export function compileModel(onnx: Uint8Array, { fused = false }: CompileOptions = {}): CompiledModel {
  const { graph, functions } = fromBinary(ModelProtoSchema, onnx);
  if (graph === undefined) throw new NotCompiled('no graph inside');
  const foreign = functions.find(({ domain }) => domain !== OWN_DOMAIN);
  if (foreign !== undefined) throw new NotCompiled(`the function ${foreign.name}`);
  const program = new Program();
  const initializers = new Set(graph.initializer.map(({ name }) => name));
  const given = graph.input.filter(({ name }) => !initializers.has(name));
  if (given.length === 0) throw new NotCompiled('no inputs');
  const kind = kindOf(given[0]);
  const workspace = new Workspace(program, kind);
  const scope = new Scope(workspace, graph);
  const inputs = given.map((value) => {
    if (kindOf(value) !== kind) throw new NotCompiled('it mixes float32 and float64');
    const view = workspace.allocate(shapeOf(value), true);
    scope.define(value.name, view);
    return { name: value.name, view };
  });
  scope.run();
  const outputs = graph.output.map((value) => {
    kindOf(value);
    return { name: value.name, view: inPlaceOfItsOwn(workspace, scope.tensor(value.name)) };
  });
  const { module, memoryBytes } = program.encode(kind, { fused });
  if (memoryBytes > MOST_MEMORY_BYTES) throw new NotCompiled(`${(memoryBytes / 2 ** 20).toFixed(0)} MiB of memory`);
  const port = ({ name, view }: { name: string; view: View }): Port => ({
    name,
    shape: view.shape,
    address: view.buffer.address,
  });
  return {
    module,
    kind,
    inputs: inputs.map(port),
    outputs: outputs.map(port),
    memoryBytes,
    fill: (memory) => {
      const Numbers = kind.bytes === 4 ? Float32Array : Float64Array;
      for (const { buffer, values } of workspace.initial) new Numbers(memory, buffer.address, values.length).set(values);
      program.constants.fill(new DataView(memory), kind);
    },
  };
}

/** What the host reads lies where nothing else is ever put. */
function inPlaceOfItsOwn(workspace: Workspace, tensor: LazyTensor): View {
  const to = workspace.allocate(tensor.shape, true);
  workspace.assign(to, tensor);
  return to;
}
