/** The far side of onnx-process.ts: starts it, passes messages, sees it end, and ends it whatever it does. */
import { fork, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { keepRuntimePrivate } from '../../models/graph/private-runtime.ts';
import type { FromModel, ModelStart, ToModel } from './onnx-process.ts';

export type Opening = { ok: true } | { ok: false; why: 'refused' | 'ended' | 'slow'; detail: string };

export interface ModelProcess {
  /** Never rejects. */
  readonly opened: Promise<Opening>;
  send(message: ToModel): void;
  /** Resolves when it is gone, or after so long. */
  kill(waitMs?: number): Promise<void>;
}

export interface ModelListener {
  answer(outputs: Float32Array): void;
  failed(message: string): void;
  /** It had opened and ended, and nobody here had killed it. */
  ended(detail: string): void;
}

/** Of what it writes to its standard error, the end is kept for the message about its own. */
const LAST_OUTPUT = 500;

export function startModelProcess(start: Omit<ModelStart, 'parent'>, openMs: number, listener: ModelListener): ModelProcess {
  const child = forkModel();
  let killed = false;
  let open = false;
  let lastOutput = '';
  let settle: (opening: Opening) => void = () => undefined;
  const opened = new Promise<Opening>((resolve) => {
    settle = resolve;
  });
  const limit = setTimeout(() => settle({ ok: false, why: 'slow', detail: `did not open within ${openMs} ms` }), openMs);
  void opened.then(() => clearTimeout(limit));
  const gone = new Promise<void>((resolve) => {
    const end = (detail: string): void => {
      living.delete(child);
      settle({ ok: false, why: 'ended', detail });
      if (open && !killed) listener.ended(detail);
      killed = true;
      resolve();
    };
    child.on('error', (error) => end(error.message));
    // Not at its exit: its last words may come after that.
    child.once('close', (code, signal) =>
      end(`${signal ?? `exit code ${code ?? '?'}`}${lastOutput === '' ? '' : ` (${lastOutput})`}`),
    );
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastOutput = (lastOutput + text).trim().slice(-LAST_OUTPUT);
  });
  child.on('message', (message: FromModel) => {
    if (killed) return;
    if (message instanceof Float32Array) listener.answer(message);
    else if (message.kind === 'ready') {
      open = true;
      settle({ ok: true });
    } else if (message.kind === 'failed') listener.failed(message.message);
    else settle({ ok: false, why: 'refused', detail: message.message });
  });
  const send = (message: ToModel): void => {
    // One that has just died is told of by its exit.
    if (child.connected) child.send(message, () => undefined);
  };
  send({ ...start, parent: process.pid });
  return {
    opened,
    send,
    kill: async (waitMs = 0) => {
      killed = true;
      child.kill('SIGKILL');
      if (waitMs === 0) return;
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([gone, new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMs)))]);
      clearTimeout(timer);
    },
  };
}

/** Models must not outlive this process; short of kill -9 they end at once, and by themselves after that. */
const living = new Set<ChildProcess>();
function endModels(): void {
  for (const child of living) child.kill('SIGKILL');
}

/** From dist/ the process runs plain JavaScript, from source with tsx. It has no terminal: Ctrl-S on ours must not stop it. */
function forkModel(): ChildProcess {
  keepRuntimePrivate();
  const fromSource = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(new URL(fromSource ? './onnx-process.ts' : './onnx-process.js', import.meta.url));
  const child = fork(file, [], {
    execArgv: fromSource ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href] : [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  if (living.size === 0) {
    process.removeListener('exit', endModels);
    process.once('exit', endModels);
  }
  living.add(child);
  return child;
}
