/** Waits for what may never come, and no longer than that: stopping waits for nobody without end. */
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';

/** @returns what the work came to, or `otherwise` when it has not ended by then: it is not waited for any more */
export function withinTime<T>(clock: Clock, ms: number, work: Promise<T>, otherwise: T): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(otherwise));
    const end = (): void => cancel();
    work.then(resolve, reject);
    work.then(end, end);
  });
}

/**
 * What the work comes to, unless the signal aborts first: then nobody waits for it any more.
 * @throws {BeamrigError} 'stopped' when the signal aborts
 */
export function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopped = (): void => reject(new BeamrigError('stopped', 'Stopped while something was waited for.'));
    if (signal.aborted) return stopped();
    signal.addEventListener('abort', stopped, { once: true });
    const end = (): void => signal.removeEventListener('abort', stopped);
    work.then(resolve, reject);
    work.then(end, end);
  });
}
