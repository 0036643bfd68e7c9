/** The far side of compiled-thread.ts: starts it, passes messages, and ends it whatever it does. */
import { startThread } from '../../models/engine/start-thread.ts';
import type { ModelListener, ModelProcess, Opening } from './model-process.ts';
import type { FromModel, ModelStart, ToModel } from './onnx-process.ts';

export function startModelThread(start: Omit<ModelStart, 'parent'>, openMs: number, listener: ModelListener): ModelProcess {
  const worker = startThread(import.meta.url, 'compiled-thread');
  let killed = false;
  let open = false;
  let settle: (opening: Opening) => void = () => undefined;
  const opened = new Promise<Opening>((resolve) => {
    settle = resolve;
  });
  const limit = setTimeout(() => settle({ ok: false, why: 'slow', detail: `did not open within ${openMs} ms` }), openMs);
  void opened.then(() => clearTimeout(limit));
  const end = (detail: string): void => {
    settle({ ok: false, why: 'ended', detail });
    if (open && !killed) listener.ended(detail);
    killed = true;
  };
  worker.on('error', (error) => end(error.message));
  worker.on('exit', (code) => end(`exit code ${code}`));
  worker.on('message', (message: FromModel) => {
    if (killed) return;
    if (message instanceof Float32Array) listener.answer(message);
    else if (message.kind === 'ready') {
      open = true;
      settle({ ok: true });
    } else if (message.kind === 'failed') listener.failed(message.message);
    else settle({ ok: false, why: 'refused', detail: message.message });
  });
  const send = (message: ToModel): void => {
    if (!killed) worker.postMessage(message);
  };
  send({ ...start, parent: process.pid });
  return {
    opened,
    send,
    kill: async (waitMs = 0) => {
      killed = true;
      const gone = worker.terminate().catch(() => undefined);
      if (waitMs === 0) return;
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([gone, new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMs)))]);
      clearTimeout(timer);
    },
  };
}
