/** A thread of `parallel.ts`: computes its share of the channels of a batch, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { instantiate } from './compiled-session.ts';
import { compileModel } from './compile.ts';

export interface WorkerStart {
  readonly onnx: Uint8Array;
}

/** A batch, in memory that all threads share. */
export interface Share {
  /** Numbers of each input: of all channels one after the other, or of none in particular. */
  readonly inputs: readonly {
    readonly name: string;
    readonly values: Float32Array | Float64Array;
    readonly perChannel: boolean;
  }[];
  /** Where outputs go, channel after channel. */
  readonly outputs: readonly { readonly name: string; readonly values: Float32Array | Float64Array }[];
  readonly from: number;
  readonly to: number;
}

const { onnx } = workerData as WorkerStart;
const session = instantiate(compileModel(onnx));

parentPort?.on('message', ({ inputs, outputs, from, to }: Share) => {
  for (const { name, values, perChannel } of inputs) if (!perChannel) session.inputs[name].set(values);
  for (let channel = from; channel < to; channel++) {
    for (const { name, values, perChannel } of inputs) {
      if (!perChannel) continue;
      const into = session.inputs[name];
      into.set(values.subarray(channel * into.length, (channel + 1) * into.length));
    }
    session.run();
    for (const { name, values } of outputs) {
      const numbers = session.outputs[name];
      values.set(numbers, channel * numbers.length);
    }
  }
  parentPort?.postMessage('done');
});
