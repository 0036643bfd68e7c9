/**
 * What goes wrong on benches, whatever the wire is, one story each: a rig runs, something happens to it, it is repaired, and the rig is to be
 * back by itself. The tests play them for the invariants of the witness and for the events that a person is told, bench/faults.ts for the time.
 * What only one kind of wire can do is in serial-scenarios.ts and mqtt-scenarios.ts; how a story is played in play.ts.
 */
import { decodeFrame, encodeFrame } from '../../firmware-protocol/codec.ts';
import type { Feature, Message } from '../../firmware-protocol/messages.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import type { FaultRig } from './fault-rig.ts';
import type { Refusal, Scenario } from './play.ts';

export const LOST_AND_BACK = ['panel-lost', 'panel-back'] as const;
/** Of two panels that share a beam one may miss its time where the machine is busy: that cycle is void, which is told once. */
export const PART_LOST_AND_BACK = /^(cycle-void )?panel-lost panel-back( cycle-void)?$/;

const NO_PATCHES: Feature[] = ['digital-weights', 'snr-report', 'read-back', 'time-sync'];
/** Every beam goes over whole, in as many bytes. */
const WHOLE: Scenario['options'] & object = { capabilities: { features: NO_PATCHES } };
/** Nearly every beam goes over as a patch: users stand still, and there are words enough. */
const PATCHED: Scenario['options'] & object = { elements: 64, rig: { simulator: '{ userSpeedMps: 0 }' } };
/** Every way in which a beam goes over a wire, for stories that damage each byte of it. */
export const WAYS_OVER: readonly { how: string; options: Scenario['options'] & object; carries: Message['type'] }[] = [
  { how: 'whole', options: WHOLE, carries: 'set-phases' },
  { how: 'as a patch', options: PATCHED, carries: 'patch-phases' },
  { how: 'whole and sealed', options: { ...WHOLE, authenticated: true }, carries: 'set-phases' },
  { how: 'as a patch and sealed', options: { ...PATCHED, authenticated: true }, carries: 'patch-phases' },
];

/** And in several chunks. */
export const IN_CHUNKS: Scenario['options'] & object = {
  elements: 64,
  capabilities: { maxPayloadBytes: 64, features: NO_PATCHES },
};

const bothWays = (behaviour: Behaviour): Behaviour[] => [
  { ...behaviour, direction: 'to-panel' },
  { ...behaviour, direction: 'to-host' } as Behaviour,
];

/** For so many cycles this happens to frames that pass; afterwards nothing does. */
const whilePassing =
  (behaviours: readonly Behaviour[], cycles: number) =>
  async (rig: FaultRig): Promise<void> => {
    await rig.cycles(3);
    for (const panel of rig.panels) panel.mishaps(behaviours);
    await rig.cycles(cycles);
    for (const panel of rig.panels) panel.mishaps([]);
    await rig.back();
    await rig.cycles(3);
  };

/** The cable is pulled, that is noticed, and it is put back a while later. */
export const pulledAndPutBack =
  ({ wire, afterCycles }: { wire: number; afterCycles: number }) =>
  async (rig: FaultRig): Promise<void> => {
    await rig.cycles(afterCycles);
    await rig.wires[wire].pull();
    await rig.untilVoid();
    await rig.away();
    await rig.wires[wire].putBack();
    await rig.back();
    await rig.cycles(3);
  };

/** What the panel does of itself, told beforehand; waits until it was noticed. */
const noticed = async (rig: FaultRig): Promise<void> => {
  await rig.untilVoid();
  await rig.back();
  await rig.cycles(3);
};

/** The panel's capabilities, exchanged on their way out. */
const introducing =
  (change: (capabilities: Capabilities) => Uint8Array) =>
  (frame: Uint8Array): Uint8Array => {
    const decoded = decodeFrame(frame);
    if (!decoded.ok || decoded.frame.message.type !== 'capabilities') return frame;
    return change({ seq: decoded.frame.seq, message: decoded.frame.message });
  };
type Capabilities = { seq: number; message: Extract<Message, { type: 'capabilities' }> };

/** Says that its phase shifters have 5 bits. */
const fiveBits = introducing(({ seq, message }) => encodeFrame({ seq, message: { ...message, phaseBits: 5 } }));
/** Speaks version 2, as it says in answer to a hello that offers version 1. */
const newer = introducing(({ seq }) =>
  encodeFrame({ seq, message: { type: 'nack', code: 'unsupported-version', detail: 2 } }, { major: 2 }),
);

export const nothingLost = (rig: FaultRig): string[] => (rig.lost() === 'nothing' ? [] : [`lost: ${rig.lost()}`]);

/** Nothing was lost, and that is no wonder of a fault that never happened: requests had to be sent again. */
export const sentAgain = (rig: FaultRig): string[] => {
  const retries = rig.witness.records.reduce((sum, { link }) => sum + link.retries, 0);
  return [...nothingLost(rig), ...(retries > 0 ? [] : ['nothing had to be sent again'])];
};

/** Beams went over the wire in this way. */
export const mostlyBy =
  (type: Message['type']) =>
  (rig: FaultRig): string[] =>
    rig.witness.received('link-0', type) > 0.5 * rig.witness.records.length ? [] : [`hardly a beam came as ${type}`];

/** The wire is out, and what answers afterwards cannot be used: the rig faults by itself. */
const exchangedFor =
  (other: (frame: Uint8Array) => Uint8Array) =>
  async (rig: FaultRig): Promise<void> => {
    await rig.cycles(3);
    await rig.wires[0].pull();
    await rig.untilVoid();
    rig.panels[0].rewrite(other);
    await rig.wires[0].putBack();
    await rig.untilTold('panel-unusable');
  };

/** In words, where no record of a void cycle says which panel it was. */
export const names =
  (panel: string, more = '') =>
  (rig: FaultRig): string[] =>
    rig.witness.records.some(({ failure = '' }) => failure.includes(panel) && failure.includes(more))
      ? []
      : [`no void cycle names ${panel}${more === '' ? '' : ` and '${more}'`}`];

const typeOf = (frame: Uint8Array | undefined): string => {
  const decoded = frame && decodeFrame(frame);
  return decoded?.ok === true ? decoded.frame.message.type : '';
};

/** The first panel has said that it will switch at the time, and restarts before that comes: the other one switches alone. */
export async function resetWhileArmed(rig: FaultRig): Promise<void> {
  const [far] = rig.panels;
  await rig.cycles(5);
  let armed = false;
  far.rewrite((frame) => {
    if (!armed && typeOf(frame) === 'ack' && typeOf(far.overheard.at(-1)) === 'commit') {
      armed = true;
      queueMicrotask(() => far.panel.reset());
    }
    return frame;
  });
  await rig.untilVoid();
  await rig.back();
  await rig.cycles(3);
}

/** The split was one, was told as one, and did not wait for the silence limit of the panel that was left. */
export const splitHandled = (rig: FaultRig): string[] => {
  const { aloneMs } = rig.witness.apart;
  return [
    ...names('link-0', 'the array is split: link-1 switched')(rig),
    ...(aloneMs > 0 ? [] : ['no panel was ever alone']),
    ...(aloneMs < 2500 ? [] : [`link-1 went on alone for ${Math.round(aloneMs)} ms`]),
  ];
};

/** The second of two panels misses a timed commit: the beam is void and names it, and the next ones are whole. */
export const SECOND_MISSES_COMMIT: Pick<Scenario, 'play' | 'events' | 'check'> = {
  async play(rig) {
    await rig.cycles(5);
    rig.panels[1].mishaps([{ do: 'drop', messages: ['commit'] }]);
    await rig.untilVoid();
    rig.panels[1].mishaps([]);
    await rig.back();
    await rig.cycles(3);
  },
  events: ['cycle-void'],
  check: names('link-1'),
};

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'cable pulled and put back',
    // Long enough for pauses between attempts to have grown to their longest.
    options: { outageMs: 2500 },
    play: pulledAndPutBack({ wire: 0, afterCycles: 3 }),
    events: LOST_AND_BACK,
  },
  {
    name: 'cable out until the panel goes dark of itself, and put back',
    async play(rig) {
      await rig.cycles(3);
      await rig.wires[0].pull();
      await rig.untilVoid();
      await rig.untilDark(0);
      await rig.wires[0].putBack();
      await rig.back();
      await rig.cycles(3);
    },
    events: LOST_AND_BACK,
  },
  {
    name: 'link gone while the rig is paused, and back',
    async play(rig) {
      const { controller } = rig.rig;
      await rig.cycles(3);
      await controller.pause();
      await rig.wires[0].pull();
      await rig.away();
      await rig.wires[0].putBack();
      await rig.away();
      await controller.run();
      await rig.back();
      await rig.cycles(3);
    },
    events: ['paused', 'resumed', ...LOST_AND_BACK],
  },
  {
    name: 'far application hangs with the link open, and goes on',
    async play(rig) {
      await rig.cycles(3);
      rig.panels[0].hang();
      await rig.untilTold('panel-lost');
      await rig.away();
      rig.panels[0].goOn();
      await rig.back();
      await rig.cycles(3);
    },
    events: LOST_AND_BACK,
  },
  {
    name: 'panel resets between two chunks of a beam',
    options: { ...IN_CHUNKS, behaviours: [{ do: 'reset', messages: ['set-phases'], nth: 10, bootMs: 100 }] },
    play: noticed,
    events: LOST_AND_BACK,
  },
  {
    name: 'panel resets between stage and commit',
    options: { ...IN_CHUNKS, behaviours: [{ do: 'reset', messages: ['commit'], nth: 5, moment: 'before', bootMs: 100 }] },
    play: noticed,
    events: LOST_AND_BACK,
  },
  {
    name: 'panel resets after it has latched and before it answers',
    options: {
      behaviours: [{ do: 'reset', direction: 'to-host', messages: ['committed'], nth: 5, moment: 'before', bootMs: 100 }],
    },
    play: noticed,
    events: LOST_AND_BACK,
  },
  {
    name: '1 % of frames dropped',
    play: whilePassing(bothWays({ do: 'drop', probability: 0.01 }), 60),
    events: [],
    check: sentAgain,
  },
  {
    name: '10 % of frames dropped',
    options: IN_CHUNKS,
    play: whilePassing(bothWays({ do: 'drop', probability: 0.1 }), 30),
    events: [],
    check: sentAgain,
  },
  {
    name: 'frames duplicated',
    options: IN_CHUNKS,
    play: whilePassing(bothWays({ do: 'duplicate', copies: 3 }), 20),
    events: [],
    check: (rig) => [
      ...nothingLost(rig),
      // Of what it had taken in before, the panel latched nothing twice: the witness would have told.
      ...(rig.witness.received('link-0', 'commit') > 3 * 20 ? [] : ['nothing came in twice']),
    ],
  },
  {
    name: 'frames reordered',
    options: IN_CHUNKS,
    play: whilePassing(bothWays({ do: 'reorder', probability: 0.3 }), 20),
    events: [],
    check: sentAgain,
  },
  {
    name: 'commits delayed past their deadline',
    async play(rig) {
      await rig.cycles(3);
      rig.panels[0].mishaps([{ do: 'delay', messages: ['commit'], delayMs: 3500 }]);
      await rig.untilVoid();
      rig.panels[0].mishaps([]);
      await rig.back();
      // The late ones come in now, among newer beams.
      const received = rig.witness.received(rig.panels[0].name, 'commit');
      await rig.until(() => rig.witness.received(rig.panels[0].name, 'commit') > received + 90);
    },
    events: ['cycle-void'],
  },
  {
    name: 'panel stalls and goes on',
    options: { behaviours: [{ do: 'stall', messages: ['commit'], nth: 5, forMs: 600 }] },
    async play(rig) {
      await rig.cycles(8);
      await rig.back();
    },
    events: [],
    check: sentAgain,
  },
  {
    name: 'panel says that it is busy',
    options: { behaviours: [{ do: 'nack', code: 'busy', messages: ['commit'], nth: 5, times: 3 }] },
    async play(rig) {
      await rig.cycles(8);
      await rig.back();
    },
    events: [],
    check: sentAgain,
  },
  {
    name: 'panel refuses commits',
    options: { behaviours: [{ do: 'nack', code: 'malformed', messages: ['commit'], nth: 5, times: 4 }] },
    async play(rig) {
      await rig.untilVoid();
      await rig.back();
      await rig.cycles(3);
    },
    events: ['cycle-void'],
  },
  {
    name: 'panel finds a fault of its own, and is over it',
    async play(rig) {
      await rig.cycles(3);
      rig.panels[0].panel.fault(7);
      await rig.untilVoid();
      await rig.away();
      rig.panels[0].panel.recover();
      await rig.back();
      await rig.cycles(3);
    },
    events: ['panel-fault', 'cycle-void'],
  },
  {
    name: 'panel that comes back has another Q',
    play: exchangedFor(fiveBits),
    // It confirmed what it was told blind, and was given no beam since.
    events: ['panel-lost', 'panel-unusable', 'safe-confirmed-before'],
  },
  {
    name: 'panel that comes back speaks a newer protocol',
    play: exchangedFor(newer),
    // It confirmed what it was told blind, and was given no beam since.
    events: ['panel-lost', 'panel-unusable', 'safe-confirmed-before'],
  },
  {
    name: 'frames of an authenticated link are replayed',
    options: { authenticated: true },
    async play(rig) {
      await rig.cycles(5);
      const [far] = rig.panels;
      const old = [...far.overheard];
      for (let cycle = 0; cycle < 10; cycle++) {
        for (const frame of old.slice(-4 * (cycle + 1))) far.inject(frame);
        await rig.cycles(1);
      }
      await rig.back();
    },
    events: [],
    check: (rig) => [...nothingLost(rig), ...(rig.witness.said('link-0', 'nack') > 0 ? [] : ['no replayed frame was refused'])],
  },
  {
    name: 'one of two panels misses a timed commit',
    options: { panels: 2 },
    ...SECOND_MISSES_COMMIT,
  },
  {
    name: 'one of two panels resets while its beam waits for its time',
    options: { panels: 2 },
    play: resetWhileArmed,
    events: PART_LOST_AND_BACK,
    check: splitHandled,
  },
  {
    name: 'one of two panels is unplugged and put back',
    options: { panels: 2 },
    play: pulledAndPutBack({ wire: 1, afterCycles: 5 }),
    events: PART_LOST_AND_BACK,
    check: names('link-1'),
  },
];

/** What is wrong from the start. */
export const REFUSALS: readonly Refusal[] = [
  {
    name: 'a panel with another Q',
    options: { says: fiveBits },
    code: 'panel',
    message: /phaseBits is 5, the rig wants 6/,
  },
  {
    name: 'a panel with a newer protocol',
    options: { says: newer },
    code: 'protocol-version',
    message: /speaks protocol version 2, this program 1/,
  },
];
