/**
 * A bench for tests of an array over several panels: virtual panels that radiate through one air, each on a loopback link of its own, with
 * clocks that differ, on virtual time. Whatever any of them radiates is looked at all the time: nothing but a whole part of a beam that
 * the host has asked for.
 */
import type { Clock } from '../core/clock/clock.ts';
import type { VirtualClock } from '../core/clock/virtual-clock.ts';
import { createVirtualClock } from '../core/clock/virtual-clock.ts';
import { derivePanelKey } from '../firmware-protocol/authentication.ts';
import { decodeFrame } from '../firmware-protocol/codec.ts';
import type { Message } from '../firmware-protocol/messages.ts';
import { createAir } from '../hil-sim/air.ts';
import type { Air } from '../hil-sim/air.ts';
import type { Behaviour } from '../hil-sim/behaviours.ts';
import { createRecordedScene } from '../hil-sim/scene.ts';
import { createSimulatedArray } from '../hil-sim/simulated-array.ts';
import type { PanelSettings, VirtualPanel } from '../hil-sim/virtual-panel.ts';
import { createVirtualPanel } from '../hil-sim/virtual-panel.ts';
import { fromParts } from '../core/signal/complex-matrix.ts';
import type { UserRun } from '../core/signal/indices.ts';
import { createRandom } from '../core/signal/random.ts';
import type { LoopbackLink } from '../src/link/loopback.ts';
import { createLoopbackLink } from '../src/link/loopback.ts';
import type { ArrayMember, BeamCommand } from '../src/panel/panel.ts';
import type { PanelOptions } from '../src/panel/panel-driver.ts';
import { createPanel } from '../src/panel/panel-driver.ts';
import type { PanelGroup } from '../src/panel/panel.ts';
import { createPanelGroup } from '../src/panel/panel-group.ts';

export const CHAINS = 2;
export const USERS = 2;
export const PHASE_BITS = 6;

export interface BenchMember {
  /** Elements of the array, in the panel's order. */
  elements: readonly number[];
  behaviours?: readonly Behaviour[];
  /** Its clock against the host's: this much ahead, and faster. */
  aheadMs?: number;
  driftPpm?: number;
  /** By how much it has jumped by now, ms. */
  jumpedMs?: () => number;
  latencyMs?: number;
  capabilities?: NonNullable<PanelSettings['capabilities']>;
  driver?: Partial<PanelOptions>;
  /** Key of the panel, and of the host for it. */
  panelKey?: Uint8Array;
}

/** A board with receivers only. */
export interface BenchReceivers {
  users: UserRun;
  /** Those whom it has receivers for, where they are not the users that it is asked for. */
  hears?: UserRun;
  behaviours?: readonly Behaviour[];
  capabilities?: NonNullable<PanelSettings['capabilities']>;
}

export interface BenchPanel {
  virtual: VirtualPanel;
  link: LoopbackLink;
  driver: ArrayMember;
  /** What its driver put on the link, in order; sealed frames left out. */
  sent: Message[];
  /** Beams that it has radiated, in order. */
  radiated: number[];
  /** When it latched them, by the host's clock, ms. */
  latchedMs: number[];
}

export interface PanelArray {
  clock: VirtualClock;
  air: Air;
  panels: BenchPanel[];
  /** Boards with receivers only, and what was said to them. */
  receivers: Pick<BenchPanel, 'virtual' | 'link' | 'driver' | 'sent'>[];
  group: PanelGroup;
  /** Notes a beam as asked for: nothing else may be radiated. */
  ask: <B extends BeamCommand>(beam: B) => B;
  /** A beam that no other id shares, noted as asked for. */
  beam: (beamId: number) => BeamCommand & { digital: { users: number; weights: Float32Array } };
  /** The beam that each panel radiates now. */
  shown: () => number[];
  /** What all panels showed whenever one of them reported SNR. */
  reports: { beamId: number; shown: number[] }[];
}

export function panelArray(members: readonly BenchMember[], seed = 1, listeners: readonly BenchReceivers[] = []): PanelArray {
  const clock = createVirtualClock();
  const random = createRandom(seed);
  const elements = members.reduce((count, member) => count + member.elements.length, 0);
  const channel = Float64Array.from({ length: 2 * USERS * elements }, () => random.normal());
  const half = USERS * elements;
  const air = createAir({
    array: createSimulatedArray({ elements, rfChains: CHAINS, phaseBits: PHASE_BITS, random: random.stream('array') }),
    scene: createRecordedScene([fromParts(USERS, elements, channel.subarray(0, half), channel.subarray(half))]),
    noise: 1,
    random: random.stream('air'),
    clock,
  });
  const asked = new Map<number, Uint16Array>();
  const ask = <B extends BeamCommand>(beam: B): B => {
    asked.set(beam.beamId, beam.words.slice());
    return beam;
  };
  const reports: PanelArray['reports'] = [];
  const shown = (): number[] => panels.map(({ virtual }) => virtual.radiated().beamId);

  const panels = members.map((member, index): BenchPanel => {
    const serial = member.capabilities?.panelSerial ?? `PANEL-${index}`;
    const radiated: number[] = [];
    const latchedMs: number[] = [];
    const virtual = createVirtualPanel({
      clock: clockOfItsOwn(clock, member.aheadMs ?? 0, member.driftPpm ?? 0, member.jumpedMs),
      air: air.part(member.elements),
      random: random.stream(`panel ${index}`),
      behaviours: member.behaviours ?? [],
      answerMs: 0.05,
      capabilities: { maxPayloadBytes: 64, ...member.capabilities, panelSerial: serial },
      ...(member.panelKey === undefined
        ? {}
        : { authentication: { panelKey: derivePanelKey(member.panelKey, serial), counterLimit: 0n, storeLimit: () => true } }),
      onLatch: (beamId) => {
        radiated.push(beamId);
        latchedMs.push(clock.nowMs());
        look();
      },
    });
    const look = (): void => {
      const now = virtual.radiated();
      if (now.beamId === 0) return;
      const whole = asked.get(now.beamId);
      if (whole === undefined) throw new Error(`panel ${index} radiates beam ${now.beamId}, which nobody asked for`);
      const differs = member.elements.some((element, i) =>
        Array.from({ length: CHAINS }, (_, m) => m).some((m) => now.words[i * CHAINS + m] !== whole[element * CHAINS + m]),
      );
      if (differs) throw new Error(`panel ${index} radiates something else than its part of beam ${now.beamId}`);
    };
    const link = createLoopbackLink(
      {
        receive: (frame) => {
          virtual.receive(frame);
          look();
        },
        onSend: (listener) =>
          virtual.onSend((frame) => {
            look();
            const decoded = decodeFrame(frame);
            if (decoded.ok && decoded.frame.message.type === 'snr-report') {
              reports.push({ beamId: decoded.frame.message.beamId, shown: shown() });
            }
            listener(frame);
          }),
      },
      clock,
      { name: `link ${index}`, latencyMs: member.latencyMs ?? 0.5 },
    );
    const sent = sentOn(link);
    const driver = createPanel({ link, clock, random: random.stream(`driver ${index}`), ...member.driver });
    return { virtual, link, driver, sent, radiated, latchedMs };
  });

  const receivers = listeners.map(({ users, hears = users, behaviours = [], capabilities }, index) => {
    const virtual = createVirtualPanel({
      clock,
      receivers: air.receivers(),
      hears,
      random: random.stream(`receivers ${index}`),
      behaviours,
      answerMs: 0.05,
      capabilities: { panelSerial: `RECEIVERS-${index}`, ...capabilities },
    });
    const link = createLoopbackLink(virtual, clock, { name: `receivers ${index}`, latencyMs: 0.5 });
    const sent = sentOn(link);
    const driver = createPanel({ link, clock, random: random.stream(`driver of receivers ${index}`), hears: users });
    return { virtual, link, driver, sent };
  });

  const group = createPanelGroup({
    members: panels.map(({ driver }, i) => ({ panel: driver, elements: members[i].elements })),
    elements,
    rfChains: CHAINS,
    clock,
    receivers: receivers.map(({ driver }, i) => ({ panel: driver, users: listeners[i].users })),
  });
  return {
    clock,
    air,
    panels,
    receivers,
    group,
    ask,
    beam: (beamId) => ask(beamOf(beamId, elements)),
    shown,
    reports,
  };
}

/** What is put on a link from now on, in order; sealed frames left out. */
function sentOn(link: LoopbackLink): Message[] {
  const sent: Message[] = [];
  const send = link.send.bind(link);
  link.send = (frame) => {
    const decoded = decodeFrame(frame);
    if (decoded.ok) sent.push(decoded.frame.message);
    return send(frame);
  };
  return sent;
}

/** A beam that no other id shares. */
function beamOf(beamId: number, elements: number): BeamCommand & { digital: { users: number; weights: Float32Array } } {
  const random = createRandom(beamId);
  const words = Uint16Array.from({ length: elements * CHAINS }, () => Math.floor(random.uniform() * 2 ** PHASE_BITS));
  const weights = Float32Array.from({ length: 2 * CHAINS * USERS }, () => random.normal());
  return { beamId, phaseBits: PHASE_BITS, words, digital: { users: USERS, weights } };
}

/** The same time as another clock shows it that is ahead and faster. */
function clockOfItsOwn(clock: Clock, aheadMs: number, driftPpm: number, jumpedMs: () => number = () => 0): Clock {
  const rate = 1 + driftPpm * 1e-6;
  return {
    nowMs: () => aheadMs + jumpedMs() + rate * clock.nowMs(),
    epochNs: () => clock.epochNs(),
    sleep: (ms, signal) => clock.sleep(ms / rate, signal),
    after: (ms, call) => clock.after(ms / rate, call),
    during: (work) => clock.during(work),
  };
}
