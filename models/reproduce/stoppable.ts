/** Work that is asked to stop. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';

/** Lets waiting signals in, and ends with 'stopped' where one of them has asked to. @throws {BeamrigError} 'stopped' */
export async function pauseIn(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (signal.aborted) throw stopped();
}

/** Whatever comes first. @throws {BeamrigError} 'stopped' */
export async function unlessStopped<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  if (signal.aborted) {
    work.catch(() => undefined); // what becomes of it is of no interest any more
    throw stopped();
  }
  let stop = (): void => undefined;
  const asked = new Promise<never>((_, reject) => {
    stop = () => reject(stopped());
    signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([work, asked]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

const stopped = (): BeamrigError =>
  new BeamrigError('stopped', 'asked to stop', { wayOut: 'The same command goes on from here.' });
