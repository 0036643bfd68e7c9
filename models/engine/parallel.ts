/**
 * Many channels through compiled models, a thread a core. Each channel is computed by itself and written to its own place, so that what comes
 * out does not depend on how many threads there are, nor on which of them was the faster.
 *
 *   inputs of a batch ─► memory that all threads share ─► each takes the next channel that nobody has taken ─► outputs, channel after channel
 */
import { availableParallelism } from 'node:os';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { compileImage, type CompiledImage } from './compiled-session.ts';
import { sizeOf } from './lazy-tensor.ts';
import type { Batch, PoolStart, SharedNumbers } from './parallel-worker.ts';
import { startComputing } from './parallel-threads.ts';

type Numbers = Float32Array | Float64Array;
type ByName = Readonly<Record<string, Numbers>>;

/** Several models, and the threads that compute any of them. */
export interface ParallelModels<Name extends string> {
  readonly threads: number;
  /**
   * One run at a time.
   * @param perChannel inputs of each channel, one after the other
   * @param shared inputs that are the same for all
   * @returns outputs of each channel, one after the other: to be read before the next run, which writes them anew
   * @throws {BeamrigError} 'internal' where a thread has ended
   */
  run(model: Name, count: number, perChannel: ByName, shared?: ByName): Promise<ByName>;
  close(): Promise<void>;
}

/** Memory of one model for batches up to a size, used again and again. */
interface Kept {
  readonly room: number;
  /** Inputs that have numbers for each channel. */
  readonly varying: string;
  readonly inputs: readonly SharedNumbers[];
  readonly outputs: readonly SharedNumbers[];
}

/**
 * @param graphs ONNX of each model
 * @throws NotCompiled where one has something that is not compiled; no thread has been started then
 */
export function openParallel<Name extends string>(
  graphs: Readonly<Record<Name, Uint8Array>>,
  { threads = availableParallelism() }: { threads?: number } = {},
): ParallelModels<Name> {
  const images = Object.fromEntries(
    Object.entries<Uint8Array>(graphs).map(([name, onnx]) => [name, compileImage(onnx)]),
  ) as Record<Name, CompiledImage>;
  const next = new Int32Array(new SharedArrayBuffer(4));
  const start: PoolStart = { images, next };
  const pool = Array.from({ length: threads }, () => startComputing(import.meta.url, 'parallel-worker', start));
  const kept = new Map<Name, Kept>();

  return {
    threads,
    run: async (model, count, perChannel, shared = {}) => {
      const image = images[model];
      const varying = Object.keys(perChannel).sort().join();
      const old = kept.get(model);
      const fits = old !== undefined && old.room >= count && old.varying === varying;
      const memory = fits ? old : memoryFor(image, count, perChannel);
      kept.set(model, memory);
      for (const { name, values, stride } of memory.inputs) {
        const numbers = perChannel[name] ?? shared[name];
        const wanted = stride === 0 ? values.length : count * stride;
        if (numbers?.length !== wanted) {
          throw new BeamrigError('shape', `input '${name}': ${numbers?.length ?? 0} numbers, ${wanted} are needed`);
        }
        values.set(numbers);
      }
      Atomics.store(next, 0, 0);
      const { inputs, outputs } = memory;
      const batch: Batch = { model, count, ...(fits ? {} : { memory: { inputs, outputs } }) };
      await Promise.all(pool.map((thread) => thread.ask(batch)));
      return Object.fromEntries(outputs.map(({ name, values, stride }) => [name, values.subarray(0, count * stride)]));
    },
    close: async () => {
      await Promise.all(pool.map((thread) => thread.end()));
    },
  };
}

function memoryFor({ inputs, outputs, numberBytes }: CompiledImage, room: number, perChannel: ByName): Kept {
  const sharedNumbers = (name: string, size: number, isVarying: boolean): SharedNumbers => {
    const memory = new SharedArrayBuffer((isVarying ? room * size : size) * numberBytes);
    const values = numberBytes === 4 ? new Float32Array(memory) : new Float64Array(memory);
    return { name, values, stride: isVarying ? size : 0 };
  };
  return {
    room,
    varying: Object.keys(perChannel).sort().join(),
    inputs: inputs.map(({ name, shape }) => sharedNumbers(name, sizeOf(shape), Object.hasOwn(perChannel, name))),
    outputs: outputs.map(({ name, shape }) => sharedNumbers(name, sizeOf(shape), true)),
  };
}
