/**
 * What makes one panel safe whether or not it can be heard: its silence limit watched from our side too (host-silence.ts), and its safe state
 * commanded blind (blind-safety.ts) until it is confirmed.
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { SafeState } from '../../firmware-protocol/messages.ts';
import { createBlindSafety } from './blind-safety.ts';
import { createHostSilence } from './host-silence.ts';
import type { PanelFailure } from './panel.ts';
import type { RequestLine } from './request-line.ts';
import { askDown, type SafeOrder } from './safe-ladder.ts';

export interface PanelSafety {
  /** What the request line tells of what goes out and comes in. */
  readonly watch: { onAsked(): void; onAnswered(stillAsked: boolean): void; onBlindAck(): void };
  /** The safe state that the panel confirmed to be in, and has been in since as far as anybody can know. */
  readonly shown: SafeState | undefined;
  /** Calls when the panel acknowledges what was commanded blind. */
  onSafe(listener: () => void): void;
  sessionBegan(): void;
  sessionEnded(): void;
  /** The panel confirmed that this is its safe state, and that it is there now. */
  confirmed(order: SafeOrder, entered: boolean): void;
  /** It may be in another state than it said: it refused to enter one, or was restarted. */
  doubted(): void;
  /** Sent before this returns, and repeated. @returns whether the link took it */
  command(order: SafeOrder): boolean;
  /** A beam is meant to be switched on: no copy of a command may come after it. */
  beamMeant(): void;
  /** Before a handshake: what is not confirmed is sent once more. */
  beforeHandshake(): void;
  /** After one, before the session is used: asks for what was commanded blind. @returns why it is still not certain */
  confirm(): Promise<PanelFailure | undefined>;
  close(): void;
}

/**
 * @param line asked for when it is needed: it is made after this
 * @param onSilent the panel is given up; it is told blind to be safe when this returns
 */
export function createPanelSafety(clock: Clock, line: () => RequestLine, onSilent: (why: PanelFailure) => void): PanelSafety {
  /** The safe state that the panel confirmed last. */
  let known: SafeOrder | undefined;
  let shown: SafeState | undefined;
  const listeners: (() => void)[] = [];
  const blind = createBlindSafety(clock, (order) => line().sendBlind({ type: 'set-safe-state', ...order, enter: true }));
  const silence = createHostSilence(clock, (quietMs) => {
    onSilent({ reason: 'silent', quietMs, limitMs: known?.silenceMs ?? 0 });
    if (known !== undefined) blind.command(known);
  });

  return {
    watch: {
      onAsked: () => silence.asked(),
      onAnswered: (stillAsked) => silence.answered(stillAsked),
      onBlindAck: () => {
        const { pending } = blind;
        if (pending === undefined) return; // of a copy
        shown = pending.state;
        blind.settled();
        for (const listener of listeners) listener();
      },
    },
    get shown() {
      return shown;
    },
    onSafe: (listener) => void listeners.push(listener),
    sessionBegan: () => silence.begin(),
    sessionEnded: () => silence.end(),
    confirmed(order, entered) {
      known = order;
      silence.limit(order.silenceMs);
      if (!entered) return;
      shown = order.state;
      blind.settled();
      silence.rest();
    },
    doubted: () => void (shown = undefined),
    command: (order) => blind.command(order),
    beamMeant() {
      shown = undefined;
      blind.settled();
      line().forgetBlind();
    },
    beforeHandshake: () => blind.again(),
    async confirm() {
      const { pending } = blind;
      if (pending === undefined) return undefined;
      const taken = await askDown(pending, (order) =>
        line().request<'set-safe-state'>({ type: 'set-safe-state', ...order, enter: true }),
      );
      if (taken.ok) shown = taken.safe.state;
      // What says no to darkness itself is in fault, and radiates nothing.
      else if (taken.failure.reason !== 'rejected') return taken.failure;
      blind.settled();
      return undefined;
    },
    close() {
      blind.rest();
      silence.end();
    },
  };
}
