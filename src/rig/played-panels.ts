/**
 * Panels played for others: each at its own end of a wire (serial, MQTT), with its own elements, all radiating through one array in one
 * world. The controller is somewhere else, in another process or on another machine; to it they are hardware.
 *
 *   wire ─ end ─► virtual panel ─┐
 *   wire ─ end ─► virtual panel ─┴► air of the whole array ◄─ world, moved on by the beams that are latched
 */
import type { Clock } from '../../core/clock/clock.ts';
import { decodeFrame } from '../../firmware-protocol/codec.ts';
import type { NackCode } from '../../firmware-protocol/messages.ts';
import { wordsCrc32c } from '../../firmware-protocol/packing.ts';
import { TYPE_CODES } from '../../firmware-protocol/type-codes.ts';
import { createAir } from '../../hil-sim/air.ts';
import type { Air, AirPart } from '../../hil-sim/air.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import type { SimulatedArray } from '../../hil-sim/simulated-array.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import type { VirtualPanel, VirtualPanelOptions } from '../../hil-sim/virtual-panel.ts';
import type { UserRun } from '../../core/signal/indices.ts';
import type { Random } from '../../core/signal/random.ts';
import type { World } from './world.ts';
import type { LoopbackPeer } from '../link/loopback.ts';
import type { PanelEnd } from '../link/panel-end.ts';

export interface PanelToPlay {
  name: string;
  panelSerial: string;
  /** Global elements, in the panel's own order. */
  elements: readonly number[];
  /** Whom it hears, of a board with receivers only. */
  users?: UserRun;
  end: PanelEnd;
  behaviours?: readonly Behaviour[];
  authentication?: NonNullable<VirtualPanelOptions['authentication']>;
  /** 1: as a panel from before version 1.2. */
  protocolMinor?: NonNullable<VirtualPanelOptions['capabilities']>['protocolMinor'];
  /** What else it is like, where that is not the usual. */
  settings?: Pick<VirtualPanelOptions, 'answerMs' | 'capabilities'>;
}

export interface PlayedPanelsOptions {
  panels: readonly PanelToPlay[];
  array: SimulatedArray;
  world: World;
  /** σ² at each user, linear. */
  noise: number;
  /** The simulator's: the same seed plays the same panels as its loopback does. */
  random: Random;
  clock: Clock;
  onEvent?: (event: PlayedEvent) => void;
}

export type PlayedEvent = { panel: string } & (
  | { type: 'opened' | 'closed'; detail: string }
  /** The shifters are driven with these words from now on; beam 0 is the safe one. */
  | { type: 'radiates'; beamId: number; wordsCrc32c: number; words: Uint16Array }
  | { type: 'dark' }
  /** The panel said no (`nack`), `times` in all since it was last told of this code. */
  | { type: 'refused'; code: NackCode; detail: number; times: number }
  | { type: 'reset'; bootMs: number }
  | { type: 'stalled'; forMs: number }
  | { type: 'fault'; code: number }
  | { type: 'recovered' }
);

export interface PlayedPanel {
  readonly name: string;
  readonly panelSerial: string;
  readonly elements: readonly number[];
  /** For messages: where it is attached. */
  readonly attachedTo: string;
  readonly panel: VirtualPanel;
  /** Pulls its power and puts it back. */
  reset(bootMs: number): void;
  /** It neither reads nor answers for so long; a few frames wait, more are lost. */
  stall(forMs: number): void;
  /** It finds a fault of its own, and is over it. */
  fault(code: number): void;
  recover(): void;
  /** Lets go of the wire, and takes it again. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
}

export interface PlayedPanels {
  readonly panels: readonly PlayedPanel[];
  /** Attaches all of them. When one cannot be attached, none is. */
  open(): Promise<void>;
  /** Mutes all of them and lets go of their wires. */
  close(): Promise<void>;
}

/** As a panel that stalls by a behaviour. */
const STALLED_FRAMES_KEPT = 16;
const REFUSAL_TOLD_EVERY_MS = 1000;

/** @throws {BeamrigError} 'shape', 'argument' for panels that do not fit the array */
export function playPanels(options: PlayedPanelsOptions): PlayedPanels {
  const { array, world, noise, random, clock } = options;
  const seeded = random.stream('panel');
  const air = createAir({ array, scene: world.scene, noise, random: seeded, clock });
  const panels = options.panels.map((toPlay, index) =>
    play(toPlay, air, index === 0 ? seeded : seeded.stream(toPlay.panelSerial), options),
  );
  return {
    panels,
    async open() {
      const opened = await Promise.allSettled(panels.map((panel) => panel.plug()));
      const failed = opened.find((outcome) => outcome.status === 'rejected');
      if (!failed) return;
      await this.close();
      throw failed.reason;
    },
    async close() {
      for (const panel of panels) panel.mute();
      await Promise.all(panels.map((panel) => panel.unplug()));
    },
  };
}

function play(toPlay: PanelToPlay, air: Air, random: Random, options: PlayedPanelsOptions): PlayedPanel & { mute(): void } {
  const { name, panelSerial, elements, users, end, behaviours, authentication, protocolMinor, settings } = toPlay;
  const { world, clock, onEvent = () => undefined } = options;
  let radiating = false;
  const watch = (part: AirPart): AirPart => ({
    ...part,
    drive(beam) {
      part.drive(beam);
      if (beam) {
        const { beamId } = panel.radiated();
        onEvent({ panel: name, type: 'radiates', beamId, wordsCrc32c: wordsCrc32c(beam.words), words: beam.words });
      } else if (radiating) onEvent({ panel: name, type: 'dark' });
      radiating = beam !== undefined;
    },
  });
  const watched = users === undefined ? watch(air.part(elements)) : undefined;
  const panel: VirtualPanel = createVirtualPanel({
    clock,
    ...(watched ? { air: watched } : { receivers: air.receivers(), ...(users && { hears: users }) }),
    random,
    ...settings,
    capabilities: { ...settings?.capabilities, panelSerial, ...(protocolMinor === undefined ? {} : { protocolMinor }) },
    onLatch: (beamId) => world.latched(beamId),
    ...(behaviours === undefined ? {} : { behaviours }),
    ...(authentication === undefined ? {} : { authentication }),
  });

  const refusals = watchRefusals(clock, (refusal) => onEvent({ panel: name, type: 'refused', ...refusal }));
  let stalledUntilMs = -Infinity;
  let waiting: Uint8Array[] = [];
  let attached = false;
  const peer: LoopbackPeer = {
    receive(frame) {
      if (clock.nowMs() >= stalledUntilMs) panel.receive(frame);
      else if (waiting.length < STALLED_FRAMES_KEPT) waiting.push(new Uint8Array(frame));
    },
    discarded: (frames) => panel.discarded(frames),
    onSend: (listener) =>
      panel.onSend((frame) => {
        refusals(frame);
        listener(frame);
      }),
  };
  end.onState(({ open, detail }) => onEvent({ panel: name, type: open ? 'opened' : 'closed', detail }));

  return {
    name,
    panelSerial,
    elements,
    attachedTo: end.name,
    panel,
    reset(bootMs) {
      waiting = [];
      stalledUntilMs = -Infinity;
      onEvent({ panel: name, type: 'reset', bootMs });
      panel.reset(bootMs);
    },
    stall(forMs) {
      onEvent({ panel: name, type: 'stalled', forMs });
      stalledUntilMs = Math.max(stalledUntilMs, clock.nowMs() + forMs);
      clock.after(forMs, () => {
        if (clock.nowMs() < stalledUntilMs) return;
        stalledUntilMs = -Infinity;
        const frames = waiting;
        waiting = [];
        for (const frame of frames) panel.receive(frame);
      });
    },
    fault(code) {
      onEvent({ panel: name, type: 'fault', code });
      panel.fault(code);
    },
    recover() {
      onEvent({ panel: name, type: 'recovered' });
      panel.recover();
    },
    async unplug() {
      attached = false;
      await end.close();
    },
    async plug() {
      // A second time it would fight itself for its wire.
      if (attached) return;
      await end.open(peer);
      attached = true;
    },
    mute() {
      panel.close();
      watched?.drive(undefined);
    },
  };
}

/** Nacks among what a panel sends: a code that keeps coming is told once a second. Sealed ones are between the panel and its host. */
function watchRefusals(clock: Clock, tell: (refusal: { code: NackCode; detail: number; times: number }) => void) {
  const known = new Map<NackCode, { toldMs: number; times: number }>();
  return (frame: Uint8Array): void => {
    if (frame[1] !== TYPE_CODES.nack) return;
    const decoded = decodeFrame(frame);
    if (!decoded.ok || decoded.frame.message.type !== 'nack') return;
    const { code, detail } = decoded.frame.message;
    const { toldMs, times } = known.get(code) ?? { toldMs: -Infinity, times: 0 };
    if (clock.nowMs() < toldMs + REFUSAL_TOLD_EVERY_MS) {
      known.set(code, { toldMs, times: times + 1 });
      return;
    }
    known.set(code, { toldMs: clock.nowMs(), times: 0 });
    tell({ code, detail, times: times + 1 });
  };
}
