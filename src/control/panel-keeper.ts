/**
 * Keeps hold of the panel: knows from its failures when it is lost, shakes hands again with growing pauses, tells a person once, and commands
 * the safe state. A single request without an answer is a void cycle; a link that closed, a restart, or silence twice in a row is a loss.
 */
import type { Clock } from '../../clock/clock.ts';
import type { SafeState } from '../../firmware-protocol/messages.ts';
import type { Random } from '../../signal/random.ts';
import type { Panel, PanelFailure } from '../panel/panel.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import { panelFailureInWords } from './failure-words.ts';
import { oncePerCause } from './once-per-cause.ts';

export type Recovery = 'back' | 'still-lost' | { unusable: string };

export interface PanelKeeper {
  readonly lost: boolean;
  /** The panel confirmed that it goes to its safe state by itself when it hears nothing, and has not restarted since. */
  readonly guarded: boolean;
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
  /** Commands the safe state now, again where the panel refuses. Returns words when the panel did not confirm it. */
  makeSafe(): Promise<string | undefined>;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
/** Share of a pause that is drawn at random. */
const JITTER = 0.5;
const SILENT_TIMES = 2;
/** Times that the safe state is commanded where the panel refuses: it may be busy. */
const SAFE_COMMANDS = 3;

export function createPanelKeeper(options: {
  panel: Panel;
  clock: Clock;
  random: Random;
  safeState: SafeState;
  /** The panel goes to its safe state by itself after so long without a frame. */
  silenceMs: number;
  tell: (event: Omit<RigEvent, 'timeNs'>) => void;
}): PanelKeeper {
  const { panel, clock, random, safeState, silenceMs, tell } = options;
  const news = oncePerCause(clock);
  let lost = false;
  let told = false;
  let lostAtMs = 0;
  let silences = 0;
  let attempts = 0;
  let armed = false;
  let guarded = false;
  let armAttempts = 0;
  let armAtMs = -Infinity;

  const lose = (failure: PanelFailure): void => {
    if (lost) return;
    lost = true;
    armed = false;
    if (failure.reason === 'panel-restarted') guarded = false;
    lostAtMs = clock.nowMs();
    attempts = 0;
    told = news.occurs(`lost: ${failure.reason}`);
    if (!told) return;
    tell({
      level: 'error',
      code: 'panel-lost',
      message: `The panel ${panel.name} was lost: ${panelFailureInWords(failure)}.`,
      action: 'Cycles are void until it is back; shaking hands again, with growing pauses.',
    });
  };

  const pauseMs = (attempt: number): number =>
    Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS) * (1 + JITTER * (random.uniform() - 0.5));

  const arm = async (): Promise<void> => {
    if (armed || lost || clock.nowMs() < armAtMs) return;
    const set = await panel.setSafeState(safeState, { silenceMs });
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
      return;
    }
    const { reason } = set.failure;
    if (reason === 'link-closed' || reason === 'panel-restarted') return lose(set.failure);
    armAttempts++;
    armAtMs = clock.nowMs() + pauseMs(armAttempts);
    if (armAttempts > 1) return;
    tell({
      level: 'error',
      code: 'safe-state-unconfirmed',
      message: `The panel ${panel.name} did not take its safe state '${safeState}': ${panelFailureInWords(set.failure)}.`,
      action: 'Should this program fall silent, the panel may keep its last beam; it is told again, with growing pauses.',
    });
  };

  return {
    get lost() {
      return lost;
    },
    get guarded() {
      return guarded;
    },
    worked() {
      silences = 0;
    },
    failed(failure) {
      switch (failure.reason) {
        case 'protocol-version':
        case 'wrong-panel':
          return { unusable: panelFailureInWords(failure) };
        case 'link-closed':
        case 'panel-restarted':
          lose(failure);
          return undefined;
        case 'no-answer':
          if (++silences >= SILENT_TIMES) lose(failure);
          return undefined;
        case 'not-staged':
        case 'rejected':
        case 'read-back-differs':
          silences = 0;
          return undefined;
      }
    },
    async recover(signal) {
      if (attempts > 0) {
        await clock.sleep(pauseMs(attempts), signal);
      }
      attempts++;
      const shaken = await panel.connect();
      if (!shaken.ok) {
        const { reason } = shaken.failure;
        if (reason === 'protocol-version' || reason === 'wrong-panel') return { unusable: panelFailureInWords(shaken.failure) };
        return 'still-lost';
      }
      lost = false;
      silences = 0;
      armAtMs = -Infinity;
      await arm();
      if (told) {
        const seconds = ((clock.nowMs() - lostAtMs) / 1000).toFixed(1);
        tell({ level: 'info', code: 'panel-back', message: `The panel ${panel.name} is back after ${seconds} s.` });
      }
      return 'back';
    },
    arm,
    async makeSafe() {
      const command = () => panel.setSafeState(safeState, { silenceMs, enter: true });
      let commanded = await command();
      for (let refusals = 1; !commanded.ok && commanded.failure.reason === 'rejected' && refusals < SAFE_COMMANDS; refusals++) {
        await clock.sleep(FIRST_PAUSE_MS);
        commanded = await command();
      }
      // Without a session nothing was said to it, and it may be within reach again.
      if (!commanded.ok && panel.capabilities === undefined && (await panel.connect()).ok) commanded = await command();
      return commanded.ok ? undefined : panelFailureInWords(commanded.failure);
    },
  };
}
