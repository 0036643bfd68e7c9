/**
 * From an ONNX file to a WebAssembly module that computes one channel: every length that is known only when the model runs, the batch, is 1.
 * What has an op that is not known here throws `NotCompiled`, and onnxruntime runs it.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type GraphProto, type ModelProto } from 'onnx-buf';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { OWN_DOMAIN } from '../graph/ops.ts';
import type { LazyTensor, Shape, View } from './lazy-tensor.ts';
import { bodyOf, kindOf, NotCompiled, shapeOf } from './onnx-graph.ts';
import { Program } from './program.ts';
import { isKnownOp, Scope } from './scope.ts';
import { Workspace } from './workspace.ts';
import { encodeModule, FLOAT32, FunctionCode, type ElementKind } from './wasm-module.ts';

/** To be counted up with every change of what is compiled, or of what compiled models compute: verdicts on the engines are kept by it. */
export const COMPILER_VERSION = 3;

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
  /**
   * a·b + c in one instruction (relaxed vector instructions): faster, and the last digit depends on the processor. Node 20 has it only where
   * V8 is told so, by `--experimental-wasm-relaxed-simd`. Default: no.
   */
  readonly fused?: boolean;
  /** Whether this machine runs a module. Default: what WebAssembly says of it. */
  readonly validate?: (module: Uint8Array<ArrayBuffer>) => boolean;
}

/** Earlier versions of ONNX broadcast in another way, and have another Scan. */
const OLDEST_OPSET = 9;

/** @throws NotCompiled with what is in the way, as the end of a sentence: it has …; BeamrigError 'argument' where `fused` cannot be had */
export function compileModel(onnx: Uint8Array, options: CompileOptions = {}): CompiledModel {
  const { fused = false, validate = (module) => WebAssembly.validate(module) } = options;
  requireInstructions(validate, fused);
  try {
    return compile(onnx, fused);
  } catch (error) {
    if (error instanceof NotCompiled) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new NotCompiled(isBeamrigError(error) ? message : `something that is not understood (${message})`, { cause: error });
  }
}

function compile(onnx: Uint8Array, fused: boolean): CompiledModel {
  const { graph, functions, opsetImport } = modelOf(onnx);
  if (graph === undefined) throw new NotCompiled('no graph inside');
  const opset = opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 1n;
  if (opset < OLDEST_OPSET) throw new NotCompiled(`ops of ONNX version ${opset}, which is older than ${OLDEST_OPSET}`);
  const foreign = functions.find(({ domain }) => domain !== OWN_DOMAIN);
  if (foreign !== undefined) throw new NotCompiled(`the function ${foreign.name}`);
  requireKnownOps(graph);
  const program = new Program();
  const initializers = new Set(graph.initializer.map(({ name }) => name));
  const given = graph.input.filter(({ name }) => !initializers.has(name));
  if (given.length === 0) throw new NotCompiled('no inputs');
  const kind = kindOf(given[0]);
  const workspace = new Workspace(program, kind);
  const scope = new Scope(workspace, graph);
  const inputs = given.map((value) => {
    if (kindOf(value) !== kind) throw new NotCompiled('numbers of two kinds, float32 and float64');
    const view = workspace.allocate(shapeOf(value), true);
    scope.define(value.name, view);
    return { name: value.name, view };
  });
  scope.run();
  const outputs = graph.output.map((value) => {
    kindOf(value);
    return { name: value.name, view: inPlaceOfItsOwn(workspace, scope.numbers(value.name)) };
  });
  const { module, memoryBytes } = program.encode(kind, { fused });
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

/** Before anything else of the file is read: an op is what a person can look up. */
function requireKnownOps({ node }: GraphProto): void {
  for (const each of node) {
    if (!isKnownOp(each.opType)) throw new NotCompiled(`the op ${each.opType}`);
    const body = bodyOf(each);
    if (body !== undefined) requireKnownOps(body);
  }
}

function modelOf(onnx: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, onnx);
  } catch (error) {
    throw new NotCompiled('bytes that are no ONNX file', { cause: error });
  }
}

/** By a function that does nothing else, in which no other reason can be. */
function requireInstructions(validate: (module: Uint8Array<ArrayBuffer>) => boolean, fused: boolean): void {
  const runs = (op: number, operands: number): boolean => {
    const code = new FunctionCode(0);
    const vector = code.vectorLocal();
    for (let i = 0; i < operands; i++) code.get(vector);
    code.vector(op);
    code.set(vector);
    return validate(encodeModule([code]));
  };
  if (!runs(FLOAT32.op.add, 2)) throw new NotCompiled('to run on a machine without vector instructions, which is this one');
  if (fused && !runs(FLOAT32.op.multiplyAdd, 3)) {
    throw new BeamrigError('argument', 'a·b + c in one instruction (fused) is not to be had here', {
      wayOut: 'Compile without it, or start Node with --experimental-wasm-relaxed-simd.',
    });
  }
}

/** What the host reads lies where nothing else is ever put. */
function inPlaceOfItsOwn(workspace: Workspace, tensor: LazyTensor): View {
  const to = workspace.allocate(tensor.shape, true);
  workspace.assign(to, tensor);
  return to;
}
