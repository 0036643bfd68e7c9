/**
 * The process in which an ONNX model runs. `session.run()` of onnxruntime blocks the thread that calls it for as long as the network takes,
 * and a network can take for ever, ask for all memory or crash. A thread stuck in it cannot be ended, nor can the process that the thread is
 * in end well: hence a process of its own, which can be killed whatever it does.
 *
 * After a plan of which tensors there are, a call is one flat Float32Array there and one back, in order.
 */
import { writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';

export interface ModelStart {
  /** The file's bytes as they were hashed: what was checked is what runs. */
  bytes: Uint8Array;
  intraOpThreads: number;
  /** Before it says that it is ready, where that takes many runs. One that takes the place of another has somebody waiting. */
  warmUp: boolean;
  /** The process that asks. */
  parent: number;
}

interface VaryingTensor {
  name: string;
  shape: number[];
}

/** How a flat array is cut into inputs, which inputs never change, and which outputs are strung together for the answer. */
export interface TensorPlan {
  varying: VaryingTensor[];
  constant: { name: string; shape: number[]; values: Float32Array }[];
  /** An output of another shape is a failure: its numbers would stand in other places. */
  outputs: VaryingTensor[];
}

export type ToModel = ModelStart | TensorPlan | Float32Array;
export type FromModel =
  { kind: 'ready' } | { kind: 'refused'; message: string } | { kind: 'failed'; message: string } | Float32Array;

/** How long a model may outlive whoever asked it, where it is too busy to notice. */
const ORPHAN_CHECK_MS = 500;

const post = (message: FromModel): void => {
  process.send?.(message);
};
const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Ends with the process that started it, also from within a network that never ends. */
function endWithParent(parent: number): void {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // Ctrl-C on a terminal goes to this process too; whoever asked decides when it ends.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const watch = `setInterval(() => { if (process.ppid !== ${parent}) process.kill(process.pid, 'SIGKILL'); }, ${ORPHAN_CHECK_MS});`;
  new Worker(watch, { eval: true, execArgv: [] }).unref();
}

/** Where memory runs out, Linux shall end this process and not the controller. */
function goFirst(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Another system, or it is forbidden here: then it is as without.
  }
}

async function compute(session: InferenceSession, plan: TensorPlan, flat: Float32Array): Promise<Float32Array> {
  const feeds: Record<string, Tensor> = {};
  for (const { name, shape, values } of plan.constant) feeds[name] = new Tensor('float32', values, shape);
  let at = 0;
  for (const { name, shape } of plan.varying) {
    const length = shape.reduce((product, size) => product * size, 1);
    feeds[name] = new Tensor('float32', flat.slice(at, at + length), shape);
    at += length;
  }
  const results = await session.run(
    feeds,
    plan.outputs.map(({ name }) => name),
  );
  const parts = plan.outputs.map(({ name, shape }) => {
    const { data, dims } = results[name];
    if (!(data instanceof Float32Array)) throw new Error(`output '${name}' is not float32`);
    if (dims.join() !== shape.join()) throw new Error(`output '${name}' came as [${dims.join(', ')}], not [${shape.join(', ')}]`);
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

async function open({ bytes, intraOpThreads, parent }: ModelStart): Promise<InferenceSession | undefined> {
  endWithParent(parent);
  goFirst();
  try {
    const session = await InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      intraOpNumThreads: intraOpThreads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
    });
    post({ kind: 'ready' });
    return session;
  } catch (error) {
    post({ kind: 'refused', message: words(error) });
    return undefined;
  }
}

let session: Promise<InferenceSession | undefined> = Promise.resolve(undefined);
let plan: TensorPlan = { varying: [], constant: [], outputs: [] };
let inOrder = Promise.resolve();
process.on('message', (message: ToModel) => {
  if (message instanceof Float32Array) {
    const answer = inOrder.then(async () => {
      const opened = await session;
      if (opened === undefined) throw new Error('it is not open');
      return compute(opened, plan, message);
    });
    inOrder = answer.then(post, (error: unknown) => post({ kind: 'failed', message: words(error) }));
  } else if ('bytes' in message) session = open(message);
  else plan = message;
});
