/**
 * Threads that compute: how they are started, asked one thing at a time, and ended. One that has nothing to do keeps no process alive, and
 * one that ends by itself is an error for whoever waits for it.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { startThread } from './start-thread.ts';

export interface ComputingThread {
  /** @returns its next message. @throws {BeamrigError} 'internal' where the thread ends instead */
  ask(question: unknown): Promise<unknown>;
  end(): Promise<void>;
}

/**
 * @param from `import.meta.url` of the caller
 * @param name of the thread's file beside it, without its ending
 * @param data what it finds as `workerData`
 */
export function startComputing(from: string, name: string, data: unknown): ComputingThread {
  const worker = startThread(from, name, { workerData: data });
  worker.unref();
  let waiting: { resolve: (answer: unknown) => void; reject: (error: Error) => void } | undefined;
  let lost: BeamrigError | undefined;
  const lose = (why: string, cause?: unknown): void => {
    lost ??= new BeamrigError('internal', `a thread that computes ended by itself: ${why}`, {
      wayOut: 'Check free memory, and try again.',
      cause,
    });
    waiting?.reject(lost);
  };
  worker.on('message', (answer) => waiting?.resolve(answer));
  worker.on('error', (error: Error) => lose(error.message, error));
  worker.on('exit', (code) => lose(`exit code ${code}`));
  return {
    ask: async (question) => {
      if (lost !== undefined) throw lost;
      worker.ref();
      try {
        return await new Promise<unknown>((resolve, reject) => {
          waiting = { resolve, reject };
          worker.postMessage(question);
        });
      } finally {
        waiting = undefined;
        worker.unref();
      }
    },
    end: async () => {
      await worker.terminate();
    },
  };
}
