/** The driver on a line that others can reach: sealed frames, keys that differ or are missing, frames sent again by somebody else, restarts. */
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { derivePanelKey, openFrame, sealFrame } from '../../firmware-protocol/authentication.ts';
import { encodeFrame } from '../../firmware-protocol/codec.ts';
import type { NackCode } from '../../firmware-protocol/messages.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { createRecordedScene } from '../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createLoopbackLink } from '../link/loopback.ts';
import type { BeamCommand } from './panel.ts';
import { createPanel } from './panel-driver.ts';

const KEY = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 1);
const OTHER_KEY = KEY.map((byte) => byte ^ 0x55);
const SERIAL = 'BOARD-0007';
const N = 8;

const beamOf = (beamId: number): BeamCommand => ({
  beamId,
  phaseBits: 6,
  words: Uint16Array.from({ length: N }, (_, i) => (5 * i + 11 * beamId) % 64),
});

/** A driver and a panel with a key each, or none. */
function bench({ rigKey, panelKey, behaviours = [] }: { rigKey?: Uint8Array; panelKey?: Uint8Array; behaviours?: Behaviour[] }) {
  const clock = createVirtualClock();
  const random = createRandom(5);
  const memory = { limit: 0n };
  const virtual = createVirtualPanel({
    clock,
    array: createSimulatedArray({ elements: N, rfChains: 1, phaseBits: 6, random: random.stream('array') }),
    scene: createRecordedScene([fromParts(1, N, new Float64Array(N).fill(1), new Float64Array(N))]),
    noise: 1,
    random: random.stream('panel'),
    capabilities: { panelSerial: SERIAL },
    behaviours,
    ...(panelKey === undefined
      ? {}
      : {
          authentication: {
            panelKey: derivePanelKey(panelKey, SERIAL),
            counterLimit: 0n,
            storeLimit: (limit: bigint) => {
              memory.limit = limit;
              return true;
            },
          },
        }),
  });
  const fromHost: Uint8Array[] = [];
  const fromPanel: Uint8Array[] = [];
  let hostHears: (frame: Uint8Array) => void = () => undefined;
  const link = createLoopbackLink(
    {
      receive: (frame) => {
        fromHost.push(frame);
        virtual.receive(frame);
      },
      onSend: (listener) => {
        hostHears = listener;
        virtual.onSend((frame) => {
          fromPanel.push(frame);
          listener(frame);
        });
      },
    },
    clock,
    { name: '/dev/board', latencyMs: 0.5 },
  );
  const driver = createPanel({
    link,
    clock,
    random: random.stream('driver'),
    expected: { panelSerial: SERIAL },
    ...(rigKey === undefined ? {} : { authentication: { rigKey } }),
  });
  return { clock, virtual, link, driver, fromHost, fromPanel, forge: (frame: Uint8Array) => hostHears(frame), memory };
}

/** Applies beams until one is radiated, as a control loop would. @returns ms that it took */
async function untilRadiated({ clock, driver, virtual }: ReturnType<typeof bench>, firstBeam: number): Promise<number> {
  const startMs = clock.nowMs();
  for (let beamId = firstBeam; beamId < firstBeam + 8; beamId++) {
    if (driver.capabilities === undefined && !(await driver.connect()).ok) continue;
    if (!(await driver.apply(beamOf(beamId))).ok) continue;
    expect(virtual.radiated()).toEqual({ beamId, words: beamOf(beamId).words });
    return clock.nowMs() - startMs;
  }
  return Infinity;
}

describe('panel driver with a key', () => {
  it('seals every frame under a counter of its own, repetitions too, and opens what comes back', async () => {
    const rig = bench({ rigKey: KEY, panelKey: KEY, behaviours: [{ do: 'drop', probability: 0.2 }] });
    expect(await rig.driver.connect()).toMatchObject({ ok: true, value: { panelSerial: SERIAL } });
    for (let beamId = 1; beamId <= 10; beamId++) {
      expect(await rig.driver.apply(beamOf(beamId))).toMatchObject({ ok: true });
      expect(rig.virtual.radiated().words).toEqual(beamOf(beamId).words);
      expect(await rig.driver.measureSnr(beamId, 16)).toMatchObject({ ok: true });
    }
    expect(rig.driver.counters.retries).toBeGreaterThan(0);
    const panelKey = derivePanelKey(KEY, SERIAL);
    const counters = rig.fromHost.map((frame) => {
      const opened = openFrame(frame, panelKey);
      return opened.ok ? opened.counter : -1n;
    });
    expect(counters).not.toContain(-1n);
    expect(new Set(counters).size).toBe(counters.length);
  });

  it('says which end lacks what', async () => {
    const detailOf = async (keys: Parameters<typeof bench>[0]): Promise<string> => {
      const { driver, clock } = bench(keys);
      const connected = await driver.connect();
      expect(connected).toMatchObject({ ok: false, failure: { reason: 'not-authenticated' } });
      // A refusal that nobody sealed stands when no sealed answer comes within a quarter of a second.
      expect(clock.nowMs(), 'told soon').toBeLessThan(300);
      expect(driver.capabilities).toBeUndefined();
      return !connected.ok && connected.failure.reason === 'not-authenticated' ? connected.failure.detail : '';
    };
    expect(await detailOf({ panelKey: KEY })).toBe('the panel wants a key and the rig has none');
    expect(await detailOf({ rigKey: KEY })).toBe('the rig has a key and the panel has none');
    expect(await detailOf({ rigKey: KEY, panelKey: OTHER_KEY })).toMatch(/the two keys differ/);
  });

  it('wants to know whose key it is, and keeps the key to itself', () => {
    const clock = createVirtualClock();
    const link = createLoopbackLink({ receive: () => undefined, onSend: () => undefined });
    const make = (rigKey: Uint8Array, expected = {}) =>
      createPanel({ link, clock, random: createRandom(1), expected, authentication: { rigKey } });
    expect(() => make(KEY)).toThrow(/serial number is not known/);
    expect(() => make(KEY.subarray(0, 5), { panelSerial: SERIAL })).toThrow(/5 bytes/);
  });

  it.each([0, 400])('goes on within a second of a restart that it was not told of (%i ms to boot)', async (bootMs) => {
    const rig = bench({ rigKey: KEY, panelKey: KEY });
    expect(await untilRadiated(rig, 1)).toBeLessThan(100);
    rig.virtual.reset(bootMs);
    const failed = await rig.driver.apply(beamOf(2));
    expect(failed).toMatchObject({ ok: false, failure: { reason: 'panel-restarted' } });
    expect(await untilRadiated(rig, 3)).toBeLessThan(1000 - bootMs);
  });

  it('goes on after the host was restarted, and after the link was away', async () => {
    const rig = bench({ rigKey: KEY, panelKey: KEY });
    await untilRadiated(rig, 1);
    rig.link.lose('cable pulled');
    expect(await untilRadiated(rig, 2)).toBeLessThan(100);
    expect(await rig.driver.connect()).toMatchObject({ ok: true });
    expect(await untilRadiated(rig, 3)).toBeLessThan(100);
    expect(rig.memory.limit).toBeGreaterThan(0n);
  });

  it('is not made to do anything by frames that are sent again or that nobody sealed', async () => {
    const rig = bench({ rigKey: KEY, panelKey: KEY });
    await untilRadiated(rig, 1);
    const { forge, driver, clock } = rig;
    const repeated: Uint8Array[] = rig.fromPanel.map((frame) => frame.slice());
    // Our own frames too, one of them far ahead of the counters of the panel.
    const ahead = encodeFrame({ seq: 9, message: { type: 'ping', nonce: 9 } });
    repeated.push(...rig.fromHost, sealFrame(ahead, derivePanelKey(KEY, SERIAL), 5_000_000n));
    const nack = (code: NackCode): Uint8Array => encodeFrame({ seq: 9, message: { type: 'nack', code, detail: 0 } });
    for (const frame of [
      ...repeated,
      nack('fault'),
      nack('replayed'),
      nack('not-authenticated'),
      encodeFrame({ seq: 9, message: { type: 'ack' } }),
    ]) {
      forge(frame);
    }
    await clock.sleep(10);
    expect(driver.counters.unauthenticated).toBe(repeated.length + 4);
    expect(driver.counters.strayReplies).toBe(0);
    expect(await driver.apply(beamOf(2))).toMatchObject({ ok: true });

    // And the panel is not, by what the host said before.
    const before = rig.virtual.radiated();
    for (const frame of [...rig.fromHost]) rig.virtual.receive(frame);
    await clock.sleep(10);
    expect(rig.virtual.radiated()).toEqual(before);
    expect(await driver.apply(beamOf(3))).toMatchObject({ ok: true });
  });

  it('begins no session on what the panel sealed before', async () => {
    const rig = bench({ rigKey: KEY, panelKey: KEY });
    await untilRadiated(rig, 1);
    rig.link.lose('cable pulled');
    const { forge, driver, virtual } = rig;
    const onTheWay: Uint8Array[] = [];
    const receive = virtual.receive.bind(virtual);
    virtual.receive = (frame) => void onTheWay.push(frame.slice());
    const connecting = driver.connect();
    await rig.clock.sleep(1);
    const [challenge] = onTheWay;
    // A refusal that the panel might once have given to the same number, and all that it did say.
    const seq = challenge[2] | (challenge[3] << 8);
    const refusal = encodeFrame({ seq, message: { type: 'nack', code: 'fault', detail: 0 } });
    const old = [sealFrame(refusal, derivePanelKey(KEY, SERIAL), 1n), ...rig.fromPanel];
    old.forEach((frame) => forge(frame.slice()));
    await rig.clock.sleep(1);
    // All but the answer to the older challenge, which names another nonce.
    expect(driver.counters.unauthenticated).toBe(old.length - 1);
    expect(driver.counters.strayReplies).toBe(1);
    virtual.receive = receive;
    onTheWay.forEach((frame) => receive(frame));
    expect(await connecting).toMatchObject({ ok: true });
    expect(await untilRadiated(rig, 2)).toBeLessThan(100);
  });

  it('waits for the answer to its own challenge, whatever else comes under its number', async () => {
    const rig = bench({ rigKey: KEY, panelKey: KEY });
    await untilRadiated(rig, 1);
    rig.link.lose('cable pulled');
    const { forge, driver, virtual, clock } = rig;
    const onTheWay: Uint8Array[] = [];
    const receive = virtual.receive.bind(virtual);
    virtual.receive = (frame) => void onTheWay.push(frame.slice());
    let ended = false;
    const connecting = driver.connect().finally(() => (ended = true));
    await clock.sleep(1);
    const [challenge] = onTheWay;
    const seq = challenge[2] | (challenge[3] << 8);
    // As the panel sealed it once, to an older challenge that had this number: taken for the answer, it would set our counters back.
    const recorded = encodeFrame({ seq, message: { type: 'challenged', hostNonce: 1n, lastCounter: 0n } });
    forge(sealFrame(recorded, derivePanelKey(KEY, SERIAL), 5_000_000n));
    forge(encodeFrame({ seq, message: { type: 'nack', code: 'busy', detail: 0 } }));
    await clock.sleep(1);
    expect(ended).toBe(false);
    expect(driver.counters).toMatchObject({ strayReplies: 1, unauthenticated: 1, nacks: 0 });
    virtual.receive = receive;
    onTheWay.forEach((frame) => receive(frame));
    expect(await connecting).toMatchObject({ ok: true });
    expect(await untilRadiated(rig, 2)).toBeLessThan(100);
  });

  it('is not obeyed any more in what somebody has kept back since an earlier session', async () => {
    const rig = bench({ rigKey: KEY, panelKey: KEY });
    await untilRadiated(rig, 1);
    const keptBack: Uint8Array[] = [];
    const receive = rig.virtual.receive.bind(rig.virtual);
    rig.virtual.receive = (frame) => void keptBack.push(frame.slice());
    const unheard = rig.driver.setSafeState('mute', { enter: true });
    await rig.clock.sleep(300);
    rig.link.lose('cable pulled');
    expect(await unheard).toMatchObject({ ok: false });
    expect(keptBack.length).toBeGreaterThan(1);
    rig.virtual.receive = receive;
    await untilRadiated(rig, 2);
    keptBack.forEach((frame) => rig.virtual.receive(frame));
    await rig.clock.sleep(10);
    expect(rig.virtual.radiated().beamId).toBe(2);
    expect(await rig.driver.measureSnr(2, 16)).toMatchObject({ ok: true });
  });

  it('keeps its session on a wire that delivers everything twice, late and out of order, and loses one frame in twenty', async () => {
    const behaviours: Behaviour[] = (['to-panel', 'to-host'] as const).flatMap((direction): Behaviour[] => [
      { do: 'duplicate', direction },
      { do: 'delay', delayMs: 0, jitterMs: 3, direction },
      { do: 'drop', direction, probability: 0.05 },
    ]);
    const rig = bench({ rigKey: KEY, panelKey: KEY, behaviours });
    let good = 0;
    for (let beamId = 1; beamId <= 40; beamId++) {
      if (rig.driver.capabilities === undefined && !(await rig.driver.connect()).ok) continue;
      if ((await rig.driver.apply(beamOf(beamId))).ok) good++;
    }
    expect(good).toBeGreaterThanOrEqual(38);
  });

  it('begins a session although somebody refuses every challenge before the panel answers it', async () => {
    const rig = bench({ rigKey: KEY, panelKey: KEY });
    const receive = rig.virtual.receive.bind(rig.virtual);
    rig.virtual.receive = (frame) => {
      const seq = frame[2] | (frame[3] << 8);
      for (const code of ['not-authenticated', 'replayed', 'unsupported-message'] as const) {
        rig.forge(encodeFrame({ seq, message: { type: 'nack', code, detail: 0 } }));
      }
      rig.clock.after(100, () => receive(frame));
    };
    expect(await rig.driver.connect()).toMatchObject({ ok: true });
  });

  it('keeps its session while somebody refuses all that it says, and does not ask in a storm', async () => {
    const rig = bench({ rigKey: KEY, panelKey: KEY });
    await untilRadiated(rig, 1);
    const receive = rig.virtual.receive.bind(rig.virtual);
    rig.virtual.receive = (frame) => {
      const seq = frame[2] | (frame[3] << 8);
      for (let i = 0; i < 20; i++) {
        const code = i % 2 === 0 ? 'replayed' : 'not-authenticated';
        rig.forge(encodeFrame({ seq, message: { type: 'nack', code, detail: 0 } }));
      }
      receive(frame);
    };
    const before = rig.fromHost.length;
    for (let beamId = 2; beamId <= 41; beamId++) {
      expect(await rig.driver.apply(beamOf(beamId))).toMatchObject({ ok: true });
      expect(await rig.driver.measureSnr(beamId, 16)).toMatchObject({ ok: true });
      await rig.clock.sleep(45);
    }
    expect(rig.virtual.radiated().beamId).toBe(41);
    const { requests } = rig.driver.counters;
    // Each request three times at most, and of the challenges between them one a second.
    expect(rig.fromHost.length - before).toBeLessThan(3 * requests);
    expect(requests).toBeLessThan(40 * 4 + 10);
  });

  it('puts a panel whose key was taken away out of the session', async () => {
    const rig = bench({ rigKey: KEY, panelKey: KEY });
    await untilRadiated(rig, 1);
    // From now on something else answers: a panel with another key refuses whatever comes, and seals nothing.
    const refuse = (frame: Uint8Array): void =>
      rig.forge(
        encodeFrame({ seq: frame[2] | (frame[3] << 8), message: { type: 'nack', code: 'not-authenticated', detail: 0 } }),
      );
    rig.virtual.receive = (frame) => void rig.clock.after(0.1, () => refuse(frame));
    const startMs = rig.clock.nowMs();
    expect(await rig.driver.apply(beamOf(2))).toMatchObject({ ok: false, failure: { reason: 'panel-restarted' } });
    expect(rig.driver.capabilities).toBeUndefined();
    expect(await rig.driver.connect()).toMatchObject({ ok: false, failure: { reason: 'not-authenticated' } });
    expect(rig.clock.nowMs() - startMs).toBeLessThan(1000);
  });
});
