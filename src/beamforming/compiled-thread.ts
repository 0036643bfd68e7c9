/**
 * The thread in which a compiled model runs. Nothing of it can crash the process or ask for memory, and it can be ended whatever it does, so it
 * needs no process of its own as onnxruntime does. It compiles the model and runs it until the machine code is at its best before it says that
 * it is ready: the first beam takes as long as the thousandth.
 */
import { parentPort } from 'node:worker_threads';
import { openCompiled } from '../../models/engine/compiled-session.ts';
import { CompiledRunner, type OpenedModel } from './compiled-runner.ts';
import type { ToModel } from './onnx-process.ts';

function open(onnx: Uint8Array): OpenedModel {
  const { model, ...session } = openCompiled(onnx);
  return { session, inputs: model.inputs, outputs: model.outputs };
}

const runner = new CompiledRunner((message) => parentPort?.postMessage(message), open);
parentPort?.on('message', (message: ToModel) => runner.hear(message));
