/** `beamrig panels` against panels on pseudo terminals that a rig file names: the machine's own ports are whatever they are. */
import { closeSync, mkdtempSync, openSync, realpathSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { encodeFrame } from '../../firmware-protocol/codec.ts';
import { crc32c } from '../../firmware-protocol/crc32c.ts';
import { CRC_BYTES, HEADER_BYTES } from '../../firmware-protocol/limits.ts';
import type { Reply } from '../../firmware-protocol/messages.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { createRecordedScene } from '../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import type { VirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { hasPart } from '../../test/parts.ts';
import { openPtyPair } from '../../test/pty.ts';
import type { LoopbackPeer } from '../link/loopback.ts';
import { createSerialPanelEnd } from '../link/serial/serial-panel-end.ts';
import { panels } from './panels.ts';

const output = vi.hoisted(() => ({ printed: [] as string[] }));
vi.mock('./output.ts', () => ({ print: (line: string) => void output.printed.push(line) }));

const BAUD_RATE = 921_600;
let folder: string;
let closers: (() => Promise<void> | void)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-panels-'));
  output.printed = [];
  closers = [];
});
afterEach(async () => {
  process.exitCode = undefined;
  for (const close of closers.reverse()) await close();
  rmSync(folder, { recursive: true });
});

/** A panel of 8 × 2 words of 5 bits behind a port; what radiates there can be looked at. */
async function panelOnPort(
  panelSerial: string,
  behaviours: readonly Behaviour[] = [],
): Promise<{ port: string; panel: VirtualPanel }> {
  const pair = await openPtyPair();
  closers.push(() => pair.close());
  const random = createRandom(1);
  const panel = createVirtualPanel({
    clock: createRealClock(),
    array: createSimulatedArray({ elements: 8, rfChains: 2, phaseBits: 5, random }),
    scene: createRecordedScene([fromParts(1, 8, new Float64Array(8).fill(1), new Float64Array(8))]),
    noise: 1,
    random,
    behaviours,
    capabilities: { panelSerial },
  });
  closers.push(() => panel.close());
  const end = createSerialPanelEnd({ path: pair.b, baudRate: BAUD_RATE });
  closers.push(() => end.close());
  await end.open(panel);
  return { port: pair.a, panel };
}

/** Says hello with capabilities that somebody got wrong. */
function answersWith(spoil: (bytes: Uint8Array) => unknown): LoopbackPeer {
  let send: (frame: Uint8Array) => void = () => undefined;
  const message: Reply = {
    type: 'capabilities',
    ...{ role: 'array', panelSerial: 'MINE', arrayId: 0, firmware: '', protocolMajor: 1, protocolMinor: 1, elements: 8 },
    ...{ rfChains: 2, phaseBits: 5, gainBits: 0, users: 1, maxPayloadBytes: 512, stagingSlots: 1, beamMemory: 0, features: [] },
  };
  return {
    receive: (frame) => {
      const answer = encodeFrame({ seq: frame[2] | (frame[3] << 8), message });
      spoil(answer);
      const end = answer.length - CRC_BYTES;
      new DataView(answer.buffer).setUint32(end, crc32c(answer, 0, end), true);
      send(answer);
    },
    onSend: (listener) => {
      send = listener;
    },
  };
}

function rigFile(links: object[], more: object = {}): string {
  const path = join(folder, 'rig.yaml');
  const rig = {
    name: 'bench',
    array: { geometry: { kind: 'ula', elements: 8 * Math.max(links.length, 1) }, rfChains: 2, phaseBits: 5 },
    users: { count: 1 },
    beamformer: { model: 'aligned' },
    links,
    ...more,
  };
  writeFileSync(path, JSON.stringify(rig));
  return path;
}

/** Other tests share the machine. */
const PATIENT = { helloMs: 8000 };

interface Printed {
  panels: { link?: string; where: string; panel?: { panelSerial: string }; why?: string; wayOut?: string }[];
}
const linksPrinted = (): Printed['panels'] =>
  (JSON.parse(output.printed.join('\n')) as Printed).panels.filter(({ link }) => link !== undefined);

describe.skipIf(!hasPart('socat'))('beamrig panels [needs socat]', () => {
  it('shows who answers on each port of the rig file, and leaves what radiates alone', async () => {
    const { port, panel } = await panelOnPort('BOARD-0042');
    await panels(rigFile([{ serial: { path: port } }]), { ...PATIENT, json: true });
    expect(linksPrinted()).toEqual([
      {
        kind: 'serial',
        where: port,
        link: port,
        source: 'played-panel',
        panel: expect.objectContaining({ panelSerial: 'BOARD-0042', elements: 8, rfChains: 2, phaseBits: 5 }) as object,
      },
    ]);
    expect(panel.radiated().beamId).toBe(0);
    expect(process.exitCode).toBeUndefined();
  });

  it('writes a line for each, with dimensions and features, for people', async () => {
    const { port } = await panelOnPort('BOARD-0042');
    await panels(rigFile([{ name: 'left', serial: { path: port } }]), PATIENT);
    const line = output.printed
      .join('\n')
      .split('\n')
      .find((text) => text.startsWith('left'));
    expect(line).toMatch(/^left +\S+ +BOARD-0042 +beamrig-simulator +8 × 2 +5 +a played panel, no hardware; .*read-back/);
  });

  it('says of each link that has no panel why not, and fails', async () => {
    const { port: newer } = await panelOnPort('BOARD-NEW', [{ do: 'wrong-version', major: 9 }]);
    const { port: other } = await panelOnPort('BOARD-0002');
    const file = rigFile([
      { name: 'gone', elements: '0-7', serial: { path: join(folder, 'ttyUSB0') } },
      { name: 'newer', elements: '8-15', serial: { path: newer } },
      { name: 'other', panel: 'BOARD-0001', elements: '16-23', serial: { path: other } },
    ]);
    await panels(file, { ...PATIENT, json: true });
    const found = linksPrinted();
    expect(found.map(({ link }) => link)).toEqual(['gone', 'newer', 'other']);
    expect(found[0].why).toMatch(/ttyUSB0: there is no such port\.$/);
    expect(found[1]).toMatchObject({
      why: 'the panel speaks protocol version 9, this program 1',
      wayOut: expect.stringContaining('firmware') as string,
    });
    expect(found[2]).toMatchObject({
      panel: { panelSerial: 'BOARD-0002' },
      why: 'the rig file wants panelSerial BOARD-0001',
      wayOut: 'Make the rig file say what the panel is, or attach the panel it describes.',
    });
    expect(process.exitCode).toBe(1);
  });

  it('gives a silent port a second and a half, and says what may be wrong with it', async () => {
    const silent = await openPtyPair();
    closers.push(() => silent.close());
    await panels(rigFile([{ name: 'silent', serial: { path: silent.a } }]), { json: true });
    const [{ why = '', wayOut }] = linksPrinted();
    expect(why).toMatch(/^no answer to hello within \d\.\d s$/);
    expect(Number(/[\d.]+/.exec(why)?.[0])).toBeGreaterThanOrEqual(1.5);
    expect(wayOut).toContain('--baud');
    expect(process.exitCode).toBe(1);
  });

  it('says what a port answers that speaks otherwise: a board that prints text, and firmware that fills in a wrong Q', async () => {
    const chatty = await openPtyPair();
    const wrong = await openPtyPair();
    closers.push(
      () => chatty.close(),
      () => wrong.close(),
    );
    const boots = createSerialPanelEnd({ path: chatty.b, baudRate: BAUD_RATE });
    const says = createSerialPanelEnd({ path: wrong.b, baudRate: BAUD_RATE });
    closers.push(
      () => boots.close(),
      () => says.close(),
    );
    // The port's own bytes, past the framing of our panel end.
    const raw = openSync(chatty.b, 'r+');
    closers.push(() => closeSync(raw));
    const talk = setInterval(() => writeSync(raw, 'rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n'), 50);
    closers.push(() => clearInterval(talk));
    await says.open(answersWith((bytes) => (bytes[HEADER_BYTES + 3] = 17)));
    const file = rigFile([
      { name: 'chatty', elements: '0-7', serial: { path: chatty.a } },
      { name: 'wrong', elements: '8-15', serial: { path: wrong.a } },
    ]);
    await panels(file, { json: true });
    const [first, second] = linksPrinted();
    expect(first.why).toMatch(/^no answer to hello within .*: answered, discarded: \d+ bytes that are no frame, beginning '/);
    expect(first.why).toMatch(/rst:0x1|POWERON|boot:0x13|SPI_FAST|FLASH/);
    expect(second.why).toMatch(/answered, discarded: phaseBits 17 in capabilities, allowed 1 to 16$/);
    expect(first.wayOut).toContain('another baud rate');
    expect(second.wayOut).toMatch(/its line is good: its firmware is to be repaired, by what PROTOCOL\.md says/);
    expect(process.exitCode).toBe(1);
  });

  it('advises about the end that lacks a key, and about one port under two names', async () => {
    const { port } = await panelOnPort('BOARD-0042');
    const keyFile = join(folder, 'rig.key');
    writeFileSync(keyFile, 'ab'.repeat(16), { mode: 0o600 });
    await panels(rigFile([{ panel: 'BOARD-0042', serial: { path: port } }], { authentication: { keyFile } }), {
      ...PATIENT,
      json: true,
    });
    expect(linksPrinted()[0]).toMatchObject({
      why: 'the frames could not be authenticated (the rig has a key and the panel has none)',
      wayOut: expect.stringMatching(/^Give the panel its key/) as string,
    });
    output.printed = [];
    const alias = join(folder, 'alias');
    symlinkSync(port, alias);
    const twice = rigFile([
      { name: 'left', elements: '0-7', serial: { path: port } },
      { name: 'right', elements: '8-15', serial: { path: alias } },
    ]);
    await panels(twice, { json: true });
    expect(linksPrinted().map(({ why }) => why)).toEqual(
      Array(2).fill(`links left and right are the same port, ${realpathSync(port)}`),
    );
  });

  it('opens nothing when it is told to say no hello', async () => {
    const { port } = await panelOnPort('BOARD-0042');
    await panels(rigFile([{ name: 'left', serial: { path: port } }]), { json: true, hello: false });
    expect(linksPrinted()).toEqual([{ kind: 'serial', where: port, link: 'left' }]);
    expect(process.exitCode).toBeUndefined();
  });
});

it('names the variable that holds no password, and does not blame the broker', async () => {
  const mqtt = { url: 'mqtt://127.0.0.1:1', username: 'rig', passwordEnv: 'BEAMRIG_TEST_NOT_SET' };
  await panels(rigFile([{ name: 'board', panel: 'B-1', mqtt }]), { json: true });
  expect(linksPrinted()).toMatchObject([
    {
      why: 'board: mqtt.passwordEnv names BEAMRIG_TEST_NOT_SET, and no such environment variable is set',
      wayOut: expect.stringContaining('export BEAMRIG_TEST_NOT_SET') as string,
    },
  ]);
});

it('refuses a baud rate that is none', async () => {
  await expect(panels(undefined, { baud: 'fast' })).rejects.toMatchObject({ code: 'argument' });
});
