/**
 * Keeps hold of the panel: knows from its failures when it is lost, shakes hands again with growing pauses, tells a person once, and commands
 * the safe state. A single request without an answer is a void cycle; a link that closed, a restart, or silence twice in a row is a loss.
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { Capabilities, SafeState } from '../../firmware-protocol/messages.ts';
import type { Random } from '../../core/signal/random.ts';
import { born, causeKey, endsSession, inSession, next, type LifeInput } from '../panel/panel-life-cycle.ts';
import type { BeamCommand, Panel, PanelFailure, PanelLife, Result } from '../panel/panel.ts';
import { askDown, type AskSafe, type Descent } from '../panel/safe-ladder.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import { SAFE_BEAM_ID } from './beam-ids.ts';
import { panelFailureMessage, reasonMessage } from './watch/failure-messages.ts';
import { createGoodCycleLimit } from './good-cycle-limit.ts';
import { oncePerCause } from './watch/once-per-cause.ts';
import { goodCycleAt } from './silence-limit.ts';
import { withinTime } from './within-time.ts';

export type Recovery = 'back' | 'still-lost' | { unusable: string };

/** Why a panel is lost: `cause` is the same as that of another loss where the cause is. */
export interface Loss {
  reason: PanelFailure['reason'];
  cause: string;
  message: string;
}

export interface PanelRecovery {
  readonly lost: boolean;
  /** Why it is lost, or was last: what it failed with, then what the attempts to find it again came to. Undefined before the first of either. */
  readonly loss: Loss | undefined;
  /** The panel confirmed that it goes to its safe state by itself when it hears nothing, and has not restarted since. */
  readonly guarded: boolean;
  /** After so long without a word it does so. */
  readonly silenceMs: number;
  /** It is about to be given a beam. */
  lit(): void;
  /** The panel did what it was asked. */
  worked(): void;
  /** A beam between cycles was shown and heard. */
  heard(): void;
  /** The panel failed. Returns words when it can never work with this rig. */
  failed(failure: PanelFailure): { unusable: string } | undefined;
  /** One attempt to shake hands, after the pause that is due. Rejects with 'stopped' when the signal aborts during the pause. */
  recover(signal: AbortSignal): Promise<Recovery>;
  /**
   * Tells the panel what to do should this program fall silent, unless it knows. What is not confirmed is told once and tried again at the
   * calls that follow, with growing pauses between: call it before every cycle.
   */
  arm(): Promise<void>;
  /** Commands the safe state before this returns, blind and repeated: whether anybody takes it, `makeSafe` finds out. False: no link took it. */
  commandSafe(): boolean;
  /**
   * Commands the safe state now, again where the panel refuses. Returns words when the panel did not confirm it; after `withinMs` (default 4 s)
   * that is no longer waited for.
   */
  makeSafe(withinMs?: number): Promise<string | undefined>;
  /** What it shows is not what it was told: it is to be recovered again before it is used. */
  release(): void;
  /** What it is given is no beam that anybody chose to go on with: where the safe state is to hold it, the panel goes dark instead. */
  holdNothing(nothing: boolean): void;
  readonly holdsNothing: boolean;
  /** Mutes the panel while another one is used. Returns words when it did not confirm that. */
  rest(): Promise<string | undefined>;
}

/** What one panel shows when nobody steers it. */
export interface SafeOfPanel {
  state: SafeState;
  /** The fixed beam of 'codeword', asked for once the panel has shaken hands and kept at position 0 of its beam memory. */
  beam?: () => Omit<BeamCommand, 'beamId'>;
}

/** Short enough that a panel is back within a second of its link. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 300;
/** A panel that goes dark by itself can wait longer until it is told its own safe state again. */
const LONGEST_PAUSE_GUARDED_MS = 10_000;
/** A panel that came back twice and never did what it was asked. */
const FIRST_REST_MS = 1000;
const LONGEST_REST_MS = 30_000;
/** Share of a pause that is drawn at random. */
const JITTER = 0.5;
const SILENT_TIMES = 2;
/** Returns without one good cycle, after which it is given less: it rests first, and one silence is a loss. */
const IDLE_RETURNS = 2;
/** Said of the last outage that is told. */
export const FLAPPING = ' It comes and goes: until that has stopped for a minute, further losses are in the records only.';
/** Times that the safe state is commanded where the panel refuses: it may be busy. */
const SAFE_COMMANDS = 3;
/** How long a confirmation of the safe state is waited for, unless the caller is in more of a hurry. */
const CONFIRM_MS = 4000;
/** Place of the fixed beam in a panel's beam memory. */
const SAFE_POSITION = 0;

export function createPanelRecovery(options: {
  panel: Panel;
  /** Opens, shakes hands, and checks what only the rig can check. Default: the panel's own. */
  connect?: () => Promise<Result<Capabilities>>;
  /** Where it has several parts: makes safe those that are within reach while another is lost. */
  makePartsSafe?: (() => Promise<void>) | undefined;
  /** The panel has a session already. Otherwise it is to be recovered first, which is no loss. Default true. */
  connected?: boolean;
  clock: Clock;
  random: Random;
  safe: SafeOfPanel;
  /** The panel goes to its safe state by itself after so long without a frame. */
  silenceMs: number;
  /** How long it may radiate without a good cycle. Default: for as long. */
  goodCycle?: { limitMs: number; trialMs: number };
  /** Asked at each loss: loss and return are told by somebody else. */
  discreet?: () => boolean;
  tell: (event: Omit<RigEvent, 'timeNs'>) => void;
}): PanelRecovery {
  const {
    panel,
    connect = () => panel.connect(),
    connected = true,
    clock,
    random,
    safe,
    silenceMs,
    goodCycle = goodCycleAt(silenceMs, 0, 0),
    discreet = () => false,
    tell,
  } = options;
  let holdsNothing = false;
  const safeStateNow = (): SafeState => (holdsNothing && safe.state === 'hold' ? 'mute' : safe.state);
  const news = oncePerCause(clock);
  let life: PanelLife<undefined> = connected ? inSession(undefined) : born();
  let announced = false;
  let lostAtMs = 0;
  /** Attempts at a handshake since the panel last did what it was asked. */
  let attempts = 0;
  /** Times that it came back since it last did what it was asked. */
  let idleReturns = 0;
  /** The safe state was commanded since it was lost. */
  let commanded = false;
  let armed = false;
  let stored = false;
  /** The fixed beam was stored in some life of the panel; a life without it began muted. */
  let everStored = false;
  let guarded = false;
  let armAttempts = 0;
  let armAtMs = -Infinity;

  /** What it failed with last since it worked. */
  let newest: string | undefined;
  /** What it said last is that it has found a fault of its own. */
  let inFault = false;
  const limit = createGoodCycleLimit(clock, goodCycle, (litMs) => {
    // It says itself that it is dark, and needs no rest when it is over its fault: told all the same, should it be wrong.
    if (inFault) {
      commandSafe();
      return;
    }
    idleReturns = Math.max(idleReturns, IDLE_RETURNS);
    move({ input: 'ended', why: { reason: 'no-good-cycle', litMs, limitMs: goodCycle.limitMs, newest } });
  });

  const commandSafe = (): boolean => {
    limit.dark();
    if (safe.beam === undefined) return panel.commandSafe(safeStateNow(), { silenceMs });
    return panel.commandSafe(everStored ? safe.state : 'mute', { silenceMs, position: SAFE_POSITION });
  };

  /** The part of an array that is to blame, else all of it. */
  const lostPart = (): string => life.why?.panel ?? panel.name;
  const orderNow = () => ({ state: safeStateNow(), position: SAFE_POSITION, silenceMs });

  const move = (input: LifeInput<undefined>): void => {
    const before = life.state;
    life = next(life, input);
    if (before === 'session' && life.state !== 'session') left(life);
  };

  const left = ({ state, why }: PanelLife<undefined>): void => {
    commandSafe();
    armed = false;
    commanded = false;
    announced = false;
    lostAtMs = clock.nowMs();
    if (state !== 'lost' || why === undefined) return;
    if (why.reason === 'panel-restarted') guarded = false;
    if (discreet()) return;
    const outage = news.begins(`lost: ${why.reason}`);
    announced = outage.announced;
    if (!announced) return;
    tell({
      level: 'error',
      code: 'panel-lost',
      message: `The panel ${lostPart()} was lost: ${reasonMessage(why)}.`,
      action: `Cycles are void until it is back; shaking hands again, with growing pauses.${outage.last ? FLAPPING : ''}`,
    });
  };

  const pauseMs = (attempt: number, longestMs = LONGEST_PAUSE_MS): number =>
    Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), longestMs) * (1 + JITTER * (random.uniform() - 0.5));

  /** It greets and then does nothing it is asked: it stays in its safe state for longer each time, so that it is not lit by void beams. */
  const restMs = (): number =>
    idleReturns < IDLE_RETURNS ? 0 : Math.min(FIRST_REST_MS * 2 ** (idleReturns - IDLE_RETURNS), LONGEST_REST_MS);

  /** Tells the panel its safe state, and what it needs for it. */
  const teach = async (how: { silenceMs: number; enter?: boolean }): Promise<Result<void>> => {
    if (safe.beam === undefined) return panel.setSafeState(safeStateNow(), how);
    if (!stored) {
      const kept = await panel.storeBeam({ ...safe.beam(), beamId: SAFE_BEAM_ID }, SAFE_POSITION);
      if (!kept.ok && panel.capabilities === undefined) return kept;
      // Empties the staging slots, also where it was not kept: one that holds this id would refuse the beams of cycles, which have lower ones.
      const anew = await connect();
      if (!kept.ok) return kept;
      if (!anew.ok) return anew;
      stored = true;
      everStored = true;
    }
    return panel.setSafeState(safe.state, { ...how, position: SAFE_POSITION });
  };

  const shake = async (): Promise<Result<Capabilities>> => {
    stored = false; // it may be another life of the panel
    return connect();
  };

  /** Tells it its safe state; what is not confirmed is told once. @returns why, when the panel was lost meanwhile */
  const settle = async (): Promise<PanelFailure | undefined> => {
    const safeState = safeStateNow();
    const taken = await askDown(orderNow(), ({ state }) =>
      state === safeState ? teach({ silenceMs }) : panel.setSafeState(state, { silenceMs }),
    );
    if (taken.ok && taken.refusal === undefined) {
      if (armAttempts > 0) {
        tell({
          level: 'info',
          code: 'safe-state-confirmed',
          message: `The panel ${panel.name} knows its safe state '${safeState}' now.`,
        });
      }
      armed = true;
      guarded = true;
      armAttempts = 0;
      return undefined;
    }
    if (!taken.ok && endsSession(taken.failure)) return taken.failure;
    // Whatever it lacks for this state, it can go dark when it hears nothing.
    guarded = taken.ok;
    armAttempts++;
    armAtMs = clock.nowMs() + pauseMs(armAttempts, guarded ? LONGEST_PAUSE_GUARDED_MS : LONGEST_PAUSE_MS);
    if (armAttempts > 1) return undefined;
    tell({
      level: 'error',
      code: 'safe-state-unconfirmed',
      message: `The panel ${panel.name} did not take its safe state '${safeState}': ${whyNot(taken)}.`,
      action: guarded
        ? `Should this program fall silent, the panel goes dark; it is told '${safeState}' again, with growing pauses.`
        : 'Should this program fall silent, the panel may keep its last beam; it is told again, with growing pauses.',
    });
    return undefined;
  };

  const arm = async (): Promise<void> => {
    if (armed || life.state !== 'session' || clock.nowMs() < armAtMs) return;
    const gone = await settle();
    if (gone !== undefined) move({ input: 'ended', why: gone });
  };

  const confirmSafe = async (): Promise<string | undefined> => {
    const [order, safeState] = [orderNow(), safeStateNow()];
    const ask: AskSafe = ({ state }) =>
      state === safeState ? teach({ silenceMs, enter: true }) : panel.setSafeState(state, { silenceMs, enter: true });
    let taken = await askDown(order, ask, async (refusals) => {
      if (refusals >= SAFE_COMMANDS) return false;
      await clock.sleep(FIRST_PAUSE_MS);
      return true;
    });
    // Without a session nothing was said to it, and it may be within reach again.
    if (!taken.ok && panel.capabilities === undefined && (await shake()).ok) taken = await askDown(order, ask);
    if (taken.ok && taken.refusal === undefined) return undefined;
    return taken.ok ? `${whyNot(taken)}; it was muted instead` : whyNot(taken);
  };

  return {
    get lost() {
      return life.state !== 'session';
    },
    get loss() {
      return life.why && { reason: life.why.reason, cause: causeKey(life.why), message: panelFailureMessage(life.why) };
    },
    get guarded() {
      return guarded;
    },
    silenceMs,
    lit() {
      if (life.state === 'session') limit.lit();
    },
    heard: () => limit.heard(),
    worked() {
      limit.good();
      newest = undefined;
      inFault = false;
      move({ input: 'worked' });
      attempts = 0;
      idleReturns = 0;
    },
    failed(failure) {
      if (failure.reason !== 'made-safe') newest = reasonMessage(failure);
      inFault = failure.reason === 'rejected' && failure.code === 'fault';
      move({ input: 'failed', failure, patience: idleReturns < IDLE_RETURNS ? SILENT_TIMES : 1 });
      return unusable(life);
    },
    async recover(signal) {
      if (!commanded) {
        commanded = true;
        // Also where it was never ours: it may radiate what another run left it with, and go on for as long as it is greeted.
        commandSafe();
        await options.makePartsSafe?.();
      }
      const dueMs = Math.max(attempts === 0 ? 0 : pauseMs(attempts), restMs());
      if (dueMs > 0) await clock.sleep(dueMs, signal);
      attempts++;
      move({ input: 'connect' });
      const shaken = await shake();
      if (!shaken.ok) {
        // Some of its parts may be back, with their parts of the beam of before.
        await options.makePartsSafe?.();
        const { reason } = shaken.failure;
        const why = reasonMessage(shaken.failure);
        move({ input: 'not-shaken', why: shaken.failure });
        const never = unusable(life);
        if (never !== undefined) return never;
        const { cause, wayOut } = shaken.failure.reason === 'link-closed' ? shaken.failure : {};
        if (wayOut !== undefined && news.occurs(`refused: ${cause}`)) {
          tell({
            level: 'error',
            code: 'link-refused',
            message: `The panel ${lostPart()} cannot be reached: ${why}.`,
            action: `${wayOut} It is tried again until then.`,
          });
        }
        if (reason === 'not-authenticated' && news.occurs(reason)) {
          tell({
            level: 'error',
            code: 'not-authenticated',
            message: `The panel ${lostPart()} is there and cannot be used: ${why}.`,
            action: 'See to it that the panel and the rig have the same key; it is asked again until then.',
          });
        }
        return 'still-lost';
      }
      const gone = await settle();
      if (gone !== undefined) {
        move({ input: 'not-shaken', why: gone });
        await options.makePartsSafe?.();
        return 'still-lost';
      }
      move({ input: 'shaken', session: undefined });
      idleReturns++;
      if (announced) {
        const seconds = ((clock.nowMs() - lostAtMs) / 1000).toFixed(1);
        tell({ level: 'info', code: 'panel-back', message: `The panel ${lostPart()} is back after ${seconds} s.` });
      }
      return 'back';
    },
    arm,
    release: () => move({ input: 'closed' }),
    holdNothing(nothing) {
      // It is told anew what to do should this program fall silent, where that is another thing now.
      if (nothing !== holdsNothing && safe.state === 'hold') armed = false;
      holdsNothing = nothing;
    },
    get holdsNothing() {
      return holdsNothing;
    },
    async rest() {
      armed = false;
      limit.dark();
      const muted = await panel.setSafeState('mute', { silenceMs, enter: true });
      return muted.ok ? undefined : panelFailureMessage(muted.failure);
    },
    commandSafe,
    makeSafe(withinMs = CONFIRM_MS) {
      limit.dark();
      return withinTime(clock, withinMs, confirmSafe(), `no answer to set-safe-state within ${withinMs} ms`);
    },
  };
}

const unusable = ({ state, why }: PanelLife<undefined>): { unusable: string } | undefined =>
  state === 'unusable' && why !== undefined ? { unusable: panelFailureMessage(why) } : undefined;

/** What it said to the state that was wanted, or did not. */
function whyNot(taken: Descent): string {
  const failure = taken.ok ? taken.refusal : (taken.refusal ?? taken.failure);
  return failure === undefined ? 'it was not asked' : panelFailureMessage(failure);
}
