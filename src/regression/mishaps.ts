/** The end of a wire at which frames can be lost, damaged, held up and heard: between any wire and any panel. */
import type { Clock } from '../../core/clock/clock.ts';
import type { Random } from '../../core/signal/random.ts';
import type { Message } from '../../firmware-protocol/messages.ts';
import { TYPE_CODES } from '../../firmware-protocol/type-codes.ts';
import { createInjector, type Behaviour, type Direction, type Injector } from '../../hil-sim/behaviours.ts';
import type { LoopbackPeer } from '../link/loopback.ts';
import type { PanelEnd } from '../link/panel-end.ts';

export interface TroubledEnd extends PanelEnd {
  /** From now on this happens to frames that pass, instead of what happened before; nothing where empty. */
  mishaps(behaviours: readonly Behaviour[]): void;
  /** The panel neither reads nor answers; its wire stays open, and what came meanwhile is lost. */
  hang(hangs: boolean): void;
  /** Sends so many of the newest frames that the panel took in once more. */
  replay(frames: number): void;
}

const TYPE_OF_CODE = new Map(Object.entries(TYPE_CODES).map(([type, code]) => [code, type as Message['type']]));
const FRAMES_OVERHEARD = 256;

export function troubled(end: PanelEnd, clock: Clock, random: Random): TroubledEnd {
  let injector: Injector | undefined;
  let draws = 0;
  let hangs = false;
  let peer: LoopbackPeer | undefined;
  const overheard: Uint8Array[] = [];

  const pass = (direction: Direction, frame: Uint8Array, deliver: (frame: Uint8Array) => void): void => {
    if (hangs) return;
    if (injector === undefined) return deliver(frame);
    for (const { bytes, delayMs } of injector.judge(direction, TYPE_OF_CODE.get(frame[1]), frame).deliveries) {
      const kept = new Uint8Array(bytes);
      if (delayMs === 0) deliver(kept);
      else clock.after(delayMs, () => hangs || deliver(kept));
    }
  };
  const takeIn = (frame: Uint8Array): void => {
    overheard.push(new Uint8Array(frame));
    if (overheard.length > FRAMES_OVERHEARD) overheard.shift();
    peer?.receive(frame);
  };

  return {
    name: end.name,
    onState: (listener) => end.onState(listener),
    open: (its) => {
      peer = its;
      return end.open({
        receive: (frame) => pass('to-panel', frame, takeIn),
        discarded: (frames) => its.discarded?.(frames),
        onSend: (listener) => its.onSend((frame) => pass('to-host', frame, listener)),
      });
    },
    close: () => end.close(),
    mishaps: (behaviours) => {
      injector = behaviours.length === 0 ? undefined : createInjector(behaviours, random.stream(`mishaps ${++draws}`));
    },
    hang: (next) => void (hangs = next),
    replay: (frames) => {
      for (const frame of overheard.slice(-frames)) peer?.receive(new Uint8Array(frame));
    },
  };
}
