/** How soon a run that is told to end by a signal has ended, in a process of its own, whatever hangs at that moment. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, readSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { TYPE_CODES } from '../../firmware-protocol/type-codes.ts';
import { createAir } from '../../hil-sim/air.ts';
import { createRecordedScene } from '../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import { createVirtualPanel, type VirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { CliFolder } from '../../test/cli.ts';
import { ENDLESS, writeTroubledModel } from '../../test/integration/troubled-networks.ts';
import { hasPart } from '../../test/parts.ts';
import { fillTerminal, openPtyPair } from '../../test/pty.ts';
import { createSerialPanelEnd } from '../link/serial/serial-panel-end.ts';
import { BEAMRIG } from '../../test/built-program.ts';

const cli = new CliFolder();
afterAll(() => cli.remove());
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Generous: the promise is 3 s, on a machine that does nothing else. */
const GONE_MS = 4500;

interface Line {
  type: string;
  code?: string;
  cycle?: number;
  message?: string;
  [field: string]: unknown;
}

/** `beamrig run … --json` as a process, and what it has said so far. */
function runs(...words: string[]): {
  child: ChildProcess;
  lines: Line[];
  until: (holds: (line: Line) => boolean) => Promise<Line>;
} {
  const child = spawn(process.execPath, [...BEAMRIG, 'run', ...words, '--json'], {
    cwd: cli.path,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  closers.push(() => child.kill('SIGKILL'));
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  if (child.stdout === null) throw new Error('its output is a pipe');
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line) as Line);
    for (const look of waiting) look();
  });
  const until = (holds: (line: Line) => boolean): Promise<Line> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find(holds);
        if (found !== undefined) resolve(found);
      };
      waiting.add(look);
      child.once('close', () => reject(new Error(`it ended before: ${JSON.stringify(lines)}`)));
      look();
    });
  return { child, lines, until };
}

/** Sends the signal. @returns how it ended, and after how long */
async function endedBy(child: ChildProcess, signal: NodeJS.Signals): Promise<{ ended: unknown[]; tookMs: number }> {
  const gone = once(child, 'close');
  const startMs = performance.now();
  child.kill(signal);
  const ended = await gone;
  return { ended, tookMs: performance.now() - startMs };
}

/** A server that accepts whoever comes and never says a word. */
async function muteServer(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('a run whose InfluxDB accepts the connection and never answers', () => {
  const withInflux = (port: number): string =>
    cli.rigFile((text) => text.replace('/runs" }', `/runs", influx: { port: ${port}, database: lab } }`));

  it('is gone soon after a signal, with its points kept and the way to send them', async () => {
    const { child, lines, until } = runs(withInflux(await muteServer()));
    await until(({ type, cycle = 0 }) => type === 'status' && cycle > 10);
    const { ended, tookMs } = await endedBy(child, 'SIGINT');
    expect(ended).toEqual([0, null]);
    expect(tookMs).toBeLessThan(GONE_MS);
    const end = lines.at(-1) as unknown as { ended: string; folder: string; influx: { remaining: number; replay: string } };
    expect(end).toMatchObject({ type: 'end', ended: 'stopped', influx: { taken: 0 } });
    const points = readFileSync(join(end.folder, 'records.lp'), 'utf8').trimEnd().split('\n');
    expect(end.influx.remaining).toBe(points.length);
    expect(end.influx.replay).toContain(`beamrig export ${end.folder} --influx`);
    // The note that the next start goes by.
    const note = JSON.parse(readFileSync(join(end.folder, 'influx.json'), 'utf8')) as object;
    expect(note).toMatchObject({ takenPoints: 0, takenBytes: 0, writer: null });
  }, 60_000);

  it('waits longer for it where it ended by itself, and no longer once a signal comes', async () => {
    const { child, lines } = runs(withInflux(await muteServer()), '--cycles', '20');
    await vi.waitFor(() => expect(recordsClosed(lines)).toBe(true), 40_000);
    const { ended, tookMs } = await endedBy(child, 'SIGTERM');
    expect(ended).toEqual([0, null]);
    expect(tookMs).toBeLessThan(GONE_MS);
    expect(lines.find(({ type }) => type === 'stopping')).toMatchObject({ safeStateCommanded: true });
    expect(lines.at(-1)).toMatchObject({ type: 'end', ended: 'done' });
  }, 60_000);
});

/** Its records are closed: what it waits for now is the server. */
function recordsClosed(lines: readonly Line[]): boolean {
  const folder = lines.find(({ type }) => type === 'start')?.runFolder;
  try {
    return typeof folder === 'string' && readFileSync(join(folder, 'summary.json')).length > 0;
  } catch {
    return false;
  }
}

/** A run on a terminal that is the far end of a pty, so that what it prints can be left unread, or the terminal closed. */
async function onTerminal(
  path: string,
  rig: string,
): Promise<{ child: ChildProcess; began: () => boolean; folder: () => string }> {
  const terminal = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  const child = spawn(process.execPath, [...BEAMRIG, 'run', rig], { cwd: cli.path, stdio: [terminal, terminal, terminal] });
  closeSync(terminal);
  closers.push(() => child.kill('SIGKILL'));
  const runsFolder = /runFolder: "(.*?)"/.exec(readFileSync(rig, 'utf8'))?.[1] ?? '';
  const folder = (): string => join(runsFolder, existsSync(runsFolder) ? (readdirSync(runsFolder)[0] ?? '') : '');
  // The manifest names the source once the rig is there.
  const began = (): boolean =>
    existsSync(join(folder(), 'manifest.json')) && readFileSync(join(folder(), 'manifest.json'), 'utf8').includes('"source"');
  return { child, began, folder };
}

let places = 0;
/** With a run folder of its own. */
const ownRuns = (change: (text: string) => string): string =>
  cli.rigFile((text) => change(text.replace('/runs"', `/own-runs-${++places}"`)));

const LONG = 90_000;
const SOON = { timeout: 40_000, interval: 50 };

describe.skipIf(!hasPart('socat'))('a run on a terminal [needs socat]', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'dies of a second %s by that itself, while model, panel, InfluxDB and terminal hang',
    async (signal) => {
      const [terminal, line] = await Promise.all([openPtyPair(), openPtyPair()]);
      closers.push(
        () => terminal.close(),
        () => line.close(),
      );
      const far = await playPanel(line.b);
      const model = JSON.stringify(writeTroubledModel(cli.path, `hung-${signal.toLowerCase()}`, { turns: ENDLESS }));
      const influx = await muteServer();
      const rig = ownRuns((text) =>
        text
          .replace('model: aligned', `model: ${model}, deadlineMs: 60000`)
          .replace(/(own-runs-\d+") }/, `$1, influx: { port: ${influx}, database: lab } }`)
          .concat(`links: [ { name: board, panel: BOARD, serial: { path: ${line.a}, baudRate: 921600 } } ]\nfallback: never\n`),
      );
      fillTerminal(terminal.a);
      const { child, began } = await onTerminal(terminal.a, rig);
      await vi.waitFor(() => expect(began()).toBe(true), SOON);
      await vi.waitFor(() => expect(far.armed()).toBe(true), SOON);
      far.unheard = true;
      await sleep(300);
      const gone = once(child, 'exit');
      child.kill(signal);
      await sleep(1200);
      expect(child.exitCode ?? child.signalCode, 'it still waits for the panel and the server').toBeNull();
      const told = far.toldSafe();
      child.kill(signal);
      expect(await gone).toEqual([null, signal]);
      await vi.waitFor(() => expect(far.toldSafe()).toBeGreaterThan(told), SOON);
      expect(far.virtual.radiated().beamId).toBe(0);
    },
    LONG,
  );

  it(
    'ends with the array safe when its terminal is closed',
    async () => {
      const [terminal, line] = await Promise.all([openPtyPair(), openPtyPair()]);
      closers.push(
        () => terminal.close(),
        () => line.close(),
      );
      const far = await playPanel(line.b);
      const rig = ownRuns((text) =>
        text.concat(`links: [ { name: board, panel: BOARD, serial: { path: ${line.a}, baudRate: 921600 } } ]\nfallback: never\n`),
      );
      const { child, folder } = await onTerminal(terminal.a, rig);
      await vi.waitFor(() => expect(far.virtual.radiated().beamId).toBeGreaterThan(0), SOON);
      const gone = once(child, 'exit');
      await terminal.pull();
      // As the system ends a program whose terminal is gone, and not by a crash.
      expect(await gone).toEqual([null, 'SIGHUP']);
      expect(far.virtual.radiated().beamId).toBe(0);
      expect(JSON.parse(readFileSync(join(folder(), 'summary.json'), 'utf8'))).toMatchObject({ ended: 'stopped' });
    },
    LONG,
  );

  it(
    'is ended while it still asks a serial port on which nobody answers, and leaves no run folder',
    async () => {
      const line = await openPtyPair();
      closers.push(() => line.close());
      const asked = openSync(line.b, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
      closers.push(() => closeSync(asked));
      const folder = `own-runs-${places + 1}`;
      const rig = ownRuns((text) => text.concat(`links: [ { name: board, serial: { path: ${line.a}, baudRate: 921600 } } ]\n`));
      const { child, lines } = runs(rig);
      // Its hello is on the line: the rig is not there yet.
      await vi.waitFor(() => expect(readSync(asked, Buffer.alloc(64))).toBeGreaterThan(0), SOON);
      const { ended, tookMs } = await endedBy(child, 'SIGINT');
      expect(ended).toEqual([0, null]);
      expect(tookMs).toBeLessThan(GONE_MS);
      expect(lines.map(({ type }) => type)).toEqual(['stopping', 'end']);
      expect(lines[1]).toMatchObject({ message: 'Stopped before the rig was there: this run has radiated nothing.' });
      expect(readdirSync(join(cli.path, folder))).toEqual([]);
    },
    LONG,
  );
});

describe('a run whose records can be neither written nor closed', () => {
  it(
    'says so and is ended by the system soon after a signal, although a thread waits for the disk for ever',
    async () => {
      const { child, lines, until } = runs(ownRuns((text) => text));
      const { runFolder } = (await until(({ type }) => type === 'start')) as unknown as { runFolder: string };
      await until(({ type, cycle = 0 }) => type === 'status' && cycle > 10);
      // A pipe in the file's place, which nobody reads: whoever opens, reads or writes it waits without end.
      rmSync(join(runFolder, 'records.lp'));
      execFileSync('mkfifo', [join(runFolder, 'records.lp')]);
      await sleep(2500);
      const { ended, tookMs } = await endedBy(child, 'SIGINT');
      expect(ended).toEqual([null, 'SIGKILL']);
      expect(tookMs).toBeLessThan(GONE_MS);
      const end = lines.at(-1) as unknown as { problem?: string; message?: string };
      expect(end.problem ?? end.message).toMatch(/records/);
    },
    LONG,
  );
});

interface FarPanel {
  virtual: VirtualPanel;
  /** Its answers are lost. */
  unheard: boolean;
  /** It was told its safe state, at least. */
  armed(): boolean;
  toldSafe(): number;
}

/** A panel at the far end of a serial line, in this process, so that what it radiates is seen and not asked for. */
async function playPanel(path: string): Promise<FarPanel> {
  const clock = createRealClock();
  const random = createRandom(1);
  const channel = fromParts(
    2,
    16,
    Float64Array.from({ length: 32 }, () => random.normal()),
    Float64Array.from({ length: 32 }, () => random.normal()),
  );
  const air = createAir({
    array: createSimulatedArray({ elements: 16, rfChains: 2, phaseBits: 4, random: random.stream('array') }),
    scene: createRecordedScene([channel]),
    noise: 1,
    random: random.stream('air'),
    clock,
  });
  const elements = Array.from({ length: 16 }, (_, element) => element);
  const virtual = createVirtualPanel({ clock, random, air: air.part(elements), capabilities: { panelSerial: 'BOARD' } });
  let toldSafe = 0;
  const far: FarPanel = { virtual, unheard: false, armed: () => toldSafe > 0, toldSafe: () => toldSafe };
  const end = createSerialPanelEnd({ path, baudRate: 921_600 });
  closers.push(() => {
    virtual.close();
    return end.close();
  });
  await end.open({
    receive: (frame) => {
      if (frame[1] === TYPE_CODES['set-safe-state']) toldSafe += 1;
      virtual.receive(frame);
    },
    onSend: (listener) => virtual.onSend((frame) => far.unheard || listener(frame)),
  });
  return far;
}
