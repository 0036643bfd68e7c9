/**
 * Tells of faults that panels find by themselves (a supply, a temperature, a chip): such a panel is dark, and says so by refusing what would light
 * it, with its own number, or in its status. Every cycle is void meanwhile, for a cause that is no matter of the link or of this program: told once.
 */
import type { Clock } from '../../core/clock/clock.ts';
import { oncePerCause } from '../control/watch/once-per-cause.ts';
import type { PanelFailure } from '../panel/panel.ts';
import type { BoardUsed, RigEvent } from '../telemetry/cycle-record.ts';

export interface PanelFaults {
  /** What a panel failed with. */
  failed(board: BoardUsed, failure: PanelFailure): void;
  /** Its status says fault, which tells no number. */
  inStatus(board: BoardUsed): void;
}

export function createPanelFaults(
  clock: Clock,
  tell: () => ((event: Omit<RigEvent, 'timeNs'>) => void) | undefined,
): PanelFaults {
  const causes = oncePerCause(clock);
  const report = ({ link, panel }: BoardUsed, which: string): void =>
    tell()?.({
      level: 'error',
      code: 'panel-fault',
      message: `The panel ${panel === '' ? `on ${link}` : `${panel} on ${link}`} has found a fault of its own${which}: it is dark and takes no beam.`,
      action:
        'Look at the panel: what the number means, its firmware says. Cycles are good again once it is over its fault, or restarted.',
    });
  return {
    failed(board, failure) {
      // A reading is refused with this by nobody who is dark.
      if (failure.reason !== 'rejected' || failure.code !== 'fault' || failure.request === 'measure-snr') return;
      const isNew = causes.occurs(`${board.link}: ${failure.detail}`);
      causes.occurs(board.link);
      if (isNew) report(board, ` (number ${failure.detail})`);
    },
    inStatus(board) {
      if (causes.occurs(board.link)) report(board, ', by its status');
    },
  };
}
