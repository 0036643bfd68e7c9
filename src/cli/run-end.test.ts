/** How soon a run that is told to end by a signal has ended, in a process of its own, whatever hangs at that moment. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { BEAMRIG, CliFolder } from '../../test/cli.ts';

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
