/**
 * The safe state of an array of several panels. Part of a beam is no beam: where panels may not show one together, what 'hold' would keep of it is
 * muted, and 'hold' stays what they do when they hear nothing. What is out of reach goes to its safe state by its own silence limit.
 */
import type { Capabilities, SafeState } from '../../firmware-protocol/messages.ts';
import type { ArrayMember, Result } from './panel.ts';
import { askDown, ofParts, type SafeOrder } from './safe-ladder.ts';

export interface GroupSafety {
  /** What all panels confirmed to show; undefined where they do not show one thing. */
  readonly shown: SafeState | undefined;
  /** Commands to be safe so far: a beam that one of them came upon is not judged any more. */
  readonly commands: number;
  /** A beam is about to be staged. */
  beamMeant(): void;
  set(order: SafeOrder, enter: boolean): Promise<Result<void>>;
  /** Blind. @returns whether all links took it */
  command(order: SafeOrder): boolean;
  /** All enter the state that was set or commanded last. */
  makeAllSafe(): Promise<void>;
  /** Those that are within reach do, unless they have since they were: while another one is missing. */
  makePartsSafe(): Promise<void>;
  /** All are there again. */
  whole(): void;
}

/** @param isWhole whether all panels are in one session with the array */
export function createGroupSafety(
  members: readonly ArrayMember[],
  isWhole: () => boolean,
  ofAll: <T>(ask: (panel: ArrayMember) => Promise<Result<T>>) => Promise<Result<T[]>>,
): GroupSafety {
  let newest: SafeOrder = { state: 'mute', position: 0, silenceMs: 0 };
  /** What 'hold' was confirmed for, and was not begun to be changed since, is one beam: parts of two would be no safe state. */
  let heldWhole = false;
  let commands = 0;
  /** The sessions in which panels were made safe while another one was missing. */
  let madeSafe = new Set<Capabilities>();

  const makeSafe = async (panel: ArrayMember): Promise<void> => {
    const { capabilities } = panel;
    const { state, position, silenceMs } = newest;
    const order = { state: ofParts(state), position, silenceMs };
    const taken = await askDown(order, (rung) => panel.setSafeState(rung.state, { position, silenceMs, enter: true }));
    // Whatever it lacks or does not hear: told blind to be dark, until it says that it is.
    if (!taken.ok) return void panel.commandSafe('mute', { silenceMs });
    if (capabilities !== undefined) madeSafe.add(capabilities);
    // What it shows now may be held.
    if (order.state !== state) await panel.setSafeState(state, { position, silenceMs });
  };

  /** Whether all say that they radiate the same beam, or nothing. */
  const showsOneBeam = async (): Promise<boolean> => {
    const all = await ofAll((panel) => panel.status());
    return all.ok && all.value.every(({ beamId }) => beamId === all.value[0].beamId);
  };

  const makeAllSafe = async (): Promise<void> => {
    await Promise.all(members.map(makeSafe));
  };

  const setAll = async ({ state, position, silenceMs }: SafeOrder, enter: boolean): Promise<Result<void>> => {
    const set = await ofAll((panel) => panel.setSafeState(state, { position, silenceMs, enter }));
    return set.ok ? { ok: true, value: undefined } : set;
  };

  return {
    get shown() {
      const [{ safeAs }] = members;
      if (newest.state === 'hold' && heldWhole) return 'hold';
      return safeAs !== 'hold' && members.every((panel) => panel.safeAs === safeAs) ? safeAs : undefined;
    },
    get commands() {
      return commands;
    },
    beamMeant() {
      heldWhole = false;
    },
    async set(order, enter) {
      newest = order;
      if (!enter || order.state !== 'hold' || (await showsOneBeam())) {
        const set = await setAll(order, enter);
        if (enter && set.ok) heldWhole = order.state === 'hold';
        return set;
      }
      await makeAllSafe();
      const muted = members.every((panel) => panel.safeAs === 'mute');
      const set = await setAll(order, false);
      if (set.ok) heldWhole = muted;
      return set;
    },
    command(order) {
      newest = order;
      commands++;
      const state = isWhole() ? order.state : ofParts(order.state);
      if (state !== order.state) heldWhole = false;
      const { position, silenceMs } = order;
      return members.map((panel) => panel.commandSafe(state, { position, silenceMs })).every(Boolean);
    },
    makeAllSafe,
    async makePartsSafe() {
      const newcomers = members.filter(({ capabilities }) => capabilities !== undefined && !madeSafe.has(capabilities));
      await Promise.all(newcomers.map(makeSafe));
    },
    whole() {
      madeSafe = new Set();
    },
  };
}
