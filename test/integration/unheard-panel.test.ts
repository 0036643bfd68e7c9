/** A panel that hears and cannot be heard radiates a beam that nobody knows of: it is dark soon, whatever it is asked meanwhile. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { derivePanelKey, openFrame } from '../../firmware-protocol/authentication.ts';
import { TYPE_CODES } from '../../firmware-protocol/type-codes.ts';
import { createAir } from '../../hil-sim/air.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import type { VirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createRandom } from '../../core/signal/random.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import { createLoopbackLink } from '../../src/link/loopback.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import { createRigArray } from '../../src/rig/simulator.ts';
import { createWorld } from '../../src/rig/world.ts';
import { startServer } from '../../src/server/server.ts';
import type { RigEvent } from '../../src/telemetry/cycle-record.ts';

const SILENCE_MS = 3000;
const SOON_MS = 500;

interface FarEnd {
  virtual: VirtualPanel;
  /** Its answers are lost. */
  unheard: boolean;
  /** The type of the frame on which it went dark last. */
  darkenedBy: number | undefined;
  /** Times that it was told to enter its safe state. */
  toldSafe: number;
}

interface Story {
  lines?: string[];
  panels?: 1 | 2;
  /** 1 = a panel of version 1.1, whose silence a greeting ends. */
  minor?: 1 | 2;
  rateHz?: number;
  behaviours?: Behaviour[];
  /** Frames are sealed. */
  keyed?: boolean;
}

const RIG_KEY = Buffer.alloc(32, 7);
const KEY_ENV = 'BEAMRIG_UNHEARD_KEY';

/** A rig that runs on virtual panels, with a beam on the air. */
async function running({ lines = [], panels = 1, minor = 2, rateHz = 20, behaviours = [], keyed = false }: Story) {
  vi.stubEnv(KEY_ENV, RIG_KEY.toString('hex'));
  const each = 16 / panels;
  const links = Array.from({ length: panels }, (_, i) => {
    return `  - { name: p${i}, panel: p${i}, elements: '${i * each}-${(i + 1) * each - 1}', serial: { path: /dev/p${i} } }`;
  });
  const rig = parseRigFile(
    `name: unheard
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: ${rateHz}, pilots: 64 }
links:
${links.join('\n')}
${keyed ? `authentication: { keyEnv: ${KEY_ENV} }\n` : ''}${lines.join('\n')}
`,
    '/rig.yaml',
  );
  const clock = createVirtualClock();
  const random = createRandom(rig.seed).stream('simulator');
  const { scene } = createWorld({ rig, random, repeat: true });
  const air = createAir({ array: createRigArray(rig, random), scene, noise: 1, random, clock });
  const ends: FarEnd[] = [];
  const events: RigEvent[] = [];
  const assembled = await assembleRig({
    rig,
    clock,
    recorder: { cycle: () => undefined, event: (event) => events.push(event) },
    createLink: ({ name, elements }) => {
      const capabilities = { panelSerial: name, protocolMinor: minor };
      const panelKey = derivePanelKey(RIG_KEY, name);
      const virtual = createVirtualPanel({
        clock,
        random: random.stream(name),
        air: air.part(elements),
        capabilities,
        behaviours,
        ...(keyed && { authentication: { panelKey, counterLimit: 0n, storeLimit: () => true } }),
      });
      const end: FarEnd = { virtual, unheard: false, darkenedBy: undefined, toldSafe: 0 };
      ends.push(end);
      const peer = {
        receive: (frame: Uint8Array) => {
          expect(openFrame(frame, panelKey).ok, 'sealed').toBe(keyed);
          if (frame[1] === TYPE_CODES['set-safe-state']) end.toldSafe += 1;
          const wasLit = virtual.radiated().beamId !== 0;
          virtual.receive(frame);
          if (wasLit && virtual.radiated().beamId === 0) end.darkenedBy = frame[1];
        },
        onSend: (listener: (frame: Uint8Array) => void) => virtual.onSend((frame) => end.unheard || listener(frame)),
      };
      return createLoopbackLink(peer, clock, { name, latencyMs: 0.5 });
    },
  });
  const done = assembled.run();
  await clock.sleep(rateHz < 1 ? 2500 / rateHz : 1003);
  const shown = (): number[] => ends.map(({ virtual }) => virtual.radiated().beamId);
  for (const beamId of shown()) expect(beamId).toBeGreaterThan(0);
  const lit = (): boolean => shown().some((beamId) => beamId !== 0);
  /** How long until all are dark, ms. */
  const darkAfterMs = async (): Promise<number> => {
    const fromMs = clock.nowMs();
    while (lit()) {
      if (clock.nowMs() - fromMs > 120_000) throw new Error('it still radiates');
      await clock.sleep(5);
    }
    return clock.nowMs() - fromMs;
  };
  return { clock, rig: assembled, ends, events, codes: () => events.map(({ code }) => code), done, shown, lit, darkAfterMs };
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each([1, 2] as const)('a panel of version 1.%i that hears and is not heard', (minor) => {
  it.each(['never', 'at-start', 'any-time'])('is dark within its silence limit and stays so (fallback: %s)', async (fallback) => {
    const { clock, rig, ends, codes, darkAfterMs, lit, shown } = await running({ minor, lines: [`fallback: ${fallback}`] });
    ends[0].unheard = true;
    expect(await darkAfterMs()).toBeLessThan(SILENCE_MS + SOON_MS);
    for (let ms = 0; ms < 12_000; ms += 50) {
      await clock.sleep(50);
      expect(lit()).toBe(false);
    }
    expect(codes().filter((code) => code === 'panel-lost' || code === 'fallback')).toHaveLength(1);
    ends[0].unheard = false;
    await clock.sleep(3000);
    expect(shown()[0], 'heard again, it radiates again').toBeGreaterThan(0);
    await rig.controller.stop();
    expect(lit()).toBe(false);
  });

  it('is dark within its limit where cycles are slow', async () => {
    const { rig, ends, darkAfterMs } = await running({ minor, rateHz: 0.5 });
    ends[0].unheard = true;
    expect(await darkAfterMs()).toBeLessThan(10_000 + SOON_MS);
    await rig.controller.stop();
  });

  it('is dark at once when the rig is paused or stopped, and nothing lights it again', async () => {
    for (const verb of ['pause', 'stop'] as const) {
      const { clock, rig, ends, lit } = await running({ minor });
      ends[0].unheard = true;
      const startMs = clock.nowMs();
      const over = rig.controller[verb]();
      await clock.sleep(2);
      expect(lit()).toBe(false);
      if (verb === 'stop') {
        await over;
        expect(clock.nowMs() - startMs).toBeLessThan(2500);
        expect(rig.controller.unsafe).toContain('did not confirm');
      }
      await clock.sleep(10_000);
      expect(lit()).toBe(false);
      await rig.controller.stop();
    }
  });
});

describe.each([1, 2] as const)('a panel of version 1.%i on a sealed link, which hears and is not heard', (minor) => {
  it('takes the safe state that it is sent blind, each time', async () => {
    const { clock, rig, ends, darkAfterMs, lit, shown } = await running({ minor, keyed: true });
    const [end] = ends;
    end.unheard = true;
    expect(await darkAfterMs()).toBeLessThan(SILENCE_MS + SOON_MS);
    expect(end.darkenedBy, 'not by its own limit').toBe(TYPE_CODES['set-safe-state']);
    for (let ms = 0; ms < 12_000; ms += 50) {
      await clock.sleep(50);
      expect(lit()).toBe(false);
    }
    end.unheard = false;
    await clock.sleep(3000);
    expect(shown()[0], 'heard again, it radiates again').toBeGreaterThan(0);

    end.unheard = true;
    end.darkenedBy = undefined;
    expect(await darkAfterMs()).toBeLessThan(SILENCE_MS + SOON_MS);
    expect(end.darkenedBy).toBe(TYPE_CODES['set-safe-state']);
    await rig.controller.stop();
  });

  it('is dark at once when the rig is paused or stopped', async () => {
    for (const verb of ['pause', 'stop'] as const) {
      const { clock, rig, ends, lit } = await running({ minor, keyed: true });
      ends[0].unheard = true;
      const over = rig.controller[verb]();
      await clock.sleep(2);
      expect(lit()).toBe(false);
      expect(ends[0].darkenedBy).toBe(TYPE_CODES['set-safe-state']);
      await over;
      await clock.sleep(10_000);
      expect(lit()).toBe(false);
      await rig.controller.stop();
    }
  });
});

describe('a panel that has confirmed its safe state in a pause and is not heard since', () => {
  const codeword = ['safeState: codeword', 'safeCodeword: { azimuthDeg: 10 }'];
  it.each([
    ['hold', ['safeState: hold']],
    ['mute', []],
    ['codeword', codeword],
  ])('is in it when the rig is stopped, and told once more (safe state: %s)', async (_state, lines) => {
    const { clock, rig, ends, codes, done } = await running({ lines });
    expect(await rig.controller.pause()).toEqual({ ok: true });
    ends[0].unheard = true;
    await clock.sleep(10_000);
    const shown = ends[0].virtual.radiated();
    const told = ends[0].toldSafe;
    const startMs = clock.nowMs();
    await rig.controller.stop();
    expect(clock.nowMs() - startMs).toBeLessThan(2500);
    expect(ends[0].toldSafe).toBeGreaterThan(told);
    expect(ends[0].virtual.radiated()).toEqual(shown);
    expect(rig.controller.unsafe).toBeUndefined();
    expect(rig.controller.describe().safe.confirmed).toBe(true);
    expect(codes().filter((code) => code.startsWith('safe-'))).toEqual(['safe-confirmed-before']);
    expect(await done).toMatchObject({ reason: 'stopped' });
  });

  it('is not known to be in it once it was given a beam again, were it only for a moment', async () => {
    const { clock, rig, ends, codes } = await running({ lines: ['safeState: hold'] });
    await rig.controller.pause();
    await rig.controller.run();
    // Until a beam is on the air, and before its cycle has ended.
    const before = ends[0].virtual.radiated().beamId;
    while (ends[0].virtual.radiated().beamId === before) await clock.sleep(0.1);
    ends[0].unheard = true;
    await rig.controller.stop();
    expect(rig.controller.unsafe).toContain('did not confirm');
    expect(codes()).toContain('safe-state-unconfirmed');
  });
});

it('a fault that a panel finds by itself is told once, with its name and number, and is over when the panel says so', async () => {
  const { clock, rig, ends, events, codes, lit } = await running({});
  ends[0].virtual.fault(42);
  await clock.sleep(120_000);
  expect(lit()).toBe(false);
  const told = events.filter(({ code }) => code === 'panel-fault');
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({
    level: 'error',
    message: expect.stringMatching(/^The panel p0 on p0 has found a fault of its own \(number 42\): it is dark/) as string,
  });
  // It is there, and it is dark by itself: neither lost nor made to rest.
  expect(codes()).not.toContain('panel-lost');
  expect(rig.controller.trouble).toMatch(/^every cycle has been void for 1[12]\d\.\d s: .*\(its code 42\)/);
  ends[0].virtual.recover();
  await clock.sleep(500);
  expect(lit()).toBe(true);
  expect(rig.controller.trouble).toBeUndefined();
  await rig.controller.stop();
});

it('a fault that a panel only has in its status is told before the next cycle meets it', async () => {
  const { clock, rig, ends, events } = await running({ rateHz: 0.1 });
  rig.controller.onCycle(() => ends[0].virtual.fault(7));
  while (!events.some(({ code }) => code === 'panel-fault')) await clock.sleep(10);
  expect(events.map(({ code }) => code)).not.toContain('cycle-void');
  expect(events.at(-1)?.message).toContain('The panel p0 on p0 has found a fault of its own, by its status');
  await rig.controller.stop();
});

it('a lost panel is trouble for whoever asks /healthz, until it is back', async () => {
  const { clock, rig, ends, darkAfterMs } = await running({});
  const server = await startServer({ controller: rig.controller, host: '127.0.0.1', port: 0 });
  const health = (): Promise<{ status: number; body: unknown }> =>
    clock.during(fetch(`${server.url}healthz`).then(async (answer) => ({ status: answer.status, body: await answer.json() })));
  try {
    expect(await health()).toEqual({ status: 200, body: { ok: true, state: 'running' } });
    ends[0].unheard = true;
    await darkAfterMs();
    await clock.sleep(1000);
    expect(await health()).toMatchObject({
      status: 503,
      body: {
        ok: false,
        state: 'running',
        reason: expect.stringMatching(/^the panel is lost.*: .*(?:no answer|said nothing)/) as string,
      },
    });
    ends[0].unheard = false;
    await clock.sleep(3000);
    expect(await health()).toMatchObject({ status: 200 });
  } finally {
    await rig.controller.stop();
    await server.close();
  }
});

describe('an array of two panels, one of which is not heard', () => {
  it.each(['mute', 'hold'])('is dark as a whole, and none lights a part of a beam again (safe state: %s)', async (state) => {
    for (const minor of [1, 2] as const) {
      const { clock, rig, ends, darkAfterMs, shown, lit } = await running({ panels: 2, minor, lines: [`safeState: ${state}`] });
      ends[1].unheard = true;
      // A part of a beam is no beam to be held: where the safe state is to hold, all are muted, too.
      expect(await darkAfterMs()).toBeLessThan(SILENCE_MS + SOON_MS);
      for (let ms = 0; ms < 12_000; ms += 50) {
        await clock.sleep(50);
        expect(shown()).toEqual([0, 0]);
      }
      ends[1].unheard = false;
      await clock.sleep(3000);
      expect(shown()[0], 'heard again, both radiate one beam again').toBeGreaterThan(0);
      expect(shown()[1]).toBe(shown()[0]);
      await rig.controller.stop();
      const [left, right] = shown();
      expect(right, 'one beam is held as a whole').toBe(left);
      expect(lit()).toBe(state === 'hold');
    }
  });
});

describe('a panel that is not heard and has a fixed beam for its safe state', () => {
  it('shows that one', async () => {
    const { rig, ends, darkAfterMs } = await running({ lines: ['safeState: codeword', 'safeCodeword: { azimuthDeg: 10 }'] });
    ends[0].unheard = true;
    // Beam 0: the fixed one.
    expect(await darkAfterMs()).toBeLessThan(SILENCE_MS + SOON_MS);
    expect(ends[0].virtual.radiated().words.some((word) => word !== 0)).toBe(true);
    await rig.controller.stop();
  });
});

describe('a stop in the middle of a cycle', () => {
  it('never lets a beam follow the safe state, at whatever moment it comes', async () => {
    for (let offsetMs = 0; offsetMs < 8; offsetMs += 0.5) {
      const { clock, rig, lit } = await running({});
      await clock.sleep(44 + offsetMs);
      const stopped = rig.controller.stop();
      await clock.sleep(1.5);
      expect(lit()).toBe(false);
      await stopped;
      await clock.sleep(5000);
      expect(lit()).toBe(false);
    }
  });
});

/** A cycle that asks for its readings until it gives up, with what the fault lets through before. */
const VOID_CYCLE_MS = 2500;

describe('a panel that answers all but one kind of request', () => {
  const from30th = { nth: 30, times: 1e6 } as const;
  it.each<[string, Behaviour, told?: string]>([
    ['its readings are lost', { do: 'drop', direction: 'to-host', messages: ['snr-report'], ...from30th }],
    ['its commits are lost', { do: 'drop', direction: 'to-panel', messages: ['commit'], ...from30th }],
    ['it refuses every commit', { do: 'nack', code: 'busy', messages: ['commit'], ...from30th }],
    // It radiates and says that it is in fault, and so dark: told to be safe, and not given up.
    [
      'it says that it is in fault and is not',
      { do: 'nack', code: 'fault', messages: ['set-phases'], ...from30th },
      'panel-fault',
    ],
    ['it refuses every reading', { do: 'nack', code: 'unsupported-message', messages: ['measure-snr'], ...from30th }],
  ])('is not lit by void cycles for longer than its limit: %s', async (_name, behaviour, told) => {
    for (const fallback of ['never', 'any-time']) {
      const { clock, rig, ends, codes, lit } = await running({ behaviours: [behaviour], lines: [`fallback: ${fallback}`] });
      const litMs = async (forMs: number): Promise<number> => {
        let sum = 0;
        for (let ms = 0; ms < forMs; ms += 5) {
          await clock.sleep(5);
          if (lit()) sum += 5;
        }
        return sum;
      };
      // The fault begins about 0.5 s from here.
      await litMs(500);
      // Its limit, then dark for a second and more, then one void cycle.
      expect(await litMs(6000)).toBeLessThan(SILENCE_MS + VOID_CYCLE_MS);
      // Tried again and again, for ever less of the time.
      expect(await litMs(30_000)).toBeLessThan(6000);
      expect(codes()).toContain(told ?? (fallback === 'never' ? 'panel-lost' : 'fallback'));
      ends[0].virtual.close();
      await rig.controller.stop();
    }
  });
});
