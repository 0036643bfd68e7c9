/**
 * The driver against the simulator's own panel, in real bytes, through everything that goes wrong on a bench. Whatever happens, three things
 * hold: no half of a beam is ever radiated, no measurement is credited to another beam, and nothing of an old session is said in a new one.
 */
import { describe, expect, it } from 'vitest';
import type { VirtualClock } from '../../core/clock/virtual-clock.ts';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { decodeFrame } from '../../firmware-protocol/codec.ts';
import type { Capabilities, Message } from '../../firmware-protocol/messages.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import type { VirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { LoopbackLink, LoopbackPeer } from '../link/loopback.ts';
import { createLoopbackLink } from '../link/loopback.ts';
import type { Panel, PanelFailure } from './panel.ts';
import type { PanelOptions } from './panel-driver.ts';
import { createPanel } from './panel-driver.ts';
import { smallChunksPanel } from '../../test/doubles/driver-bench.ts';
import { K, M, N, Q, beamOf } from '../../test/doubles/whole-beam.ts';

interface Bench {
  clock: VirtualClock;
  virtual: VirtualPanel;
  link: LoopbackLink;
  driver: Panel;
  /** Beams that were radiated at some time, by id; checked to be whole each time. */
  radiated: Set<number>;
  /** What the driver put on the link, in order. */
  sent: Message[];
}

interface BenchOptions {
  behaviours?: readonly Behaviour[];
  driver?: Partial<PanelOptions>;
  capabilities?: Partial<Pick<Capabilities, 'maxPayloadBytes' | 'stagingSlots' | 'features'>>;
  latencyMs?: number;
  answerMs?: number;
}

function bench({ behaviours = [], driver = {}, capabilities = {}, latencyMs = 0.5, answerMs = 0.1 }: BenchOptions = {}): Bench {
  const clock = createVirtualClock();
  const random = createRandom(1);
  const virtual = smallChunksPanel(clock, random, { behaviours, answerMs, capabilities });
  const radiated = new Set<number>();
  const sent: Message[] = [];
  const whole = new Map<number, Uint16Array>([[0, new Uint16Array(N * M)]]);
  const lookAtTheArray = (): void => {
    const { beamId, words } = virtual.radiated();
    const wanted = whole.get(beamId) ?? beamOf(beamId).words;
    whole.set(beamId, wanted);
    if (!words.every((word, place) => word === wanted[place])) throw new Error(`something else than beam ${beamId} is radiated`);
    radiated.add(beamId);
  };
  const peer: LoopbackPeer = {
    receive: (frame) => {
      virtual.receive(frame);
      lookAtTheArray();
    },
    onSend: (listener) =>
      virtual.onSend((frame) => {
        lookAtTheArray();
        listener(frame);
      }),
  };
  const link = createLoopbackLink(peer, clock, { latencyMs });
  const send = link.send.bind(link);
  link.send = (frame) => {
    const decoded = decodeFrame(frame);
    if (decoded.ok) sent.push(decoded.frame.message);
    return send(frame);
  };
  return {
    clock,
    virtual,
    link,
    driver: createPanel({ link, clock, random: random.stream('driver'), ...driver }),
    radiated,
    sent,
  };
}

/** Connects and goes through so many cycles as a controller would: a new id for each beam, and a handshake when the panel was lost. */
async function cycles(rig: Bench, count: number, firstBeam = 1) {
  const outcomes: { beamId: number; applied?: PanelFailure; measured?: PanelFailure }[] = [];
  for (let beamId = firstBeam; beamId < firstBeam + count; beamId++) {
    if (rig.driver.capabilities === undefined) {
      const connected = await rig.driver.connect();
      if (!connected.ok) {
        outcomes.push({ beamId, applied: connected.failure });
        continue;
      }
    }
    const sentBefore = rig.sent.length;
    const applied = await rig.driver.apply(beamOf(beamId));
    for (const message of rig.sent.slice(sentBefore)) {
      if ('beamId' in message) expect(message.beamId, 'a beam that was given up is never mentioned again').toBe(beamId);
    }
    if (!applied.ok) {
      outcomes.push({ beamId, applied: applied.failure });
      continue;
    }
    expect(applied.value.beamId).toBe(beamId);
    expect(rig.radiated.has(beamId), `beam ${beamId} was credited and radiated`).toBe(true);
    const measured = await rig.driver.measureSnr(beamId, 64);
    if (measured.ok) {
      expect(measured.value.beamId).toBe(beamId);
      expect(measured.value.snrDb).toHaveLength(K);
    }
    outcomes.push({ beamId, ...(measured.ok ? {} : { measured: measured.failure }) });
  }
  return outcomes;
}

const good = (outcomes: { applied?: PanelFailure; measured?: PanelFailure }[]): number =>
  outcomes.filter((outcome) => outcome.applied === undefined && outcome.measured === undefined).length;

describe('panel driver on a bad bench', () => {
  const survivable: [string, Behaviour[], { needed: number; of: number }][] = [
    ['one frame in a hundred is lost, either way', lossy(0.01), { needed: 40, of: 40 }],
    ['one frame in ten is lost, either way', lossy(0.1), { needed: 40, of: 40 }],
    ['one frame in ten has a flipped bit', both({ do: 'corrupt', probability: 0.1 }), { needed: 40, of: 40 }],
    ['every frame comes twice', both({ do: 'duplicate' }), { needed: 40, of: 40 }],
    ['frames overtake each other', both({ do: 'delay', delayMs: 0, jitterMs: 4, probability: 0.5 }), { needed: 40, of: 40 }],
    [
      'duplicates come late, into the next beam',
      [...both({ do: 'duplicate' }), ...both({ do: 'delay', delayMs: 0, jitterMs: 30, probability: 0.3 })],
      { needed: 37, of: 40 },
    ],
    [
      'answers come after the deadline',
      [{ do: 'delay', delayMs: 60, jitterMs: 20, direction: 'to-host' }],
      { needed: 40, of: 40 },
    ],
    [
      'every commit is answered too late',
      [{ do: 'delay', delayMs: 400, direction: 'to-host', messages: ['committed'] }],
      { needed: 40, of: 40 },
    ],
    ['the panel stalls for 200 ms now and then', [{ do: 'stall', forMs: 200, probability: 0.02 }], { needed: 40, of: 40 }],
    [
      'the panel is busy one time in three',
      [{ do: 'nack', code: 'busy', probability: 0.3, messages: ['set-phases', 'commit'] }],
      { needed: 39, of: 40 },
    ],
  ];
  for (const [fault, behaviours, { needed, of }] of survivable) {
    it(`goes on when ${fault}`, async () => {
      const rig = bench({ behaviours });
      const outcomes = await cycles(rig, of);
      expect(good(outcomes)).toBeGreaterThanOrEqual(needed);
      await rig.clock.runUntilIdle();
      expect(rig.clock.pendingTimers()).toBe(0);
    });
  }

  it('goes on with a single staging slot and late duplicates', async () => {
    const behaviours: Behaviour[] = [
      { do: 'duplicate', probability: 0.5 },
      { do: 'delay', delayMs: 0, jitterMs: 3, probability: 0.5 },
    ];
    const rig = bench({ behaviours, capabilities: { stagingSlots: 1 } });
    expect(good(await cycles(rig, 40))).toBeGreaterThanOrEqual(35);
  });

  it('never shows half a beam when the panel resets between two chunks, and says that it was restarted', async () => {
    // One chunk at a time: of beam 2 the first is acknowledged, and forgotten with the second.
    const rig = bench({ behaviours: [{ do: 'reset', messages: ['set-phases'], nth: 6 }], driver: { window: 1 } });
    const outcomes = await cycles(rig, 4);
    expect(outcomes[1].applied).toMatchObject({ reason: 'panel-restarted' });
    expect(outcomes.map((outcome) => outcome.applied === undefined)).toEqual([true, false, true, true]);
    expect([...rig.radiated].sort()).toEqual([0, 1, 3, 4]);
  });

  it.each([
    ['before the commit', { do: 'reset', messages: ['commit'], nth: 2, moment: 'before' }],
    ['between latch and answer', { do: 'reset', messages: ['committed'], nth: 2, moment: 'before', direction: 'to-host' }],
    ['before the commit, and takes 300 ms to boot', { do: 'reset', messages: ['commit'], nth: 2, moment: 'before', bootMs: 300 }],
  ] satisfies [string, Behaviour][])('calls the beam void when the panel resets %s', async (_when, behaviour) => {
    const rig = bench({ behaviours: [behaviour] });
    const outcomes = await cycles(rig, 4);
    expect(outcomes[1].applied).toMatchObject({ reason: 'panel-restarted' });
    expect(good(outcomes)).toBe(3);
  });

  it('notices a restart between two beams, by the panel time of the next commit', async () => {
    const rig = bench();
    expect(good(await cycles(rig, 3))).toBe(3);
    rig.virtual.reset();
    const outcomes = await cycles(rig, 3, 4);
    expect(outcomes[0].applied).toMatchObject({ reason: 'panel-restarted' });
    expect(good(outcomes)).toBe(2);
  });

  it('notices a restart of a panel that has been up for longer since than it was before', async () => {
    const rig = bench();
    await rig.clock.sleep(60_000);
    expect(good(await cycles(rig, 2))).toBe(2);
    rig.virtual.reset();
    await rig.clock.sleep(120_000);
    expect((await cycles(rig, 1, 3))[0].applied).toMatchObject({ reason: 'panel-restarted' });
    await rig.clock.sleep(60_000);
    expect(good(await cycles(rig, 2, 4))).toBe(2);
  });

  it('notices a restart when the beam that it asks about is gone', async () => {
    const rig = bench({ behaviours: [{ do: 'reset', messages: ['measure-snr'], nth: 1, moment: 'before' }] });
    const outcomes = await cycles(rig, 2);
    expect(outcomes[0].measured).toMatchObject({ reason: 'panel-restarted' });
    expect(good(outcomes)).toBe(1);
  });

  it('finds out what is radiated when the answer to a commit is lost again and again', async () => {
    const rig = bench({ behaviours: [{ do: 'drop', direction: 'to-host', messages: ['committed'] }] });
    expect(good(await cycles(rig, 3))).toBe(3);
    expect(rig.sent.filter((message) => message.type === 'read-phases').length).toBeGreaterThan(0);
  });

  it('calls a beam void when nobody can say what is radiated', async () => {
    const rig = bench({
      behaviours: [{ do: 'drop', direction: 'to-host', messages: ['committed'] }],
      capabilities: { features: ['snr-report'] },
    });
    expect((await cycles(rig, 1))[0].applied).toMatchObject({ reason: 'no-answer', request: 'commit' });
  });

  it('does not take a beam of the session before for its own, be it under the same id and with the same words', async () => {
    const rig = bench({ behaviours: [{ do: 'drop', messages: ['commit'], nth: 2, times: 1000 }] });
    expect(good(await cycles(rig, 1))).toBe(1);
    expect(await rig.driver.connect()).toMatchObject({ ok: true });
    const digital = { users: K, weights: beamOf(2).digital.weights };
    expect(await rig.driver.apply({ ...beamOf(1), digital })).toMatchObject({
      ok: false,
      failure: { reason: 'no-answer', request: 'commit' },
    });
  });

  it('calls a beam void when its commit never arrives, and goes on with the next', async () => {
    const rig = bench({
      behaviours: [{ do: 'drop', messages: ['commit'], nth: 2, times: 20 }],
      driver: { timeouts: { attempts: 4 } },
    });
    const outcomes = await cycles(rig, 8);
    expect(outcomes[1].applied).toMatchObject({ reason: 'no-answer', request: 'commit', attempts: 4 });
    expect(good(outcomes)).toBe(3);
    expect(rig.radiated.has(2)).toBe(false);
  });

  it('names the rung when the panel falls silent in the middle of a beam', async () => {
    const rig = bench({ behaviours: [{ do: 'drop', messages: ['set-phases'], nth: 6, times: 1000 }] });
    const outcomes = await cycles(rig, 3);
    expect(outcomes[1].applied).toMatchObject({ reason: 'no-answer', request: 'set-phases' });
    expect([...rig.radiated].sort()).toEqual([0, 1]);
  });

  it("hands over the panel's own no", async () => {
    const refusing = bench({ behaviours: [{ do: 'nack', code: 'fault', detail: 9, messages: ['commit'] }] });
    expect((await cycles(refusing, 1))[0].applied).toEqual({ reason: 'rejected', request: 'commit', code: 'fault', detail: 9 });
    const { driver } = bench();
    await driver.connect();
    expect(await driver.apply({ ...beamOf(1), phaseBits: 7 })).toMatchObject({
      failure: { reason: 'rejected', request: 'set-phases', code: 'wrong-bits', detail: Q },
    });
    expect(await driver.measureSnr(5, 8)).toMatchObject({ failure: { code: 'beam-mismatch', detail: 0 } });
  });

  it('goes on when one bit of any byte of a transfer is flipped', async () => {
    for (let byte = 0; byte < 64; byte += 3) {
      const behaviours: Behaviour[] = (['set-phases', 'set-digital', 'commit', 'measure-snr'] as const).map((message) => ({
        do: 'corrupt',
        bit: 8 * byte + (byte % 8),
        messages: [message],
        nth: 2,
      }));
      expect(good(await cycles(bench({ behaviours }), 3))).toBe(3);
    }
  });
});

describe('panel driver when the link is lost', () => {
  it.each([0.1, 0.6, 1.2, 2.4, 3.1, 3.6])(
    'fails what is under way and says nothing of it afterwards (%s ms into a beam)',
    async (ms) => {
      const rig = bench({ driver: { window: 2 } });
      await cycles(rig, 2);
      const applying = rig.driver.apply(beamOf(3));
      await rig.clock.sleep(ms);
      rig.link.lose('cable pulled');
      expect(await applying).toEqual({
        ok: false,
        failure: { reason: 'link-closed', cause: 'unplugged', detail: 'loopback: lost: cable pulled' },
      });
      expect(rig.driver.capabilities).toBeUndefined();
      expect(await rig.driver.measureSnr(3, 8)).toMatchObject({ failure: { reason: 'link-closed' } });
      await rig.clock.sleep(10_000);
      const before = rig.sent.length;
      expect(good(await cycles(rig, 2, 4))).toBe(2);
      expect(rig.sent.slice(before).filter((message) => 'beamId' in message && message.beamId === 3)).toEqual([]);
      expect(rig.sent[before].type).toBe('hello');
    },
  );

  it('sends no commit in a new session for chunks that were staged in the old one', async () => {
    const rig = bench({ latencyMs: 0, answerMs: 0 });
    await cycles(rig, 1);
    // The plug is out and in again in the very moment in which the last chunk is acknowledged.
    let acks = 0;
    const receive = rig.virtual.receive.bind(rig.virtual);
    rig.virtual.receive = (frame) => {
      receive(frame);
      const decoded = decodeFrame(frame);
      if (decoded.ok && decoded.frame.message.type.startsWith('set-') && ++acks === 7) {
        queueMicrotask(() => {
          rig.link.lose('loose contact');
          void rig.driver.connect();
        });
      }
    };
    const before = rig.sent.length;
    expect(await rig.driver.apply(beamOf(2))).toMatchObject({ ok: false, failure: { reason: 'link-closed' } });
    await rig.clock.runUntilIdle();
    expect(rig.sent.slice(before).filter((message) => message.type === 'commit')).toEqual([]);
    expect(rig.driver.capabilities).toBeDefined();
  });

  it('gives up a handshake that the link did not outlive', async () => {
    const rig = bench({ behaviours: [{ do: 'delay', delayMs: 50 }] });
    const connecting = rig.driver.connect();
    await rig.clock.sleep(20);
    rig.link.lose('cable pulled');
    expect(await connecting).toMatchObject({ ok: false, failure: { reason: 'link-closed' } });
    expect(good(await cycles(rig, 2))).toBe(2);
  });

  it('closes the link, and is closed', async () => {
    const rig = bench();
    await cycles(rig, 1);
    await rig.driver.close();
    await rig.driver.close();
    expect(rig.link.state).toMatchObject({ reason: 'closed-by-us' });
    expect(await rig.driver.status()).toMatchObject({ failure: { reason: 'link-closed' } });
  });
});

function both(behaviour: Behaviour): Behaviour[] {
  return [{ ...behaviour, direction: 'to-panel' }, { ...behaviour, direction: 'to-host' } as Behaviour];
}

function lossy(probability: number): Behaviour[] {
  return both({ do: 'drop', probability });
}
