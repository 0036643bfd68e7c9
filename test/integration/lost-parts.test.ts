/** An array of two panels, one of which is no part of it any more: what the other one goes on radiating is no beam, and does not stay. */
import { describe, expect, it } from 'vitest';
import type { VirtualClock } from '../../core/clock/virtual-clock.ts';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { createAir } from '../../hil-sim/air.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import type { VirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createRandom } from '../../core/signal/random.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import type { LoopbackLink } from '../../src/link/loopback.ts';
import { createLoopbackLink } from '../../src/link/loopback.ts';
import type { Rig } from '../../src/rig/assemble.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import { createRigArray } from '../../src/rig/simulator.ts';
import { createWorld } from '../../src/rig/world.ts';
import type { CycleRecord, RigEvent } from '../../src/telemetry/cycle-record.ts';

interface Half {
  virtual: VirtualPanel;
  link: LoopbackLink;
  /** Opening its link fails. */
  away: boolean;
  /** And takes so long to fail, ms. */
  hangsMs: number;
}

interface Bench {
  clock: VirtualClock;
  rig: Rig;
  left: Half;
  right: Half;
  records: CycleRecord[];
  /** Codes of the events so far, after the one that says where channels come from. */
  codes: () => string[];
  /** What both radiate now. */
  shown: () => number[];
}

/** A rig that runs, and has radiated some beams. */
const running = (...lines: string[]): Promise<Bench> => runningWith([], ...lines);

/** The same with panels that do this. */
async function runningWith(behaviours: readonly Behaviour[], ...lines: string[]): Promise<Bench> {
  const rig = parseRigFile(
    `name: halves
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: 20, pilots: 64 }
links:
  - { name: left, elements: '0-7', serial: { path: /dev/left } }
  - { name: right, elements: '8-15', serial: { path: /dev/right } }
${lines.join('\n')}
`,
    '/rig.yaml',
  );
  const clock = createVirtualClock();
  const random = createRandom(rig.seed).stream('simulator');
  const { scene } = createWorld({ rig, random, repeat: true });
  const air = createAir({ array: createRigArray(rig, random), scene, noise: 1, random, clock });
  const halves = new Map<string, Half>();
  const records: CycleRecord[] = [];
  const events: RigEvent[] = [];
  const assembled = await assembleRig({
    rig,
    clock,
    recorder: { cycle: (record) => records.push(record), event: (event) => events.push(event) },
    createLink: ({ name, elements }) => {
      const part = { air: air.part(elements), capabilities: { panelSerial: name } };
      const virtual = createVirtualPanel({ clock, random: random.stream(name), behaviours, ...part });
      const link = createLoopbackLink(virtual, clock, { name, latencyMs: 0.5 });
      const half: Half = { virtual, link, away: false, hangsMs: 0 };
      const open = link.open.bind(link);
      link.open = async () => {
        if (half.away && half.hangsMs > 0) await clock.sleep(half.hangsMs);
        if (half.away) throw new BeamrigError('link', `/dev/${name}: there is no such port`);
        await open();
      };
      halves.set(name, half);
      return link;
    },
  });
  const [left, right] = ['left', 'right'].map((name) => halves.get(name));
  if (left === undefined || right === undefined) throw new Error('the rig has two links');
  const shown = (): number[] => [left, right].map(({ virtual }) => virtual.radiated().beamId);
  void assembled.run();
  await clock.sleep(500);
  expect(shown()[0]).toBeGreaterThan(5);
  expect(shown()[1]).toBe(shown()[0]);
  const codes = (): string[] =>
    events
      .slice(1)
      .map(({ code }) => code)
      .filter((code) => code !== 'too-slow');
  return { clock, rig: assembled, left, right, records, codes, shown };
}

const cut = (half: Half): void => {
  half.away = true;
  half.link.lose('cable pulled');
};

describe.each(['never', 'any-time'])('a half of an array that is back alone (fallback: %s)', (fallback) => {
  it.each(['hold', 'mute'])('is muted as soon as it is within reach, where the safe state is to %s', async (safeState) => {
    const { clock, rig, left, right, shown } = await running(`fallback: ${fallback}`, `safeState: ${safeState}`);
    cut(left);
    cut(right);
    left.virtual.reset();
    await clock.sleep(300);
    expect(shown()[1], 'nobody could tell it').toBeGreaterThan(0);
    right.away = false;
    await clock.sleep(1000);
    expect(right.link.state.state).toBe('open');
    expect(shown()).toEqual([0, 0]);
    left.away = false;
    await clock.sleep(1000);
    expect(shown()[0], 'both radiate again').toBeGreaterThan(0);
    expect(shown()[1]).toBe(shown()[0]);
    await rig.controller.stop();
  });
});

describe('the half of an array that is left', () => {
  it.each(['hold', 'mute'])('is dark at once although the link of the other hangs on reopening (%s)', async (safeState) => {
    const { clock, rig, left, shown } = await running('fallback: never', `safeState: ${safeState}`);
    left.hangsMs = 5000;
    // Between two cycles, where nothing but the search for it makes the other one dark.
    await clock.sleep(25);
    cut(left);
    await clock.sleep(200);
    expect(shown()[1]).toBe(0);
    left.away = false;
    await rig.controller.stop();
  });

  it.each([
    ['hold', []],
    ['codeword', ['safeCodeword: { azimuthDeg: 20 }']],
  ])('does not go on while the rig is paused when the other restarts (%s)', async (safeState, more) => {
    const { clock, rig, left, right, codes, shown } = await running('fallback: never', `safeState: ${safeState}`, ...more);
    await rig.controller.pause();
    left.virtual.reset();
    await clock.sleep(2000);
    // Held, the beam is gone; the fixed one is stored anew and shown by both.
    const words = [left, right].map(({ virtual }) => virtual.radiated().words.some((word) => word > 0));
    expect(words).toEqual(safeState === 'hold' ? [false, false] : [true, true]);
    await clock.sleep(600_000);
    expect(codes()).toEqual(['paused', 'panel-lost', 'panel-back']);
    await rig.controller.run();
    await clock.sleep(500);
    expect(shown()[0]).toBeGreaterThan(9);
    expect(shown()[1]).toBe(shown()[0]);
    await rig.controller.stop();
    expect(codes()).toEqual(['paused', 'panel-lost', 'panel-back', 'resumed']);
  });

  it.each(['never', 'any-time'])(
    'nor when the other is pulled, or its panel comes back with its part (fallback: %s)',
    async (fallback) => {
      const { clock, rig, left, codes, shown } = await running(`fallback: ${fallback}`, 'safeState: hold');
      await rig.controller.pause();
      const [held] = shown();
      cut(left);
      await clock.sleep(2000);
      expect(shown()).toEqual([held, 0]);
      left.away = false;
      await clock.sleep(2000);
      expect(shown()).toEqual([0, 0]);
      await clock.sleep(600_000);
      expect(codes()).toEqual(['paused', ...(fallback === 'never' ? ['panel-lost', 'panel-back'] : ['array-apart'])]);
      await rig.controller.run();
      await clock.sleep(500);
      expect(shown()[0]).toBeGreaterThan(held);
      expect(shown()[1]).toBe(shown()[0]);
      await rig.controller.stop();
    },
  );

  it('nor when the other finds a fault of its own in the pause', async () => {
    const { clock, rig, left, codes, shown } = await running('fallback: never', 'safeState: hold');
    await rig.controller.pause();
    left.virtual.fault(4);
    await clock.sleep(600_000);
    expect(shown()).toEqual([0, 0]);
    expect(codes()).toEqual(['paused', 'array-apart']);
    await rig.controller.stop();
  });
});

describe('an array whose panels cannot keep the fixed beam', () => {
  const refusal: Behaviour = { do: 'nack', code: 'wrong-dimensions', messages: ['store-beam'] };
  const codeword = ['fallback: never', 'safeState: codeword', 'safeCodeword: { azimuthDeg: 20 }'];

  it('radiates the beams of its cycles, every one', async () => {
    const { clock, rig, records, codes } = await runningWith([refusal], ...codeword);
    await clock.sleep(20_000);
    expect(records.length).toBeGreaterThan(380);
    expect(records.filter(({ outcome, beamId, cycle }) => outcome === 'void' || beamId !== cycle + 1)).toEqual([]);
    expect(codes()).toEqual(['safe-state-unconfirmed']);
    await rig.controller.stop();
  });

  it('is dark where one half is lost, and where nobody steers it any more', async () => {
    const { clock, rig, left, right, codes, shown } = await runningWith([refusal], ...codeword);
    cut(left);
    left.virtual.reset();
    await clock.sleep(300);
    expect(shown()).toEqual([0, 0]);
    expect(right.virtual.radiated().words.every((word) => word === 0)).toBe(true);
    left.away = false;
    await clock.sleep(1000);
    expect(shown()[0]).toBeGreaterThan(0);
    cut(left);
    cut(right);
    await clock.sleep(4000);
    expect(shown()).toEqual([0, 0]);
    expect(codes()).toEqual(['safe-state-unconfirmed', 'panel-lost', 'panel-back', 'panel-lost']);
    await rig.controller.stop();
  });
});

describe('an array that is told to hold what it shows', () => {
  it('holds a whole beam, also when it is told twice', async () => {
    const { rig, clock, shown } = await running('fallback: never', 'safeState: hold');
    expect(await rig.controller.pause()).toEqual({ ok: true });
    const [held] = shown();
    expect(held).toBeGreaterThan(5);
    await clock.sleep(5000);
    await rig.controller.stop();
    expect(shown()).toEqual([held, held]);
  });

  it('is muted when one half was restarted and nobody had noticed', async () => {
    const { rig, left, shown } = await running('fallback: never', 'safeState: hold');
    left.virtual.reset();
    await rig.controller.pause();
    expect(shown()).toEqual([0, 0]);
    await rig.controller.stop();
  });
});

describe('a half of an array whose other half finds a fault of its own', () => {
  it.each(['left', 'right'] as const)('is muted within a cycle or two, and radiates again with it (%s)', async (bad) => {
    const bench = await running('fallback: never', 'safeState: hold');
    const { clock, rig, records, shown } = bench;
    bench[bad].virtual.fault(4);
    await clock.sleep(200);
    expect(shown()).toEqual([0, 0]);
    await clock.sleep(5000);
    expect(shown()).toEqual([0, 0]);
    const credited = (): number => records.filter(({ outcome }) => outcome === 'ok').length;
    const before = credited();
    bench[bad].virtual.recover();
    await clock.sleep(500);
    expect(credited()).toBeGreaterThan(before + 5);
    expect(shown()[0]).toBeGreaterThan(0);
    expect(shown()[1]).toBe(shown()[0]);
    await rig.controller.stop();
  });
});

describe('the description of an array that lost a half', () => {
  it('names the half that is to blame, and clears it when it is back', async () => {
    const { clock, rig, left, right } = await running('fallback: never');
    const states = (): string[] => rig.controller.describe().links.map(({ name, state }) => `${name} ${state}`);
    expect(states()).toEqual(['left open', 'right open']);
    for (const { temperatureC } of rig.controller.describe().links) expect(temperatureC).toBeGreaterThan(0);
    cut(right);
    await clock.sleep(1000);
    expect(states()).toEqual(['left open', 'right lost']);
    expect(rig.controller.describe().links.map(({ detail }) => detail)).toEqual(['', 'cable pulled']);
    right.away = false;
    await clock.sleep(1000);
    expect(states()).toEqual(['left open', 'right open']);
    left.virtual.fault(4);
    await clock.sleep(500);
    expect(states()).toEqual(['left refused', 'right open']);
    await rig.controller.stop();
  });
});
