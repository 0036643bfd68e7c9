/** Whole rigs whose panels are at the far ends of real wires: what the rig file names is driven, and its policy decides what happens without. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { derivePanelKey } from '../../firmware-protocol/authentication.ts';
import type { Feature } from '../../firmware-protocol/messages.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createRandom } from '../../core/signal/random.ts';
import { parseRigFile, type RigFile } from '../../src/config/rig-file.ts';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import { createLoopbackLink } from '../../src/link/loopback.ts';
import { createMqttPanelEnd } from '../../src/link/mqtt/mqtt-panel-end.ts';
import { createSerialPanelEnd } from '../../src/link/serial/serial-panel-end.ts';
import { assembleRig, type AssembleOptions } from '../../src/rig/assemble.ts';
import type { CreateLink } from '../../src/rig/hardware.ts';
import { playPanels } from '../../src/rig/played-panels.ts';
import { createRigArray } from '../../src/rig/simulator.ts';
import { createWorld } from '../../src/rig/world.ts';
import type { CycleRecord, RigEvent } from '../../src/telemetry/cycle-record.ts';
import { hasPart } from '../parts.ts';
import { forOneTest } from '../for-one-test.ts';
import { openPtyPair } from '../pty.ts';

const own = forOneTest('hardware');
const { later } = own;

const rigOf = (...lines: string[]): RigFile =>
  parseRigFile(
    `name: bench
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: 50, pilots: 64 }
${lines.join('\n')}
`,
    join(own.folder, 'rig.yaml'),
  );

/** The panels of a rig, played in this process at the far ends of its links: a serial end by link, or the broker of the rig file. */
async function play(rig: RigFile, ends: Record<string, string> = {}, rigKey?: Uint8Array) {
  const random = createRandom(rig.seed).stream('simulator');
  const latched: string[] = [];
  const played = playPanels({
    panels: rig.links.map((link) => ({
      name: link.name,
      panelSerial: link.panel ?? `SIM-${link.name}`,
      elements: link.elements,
      end:
        link.kind === 'mqtt'
          ? createMqttPanelEnd({ ...link.mqtt, panel: link.panel ?? '' })
          : createSerialPanelEnd({ path: ends[link.name] ?? '', baudRate: 921_600 }),
      ...(rigKey === undefined
        ? {}
        : {
            authentication: {
              panelKey: derivePanelKey(rigKey, link.panel ?? ''),
              counterLimit: 0n,
              storeLimit: () => true,
            },
          }),
    })),
    array: createRigArray(rig, random),
    world: createWorld({ rig, random, repeat: true }),
    noise: 1,
    random,
    clock: createRealClock(),
    onEvent: (event) => {
      if (event.type === 'radiates') latched.push(`${event.panel} ${event.beamId}`);
    },
  });
  await played.open();
  later(played, (it) => it.close());
  return { played, latched };
}

async function assemble(rig: RigFile, options: Partial<AssembleOptions> = {}) {
  const records: CycleRecord[] = [];
  const events: RigEvent[] = [];
  const assembled = await assembleRig({
    rig,
    clock: createRealClock(),
    recorder: { cycle: (record) => records.push(record), event: (event) => events.push(event) },
    ...options,
  });
  later(assembled, ({ controller }) => controller.stop());
  // A loaded machine may cost a cycle; which events are told and what is credited does not depend on it.
  /** Resolves with the first record for which this holds, among those from now on. */
  const record = (match: (record: CycleRecord) => boolean): Promise<CycleRecord> =>
    new Promise((resolve) => {
      const leave = assembled.controller.onCycle((candidate) => {
        if (!match(candidate)) return;
        leave();
        resolve(candidate);
      });
    });
  return {
    ...assembled,
    records,
    events,
    codes: () => events.map(({ code }) => code).filter((code) => code !== 'cycle-void' && code !== 'too-slow'),
    record,
  };
}

const refusal = async (rig: RigFile, options: Partial<AssembleOptions> = {}): Promise<BeamrigError> => {
  try {
    await assemble(rig, options);
  } catch (error) {
    expect(error).toBeInstanceOf(BeamrigError);
    return error as BeamrigError;
  }
  throw new Error('the rig was assembled');
};

const predicted = (records: CycleRecord[]) => records.map(({ cycle, predictedSumRate }) => ({ cycle, predictedSumRate }));

describe('a rig without its hardware', () => {
  it('names every link that is missing, and why, where the simulator is forbidden', async () => {
    const broker = await startEmbeddedBroker({ port: 0 });
    await broker.close(); // nobody listens there now
    const rig = rigOf(
      'links:',
      `  - { name: left, elements: '0-7', serial: { path: ${join(own.folder, 'no-port')} } }`,
      `  - { name: right, panel: B, elements: '8-15', mqtt: { url: '${broker.url}' } }`,
      'fallback: never',
    );
    const { code, message, wayOut } = await refusal(rig);
    expect(code).toBe('no-hardware');
    const lines = message.split('\n');
    expect(lines[1]).toMatch(/^ {2}left: .*no-port: there is no such port/);
    expect(lines[2]).toMatch(/^ {2}right: .*no broker listens on port/);
    expect(wayOut).toContain('fallback: at-start');
  });

  it('runs on the simulator where that is allowed, and says why', async () => {
    const rig = rigOf(`links: [ { name: left, serial: { path: ${join(own.folder, 'no-port')} } } ]`);
    const { source, description, run, codes, lookedFor } = await assemble(rig, { cycles: 5 });
    expect(source).toBe('simulator');
    expect(description.sourceReason).toContain('there is no such port');
    expect(lookedFor.at(-1)).toContain('left: not usable now');
    expect(await run()).toMatchObject({ reason: 'done', voidCycles: 0 });
    expect(codes()).toEqual(['fallback']);
  });

  it.each(['never', 'at-start', 'any-time'])('is refused under %s for what somebody has to repair', async (fallback) => {
    const file = join(own.folder, 'a-file');
    writeFileSync(file, '');
    const noPort = await refusal(rigOf(`links: [ { serial: { path: ${file} } } ]`, `fallback: ${fallback}`));
    expect(noPort).toMatchObject({ code: 'link', message: expect.stringContaining('not a serial port') as string });
    writeFileSync(file, 'ab'.repeat(16));
    chmodSync(file, 0o644);
    const openKey = await refusal(
      rigOf(
        `links: [ { panel: A, serial: { path: /dev/none } } ]`,
        `authentication: { keyFile: ${file} }`,
        `fallback: ${fallback}`,
      ),
    );
    expect(openKey).toMatchObject({ code: 'key', wayOut: `Run: chmod 600 ${file}` });
    const broker = later(await startEmbeddedBroker({ port: 0, user: 'rig', password: 'right' }), (it) => it.close());
    const stranger = await refusal(rigOf(`links: [ { panel: A, mqtt: { url: '${broker.url}' } } ]`, `fallback: ${fallback}`));
    expect(stranger).toMatchObject({ code: 'link', message: expect.stringMatching(/refused|not authori/) as string });
  });

  it('is refused under every policy when another panel answers', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (it) => it.close());
    const link = `links: [ { panel: B-1, mqtt: { url: '${broker.url}' } } ]`;
    await play(rigOf(link));
    const { code, message } = await refusal({ ...rigOf(link, 'fallback: any-time'), array: { ...rigOf().array, phaseBits: 5 } });
    expect(code).toBe('panel');
    expect(message).toContain('phaseBits is 6, the rig wants 5');
  });

  it('moves over to it when it appears on the broker', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (it) => it.close());
    const rig = rigOf(`links: [ { panel: B-1, mqtt: { url: '${broker.url}' } } ]`);
    const { controller, run, codes, record } = await assemble(rig);
    const done = run();
    await record(({ source }) => source === 'simulator');
    await play(rig);
    const first = await record(({ source, outcome }) => source === 'played-panel' && outcome === 'ok');
    expect(controller.describe()).toMatchObject({
      source: 'played-panel',
      links: [{ panel: 'B-1', state: 'open', elements: '0-15' }],
    });
    await controller.stop();
    await done;
    expect(first.beamId).toBe(first.cycle + 1);
    expect(codes()).toEqual(['fallback', 'panels-back']);
    expect(controller.unsafe).toBeUndefined();
  });
});

describe('a board that can do less than others', () => {
  /** A board with these features, at the far end of a link of this process. */
  const linkTo =
    (rig: RigFile, features: Feature[]): CreateLink =>
    ({ name }) => {
      const random = createRandom(rig.seed).stream('simulator');
      const { scene } = createWorld({ rig, random, repeat: true });
      const array = createRigArray(rig, random);
      const board = later(
        createVirtualPanel({
          clock: createRealClock(),
          array,
          scene,
          noise: 1,
          random,
          behaviours: [],
          capabilities: { features },
        }),
        (panel) => panel.close(),
      );
      return createLoopbackLink(board, createRealClock(), { name });
    };

  it('is driven without a digital precoder, and that is said', async () => {
    const rig = rigOf('links: [ { name: board, serial: { path: /dev/none } } ]');
    const createLink = linkTo(rig, ['snr-report', 'read-back']);
    const { source, run, records, events, description, identity } = await assemble(rig, { createLink, cycles: 5 });
    expect(source).toBe('hardware');
    expect(await run()).toMatchObject({ reason: 'done', voidCycles: 0 });
    // A board in the air, and beams for users who are simulated: permanently said, and a warning.
    expect(description).toMatchObject({ source: 'hardware', channelSource: 'simulation' });
    expect(identity).toMatchObject({ source: 'hardware', channelSource: 'simulation' });
    expect(events[0]).toMatchObject({ level: 'warning', code: 'channels-simulated' });
    // And what can be done without a channel, or to get one.
    for (const wayOut of [
      'channel: { source: sounding }',
      '--channels',
      'beamrig steer',
      'beamrig scan',
      'codebook: hierarchical',
    ])
      expect(events[0].action).toContain(wayOut);
    expect(
      records.every(({ channelSource, panels }) => channelSource === 'simulation' && panels === identity.panels[0].panel),
    ).toBe(true);
    expect(events.map(({ code }) => code)).toEqual(['channels-simulated', 'phases-only', 'uncalibrated']);
    expect(records.every(({ source: of }) => of === 'hardware')).toBe(true);
  });

  it('is refused where its channels are to be sounded and it reports no pilots', async () => {
    const rig = rigOf('links: [ { name: board, serial: { path: /dev/none } } ]', 'channel: { source: sounding }');
    const error = await refusal(rig, { createLink: linkTo(rig, ['snr-report', 'digital-weights']) });
    expect(error).toMatchObject({
      code: 'panel',
      message: expect.stringContaining('reports no pilots (feature pilot-report)') as string,
      wayOut: expect.stringContaining('beamrig scan') as string,
    });
  });

  it('hears its users itself where its channels are sounded, and nothing of it is simulated', async () => {
    const rig = rigOf('links: [ { name: board, serial: { path: /dev/none } } ]', 'channel: { source: sounding, beams: 16 }');
    const createLink = linkTo(rig, ['snr-report', 'pilot-report', 'digital-weights']);
    const { source, run, records, events, description } = await assemble(rig, { createLink, cycles: 5 });
    expect(source).toBe('hardware');
    expect(await run()).toMatchObject({ reason: 'done', voidCycles: 0 });
    expect(description).toMatchObject({
      channelSource: 'sounding',
      channels: expect.stringMatching(/^sounded through the panels/) as string,
    });
    expect(records.every(({ channelSource }) => channelSource === 'sounding')).toBe(true);
    expect(events.map(({ code }) => code)).toEqual(['uncalibrated']);
  });

  it('is refused where the safe state needs beam memory that it has not', async () => {
    const rig = rigOf('links: [ { serial: { path: /dev/none } } ]', 'safeState: codeword', 'safeCodeword: { azimuthDeg: 0 }');
    const createLink = linkTo(rig, ['snr-report', 'digital-weights']);
    const error = await refusal(rig, { createLink });
    expect(error).toMatchObject({ code: 'panel', message: expect.stringContaining('the rig wants beam-memory') as string });
  });

  it('is refused where it reports no SNR', async () => {
    const rig = rigOf('links: [ { serial: { path: /dev/none } } ]');
    const error = await refusal(rig, { createLink: linkTo(rig, ['digital-weights']) });
    expect(error).toMatchObject({ code: 'panel', message: expect.stringMatching(/snr-report|users/) as string });
  });
});

describe.skipIf(!hasPart('socat'))('a rig on serial ports [needs socat]', () => {
  it('drives an array of two boards on two kinds of wire as it drives the simulator', async () => {
    const pty = later(await openPtyPair(), (it) => it.close());
    const broker = later(await startEmbeddedBroker({ port: 0 }), (it) => it.close());
    const rig = rigOf(
      'links:',
      `  - { name: left, panel: L-1, elements: '7-0', serial: { path: ${pty.a} } }`,
      `  - { name: right, panel: R-1, elements: '8-15', mqtt: { url: '${broker.url}' } }`,
      'safeState: codeword',
      'safeCodeword: { azimuthDeg: 20 }',
    );
    const { latched } = await play(rig, { left: pty.b });
    const { source, run, records, codes, controller, identity } = await assemble(rig, { cycles: 8 });
    expect(source).toBe('played-panel');
    expect(await run()).toMatchObject({ reason: 'done', cycles: 8 });
    const credited = records.filter(({ outcome }) => outcome === 'ok');
    expect(credited.length).toBeGreaterThan(0);
    expect(codes()).toEqual(['channels-simulated']);
    expect(controller.unsafe).toBeUndefined();
    expect(identity.panels.map(({ panel, kind }) => `${panel} ${kind}`)).toEqual(['L-1 serial', 'R-1 mqtt']);
    for (const { cycle, beamId, source: of } of credited) expect([beamId, of]).toEqual([cycle + 1, 'played-panel']);
    for (const name of ['left', 'right']) {
      expect(latched).toEqual(expect.arrayContaining(credited.map(({ beamId }) => `${name} ${beamId}`)));
    }
    const alone = await assemble({ ...rig, links: [] }, { cycles: 8 });
    await alone.run();
    expect(predicted(records)).toEqual(predicted(alone.records));
    for (const { cycle, measuredSnrDb } of credited) {
      // Each reading has noise of its own: 64 pilots each.
      measuredSnrDb.forEach((db, user) => expect(Math.abs(db - alone.records[cycle].measuredSnrDb[user])).toBeLessThan(5));
    }
  });

  it('goes on with the simulator while the cable is out, and comes back, with every move in the records', async () => {
    const pty = later(await openPtyPair(), (it) => it.close());
    const rig = rigOf(`links: [ { name: left, panel: L-1, serial: { path: ${pty.a} } } ]`, 'fallback: any-time');
    await play(rig, { left: pty.b });
    const { controller, run, records, codes, record, events } = await assemble(rig);
    const done = run();
    await record(({ cycle }) => cycle >= 5);
    await pty.pull();
    await record(({ source, outcome }) => source === 'simulator' && outcome === 'ok');
    expect(controller.describe()).toMatchObject({ source: 'simulator', sourceReason: expect.stringContaining('lost') as string });
    await pty.putBack();
    await record(({ source, outcome }) => source === 'played-panel' && outcome === 'ok');
    await controller.stop();
    await done;
    const story = records.map(({ source, outcome }) => (outcome === 'ok' ? source[0].toUpperCase() : source[0])).join('');
    expect(story).toMatch(/^P[Pp]*p+S+P[Pp]*$/);
    expect(codes()).toEqual(['channels-simulated', 'fallback', 'panels-back']);
    // They are programs, and nothing that is said of them calls them hardware.
    expect(events.filter(({ code }) => code !== 'channels-simulated').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^The played panel was lost/),
      expect.stringMatching(/^The played panel is there/),
    ]);
    expect(records.every(({ cycle, beamId, outcome }) => beamId === (outcome === 'ok' ? cycle + 1 : 0))).toBe(true);
    expect(controller.unsafe).toBeUndefined();
  });

  it('leaves cycles void while the cable is out where the simulator may not stand in', async () => {
    const pty = later(await openPtyPair(), (it) => it.close());
    const rig = rigOf(`links: [ { name: left, panel: L-1, serial: { path: ${pty.a} } } ]`, 'fallback: never');
    await play(rig, { left: pty.b });
    const { controller, run, records, codes, record } = await assemble(rig);
    const done = run();
    await record(({ cycle }) => cycle >= 3);
    await pty.pull();
    await record(({ outcome }) => outcome === 'void');
    await pty.putBack();
    await record(({ outcome }) => outcome === 'ok');
    await controller.stop();
    await done;
    expect(records.every(({ source }) => source === 'played-panel')).toBe(true);
    expect(codes()).toEqual(['channels-simulated', 'panel-lost', 'panel-back']);
  });

  it('authenticates its frames with the key of the rig, and refuses a panel with another', async () => {
    const pty = later(await openPtyPair(), (it) => it.close());
    const key = (text: string): string => {
      const path = join(own.folder, `${text.slice(0, 4)}.key`);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const right = 'a1b2'.repeat(8);
    const rigWith = (file: string) =>
      rigOf(`links: [ { name: left, panel: L-1, serial: { path: ${pty.a} } } ]`, `authentication: { keyFile: ${file} }`);
    await play(rigWith(key(right)), { left: pty.b }, Uint8Array.from(Buffer.from(right, 'hex')));
    const { source, run } = await assemble(rigWith(key(right)), { cycles: 5 });
    expect(source).toBe('played-panel');
    expect(await run()).toMatchObject({ reason: 'done', voidCycles: 0 });
    const { code, message, wayOut } = await refusal(rigWith(key('c3d4'.repeat(8))));
    expect(code).toBe('key');
    expect(`${message} ${wayOut}`).not.toContain('c3d4c3d4');
  });
});
