/** A thread of `parallel.ts`: takes channels of a batch, one after the other, until all are taken. */
import { parentPort, workerData } from 'node:worker_threads';
import { sessionOf, type CompiledImage } from './compiled-session.ts';

export interface PoolStart {
  readonly images: Readonly<Record<string, CompiledImage>>;
  /** The next channel of the batch that nobody has taken; all threads share it. */
  readonly next: Int32Array;
}

/** Numbers of an input or an output in memory that all threads share. */
export interface SharedNumbers {
  readonly name: string;
  readonly values: Float32Array | Float64Array;
  /** Numbers of one channel, those of all channels one after the other; 0 where all channels have the same. */
  readonly stride: number;
}

interface BatchMemory {
  readonly inputs: readonly SharedNumbers[];
  readonly outputs: readonly SharedNumbers[];
}

export interface Batch {
  readonly model: string;
  readonly count: number;
  /** Where the numbers of this batch and of later ones lie; absent: where those of the last one did. */
  readonly memory?: BatchMemory;
}

const { images, next } = workerData as PoolStart;
const sessions = new Map(Object.entries(images).map(([name, image]) => [name, sessionOf(image)]));
const memories = new Map<string, BatchMemory>();

parentPort?.on('message', ({ model, count, memory }: Batch) => {
  if (memory !== undefined) memories.set(model, memory);
  compute(model, count);
  parentPort?.postMessage('done');
});

function compute(model: string, count: number): void {
  const session = sessions.get(model);
  const memory = memories.get(model);
  if (session === undefined || memory === undefined) throw new Error(`the model '${model}' is not here`);
  const varying = memory.inputs.filter(({ stride }) => stride > 0);
  for (const { name, values, stride } of memory.inputs) if (stride === 0) session.inputs[name].set(values);
  for (let channel = Atomics.add(next, 0, 1); channel < count; channel = Atomics.add(next, 0, 1)) {
    for (const { name, values, stride } of varying) {
      session.inputs[name].set(values.subarray(channel * stride, (channel + 1) * stride));
    }
    session.run();
    for (const { name, values, stride } of memory.outputs) values.set(session.outputs[name], channel * stride);
  }
}
