/**
 * Tells of void cycles, one event a cause. A panel that did not answer once may be lost, which the next cycle shows: then the loss is told and
 * not the cycle as well, since it is one cause.
 *
 *   void ─► told             no answer ─► kept ─┬─► the next cycle is well, or void otherwise; pause, stop ─► told
 *                                               └─► the panel is lost ─► forgotten
 */
import type { Clock } from '../../../core/clock/clock.ts';
import type { RigEvent } from '../../telemetry/cycle-record.ts';
import type { CycleFailure } from '../control-cycle.ts';
import { oncePerCause } from './once-per-cause.ts';

type Event = Omit<RigEvent, 'timeNs'>;

export interface VoidNews {
  /** A cycle was void while the panel was not lost. */
  tell(cycle: number, failure: CycleFailure): void;
  /** It is known how the panel fares. */
  settle(lost: boolean): void;
}

export function createVoidNews(clock: Clock, tell: (event: Event) => void): VoidNews {
  const causes = oncePerCause(clock);
  let kept: Event | undefined;
  return {
    tell: (cycle, failure) => {
      if (!causes.occurs(`${failure.stage}: ${causeOf(failure)}`)) return;
      const event: Event = {
        level: 'warning',
        code: 'cycle-void',
        message: `Cycle ${cycle} is void at ${failure.stage}: ${failure.message}.`,
        action: 'The loop goes on; further cycles void for the same cause are only recorded.',
      };
      if (failure.panel?.reason === 'no-answer') kept = event;
      else tell(event);
    },
    settle: (lost) => {
      if (kept !== undefined && !lost) tell(kept);
      kept = undefined;
    },
  };
}

/** What makes a void cycle the same as the one before: a refusal is told apart by its code, a panel's own fault by its number. */
function causeOf({ panel, message, cause = message }: CycleFailure): string {
  if (panel?.reason !== 'rejected') return panel?.reason ?? cause;
  return panel.code === 'fault' ? `fault ${panel.detail}` : panel.code;
}
