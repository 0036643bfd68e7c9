/**
 * Many channels through one compiled model, a thread a core. Each channel is computed by itself, so that what comes out does not depend on how
 * many threads there are.
 */
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { compileModel } from './compile.ts';
import { sizeOf } from './lazy-tensor.ts';
import type { Share, WorkerStart } from './parallel-worker.ts';

type Numbers = Float32Array | Float64Array;

export interface ParallelModel {
  readonly threads: number;
  /**
   * @param perChannel inputs of each channel, one after the other
   * @param shared inputs that are the same for all
   * @returns outputs of each channel, one after the other
   */
  run(
    count: number,
    perChannel: Readonly<Record<string, Numbers>>,
    shared?: Readonly<Record<string, Numbers>>,
  ): Promise<Record<string, Numbers>>;
  close(): Promise<void>;
}

/** @throws NotCompiled where the model has something that is not compiled */
export function openParallel(onnx: Uint8Array, { threads = availableParallelism() }: { threads?: number } = {}): ParallelModel {
  const { inputs, outputs, kind } = compileModel(onnx);
  const bytesOf = kind.bytes;
  const sharedNumbers = (length: number): Numbers => {
    const memory = new SharedArrayBuffer(length * bytesOf);
    return bytesOf === 4 ? new Float32Array(memory) : new Float64Array(memory);
  };
  const workers = Array.from({ length: threads }, () => startWorker({ onnx }));
  let kept: { count: number; inputs: Map<string, Numbers>; outputs: Map<string, Numbers> } | undefined;

  /** Memory for a batch, used again as long as batches have the same size. */
  const memoryFor = (count: number, given: ReadonlySet<string>): NonNullable<typeof kept> => {
    if (kept?.count === count) return kept;
    const length = (name: string, size: number): number => (given.has(name) ? count * size : size);
    kept = {
      count,
      inputs: new Map(inputs.map(({ name, shape }) => [name, sharedNumbers(length(name, sizeOf(shape)))])),
      outputs: new Map(outputs.map(({ name, shape }) => [name, sharedNumbers(count * sizeOf(shape))])),
    };
    return kept;
  };

  return {
    threads,
    run: async (count, perChannel, shared = {}) => {
      const given = new Set(Object.keys(perChannel));
      const memory = memoryFor(count, given);
      const feeds = inputs.map(({ name }) => {
        const values = memory.inputs.get(name) as Numbers;
        const numbers = perChannel[name] ?? shared[name];
        if (numbers?.length !== values.length) {
          throw new BeamrigError('shape', `input '${name}': ${numbers?.length ?? 0} numbers, ${values.length} are needed`);
        }
        values.set(numbers);
        return { name, values, perChannel: given.has(name) };
      });
      const answers = outputs.map(({ name }) => ({ name, values: memory.outputs.get(name) as Numbers }));
      const each = Math.ceil(count / threads);
      const shares = workers.map((worker, i) =>
        worker.compute({ inputs: feeds, outputs: answers, from: Math.min(i * each, count), to: Math.min((i + 1) * each, count) }),
      );
      await Promise.all(shares);
      return Object.fromEntries(answers.map(({ name, values }) => [name, values.slice()]));
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.end()));
    },
  };
}

interface Computing {
  compute(share: Share): Promise<void>;
  end(): Promise<unknown>;
}

/** From dist/ it runs plain JavaScript, from source with tsx. */
function startWorker(start: WorkerStart): Computing {
  const fromSource = import.meta.url.endsWith('.ts');
  const loader = fromSource ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href] : [];
  const file = new URL(fromSource ? './parallel-worker.ts' : './parallel-worker.js', import.meta.url);
  const worker = new Worker(file, { workerData: start, execArgv: loader });
  worker.unref();
  let settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
  let failure: Error | undefined;
  worker.on('message', () => settle?.resolve());
  const fail = (error: Error): void => {
    failure ??= error;
    settle?.reject(failure);
  };
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('a thread that computes channels ended by itself')));
  return {
    compute: (share) => {
      if (failure !== undefined) return Promise.reject(failure);
      worker.ref();
      return new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
        worker.postMessage(share);
      }).finally(() => worker.unref());
    },
    end: () => worker.terminate(),
  };
}
