/** While the rig is paused no cycle notices what becomes of the array: somebody has to look now and then. */
import type { Clock } from '../../core/clock/clock.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';

/** How long a part of an array may go on alone before that is noticed. */
const EVERY_MS = 1000;

/** @param look given a signal that says that it is over; nothing is under way any more when this resolves */
export async function lookUntil(over: Promise<void>, clock: Clock, look: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const ending = new AbortController();
  void over.then(() => ending.abort());
  try {
    for (;;) {
      await clock.sleep(EVERY_MS, ending.signal);
      await look(ending.signal);
    }
  } catch (error) {
    if (!isBeamrigError(error) || error.code !== 'stopped') throw error;
  }
}
