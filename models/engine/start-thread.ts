/** Threads whose file is beside the one that starts them. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * From dist/ it runs plain JavaScript; from source the thread has to be taught TypeScript first, since it does not inherit that.
 * @param from `import.meta.url` of the caller
 * @param name of the file, without its ending
 */
export function startThread(from: string, name: string, options: Pick<WorkerOptions, 'workerData'> = {}): Worker {
  if (!from.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, from), options);
  // `require` finds the one for require(), and that cannot be used in a thread.
  const loader = pathToFileURL(
    createRequire(import.meta.url)
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs'),
  ).href;
  const file = new URL(`./${name}.ts`, from).href;
  const start = `import(${JSON.stringify(loader)}).then(({ register }) => (register(), import(${JSON.stringify(file)})));`;
  return new Worker(start, { ...options, eval: true });
}
