/** An array of two panels, one of which is no part of it any more: what the other one goes on radiating is no beam, and does not stay. */
import { describe, expect, it } from 'vitest';
import type { VirtualClock } from '../../clock/virtual-clock.ts';
import { createVirtualClock } from '../../clock/virtual-clock.ts';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import { createAir } from '../../hil-sim/air.ts';
import type { VirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createRandom } from '../../signal/random.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import type { LoopbackLink } from '../../src/link/loopback.ts';
import { createLoopbackLink } from '../../src/link/loopback.ts';
import type { Rig } from '../../src/rig/assemble.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import { createRigArray } from '../../src/rig/simulator.ts';
import { createWorld } from '../../src/rig/world.ts';
import type { CycleRecord } from '../../src/telemetry/cycle-record.ts';

interface Half {
  virtual: VirtualPanel;
  link: LoopbackLink;
  /** Opening its link fails. */
  away: boolean;
}

interface Bench {
  clock: VirtualClock;
  rig: Rig;
  left: Half;
  right: Half;
  records: CycleRecord[];
  /** What both radiate now. */
  shown: () => number[];
}

/** A rig that runs, and has radiated some beams. */
async function running(...lines: string[]): Promise<Bench> {
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
  const assembled = await assembleRig({
    rig,
    clock,
    recorder: { cycle: (record) => records.push(record), event: () => undefined },
    createLink: ({ name, elements }) => {
      const part = { air: air.part(elements), capabilities: { panelSerial: name } };
      const virtual = createVirtualPanel({ clock, random: random.stream(name), ...part });
      const link = createLoopbackLink(virtual, clock, { name, latencyMs: 0.5 });
      const half: Half = { virtual, link, away: false };
      const open = link.open.bind(link);
      link.open = async () => {
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
  return { clock, rig: assembled, left, right, records, shown };
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
