/** The near side of onnx-process.ts: starts it, passes messages, sees it end, and ends it whatever it does. */
import { fork, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { keepRuntimePrivate } from '../../models/graph/private-runtime.ts';
import { FarSide, type ModelListener, type RunningModel } from './model-far-side.ts';
import type { FromModel, ModelStart, ToModel } from './onnx-process.ts';

/** Of what it writes to its standard error, the end is kept for the message about its own. */
const LAST_OUTPUT = 500;

export function startModelProcess(start: Omit<ModelStart, 'parent'>, openMs: number, listener: ModelListener): RunningModel {
  const child = forkModel();
  const farSide = new FarSide(openMs, listener);
  let lastOutput = '';
  const end = (detail: string): void => {
    living.delete(child);
    farSide.ended(detail);
  };
  child.on('error', (error) => end(error.message));
  // Not at its exit: its last words may come after that.
  child.once('close', (code, signal) =>
    end(`${signal ?? `exit code ${code ?? '?'}`}${lastOutput === '' ? '' : ` (${lastOutput})`}`),
  );
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastOutput = (lastOutput + text).trim().slice(-LAST_OUTPUT);
  });
  child.on('message', (message: FromModel) => farSide.hears(message));
  const send = (message: ToModel): void => {
    // One that has just died is told of by its exit.
    if (child.connected) child.send(message, () => undefined);
  };
  send({ ...start, parent: process.pid });
  return {
    opened: farSide.opened,
    send,
    kill: (waitMs = 0) => {
      child.kill('SIGKILL');
      return farSide.isKilled(waitMs);
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
