/**
 * Work on the panel between two cycles: sounding the channel, measuring a few elements again. The loop gives it the panel where a cycle could have
 * had it: in session, armed, with nothing under way. Whatever the work shows is a beam with an id of its own and takes a slot: beam b is of slot
 * b − 1, whether a cycle or such work showed it, and the scene of a simulator moves on by slots.
 *
 *   its time ─► panel ready ─► due? ── yes ─► work ─► cycle
 *                                └───── no ──────────►
 *
 * What fails is told, once a cause, and the cycle follows: it is void where it needs what was not measured. No beam of such work stays on the air
 * where it failed, or where the cycle after it did: the array is made safe. Pausing and stopping end it like a cycle, by `signal` and by the safe
 * state, after which the panel switches nothing of it any more.
 */
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { BeamId } from '../../firmware-protocol/messages.ts';
import type { PanelFailure } from '../panel/panel.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import type { Choice } from './active-beamformer.ts';
import type { ActivePanel } from './active-panel-options.ts';
import type { ArraySafety } from './array-safety.ts';
import type { CyclePanel, FinishedCycle } from './control-cycle.ts';
import { errorInWords } from './watch/failure-messages.ts';
import { oncePerCause } from './watch/once-per-cause.ts';
import { unlessStopped } from './within-time.ts';

/** What is to be done between cycles, each a thing of its own. */
export interface BetweenCycles {
  /** 'sounding': what the loop waits for meanwhile, and events of its failures are called so. */
  readonly name: string;
  /** Asked before every cycle, so cheap. */
  due(next: NextCycle): boolean;
  /**
   * Ends soon: no cycle turns meanwhile. It shows beams by `bench.beamId()` and `bench.on.panel.apply`, one after the other, and nothing once
   * `bench.signal` has aborted; then what it has measured so far counts for nothing.
   * @returns what went wrong, as data; it may also throw
   */
  work(bench: Bench): Promise<WorkFailure | undefined>;
  /** After every cycle. */
  after?(finished: FinishedCycle): void;
  /** The rig was paused or the panel lost: what was measured before may be old by more than slots tell. */
  interrupted?(): void;
}

/** The cycle that is about to begin. */
export interface NextCycle {
  /** The panel that it will run on. */
  readonly on: CyclePanel;
  /** Who will choose its beam, and Q. */
  readonly choice: Choice;
  /** That it will have unless something is shown before it. */
  readonly slot: number;
}

export interface Bench extends NextCycle {
  /** The rig is to pause or to stop. */
  readonly signal: AbortSignal;
  /**
   * The id of one more beam, which is shown at once.
   * @throws {BeamrigError} 'stopped' where nothing is to be shown any more
   */
  beamId(): Promise<BeamId>;
  /** What a person should know of what was found. */
  readonly tell: (event: Omit<RigEvent, 'timeNs'>) => void;
  /** The beam was shown and measured: nobody is silent, and the loop does not stand still. */
  heard(): void;
  /**
   * Something is worked out of what was heard. Where that takes long the array is put into its safe state, which its panels leave with the next beam, and nobody is
   * silent.
   */
  workingOut<T>(work: Promise<T>): Promise<T>;
}

export interface WorkFailure {
  message: string;
  /** What makes it the same as another failure, where the words do not. Default: the words. */
  cause?: string;
  /** Set when it was the panel that failed. */
  panel?: PanelFailure;
  /** What a person can do. */
  action?: string;
}

/** What came of the work that was due. */
export type BetweenOutcome = 'nothing-due' | 'done' | { unusable: string };

export interface BetweenTurns {
  /**
   * Does what is due before a cycle.
   * @throws {BeamrigError} 'stopped' where the signal aborts meanwhile
   */
  turn(choice: Choice, signal: AbortSignal): Promise<BetweenOutcome>;
  /** The next slot; slots that work has taken are counted. */
  readonly slot: number;
  /** A cycle has taken its slot. Where it failed and the array still shows a beam of such work, which nobody follows up, it is made safe. */
  cycleEnded(finished: FinishedCycle): Promise<void>;
  interrupted(): void;
}

export function createBetweenTurns(options: {
  clock: Clock;
  works: readonly BetweenCycles[];
  panels: Pick<ActivePanel, 'panel' | 'beamId' | 'heard' | 'failed' | 'lost'>;
  safety: Pick<ArraySafety, 'radiated' | 'turned' | 'confirm' | 'workingOut'>;
  isRunning: () => boolean;
  /** What the loop waits for from now on. */
  doing: (what: string) => void;
  tell: (event: Omit<RigEvent, 'timeNs'>) => void;
}): BetweenTurns {
  const { clock, works, panels, safety, isRunning, doing, tell } = options;
  const causes = oncePerCause(clock);
  let slot = 0;
  /** The newest beam is one of such work. */
  let shown = false;

  const benchAt = (next: Pick<NextCycle, 'on' | 'choice'>, signal: AbortSignal): Bench => ({
    ...{ ...next, signal, tell },
    get slot() {
      return slot;
    },
    async beamId() {
      const stopped = (): boolean => signal.aborted || !isRunning();
      if (stopped()) throw ended();
      const id = await panels.beamId(slot);
      // What was commanded to be safe meanwhile is not lit again.
      if (stopped()) throw ended();
      slot++;
      shown = true;
      return id;
    },
    heard() {
      panels.heard();
      safety.radiated();
      safety.turned(false);
    },
    workingOut: (work) => safety.workingOut(work, signal),
  });

  const failed = async (name: string, failure: WorkFailure): Promise<BetweenOutcome> => {
    const { message, cause = message, panel, action } = failure;
    const verdict = panel === undefined ? undefined : panels.failed(panel);
    if (shown) await safety.confirm();
    shown = false;
    if (panels.lost) for (const work of works) work.interrupted?.();
    if (causes.occurs(`${name}: ${cause}`)) {
      tell({ level: 'warning', code: `${name}-failed`, message, ...(action === undefined ? {} : { action }) });
    }
    return verdict ?? 'done';
  };

  const tryWork = async (work: BetweenCycles, bench: Bench): Promise<WorkFailure | undefined> => {
    try {
      return await unlessStopped(work.work(bench), bench.signal);
    } catch (error) {
      if (isBeamrigError(error) && error.code === 'stopped') throw error;
      return { message: `The ${work.name} failed: ${errorInWords(error)}` };
    }
  };

  return {
    get slot() {
      return slot;
    },
    async turn(choice, signal) {
      let outcome: BetweenOutcome = 'nothing-due';
      for (const work of works) {
        const next = { on: panels.panel, choice };
        if (!work.due({ ...next, slot })) continue;
        outcome = 'done';
        doing(`the ${work.name}`);
        const failure = await tryWork(work, benchAt(next, signal));
        // We made it safe ourselves: whoever did goes on from there.
        if (failure === undefined || failure.panel?.reason === 'made-safe') continue;
        outcome = await failed(work.name, failure);
        if (outcome !== 'done') break;
      }
      return outcome;
    },
    async cycleEnded(finished) {
      slot++;
      for (const work of works) work.after?.(finished);
      const isLeft = shown && finished.failure !== undefined;
      shown = false;
      if (isLeft && isRunning()) await safety.confirm();
    },
    interrupted() {
      shown = false;
      for (const work of works) work.interrupted?.();
    },
  };
}

const ended = (): BeamrigError => new BeamrigError('stopped', 'The rig is to pause or to stop: nothing more is shown.');
