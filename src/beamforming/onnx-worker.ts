/**
 * The thread in which an ONNX model runs. `session.run()` of onnxruntime blocks the thread that calls it for as long as the network takes;
 * here that is nobody's event loop but its own.
 *
 * After a plan of which tensors there are, a call is one flat Float32Array there and one back, in order: structured clones of objects with
 * several arrays cost about 0.1 ms, a flat one 0.03 ms.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';

export interface WorkerStart {
  /** The file's bytes as they were hashed: what was checked is what runs. */
  bytes: Uint8Array;
  intraOpThreads: number;
}

/** How a flat array is cut into inputs, which inputs never change, and which outputs are strung together for the answer. */
export interface TensorPlan {
  varying: { name: string; shape: number[] }[];
  constant: { name: string; shape: number[]; values: Float32Array }[];
  outputs: string[];
}

export type ToWorker = TensorPlan | Float32Array;
export type FromWorker =
  { kind: 'ready' } | { kind: 'refused'; message: string } | { kind: 'failed'; message: string } | Float32Array;

const port = parentPort;
if (port === null) throw new Error('onnx-worker.ts runs as a worker thread only');
const post = (message: FromWorker): void => port.postMessage(message);
const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function compute(session: InferenceSession, plan: TensorPlan, flat: Float32Array): Promise<Float32Array> {
  const feeds: Record<string, Tensor> = {};
  for (const { name, shape, values } of plan.constant) feeds[name] = new Tensor('float32', values, shape);
  let at = 0;
  for (const { name, shape } of plan.varying) {
    const length = shape.reduce((product, size) => product * size, 1);
    feeds[name] = new Tensor('float32', flat.slice(at, at + length), shape);
    at += length;
  }
  const results = await session.run(feeds, plan.outputs);
  const parts = plan.outputs.map((name) => {
    const data = results[name].data;
    if (!(data instanceof Float32Array)) throw new Error(`output '${name}' is not float32`);
    return data;
  });
  const answer = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let to = 0;
  for (const part of parts) {
    answer.set(part, to);
    to += part.length;
  }
  return answer;
}

const { bytes, intraOpThreads } = workerData as WorkerStart;
try {
  const session = await InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
  });
  let plan: TensorPlan = { varying: [], constant: [], outputs: [] };
  let inOrder = Promise.resolve();
  port.on('message', (message: ToWorker) => {
    if (!(message instanceof Float32Array)) {
      plan = message;
      return;
    }
    const answer = inOrder.then(() => compute(session, plan, message));
    inOrder = answer.then(post, (error: unknown) => post({ kind: 'failed', message: words(error) }));
  });
  post({ kind: 'ready' });
} catch (error) {
  post({ kind: 'refused', message: words(error) });
}
