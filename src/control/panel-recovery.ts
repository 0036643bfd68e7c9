/**
 * Keeps hold of the panel: knows from its failures when it is lost, shakes hands again with growing pauses, tells a person once, and commands
 * the safe state. A single request without an answer is a void cycle; a link that closed, a restart, or silence twice in a row is a loss.
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { Capabilities, SafeState } from '../../firmware-protocol/messages.ts';
import type { Random } from '../../core/signal/random.ts';
import type { BeamCommand, Panel, PanelFailure, Result } from '../panel/panel.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import { SAFE_BEAM_ID } from './beam-ids.ts';
import { panelFailureInWords, reasonInWords } from './watch/failure-messages.ts';
import { createGoodCycleLimit } from './good-cycle-limit.ts';
import { oncePerCause } from './watch/once-per-cause.ts';
import { goodCycleAt } from './silence-limit.ts';
import { withinTime } from './within-time.ts';

export type Recovery = 'back' | 'still-lost' | { unusable: string };

export interface PanelRecovery {
  readonly lost: boolean;
  /** Why it is lost, or was last: what it failed with, then what the attempts to find it again came to. Undefined before the first of either. */
  readonly loss: { reason: PanelFailure['reason']; words: string } | undefined;
  /** The panel confirmed that it goes to its safe state by itself when it hears nothing, and has not restarted since. */
  readonly guarded: boolean;
  /** It is about to be given a beam. */
  lit(): void;
  /** The panel did what it was asked. */
  worked(): void;
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
  /** Mutes the panel while another one is used. Returns words when it did not confirm that. */
  rest(): Promise<string | undefined>;
}

/** What the array shows when nobody steers it. */
export interface SafeChoice {
  state: SafeState;
  /** The fixed beam of 'codeword', kept at position 0 of the panel's beam memory. */
  beam?: Omit<BeamCommand, 'beamId'>;
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
/** Failures that end the session. */
const GONE: ReadonlySet<PanelFailure['reason']> = new Set([
  'link-closed',
  'panel-restarted',
  'session-over',
  'silent',
  'not-authenticated',
]);
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
  /** Makes safe what is still within reach of a lost panel of several parts. */
  calm?: () => Promise<void>;
  /** The panel has a session already. Otherwise it is to be recovered first, which is no loss. Default true. */
  connected?: boolean;
  clock: Clock;
  random: Random;
  safe: SafeChoice;
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
  const safeState = safe.state;
  const news = oncePerCause(clock);
  let lost = !connected;
  let loss: PanelRecovery['loss'];
  /** The part of an array that is to blame, else all of it. */
  let lostPart = panel.name;
  let told = false;
  let lostAtMs = 0;
  let silences = 0;
  /** Attempts at a handshake since the panel last did what it was asked. */
  let attempts = 0;
  /** Times that it came back since it last did what it was asked. */
  let idleReturns = 0;
  let calmed = false;
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
    lose({ reason: 'no-good-cycle', litMs, limitMs: goodCycle.limitMs, newest });
  });

  const commandSafe = (): boolean => {
    limit.dark();
    if (safe.beam === undefined) return panel.commandSafe(safeState, { silenceMs });
    return panel.commandSafe(everStored ? safeState : 'mute', { silenceMs, position: SAFE_POSITION });
  };

  const blame = (failure: PanelFailure): void => {
    loss = { reason: failure.reason, words: panelFailureInWords(failure) };
    lostPart = failure.panel ?? panel.name;
  };

  const lose = (failure: PanelFailure): void => {
    if (lost) return;
    lost = true;
    commandSafe();
    blame(failure);
    armed = false;
    if (failure.reason === 'panel-restarted') guarded = false;
    lostAtMs = clock.nowMs();
    calmed = false;
    told = false;
    if (discreet()) return;
    const outage = news.begins(`lost: ${failure.reason}`);
    told = outage.told;
    if (!told) return;
    tell({
      level: 'error',
      code: 'panel-lost',
      message: `The panel ${lostPart} was lost: ${reasonInWords(failure)}.`,
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
    if (safe.beam === undefined) return panel.setSafeState(safeState, how);
    if (!stored) {
      const kept = await panel.storeBeam({ ...safe.beam, beamId: SAFE_BEAM_ID }, SAFE_POSITION);
      if (!kept.ok && panel.capabilities === undefined) return kept;
      // Empties the staging slots, also where it was not kept: one that holds this id would refuse the beams of cycles, which have lower ones.
      const anew = await connect();
      if (!kept.ok) return kept;
      if (!anew.ok) return anew;
      stored = true;
      everStored = true;
    }
    return panel.setSafeState(safeState, { ...how, position: SAFE_POSITION });
  };

  const shake = async (): Promise<Result<Capabilities>> => {
    stored = false; // it may be another life of the panel
    return connect();
  };

  /** Tells it its safe state; what is not confirmed is told once. @returns why, when the panel was lost meanwhile */
  const settle = async (): Promise<PanelFailure | undefined> => {
    const set = await teach({ silenceMs });
    if (set.ok) {
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
    if (GONE.has(set.failure.reason)) return set.failure;
    // Whatever it lacks for this state, it can go dark when it hears nothing.
    const asked = safeState !== 'mute' && set.failure.reason !== 'no-answer';
    const muted = asked ? await panel.setSafeState('mute', { silenceMs }) : set;
    if (!muted.ok && GONE.has(muted.failure.reason)) return muted.failure;
    guarded = muted.ok;
    armAttempts++;
    armAtMs = clock.nowMs() + pauseMs(armAttempts, guarded ? LONGEST_PAUSE_GUARDED_MS : LONGEST_PAUSE_MS);
    if (armAttempts > 1) return undefined;
    tell({
      level: 'error',
      code: 'safe-state-unconfirmed',
      message: `The panel ${panel.name} did not take its safe state '${safeState}': ${panelFailureInWords(set.failure)}.`,
      action: guarded
        ? `Should this program fall silent, the panel goes dark; it is told '${safeState}' again, with growing pauses.`
        : 'Should this program fall silent, the panel may keep its last beam; it is told again, with growing pauses.',
    });
    return undefined;
  };

  const arm = async (): Promise<void> => {
    if (armed || lost || clock.nowMs() < armAtMs) return;
    const gone = await settle();
    if (gone !== undefined) lose(gone);
  };

  const judge = (failure: PanelFailure): { unusable: string } | undefined => {
    switch (failure.reason) {
      case 'protocol-version':
      case 'wrong-panel':
        return { unusable: panelFailureInWords(failure) };
      case 'link-closed':
      case 'panel-restarted':
      case 'session-over':
      case 'silent':
      case 'not-authenticated':
      case 'no-good-cycle':
        lose(failure);
        return undefined;
      case 'no-answer':
        if (++silences >= (idleReturns < IDLE_RETURNS ? SILENT_TIMES : 1)) lose(failure);
        return undefined;
      case 'array-split':
        // As bad as the worst of those that missed it.
        for (const { panel: name, failure: why } of failure.missed) {
          const verdict = judge({ ...why, panel: why.panel ?? name });
          if (verdict !== undefined) return verdict;
        }
        return undefined;
      case 'not-staged':
      case 'not-sent':
      case 'other-beam':
      case 'still-waiting':
      case 'clock-jumped':
      case 'rejected':
      case 'unusable-report':
      case 'read-back-differs':
        silences = 0;
        return undefined;
      case 'made-safe':
        return undefined;
    }
  };

  const confirmSafe = async (): Promise<string | undefined> => {
    const command = () => teach({ silenceMs, enter: true });
    let commanded = await command();
    for (let refusals = 1; !commanded.ok && commanded.failure.reason === 'rejected' && refusals < SAFE_COMMANDS; refusals++) {
      await clock.sleep(FIRST_PAUSE_MS);
      commanded = await command();
    }
    // Without a session nothing was said to it, and it may be within reach again.
    if (!commanded.ok && panel.capabilities === undefined && (await shake()).ok) commanded = await command();
    if (commanded.ok) return undefined;
    const words = panelFailureInWords(commanded.failure);
    if (commanded.failure.reason !== 'rejected' || safeState === 'mute') return words;
    // Whatever it lacks for this state (room for the fixed beam, say), it can be dark.
    const muted = await panel.setSafeState('mute', { silenceMs, enter: true });
    return muted.ok ? `${words}; it was muted instead` : words;
  };

  return {
    get lost() {
      return lost;
    },
    get loss() {
      return loss;
    },
    get guarded() {
      return guarded;
    },
    lit() {
      if (!lost) limit.lit();
    },
    worked() {
      limit.good();
      newest = undefined;
      inFault = false;
      silences = 0;
      attempts = 0;
      idleReturns = 0;
    },
    failed(failure) {
      if (failure.reason !== 'made-safe') newest = reasonInWords(failure);
      inFault = failure.reason === 'rejected' && failure.code === 'fault';
      return judge(failure);
    },
    async recover(signal) {
      if (!calmed) {
        calmed = true;
        // Also where it was never ours: it may radiate what another run left it with, and go on for as long as it is greeted.
        commandSafe();
        await options.calm?.();
      }
      const dueMs = Math.max(attempts === 0 ? 0 : pauseMs(attempts), restMs());
      if (dueMs > 0) await clock.sleep(dueMs, signal);
      attempts++;
      const shaken = await shake();
      if (!shaken.ok) {
        // Some of its parts may be back, with their parts of the beam of before.
        await options.calm?.();
        const { reason } = shaken.failure;
        const words = panelFailureInWords(shaken.failure);
        const why = reasonInWords(shaken.failure);
        // Silence that goes on is the same reason; only its figures change.
        const wasSilent = loss?.reason === 'no-answer' || loss?.reason === 'silent';
        const silentStill = reason === 'no-answer' && wasSilent && lostPart === (shaken.failure.panel ?? panel.name);
        if (!silentStill) blame(shaken.failure);
        if (reason === 'protocol-version' || reason === 'wrong-panel') return { unusable: words };
        const wayOut = shaken.failure.reason === 'link-closed' ? shaken.failure.wayOut : undefined;
        if (wayOut !== undefined && news.occurs(`refused: ${wayOut}`)) {
          tell({
            level: 'error',
            code: 'link-refused',
            message: `The panel ${lostPart} cannot be reached: ${why}.`,
            action: `${wayOut} It is tried again until then.`,
          });
        }
        if (reason === 'not-authenticated' && news.occurs(reason)) {
          tell({
            level: 'error',
            code: 'not-authenticated',
            message: `The panel ${lostPart} is there and cannot be used: ${why}.`,
            action: 'See to it that the panel and the rig have the same key; it is asked again until then.',
          });
        }
        return 'still-lost';
      }
      if ((await settle()) !== undefined) {
        await options.calm?.();
        return 'still-lost';
      }
      lost = false;
      silences = 0;
      idleReturns++;
      if (told) {
        const seconds = ((clock.nowMs() - lostAtMs) / 1000).toFixed(1);
        tell({ level: 'info', code: 'panel-back', message: `The panel ${lostPart} is back after ${seconds} s.` });
      }
      return 'back';
    },
    arm,
    async rest() {
      armed = false;
      limit.dark();
      const muted = await panel.setSafeState('mute', { silenceMs, enter: true });
      return muted.ok ? undefined : panelFailureInWords(muted.failure);
    },
    commandSafe,
    makeSafe(withinMs = CONFIRM_MS) {
      limit.dark();
      return withinTime(clock, withinMs, confirmSafe(), `no answer to set-safe-state within ${withinMs} ms`);
    },
  };
}
