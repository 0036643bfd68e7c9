/** A sleep made of a clock's own `after`, so that every clock wakes, and is woken by an abort, in the same way. */
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { Clock } from './clock.ts';

/** Resolves after `ms` by the clock that `after` belongs to; rejects with BeamrigError 'stopped' at once when the signal aborts. */
export function sleepOn(after: Clock['after'], ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stopped = (): void => reject(new BeamrigError('stopped', `Stopped while waiting ${ms} ms.`));
    if (signal?.aborted === true) return stopped();
    const onAbort = (): void => {
      cancel();
      stopped();
    };
    const cancel = after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
