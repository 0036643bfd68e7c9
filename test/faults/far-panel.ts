/**
 * The panel at the far end of a wire, with its board open on the bench: every frame it takes in and gives out is seen by a witness, and so
 * is everything its array is driven with. Between the wire and the panel frames can be lost, repeated, held up and exchanged, on any carrier.
 *
 *   wire ─ end ─► mishaps ─► witness ─► virtual panel ─► witness (what it radiates)
 *          end ◄─ mishaps ◄─ witness ◄──────┘
 */
import type { Clock } from '../../core/clock/clock.ts';
import { derivePanelKey } from '../../firmware-protocol/authentication.ts';
import type { Message } from '../../firmware-protocol/messages.ts';
import { TYPE_CODES } from '../../firmware-protocol/type-codes.ts';
import type { Air } from '../../hil-sim/air.ts';
import { createInjector, type Behaviour, type Direction, type Injector } from '../../hil-sim/behaviours.ts';
import { createVirtualPanel, type VirtualPanel, type VirtualPanelOptions } from '../../hil-sim/virtual-panel.ts';
import type { Random } from '../../core/signal/random.ts';
import type { World } from '../../src/rig/world.ts';
import type { LoopbackPeer } from '../../src/link/loopback.ts';
import type { PanelEnd } from '../../src/link/panel-end.ts';
import type { Witness } from './witness.ts';

export interface FarPanelOptions {
  name: string;
  panelSerial: string;
  /** Global elements, in the panel's own order. */
  elements: readonly number[];
  air: Air;
  world: World;
  random: Random;
  clock: Clock;
  witness: Witness;
  behaviours?: readonly Behaviour[];
  capabilities?: VirtualPanelOptions['capabilities'];
  rigKey?: Uint8Array;
}

export interface FarPanel extends LoopbackPeer {
  readonly name: string;
  readonly panelSerial: string;
  /** Where frames are sealed. */
  readonly panelKey: Uint8Array | undefined;
  readonly elements: readonly number[];
  readonly panel: VirtualPanel;
  /** Frames as they were taken in, newest last: what somebody who listens on the wire could send again. */
  readonly overheard: readonly Uint8Array[];
  /** From now on this happens to frames that pass, instead of what happened before; nothing when empty. */
  mishaps(behaviours: readonly Behaviour[]): void;
  /** The far application hangs: it neither reads nor answers, and what came meanwhile is lost. The wire stays open. */
  hang(): void;
  goOn(): void;
  /** From now on frames of the panel are exchanged for what this makes of them. */
  rewrite(change: (frame: Uint8Array) => Uint8Array): void;
  /** Somebody else on the wire sends this to the panel. */
  inject(frame: Uint8Array): void;
  close(): void;
}

const TYPE_OF_CODE = new Map(Object.entries(TYPE_CODES).map(([type, code]) => [code, type as Message['type']]));
const FRAMES_OVERHEARD = 256;

export function createFarPanel(options: FarPanelOptions): FarPanel {
  const { name, panelSerial, elements, air, world, random, clock, witness, behaviours = [], capabilities, rigKey } = options;
  const part = air.part(elements);
  const panelKey = rigKey && derivePanelKey(rigKey, panelSerial);
  const panel = createVirtualPanel({
    clock,
    random,
    behaviours,
    capabilities: { ...capabilities, panelSerial },
    air: {
      ...part,
      drive(beam) {
        part.drive(beam);
        witness.radiates(name, beam && { beamId: panel.radiated().beamId, ...beam });
      },
    },
    onLatch: (beamId) => {
      witness.latched(name, beamId);
      world.latched(beamId);
    },
    ...(panelKey === undefined ? {} : { authentication: { panelKey, counterLimit: 0n, storeLimit: () => true } }),
  });
  witness.knows(name, elements, panelKey);

  let injector: Injector | undefined;
  let draws = 0;
  let hanging = false;
  let closed = false;
  let change = (frame: Uint8Array): Uint8Array => frame;
  const overheard: Uint8Array[] = [];

  const pass = (direction: Direction, frame: Uint8Array, deliver: (frame: Uint8Array) => void): void => {
    if (hanging || closed) return;
    if (injector === undefined) return deliver(frame);
    for (const { bytes, delayMs } of injector.judge(direction, TYPE_OF_CODE.get(frame[1]), frame).deliveries) {
      const kept = new Uint8Array(bytes);
      if (delayMs === 0) deliver(kept);
      else clock.after(delayMs, () => hanging || closed || deliver(kept));
    }
  };
  const takeIn = (frame: Uint8Array): void => {
    witness.takenIn(name, frame);
    panel.receive(frame);
  };

  return {
    name,
    panelSerial,
    panelKey,
    elements,
    panel,
    overheard,
    receive: (frame) =>
      pass('to-panel', frame, (bytes) => {
        overheard.push(new Uint8Array(bytes));
        if (overheard.length > FRAMES_OVERHEARD) overheard.shift();
        takeIn(bytes);
      }),
    onSend: (listener) =>
      panel.onSend((frame) => {
        witness.givenOut(name, frame);
        pass('to-host', change(frame), listener);
      }),
    mishaps(next) {
      injector = next.length === 0 ? undefined : createInjector(next, random.stream(`mishaps ${++draws}`));
    },
    hang: () => {
      hanging = true;
    },
    goOn: () => {
      hanging = false;
    },
    rewrite: (next) => {
      change = next;
    },
    inject: takeIn,
    close: () => {
      closed = true;
      panel.close();
    },
  };
}

/** A panel with the end of the wire that it hangs on. */
export interface AttachedPanel extends FarPanel {
  readonly end: PanelEnd;
}
