/**
 * The panel's session kept while something else takes longer than the panel bears silence, as working out states does. It is asked for its status well within
 * that; one that is lost meanwhile is shaken hands with again, so that it knows its safe state. Nothing is lit.
 */
import type { Clock } from '../../core/clock/clock.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { LentArray } from '../control/array-calibrator.ts';

export type KeepSession = <T>(work: Promise<T>) => Promise<T>;

/** Times within the silence: one answer that is lost, and one that is late, are no silence yet. */
const ASKED_TIMES = 4;

/** @param stop ends the asking, and not the work */
export function sessionKeeper({ rigPanel, recovery }: LentArray, clock: Clock, stop: AbortSignal): KeepSession {
  const askOnce = async (ended: AbortSignal): Promise<void> => {
    if (recovery.lost) return void (await recovery.recover(ended));
    const told = await rigPanel.panel.status();
    if (ended.aborted) return;
    if (told.ok) recovery.worked();
    else recovery.failed(told.failure);
  };
  return async (work) => {
    const done = new AbortController();
    const ended = AbortSignal.any([done.signal, stop]);
    const asking = (async () => {
      while (!ended.aborted) {
        await clock.sleep(recovery.silenceMs / ASKED_TIMES, ended);
        await askOnce(ended);
      }
    })().catch((error: unknown) => {
      if (!isBeamrigError(error) || error.code !== 'stopped') throw error;
    });
    try {
      return await work;
    } finally {
      done.abort();
      await asking;
    }
  };
}
