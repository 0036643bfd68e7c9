/** A compiled model in memory of its own, ready to compute one channel after the other. */
import { compileModel, type CompiledModel, type CompileOptions, type Port } from './compile.ts';
import { sizeOf } from './lazy-tensor.ts';

type Numbers = Float32Array | Float64Array;

export interface CompiledSession {
  readonly model: CompiledModel;
  /** Write them, call `run`, read the outputs: no copies in between. */
  readonly inputs: Readonly<Record<string, Numbers>>;
  readonly outputs: Readonly<Record<string, Numbers>>;
  run(): void;
}

const PAGE_BYTES = 65536;

/** @throws NotCompiled where the model has something that is not compiled */
export function openCompiled(onnx: Uint8Array, options: CompileOptions = {}): CompiledSession {
  return instantiate(compileModel(onnx, options));
}

export function instantiate(model: CompiledModel): CompiledSession {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(model.memoryBytes / PAGE_BYTES) });
  model.fill(memory.buffer);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(model.module), { host: { memory } });
  const Numbers = model.kind.bytes === 4 ? Float32Array : Float64Array;
  const views = (ports: readonly Port[]): Record<string, Numbers> =>
    Object.fromEntries(ports.map(({ name, shape, address }) => [name, new Numbers(memory.buffer, address, sizeOf(shape))]));
  return {
    model,
    inputs: views(model.inputs),
    outputs: views(model.outputs),
    run: instance.exports['run'] as () => void,
  };
}
