/**
 * The array lent to be measured, while no cycle turns on it:
 *
 *   running ─► paused, safe ─► measuring ─ all is read ─► safe ─► solved, tables in use ─► as it was before
 *                                  └─ cancelled, paused, muted, stopped, lost: safe at once, no table, as it was (or paused, stopped)
 *
 * Whoever leaves the state 'measuring', by whatever verb, ends the measurement: the safe state is commanded in the same moment, and nothing is shown after it.
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import type { ActivePanel } from './active-panel-options.ts';
import type { ArrayCalibrator } from './array-calibrator.ts';
import type { CalibrationMethodOffer, CalibrationNow, CalibrationWish } from './calibrating.ts';
import type { Calibrating, ControllerState, ControlResult } from './controller.ts';
import type { ControllerEvent } from './controller-machine.ts';
import { errorInWords } from './watch/failure-messages.ts';

export interface PanelLoan extends Calibrating {
  methods(): CalibrationMethodOffer[];
  /** What the loop does in the state 'measuring': resolved once the array is safe and given back. */
  carryOut(): Promise<void>;
}

/** States in which the panels are needed further. */
const GOES_ON: ReadonlySet<ControllerState> = new Set(['measuring', 'paused', 'running']);

export function createPanelLoan(loop: {
  clock: Clock;
  panels: ActivePanel;
  calibrator: ArrayCalibrator | undefined;
  array: Calibrating['array'];
  state: () => ControllerState;
  move: (event: ControllerEvent) => ControlResult;
  pause: () => Promise<ControlResult>;
  run: () => Promise<ControlResult>;
  mute: () => Promise<ControlResult>;
  /** The loop looks at its state. */
  wake: () => void;
  onState: (listener: (state: ControllerState) => void) => void;
  tell: (event: Omit<RigEvent, 'timeNs'>) => void;
}): PanelLoan {
  const { clock, panels, calibrator, tell } = loop;
  let wished: { wish: CalibrationWish; ran: boolean; dark: boolean } | undefined;
  let stop = new AbortController();
  let beginning = false;
  let now: CalibrationNow | undefined;
  loop.onState((state) => {
    if (state !== 'measuring') stop.abort();
  });
  const epochMs = (): number => Number(clock.epochNs() / 1_000_000n);

  /** Why this rig cannot be measured so; undefined where it can. */
  const refusalOf = (wish: CalibrationWish): string | undefined => {
    if (calibrator === undefined) return 'this rig has nobody who measures it';
    if (panels.lost) return `the panel is not there: ${panels.loss ?? 'it was lost'}`;
    if (panels.standsIn) return 'the simulator stands in for the hardware: what would be measured is not the array of this rig';
    const method = calibrator.methods(panels.rigPanel).find(({ name }) => name === wish.method);
    return method === undefined ? `there is no method '${wish.method}'` : (method.why ?? undefined);
  };

  const measure = async (by: ArrayCalibrator, wish: CalibrationWish): Promise<void> => {
    const beganMs = epochMs();
    const startMs = clock.nowMs();
    const begun = { method: wish.method, phase: 'measuring', done: 0, of: 0, kept: 0, beganMs, endedMs: null } as const;
    now = { ...begun, secondsLeft: null, failure: null, result: null };
    const change = (what: Partial<CalibrationNow>): void => void (now = { ...begun, ...now, ...what } as CalibrationNow);
    const onProgress = (done: number, of: number, kept: number): void => {
      const perMs = (done - kept) / Math.max(clock.nowMs() - startMs, 1);
      change({ done, of, kept, secondsLeft: perMs > 0 ? (of - done) / perMs / 1000 : null });
    };
    const whenRead = async (): Promise<void> => {
      change({ phase: 'solving' });
      await panels.makeSafe();
    };
    try {
      const result = await by.calibrate(wish, panels.lend(), { stop: stop.signal, onProgress, whenRead });
      change({ phase: 'done', endedMs: epochMs(), result });
      tell({
        level: result.worse === undefined ? 'info' : 'warning',
        code: 'calibrated',
        message: `The array was measured by ${wish.method}: states are known to ${result.after.phaseDeg}° and ${result.after.gainDb} dB; ${result.flaws}.`,
        action: `In use from now on: ${result.tables.join(' + ')}. Report: ${result.report}${result.worse === undefined ? '' : `. ${result.worse} A rig that is up goes by it once it is started again.`}`,
      });
    } catch (error) {
      const isCancelled = stop.signal.aborted;
      const failure = isCancelled ? null : errorInWords(error);
      change({ phase: isCancelled ? 'cancelled' : 'failed', endedMs: epochMs(), failure });
      const calibration = 'No table was written, and those in use stay.';
      if (isCancelled) {
        tell({
          level: 'info',
          code: 'calibration-cancelled',
          message: 'The measurement of the array was cancelled.',
          action: calibration,
        });
      } else {
        tell({
          level: 'error',
          code: 'calibration-failed',
          message: `The array was not measured: ${(failure ?? '').replace(/[.]$/, '')}.`,
          action: calibration,
        });
      }
    }
  };

  return {
    get now() {
      return now;
    },
    array: loop.array,
    methods: () => calibrator?.methods(panels.rigPanel) ?? [],
    history: async () => (await calibrator?.history()) ?? [],
    async plan(wish) {
      const reason = refusalOf(wish);
      if (reason !== undefined || calibrator === undefined) return { ok: false, reason: reason ?? '' };
      try {
        return { ok: true, plan: await calibrator.plan(wish, panels.rigPanel) };
      } catch (error) {
        return { ok: false, reason: errorInWords(error) };
      }
    },
    async begin(wish) {
      const reason = loop.state() === 'measuring' || beginning ? 'the array is being measured already' : refusalOf(wish);
      if (reason !== undefined) return { ok: false, reason };
      beginning = true;
      try {
        const ran = loop.state() === 'running';
        const dark = !ran && panels.muted;
        const paused = await loop.pause();
        if (!paused.ok) return paused;
        wished = { wish, ran, dark };
        stop = new AbortController();
        const lent = loop.move('lend');
        if (lent.ok) loop.wake();
        return lent;
      } finally {
        beginning = false;
      }
    },
    cancel() {
      if (loop.state() !== 'measuring') return { ok: false, reason: 'nothing is being measured' };
      stop.abort();
      panels.commandSafe();
      return { ok: true };
    },
    async carryOut() {
      const asked = wished;
      wished = undefined;
      if (asked !== undefined && calibrator !== undefined) {
        tell({
          level: 'info',
          code: 'calibrating',
          message: `The array is being measured by ${asked.wish.method}; no cycle turns meanwhile.`,
        });
        await measure(calibrator, asked.wish);
      }
      // Stopped: whoever stops it makes it safe and lets go of it. Paused and run again at once, it is running by now, and needs a session of its own all the same.
      if (!GOES_ON.has(loop.state())) return;
      await panels.takeBack();
      // Paused or muted meanwhile, it stays so.
      if (loop.state() !== 'measuring') return;
      loop.move('returned');
      if (asked?.ran === true) await loop.run();
      // Answered once the loop has paused, which it does after this.
      else if (asked?.dark === true) void loop.mute();
    },
  };
}
