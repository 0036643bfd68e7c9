/** The near side of compiled-thread.ts: starts it, passes messages, and ends it whatever it does. */
import { startThread } from '../../models/engine/start-thread.ts';
import { FarSide, type ModelListener, type RunningModel } from './model-far-side.ts';
import type { FromModel, ModelStart, ToModel } from './onnx-process.ts';

export function startModelThread(start: Omit<ModelStart, 'parent'>, openMs: number, listener: ModelListener): RunningModel {
  const worker = startThread(import.meta.url, 'compiled-thread');
  const farSide = new FarSide(openMs, listener);
  let lastError: string | undefined;
  worker.on('error', (error) => (lastError = error.message));
  // After an error it exits, too.
  worker.on('exit', (code) => farSide.ended(lastError ?? `exit code ${code}`));
  worker.on('message', (message: FromModel) => farSide.hears(message));
  const send = (message: ToModel): void => {
    if (!farSide.killed) worker.postMessage(message);
  };
  send({ ...start, parent: process.pid });
  return {
    opened: farSide.opened,
    send,
    kill: (waitMs = 0) => {
      void worker.terminate();
      return farSide.isKilled(waitMs);
    },
  };
}
