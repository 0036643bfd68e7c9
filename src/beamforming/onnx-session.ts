/**
 * One ONNX session in a thread of its own, as seen from the control loop: starts it, hands it inputs, gives back its outputs, and turns the
 * death of the thread into an error for whoever was waiting. What the tensors mean is the beamformer's business, not this file's.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import { keepRuntimePrivate } from '../../models/graph/private-runtime.ts';
import type { FromWorker, TensorPlan, ToWorker, WorkerStart } from './onnx-worker.ts';

export interface OnnxSession {
  /** Says how flat arrays are cut into inputs from now on; once, before the first run. */
  plan(plan: TensorPlan): void;
  /**
   * Runs the network once: the varying inputs strung together, and the planned outputs likewise.
   * @throws BeamrigError 'internal' when the network fails or its thread has ended, 'stopped' when it was closed
   */
  run(flatInputs: Float32Array): Promise<Float32Array>;
  /** Ends the thread. Calls still waiting are rejected with 'stopped'. */
  close(): Promise<void>;
}

interface Waiting {
  resolve: (outputs: Float32Array) => void;
  reject: (error: BeamrigError) => void;
}

/**
 * Opens the network in a worker thread.
 * @param name what to call it in messages
 * @param bytes the ONNX file
 * @throws BeamrigError 'model-damaged' when onnxruntime refuses the bytes, 'internal' when the thread does not come up
 */
export async function startOnnxSession(name: string, bytes: Uint8Array, intraOpThreads = 1): Promise<OnnxSession> {
  const worker = startWorker({ bytes, intraOpThreads });
  const waiting: Waiting[] = []; // answers come in the order of the questions
  let ended: BeamrigError | undefined;

  const end = (error: BeamrigError): BeamrigError => {
    ended ??= error;
    for (const { reject } of waiting.splice(0)) reject(ended);
    return ended;
  };
  const crashed = (detail: string): BeamrigError =>
    end(
      new BeamrigError('internal', `the thread that runs the model '${name}' ended by itself: ${detail}`, {
        wayOut: 'Switch to the model again or restart the rig; if it comes back, check free memory and the model file.',
      }),
    );

  await new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      if (message instanceof Float32Array) waiting.shift()?.resolve(message);
      else if (message.kind === 'ready') resolve();
      else if (message.kind === 'failed')
        waiting.shift()?.reject(new BeamrigError('internal', `the model '${name}' failed on this channel: ${message.message}`));
      else
        reject(
          new BeamrigError('model-damaged', `onnxruntime cannot open the model '${name}': ${message.message}`, {
            wayOut: 'Export or download the file again, and compare its sha256 with the card.',
          }),
        );
    });
    worker.on('error', (error: Error) => reject(crashed(error.message)));
    worker.on('exit', (code) => reject(crashed(`exit code ${code}`)));
  }).catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });

  return {
    plan: (plan) => worker.postMessage(plan satisfies ToWorker),
    run: (flatInputs) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) {
          reject(ended);
          return;
        }
        waiting.push({ resolve, reject });
        worker.postMessage(flatInputs satisfies ToWorker);
      }),
    close: async () => {
      end(new BeamrigError('stopped', `the model '${name}' was closed`));
      await worker.terminate();
    },
  };
}

/**
 * From dist/ the thread is plain JavaScript. From source it first registers tsx by its interface: `--import tsx` does nothing in a thread of
 * Node 20.
 */
function startWorker(workerData: WorkerStart): Worker {
  keepRuntimePrivate();
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./onnx-worker.js', import.meta.url), { workerData });
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx'));
  const api = new URL('./esm/api/index.mjs', loader).href;
  const file = new URL('./onnx-worker.ts', import.meta.url).href;
  const start = `import(${JSON.stringify(api)}).then(({ register }) => { register(); return import(${JSON.stringify(file)}); });`;
  return new Worker(start, { eval: true, workerData });
}
