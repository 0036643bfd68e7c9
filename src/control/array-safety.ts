/** The safe state as the loop has it: commanded, confirmed or not, and told once where it is not. */
import type { Clock } from '../../core/clock/clock.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import { oncePerCause } from './watch/once-per-cause.ts';
import type { ActivePanel } from './active-panel.ts';

export interface ArraySafety {
  /** Has the safe state confirmed; tells, and returns words, when the panel does not, after `withinMs` at the latest. */
  confirm(withinMs?: number): Promise<string | undefined>;
  /** A beam was radiated: the panel heard from us. */
  radiated(): void;
  /**
   * No beam came of a cycle. Before the panel takes our silence for the end of its session it is made safe, which keeps the session: what
   * it radiates is older by then than any beam should be.
   */
  noBeam(why: string): Promise<void>;
}

export function createArraySafety(options: {
  clock: Clock;
  panels: ActivePanel;
  /** What a panel was told. */
  silenceMs: number;
  tell: (event: Omit<RigEvent, 'timeNs'>) => void;
}): ArraySafety {
  const { clock, panels, silenceMs, tell } = options;
  const causes = oncePerCause(clock);
  let spokenMs = clock.nowMs();
  let waiting = false;

  const confirm = async (withinMs?: number): Promise<string | undefined> => {
    const unsafe = await panels.makeSafe(withinMs);
    if (unsafe === undefined) return undefined;
    if (panels.confirmed) {
      // It was in its safe state before it fell silent, nobody has given it a beam since, and it was told once more.
      if (causes.occurs('not heard')) tell(notHeard(unsafe));
      return undefined;
    }
    const message = `The panel did not confirm its safe state: ${unsafe}.`;
    if (causes.occurs('safe state')) {
      tell({
        level: 'error',
        code: 'safe-state-unconfirmed',
        message,
        action: panels.guarded
          ? 'A panel that hears nothing goes there by itself after a few seconds; make sure of it.'
          : 'It was not told to go there by itself either: see to it that it stops radiating.',
      });
    }
    return message;
  };

  return {
    confirm,
    radiated() {
      spokenMs = clock.nowMs();
      waiting = false;
    },
    async noBeam(why) {
      if (waiting || panels.lost || clock.nowMs() - spokenMs < silenceMs / 2) return;
      waiting = true;
      await confirm();
      if (!causes.occurs('no beam')) return;
      tell({
        level: 'warning',
        code: 'no-beam',
        message: `No beam came for ${((clock.nowMs() - spokenMs) / 1000).toFixed(1)} s (${why}): the array was put into its safe state.`,
        action: 'It leaves it with the next beam.',
      });
    },
  };
}

const notHeard = (why: string): Omit<RigEvent, 'timeNs'> => ({
  level: 'warning',
  code: 'safe-confirmed-before',
  message: `The panel did not confirm its safe state once more (${why}). It had confirmed it before, and was given no beam since.`,
  action: 'It was commanded there once more, blind.',
});
