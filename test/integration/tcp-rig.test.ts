/** A rig whose panel is behind TCP, with a relay between them that can stand still or break off, as a network does. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { createRandom } from '../../core/signal/random.ts';
import { freePort } from '../../scripts/free-port.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import { linkKind } from '../../src/link/link-kinds.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import { playPanels, type PlayedEvent } from '../../src/rig/played-panels.ts';
import { createRigArray } from '../../src/rig/simulator.ts';
import { createWorld } from '../../src/rig/world.ts';
import type { CycleRecord, RigEvent } from '../../src/telemetry/cycle-record.ts';

const HOST = '127.0.0.1';
const atEnd: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of atEnd.splice(0).reverse()) await close();
});

/** Passes bytes on between whoever comes and the panel; not while it is frozen. */
async function relayTo(panelPort: number): Promise<{ port: number; freeze(): void; breakOff(): void; thaw(): void }> {
  let frozen = false;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(panelPort, HOST);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('data', (bytes) => !frozen && to.write(bytes));
      from.on('close', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const breakOff = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  atEnd.push(() => (breakOff(), server.close()));
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => (frozen = true),
    thaw: () => (frozen = false),
    breakOff,
  };
}

async function bench() {
  const panelPort = await freePort();
  const relay = await relayTo(panelPort);
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-tcp-'));
  atEnd.push(() => rmSync(folder, { recursive: true, force: true }));
  const rig = parseRigFile(
    `name: bench
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: 50, pilots: 64 }
safeState: mute
fallback: never
links: [ { tcp: { host: ${HOST}, port: ${relay.port} } } ]
calibration: { folder: ${folder} }
`,
    'rig.yaml',
  );
  const [link] = rig.links;
  const random = createRandom(rig.seed).stream('simulator');
  const reported: PlayedEvent[] = [];
  const panel = { panel: 'SIM-1' };
  const played = playPanels({
    panels: [
      {
        name: link.name,
        panelSerial: 'SIM-1',
        elements: link.elements,
        end: await linkKind('tcp').createPanelEnd({ host: HOST, port: panelPort }, panel),
      },
    ],
    array: createRigArray(rig, random),
    world: createWorld({ rig, random, repeat: true }),
    noise: 1,
    random,
    clock: createRealClock(),
    onEvent: (event) => reported.push(event),
  });
  await played.open();
  atEnd.push(() => played.close());
  const records: CycleRecord[] = [];
  const events: RigEvent[] = [];
  const recorder = { cycle: (record: CycleRecord) => records.push(record), event: (event: RigEvent) => events.push(event) };
  const assembled = await assembleRig({ rig, clock: createRealClock(), recorder });
  atEnd.push(() => assembled.controller.stop());
  const running = assembled.run();
  const shown = (): PlayedEvent['type'] | undefined =>
    reported.findLast(({ type }) => type === 'radiates' || type === 'dark')?.type;
  const goodCycles = (): number => records.filter(({ outcome }) => outcome === 'ok').length;
  const tables = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.json'));
  return { relay, assembled, running, records, events, shown, goodCycles, tables };
}

const WITHIN = { timeout: 15_000, interval: 10 };

describe('a rig over TCP', () => {
  it('drives a panel that listens, and leaves it dark when it stops', async () => {
    const { assembled, running, records, shown, goodCycles } = await bench();
    await expect.poll(goodCycles, WITHIN).toBeGreaterThan(10);
    expect(records[0]).toMatchObject({ outcome: 'ok', source: 'played-panel' });
    expect(shown()).toBe('radiates');
    await assembled.controller.stop();
    await running;
    await expect.poll(shown, WITHIN).toBe('dark');
  }, 60_000);

  it('loses it when the network stands still: dark by the panel’s own limit, and back when it is there again', async () => {
    const { relay, shown, goodCycles, events } = await bench();
    await expect.poll(goodCycles, WITHIN).toBeGreaterThan(10);
    relay.freeze();
    // Nothing gets through, so it is the panel itself that ends it.
    await expect.poll(shown, WITHIN).toBe('dark');
    const before = goodCycles();
    relay.breakOff();
    relay.thaw();
    await expect.poll(goodCycles, WITHIN).toBeGreaterThan(before + 10);
    expect(shown()).toBe('radiates');
    expect(events.map(({ code }) => code)).toContain('panel-lost');
  }, 60_000);

  it('measured when the network stands still, is dark by the panel’s own limit, and is measured on when it is there again', async () => {
    const { relay, assembled, records, shown, goodCycles, tables } = await bench();
    const { calibrating } = assembled.controller;
    await expect.poll(goodCycles, WITHIN).toBeGreaterThan(10);
    expect(await calibrating.begin({ method: 'steering', readings: null, pilots: 64, resume: false })).toEqual({ ok: true });
    await expect.poll(() => calibrating.now?.done ?? 0, WITHIN).toBeGreaterThan(5);
    expect(shown()).toBe('radiates');
    relay.freeze();
    await expect.poll(shown, WITHIN).toBe('dark');
    expect(calibrating.now?.phase).toBe('measuring');
    const before = goodCycles();
    relay.breakOff();
    relay.thaw();
    await expect.poll(() => calibrating.now?.phase, WITHIN).toBe('done');
    await expect.poll(goodCycles, WITHIN).toBeGreaterThan(before + 10);
    expect(tables()).toHaveLength(1);
    expect(records.at(-1)?.calibration).toBe(calibrating.now?.result?.tables[0]);
  }, 60_000);

  it('stopped while it is measured, is dark and has no table', async () => {
    const { assembled, running, shown, goodCycles, tables } = await bench();
    const { calibrating } = assembled.controller;
    await expect.poll(goodCycles, WITHIN).toBeGreaterThan(10);
    await calibrating.begin({ method: 'coded', readings: null, pilots: 64, resume: false });
    await expect.poll(() => calibrating.now?.done ?? 0, WITHIN).toBeGreaterThan(5);
    await assembled.controller.stop();
    await running;
    await expect.poll(shown, WITHIN).toBe('dark');
    expect([calibrating.now?.phase, tables()]).toEqual(['cancelled', []]);
  }, 60_000);
});
