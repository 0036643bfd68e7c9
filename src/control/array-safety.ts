/** The safe state as the loop has it: commanded where no cycle turns, confirmed or not, and told once where it is not. */
import type { Clock } from '../../core/clock/clock.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { SafeState } from '../../firmware-protocol/messages.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import { oncePerCause } from './watch/once-per-cause.ts';
import type { ActivePanel } from './active-panel-options.ts';
import { createWatchdog } from './watchdog.ts';

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
  /**
   * Waits for something that is worked out while no cycle can turn: where it takes long the safe state is confirmed again and again, which keeps sessions. @param stop
   * ends that, and not the work
   */
  workingOut<T>(work: Promise<T>, stop: AbortSignal): Promise<T>;
  /** Cycles are expected to turn from now on; none is. */
  watch(): void;
  rest(): void;
  /** A cycle has ended. @param good its beam was radiated and measured */
  turned(good: boolean): void;
  /** How long no good cycle has turned, ms, once that was too long. */
  readonly stuckMs: number | undefined;
  /** What was commanded blind is confirmed by one of the panels. */
  confirmed(): void;
}

/** Times within the silence that panels are spoken to: one answer that is lost, and one that is late, are no silence yet. */
const ASKED_TIMES = 4;

export function createArraySafety(options: {
  clock: Clock;
  panels: ActivePanel;
  /** What a panel was told. */
  silenceMs: number;
  safeState: SafeState;
  watchdogMs: number;
  /** What the loop waits for, for whoever wonders why no cycle turns. */
  waitsFor: () => string;
  isRunning: () => boolean;
  tell: (event: Omit<RigEvent, 'timeNs'>) => void;
}): ArraySafety {
  const { clock, panels, silenceMs, safeState, watchdogMs, waitsFor, isRunning, tell } = options;
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

  const watchdog = createWatchdog({
    clock,
    limitMs: watchdogMs,
    excused: () => panels.lost,
    onStuck: (quietMs) => {
      panels.commandSafe();
      tell({
        level: 'error',
        code: 'watchdog',
        message: `No cycle has turned for ${inSeconds(quietMs)}: the loop waits for ${waitsFor()}. The array was commanded to its safe state '${safeState}'.`,
        action: 'It leaves it with the next good cycle. Stop the rig if none comes.',
      });
    },
    onTurning: (stuckMs) =>
      tell({ level: 'info', code: 'watchdog-over', message: `Cycles turn again, after ${inSeconds(stuckMs)}.` }),
  });

  return {
    confirm,
    async workingOut(work, stop) {
      const done = new AbortController();
      const ended = AbortSignal.any([done.signal, stop]);
      const keeping = (async () => {
        for (;;) {
          await clock.sleep(silenceMs / ASKED_TIMES, ended);
          await confirm();
          watchdog.turned(false);
        }
      })().catch((error: unknown) => {
        if (!isBeamrigError(error) || error.code !== 'stopped') throw error;
      });
      try {
        return await work;
      } finally {
        done.abort();
        await keeping;
      }
    },
    watch: () => watchdog.watch(),
    rest: () => watchdog.rest(),
    turned: (good) => watchdog.turned(good),
    get stuckMs() {
      return watchdog.stuckMs;
    },
    confirmed() {
      // Nothing else tells of it before a cycle ends.
      if (watchdog.stuckMs === undefined || !isRunning() || !panels.confirmed) return;
      tell({ level: 'info', code: 'watchdog-safe', message: `The array has confirmed its safe state '${safeState}'.` });
    },
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
        message: `No beam came for ${inSeconds(clock.nowMs() - spokenMs)} (${why}): the array was put into its safe state.`,
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

export const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
