/** The end of a wire at which frames can be lost, damaged, held up and heard: between any wire and any panel. */
import type { Clock } from '../../core/clock/clock.ts';
import type { Random } from '../../core/signal/random.ts';
import type { Message } from '../../firmware-protocol/messages.ts';
import { TYPE_CODES } from '../../firmware-protocol/type-codes.ts';
import { createInjector, type Behaviour, type Direction, type Injector } from '../../hil-sim/behaviours.ts';
import type { LoopbackPeer } from '../link/loopback.ts';
import type { PanelEnd } from '../link/panel-end.ts';

export interface TroubledEnd extends PanelEnd {
  mishaps: Troubles['mishaps'];
  /** The panel neither reads nor answers; its wire stays open, and what came meanwhile is lost. */
  hang(hangs: boolean): void;
  /** Sends so many of the newest frames that the panel took in once more. */
  replay(frames: number): void;
}

/** What can happen on the way; the rest is done by panels that are played, in themselves. */
const ON_THE_WAY: ReadonlySet<Behaviour['do']> = new Set(['drop', 'corrupt', 'duplicate', 'delay', 'reorder'] as const);

/** The first of these that no wire does. */
export const notOnTheWay = (behaviours: readonly Behaviour[]): Behaviour['do'] | undefined =>
  behaviours.find((behaviour) => !ON_THE_WAY.has(behaviour.do))?.do;

const TYPE_OF_CODE = new Map(Object.entries(TYPE_CODES).map(([type, code]) => [code, type as Message['type']]));
const FRAMES_OVERHEARD = 256;

/** What happens to frames between two ends, whichever they are. */
export interface Troubles {
  /** From now on this happens to frames that pass, beside what happens already. @returns ends it, and that alone */
  mishaps(behaviours: readonly Behaviour[]): () => void;
  hang(hangs: boolean): void;
  /** Frames on their way; `deliver` is called for each that arrives, as often and as late as it does. */
  pass(direction: Direction, frame: Uint8Array, deliver: (frame: Uint8Array) => void): void;
  /** The newest of those that arrived at the panel. */
  overheard(frames: number): Uint8Array[];
}

export function createTroubles(clock: Clock, random: Random): Troubles {
  /** In the order in which they began: each gets what those before it have left. */
  const injectors: Injector[] = [];
  let draws = 0;
  let hangs = false;
  const overheard: Uint8Array[] = [];
  const arrive = (direction: Direction, frame: Uint8Array, deliver: (frame: Uint8Array) => void): void => {
    if (hangs) return;
    if (direction === 'to-panel') overheard.push(new Uint8Array(frame));
    if (overheard.length > FRAMES_OVERHEARD) overheard.shift();
    deliver(frame);
  };
  return {
    pass(direction, frame, deliver) {
      if (hangs) return;
      let deliveries = [{ bytes: frame, delayMs: 0 }];
      for (const injector of injectors) {
        deliveries = deliveries.flatMap(({ bytes, delayMs }) =>
          injector.judge(direction, TYPE_OF_CODE.get(frame[1]), bytes).deliveries.map((each) => ({
            bytes: each.bytes,
            delayMs: delayMs + each.delayMs,
          })),
        );
      }
      for (const { bytes, delayMs } of deliveries) {
        const kept = new Uint8Array(bytes);
        if (delayMs === 0) arrive(direction, kept, deliver);
        else clock.after(delayMs, () => arrive(direction, kept, deliver));
      }
    },
    mishaps: (behaviours) => {
      const injector = createInjector(behaviours, random.stream(`mishaps ${++draws}`));
      injectors.push(injector);
      return () => {
        const place = injectors.indexOf(injector);
        if (place >= 0) injectors.splice(place, 1);
      };
    },
    hang: (next) => void (hangs = next),
    overheard: (frames) => overheard.slice(-frames).map((frame) => new Uint8Array(frame)),
  };
}

export function troubled(end: PanelEnd, clock: Clock, random: Random): TroubledEnd {
  const troubles = createTroubles(clock, random);
  let peer: LoopbackPeer | undefined;
  return {
    name: end.name,
    onState: (listener) => end.onState(listener),
    open: (its) => {
      peer = its;
      return end.open({
        receive: (frame) => troubles.pass('to-panel', frame, (arrived) => its.receive(arrived)),
        discarded: (frames) => its.discarded?.(frames),
        onSend: (listener) => its.onSend((frame) => troubles.pass('to-host', frame, listener)),
      });
    },
    close: () => end.close(),
    mishaps: (behaviours) => troubles.mishaps(behaviours),
    hang: (hangs) => troubles.hang(hangs),
    replay: (frames) => {
      for (const frame of troubles.overheard(frames)) peer?.receive(frame);
    },
  };
}
