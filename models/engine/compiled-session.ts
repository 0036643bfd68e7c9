/** A compiled model in memory of its own, ready to compute one channel after the other. */
import { compileModel, type CompiledModel, type CompileOptions, type Port } from './compile.ts';
import { sizeOf } from './lazy-tensor.ts';

type Numbers = Float32Array | Float64Array;

export interface ReadySession {
  /** Write them, call `run`, read the outputs: no copies in between. */
  readonly inputs: Readonly<Record<string, Numbers>>;
  readonly outputs: Readonly<Record<string, Numbers>>;
  run(): void;
}

export interface CompiledSession extends ReadySession {
  readonly model: CompiledModel;
}

/** A compiled model as threads are sent it: its machine code is made once, and is the same for all of them. */
export interface CompiledImage {
  readonly code: WebAssembly.Module;
  /** What memory holds before the first run. */
  readonly memory: ArrayBuffer;
  /** Of a number: float32 or float64. */
  readonly numberBytes: number;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

const PAGE_BYTES = 65536;

/** @throws NotCompiled where the model has something that is not compiled */
export function openCompiled(onnx: Uint8Array, options: CompileOptions = {}): CompiledSession {
  const model = compileModel(onnx, options);
  const memory = newMemory(model.memoryBytes);
  model.fill(memory.buffer);
  const { inputs, outputs, kind } = model;
  const code = new WebAssembly.Module(model.module);
  return { model, ...connect({ code, numberBytes: kind.bytes, inputs, outputs }, memory) };
}

/** @throws NotCompiled where the model has something that is not compiled */
export function compileImage(onnx: Uint8Array): CompiledImage {
  const { module, memoryBytes, fill, kind, inputs, outputs } = compileModel(onnx);
  const memory = new ArrayBuffer(memoryBytes);
  fill(memory);
  return { code: new WebAssembly.Module(module), memory, numberBytes: kind.bytes, inputs, outputs };
}

export function sessionOf(image: CompiledImage): ReadySession {
  const memory = newMemory(image.memory.byteLength);
  new Uint8Array(memory.buffer).set(new Uint8Array(image.memory));
  return connect(image, memory);
}

const newMemory = (bytes: number): WebAssembly.Memory => new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });

function connect(
  { code, numberBytes, inputs, outputs }: Omit<CompiledImage, 'memory'>,
  memory: WebAssembly.Memory,
): ReadySession {
  const instance = new WebAssembly.Instance(code, { host: { memory } });
  const Numbers = numberBytes === 4 ? Float32Array : Float64Array;
  const views = (ports: readonly Port[]): Record<string, Numbers> =>
    Object.fromEntries(ports.map(({ name, shape, address }) => [name, new Numbers(memory.buffer, address, sizeOf(shape))]));
  return { inputs: views(inputs), outputs: views(outputs), run: instance.exports['run'] as () => void };
}
