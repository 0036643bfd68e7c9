/**
 * Tells of void cycles, one event a cause. A panel that did not answer once may be lost, which the next cycle shows: then the loss is told and
 * not the cycle as well, since it is one cause.
 *
 *   void ─► told             no answer ─► kept ─┬─► the next cycle is well, or void otherwise; pause, stop ─► told
 *                                               └─► the panel is lost ─► forgotten
 */
import type { RigEvent } from '../telemetry/cycle-record.ts';

type Event = Omit<RigEvent, 'timeNs'>;

export interface VoidNews {
  /** @param mayBeLoss the panel did not answer, and nobody knows yet whether it will */
  tell(event: Event, mayBeLoss: boolean): void;
  /** It is known how the panel fares. */
  settle(lost: boolean): void;
}

export function createVoidNews(tell: (event: Event) => void): VoidNews {
  let kept: Event | undefined;
  return {
    tell: (event, mayBeLoss) => {
      if (mayBeLoss) kept = event;
      else tell(event);
    },
    settle: (lost) => {
      if (kept !== undefined && !lost) tell(kept);
      kept = undefined;
    },
  };
}
