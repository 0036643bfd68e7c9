/** `beamrig panel` as a process of its own, with the driver at the other end of real wires, held against the loopback of the same rig. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import type { PanelLine } from '../../scripts/panel-process.ts';
import { createRandom } from '../../core/signal/random.ts';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import { createMqttLink } from '../../src/link/mqtt/mqtt.ts';
import { createSerialLink } from '../../src/link/serial/serial.ts';
import { createPanel } from '../../src/panel/panel-driver.ts';
import type { ArrayMember, BeamCommand, Result } from '../../src/panel/panel.ts';
import { assembleSimulator } from '../../src/rig/simulator.ts';
import { createWorld } from '../../src/rig/world.ts';
import { hasPart } from '../parts.ts';
import { forOneTest } from '../for-one-test.ts';
import { openPtyPair } from '../pty.ts';
import { startPanels } from '../built-program.ts';

const [N, M, K, Q] = [16, 2, 2, 6];

const own = forOneTest('panels');
const { later } = own;

/** The command with `--json` and all its words, ended with the test. */
function beamrigPanel(...words: string[]) {
  const played = later(startPanels(words), (it) => it.stop());
  return {
    ...played,
    ready: () => played.line(({ type }) => type === 'ready'),
    signal: async (signal: NodeJS.Signals): Promise<number | null> => {
      played.signal(signal);
      return (await played.ended()).code;
    },
  };
}

const must = async <T>(result: Promise<Result<T>>): Promise<T> => {
  const done = await result;
  if (!done.ok) throw new Error(JSON.stringify(done.failure));
  return done.value;
};

const driver = (
  link: Parameters<typeof createPanel>[0]['link'],
  more: Partial<Parameters<typeof createPanel>[0]> = {},
): ArrayMember =>
  later(createPanel({ link, clock: createRealClock(), random: createRandom(21), ...more }), (panel) => panel.close());

/** Beams 1 … count of a run, for the whole array. */
function beams(count: number): (BeamCommand & { digital: NonNullable<BeamCommand['digital']> })[] {
  const random = createRandom(4);
  return Array.from({ length: count }, (_, index) => ({
    beamId: index + 1,
    phaseBits: Q,
    words: Uint16Array.from({ length: N * M }, () => Math.floor(random.uniform() * 2 ** Q)),
    digital: { users: K, weights: Float32Array.from({ length: 2 * M * K }, () => random.normal()) },
  }));
}
const ofElements = (beam: BeamCommand, elements: readonly number[]): BeamCommand => ({
  ...beam,
  words: Uint16Array.from(elements.flatMap((n) => Array.from(beam.words.subarray(n * M, (n + 1) * M)))),
});
const hex = (words: Uint16Array): string => Array.from(words, (word) => word.toString(16).padStart(4, '0')).join('');
const radiatedBy = (lines: readonly PanelLine[], panel: string): (string | undefined)[] =>
  lines.filter((line) => line.type === 'radiates' && line.panel === panel).map(({ words }) => words);

const rigText = (links = '[]', more = ''): string => `
name: two-boards
seed: 7
array: { geometry: { kind: ula, elements: ${N} }, rfChains: ${M}, phaseBits: ${Q} }
users: { count: ${K} }
beamformer: { model: aligned }
simulator: { impairments: { gainErrorDb: 0.5, phaseErrorDeg: 5, phaseStateErrorDeg: 2 } }
links: ${links}
${more}
`;
const rigFile = (text: string): string => {
  const path = join(own.folder, 'rig.yaml');
  writeFileSync(path, text);
  return path;
};

/** What the simulator of the same rig, in this process and over loopback, reports for these beams. */
async function loopbackSnr(commands: readonly BeamCommand[]): Promise<number[][]> {
  const rig = parseRigFile(rigText(), 'the same rig');
  const random = createRandom(rig.seed).stream('simulator');
  const world = createWorld({ rig, random, repeat: false });
  const simulator = assembleSimulator({ rig, random, clock: createRealClock(), noise: 1, world, behaviours: [], latencyMs: 0 });
  const panel = driver(simulator.link);
  await must(panel.connect());
  const reports: number[][] = [];
  for (const beam of commands) {
    await must(panel.apply(beam));
    reports.push([...(await must(panel.measureSnr(beam.beamId, 16))).snrDb]);
  }
  return reports;
}

/** Each starts processes of its own, and the machine may have much else to do. */
const LIMITS = { timeout: 120_000 };

describe('beamrig panel', LIMITS, () => {
  it('goes on when somebody says that its panel is another one', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (open) => open.close());
    const played = beamrigPanel(
      ...['--elements', `${N}`, '--rf-chains', `${M}`, '--phase-bits', `${Q}`, '--users', `${K}`],
      ...['--panel', 'BOARD-7', '--mqtt', broker.url],
    );
    await played.ready();
    const stranger = later(await connectAsync(broker.url), (client) => client.endAsync(true));
    const rude = '{"state":"online","instance":"rude"}';
    await stranger.publishAsync('beamrig/panels/BOARD-7/presence', rude, { qos: 1, retain: true });
    await played.line(({ type }) => type === 'closed');
    await played.line(() => played.lines.filter(({ type }) => type === 'opened').length > 1);
    const link = createMqttLink({ url: broker.url, topicPrefix: 'beamrig', panel: 'BOARD-7', random: createRandom(1) });
    await must(driver(link).connect());
    expect(await played.signal('SIGTERM')).toBe(0);
  });

  it('plays a panel on a broker without a rig file, and leaves it muted and offline', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (open) => open.close());
    const played = beamrigPanel(
      ...['--elements', `${N}`, '--rf-chains', `${M}`, '--phase-bits', `${Q}`, '--users', `${K}`],
      ...['--panel', 'BOARD-7', '--mqtt', broker.url],
    );
    await played.ready();
    const link = createMqttLink({ url: broker.url, topicPrefix: 'beamrig', panel: 'BOARD-7', random: createRandom(1) });
    const panel = driver(link);
    expect(await must(panel.connect())).toMatchObject({ panelSerial: 'BOARD-7', elements: N, rfChains: M, users: K });
    const commands = beams(5);
    for (const beam of commands) await must(panel.apply(beam));
    await played.line(({ beamId }) => beamId === 5);
    expect(radiatedBy(played.lines, 'panel')).toEqual(commands.map(({ words }) => hex(words)));

    const lost = new Promise<void>((resolve) => link.onState(({ state }) => state === 'closed' && resolve()));
    expect(await played.signal('SIGINT')).toBe(0);
    await lost;
    expect(played.lines.filter(({ type }) => type === 'dark')).toHaveLength(1);
  });

  it('says what is wrong with its flags before it touches a wire', async () => {
    const nothing = await beamrigPanel().ended();
    expect(nothing.code).toBe(2);
    expect(nothing.errors).toMatch(/no rig file, and no --elements/);
    const noPort = await beamrigPanel(rigFile(rigText()), '--serial', join(own.folder, 'no-port')).ended();
    expect(noPort.code).toBe(1);
    expect(noPort.errors).toMatch(/no-port.*\nWhat to do: /);
  });
});

describe.skipIf(!hasPart('socat'))('beamrig panel on a serial line [needs socat]', LIMITS, () => {
  it('radiates word by word what was sent, with the very SNR of the loopback', async () => {
    const pty = later(await openPtyPair(), (open) => open.close());
    const played = beamrigPanel(rigFile(rigText()), '--serial', pty.b);
    await played.ready();
    const panel = driver(createSerialLink({ path: pty.a, baudRate: 921_600 }));
    await must(panel.connect());
    const commands = beams(10);
    const received: number[][] = [];
    for (const beam of commands) {
      await must(panel.apply(beam));
      received.push([...(await must(panel.measureSnr(beam.beamId, 16))).snrDb]);
    }
    await played.line(({ beamId }) => beamId === 10);
    expect(radiatedBy(played.lines, 'panel')).toEqual(commands.map(({ words }) => hex(words)));
    expect(received).toEqual(await loopbackSnr(commands));

    played.type('panel reset');
    await played.line(({ type }) => type === 'reset');
    await played.line(({ type }) => type === 'dark');
    await must(panel.connect());
    expect(await must(panel.status())).toMatchObject({ state: 'idle', bootCount: 2 });
    played.type('fault 3');
    await played.line(({ type }) => type === 'fault');
    expect(await panel.apply({ ...commands[0], beamId: 11 })).toMatchObject({ ok: false, failure: { code: 'fault', detail: 3 } });
    played.type('recover');
    await played.line(({ type }) => type === 'recovered');
    await must(panel.apply({ ...commands[0], beamId: 12 }));
    played.type('explode');
    const { message } = await played.line(({ type }) => type === 'warning');
    expect(message).toMatch(/'explode' is no command/);
    expect(await played.signal('SIGTERM')).toBe(0);
  });

  it('plays two boards of one array on two kinds of wire, and either hears both', async () => {
    const pty = later(await openPtyPair(), (open) => open.close());
    const broker = later(await startEmbeddedBroker({ port: 0 }), (open) => open.close());
    const links = `
  - { name: left, panel: L-1, elements: '7-0', serial: { path: ${pty.a} } }
  - { name: right, panel: R-1, elements: '8-15', mqtt: { url: '${broker.url}' } }`;
    const played = beamrigPanel(rigFile(rigText(links)), '--serial', `left=${pty.b}`);
    await played.ready();
    const boards = [
      { elements: [7, 6, 5, 4, 3, 2, 1, 0], panel: driver(createSerialLink({ path: pty.a, baudRate: 921_600 })) },
      {
        elements: [8, 9, 10, 11, 12, 13, 14, 15],
        panel: driver(createMqttLink({ url: broker.url, topicPrefix: 'beamrig', panel: 'R-1', random: createRandom(1) })),
      },
    ];
    for (const { panel } of boards) expect(await must(panel.connect())).toMatchObject({ elements: 8 });
    const commands = beams(6);
    const received: number[][] = [];
    for (const beam of commands) {
      for (const { panel, elements } of boards) await must(panel.apply(ofElements(beam, elements)));
      received.push([...(await must(boards[0].panel.measureSnr(beam.beamId, 16))).snrDb]);
    }
    for (const [index, name] of ['left', 'right'].entries()) {
      await played.line(({ panel, beamId }) => panel === name && beamId === 6);
      expect(radiatedBy(played.lines, name)).toEqual(commands.map((beam) => hex(ofElements(beam, boards[index].elements).words)));
    }
    expect(received).toEqual(await loopbackSnr(commands));
  });

  it('takes sealed frames only where the rig has a key, and keeps its counters over a restart', async () => {
    const pty = later(await openPtyPair(), (open) => open.close());
    const key = join(own.folder, 'rig.key');
    const state = join(own.folder, 'counters');
    writeFileSync(key, '00112233445566778899aabbccddeeff', { mode: 0o600 });
    const rig = rigFile(
      rigText(`[ { name: left, panel: L-1, serial: { path: ${pty.a} } } ]`, `authentication: { keyFile: ${key} }`),
    );
    const rigKey = Uint8Array.from(Buffer.from('00112233445566778899aabbccddeeff', 'hex'));
    const link = () => createSerialLink({ path: pty.a, baudRate: 921_600 });
    let limit = 0n;
    for (let start = 0; start < 2; start++) {
      const played = beamrigPanel(rig, '--serial', pty.b, '--state', state);
      await played.ready();
      const stranger = createPanel({ link: link(), clock: createRealClock(), random: createRandom(3) });
      expect((await stranger.connect()).ok).toBe(false);
      await stranger.close();
      const owner = createPanel({
        ...{ link: link(), clock: createRealClock(), random: createRandom(3) },
        ...{ expected: { panelSerial: 'L-1' }, authentication: { rigKey } },
      });
      await must(owner.connect());
      await must(owner.apply(beams(1)[0]));
      await owner.close();
      expect(await played.signal('SIGINT')).toBe(0);
      const kept = JSON.parse(readFileSync(join(state, 'panel-L-1.json'), 'utf8')) as { counterLimit: string };
      expect(BigInt(kept.counterLimit)).toBeGreaterThan(limit);
      limit = BigInt(kept.counterLimit);
      const warnings = played.lines.flatMap(({ type, message }) => (type === 'warning' ? [message] : []));
      expect(warnings).toEqual(start === 0 ? [expect.stringContaining('holds no frame counters of left yet')] : []);
      expect(JSON.stringify(played.lines)).not.toContain('00112233');
    }
    // A disk that takes nothing any more, in the middle of a run.
    const played = beamrigPanel(rig, '--serial', pty.b, '--state', state);
    await played.ready();
    rmSync(state, { recursive: true });
    writeFileSync(state, 'no folder any more');
    const late = createPanel({
      ...{ link: link(), clock: createRealClock(), random: createRandom(3) },
      ...{ expected: { panelSerial: 'L-1' }, authentication: { rigKey } },
    });
    expect((await late.connect()).ok).toBe(false);
    await late.close();
    const { message } = await played.line(({ type }) => type === 'warning');
    expect(message).toMatch(/^left: the limit of its frame counters cannot be kept/);
    expect(await played.signal('SIGINT')).toBe(0);
    expect(played.lines.filter(({ type }) => type === 'warning')).toHaveLength(1);
  });
});
