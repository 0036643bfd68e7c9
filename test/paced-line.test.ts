/** The paced line itself, since benches and fault tables believe it. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OpenSerialPort } from '../src/link/serial/serial-port.ts';
import { openSerialPort } from '../src/link/serial/serial-port.ts';
import type { PacedLine, PacedLineOptions } from './paced-line.ts';
import { openPacedLine } from './paced-line.ts';
import { hasPart } from './parts.ts';

let closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
});

type Port = OpenSerialPort & { bytes: number[]; lastMs: number; gone: string[] };

async function portAt(path: string): Promise<Port> {
  const port = { bytes: [] as number[], lastMs: 0, gone: [] as string[] };
  const opened = await openSerialPort({
    path,
    baudRate: 115_200,
    onBytes: (chunk) => {
      port.bytes.push(...chunk);
      port.lastMs = performance.now();
    },
    onGone: (detail) => port.gone.push(detail),
  });
  closers.push(() => opened.close());
  return Object.assign(port, opened);
}

async function line(options: PacedLineOptions): Promise<PacedLine & { hostPort: Port; panelPort: Port }> {
  const paced = await openPacedLine(options);
  closers.push(() => paced.close());
  return { ...paced, hostPort: await portAt(paced.host), panelPort: await portAt(paced.panel) };
}

const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 20_000, interval: 2 });

/** `count` frames of `length` bytes: the last is zero. */
const frames = (count: number, length: number): Uint8Array =>
  Uint8Array.from({ length: count * length }, (_, i) => ((i + 1) % length === 0 ? 0 : 1 + (i % 250)));

describe.skipIf(!hasPart('gcc'))('paced line [needs gcc]', () => {
  it('lets no byte through sooner than the wire would, both ways at once, and loses none', async () => {
    const baudRate = 57_600;
    const paced = await line({ baudRate });
    const { hostPort, panelPort } = paced;
    const sent = frames(20, 72);
    const startMs = performance.now();
    hostPort.write(sent.slice());
    panelPort.write(sent.slice());
    await until(() => panelPort.bytes.length === sent.length && hostPort.bytes.length === sent.length);
    expect(panelPort.bytes).toEqual([...sent]);
    expect(hostPort.bytes).toEqual([...sent]);
    const wireMs = (sent.length * 10_000) / baudRate;
    expect(panelPort.lastMs - startMs).toBeGreaterThanOrEqual(wireMs);
    expect(hostPort.lastMs - startMs).toBeGreaterThanOrEqual(wireMs);
    expect(await paced.counts()).toMatchObject({ bytesToPanel: sent.length, bytesToHost: sent.length, bytesOverrun: 0 });
  });

  // A reader that is held up loses bytes, as on a wire: then once more.
  it('holds the sender back when more is written than the wire carries', { retry: 2 }, async () => {
    const paced = await line({ baudRate: 2_000_000 });
    const { hostPort, panelPort } = paced;
    const sent = frames(600, 100);
    expect(hostPort.write(sent.slice())).toBe(true);
    expect(hostPort.write(sent.slice())).toBe(false);
    let overrun = 0;
    const arrived = async (): Promise<void> => {
      const { bytesToPanel, bytesOverrun } = await paced.counts();
      overrun = bytesOverrun;
      expect([bytesToPanel, panelPort.bytes.length + overrun]).toEqual([sent.length, sent.length]);
    };
    await vi.waitFor(arrived, { timeout: 20_000, interval: 5 });
    expect(overrun).toBe(0);
    expect(panelPort.bytes).toEqual([...sent]);
  });

  it('drops whole frames and nothing else', async () => {
    const paced = await line({ baudRate: 2_000_000, drop: 0.1 });
    const { hostPort, panelPort } = paced;
    hostPort.write(frames(1000, 10));
    let dropped = 0;
    await vi.waitFor(
      async () => {
        const now = await paced.counts();
        dropped = now.framesDropped;
        expect(now.bytesToPanel).toBe(10_000);
        expect(panelPort.bytes).toHaveLength(10 * (1000 - dropped));
      },
      { timeout: 20_000, interval: 5 },
    );
    expect(dropped).toBeGreaterThan(50);
    expect(dropped).toBeLessThan(160);
    for (let i = 9; i < panelPort.bytes.length; i += 10) expect(panelPort.bytes[i]).toBe(0);
  });

  it('flips single bits', async () => {
    const paced = await line({ baudRate: 2_000_000, corrupt: 0.01 });
    const { hostPort, panelPort } = paced;
    const sent = frames(500, 20);
    hostPort.write(sent.slice());
    await until(() => panelPort.bytes.length === sent.length);
    const flips = panelPort.bytes.map((byte, i) => byte ^ sent[i]).filter((flip) => flip !== 0);
    expect(flips.every((flip) => Number.isInteger(Math.log2(flip)))).toBe(true);
    expect(flips).toHaveLength((await paced.counts()).bytesCorrupted);
    expect(flips.length).toBeGreaterThan(40);
  });

  it('flips the bit that was asked for, once', async () => {
    const paced = await line({ baudRate: 2_000_000 });
    const { hostPort, panelPort } = paced;
    await paced.flip('to-panel', 2, 7);
    await paced.flip('to-host', 0, 0);
    for (const port of [hostPort, panelPort]) port.write(Uint8Array.of(1, 2, 3, 0, 1, 2, 3, 0));
    await until(() => panelPort.bytes.length === 8 && hostPort.bytes.length === 8);
    expect(panelPort.bytes).toEqual([1, 2, 3 + 128, 0, 1, 2, 3, 0]);
    expect(hostPort.bytes).toEqual([0, 2, 3, 0, 1, 2, 3, 0]);
    expect((await paced.counts()).bytesCorrupted).toBe(2);
  });

  it('hums at both ends, and carries nothing else until it is quiet', async () => {
    const paced = await line({ baudRate: 1_000_000 });
    const { hostPort, panelPort } = paced;
    await paced.garbage();
    const frame = Uint8Array.from({ length: 40 }, (_, i) => i + 1);
    hostPort.write(frame.slice());
    await until(() => panelPort.bytes.length > 2000 && hostPort.bytes.length > 2000);
    await vi.waitFor(async () => expect((await paced.counts()).bytesToPanel).toBe(40), { timeout: 20_000, interval: 2 });
    await paced.quiet();
    expect(Buffer.from(panelPort.bytes).includes(Buffer.from(frame))).toBe(false);
    hostPort.write(frame.slice());
    await until(() => Buffer.from(panelPort.bytes).includes(Buffer.from(frame)));
  });

  it('loses what is sent while it is cut, with both ports open, and carries again', async () => {
    const paced = await line({ baudRate: 1_000_000 });
    const { hostPort, panelPort } = paced;
    await paced.cut();
    hostPort.write(Uint8Array.of(1, 2, 3, 0));
    await vi.waitFor(async () => expect((await paced.counts()).bytesToPanel).toBe(4), { timeout: 20_000, interval: 2 });
    await paced.restore();
    hostPort.write(Uint8Array.of(4, 5, 6, 0));
    await until(() => panelPort.bytes.length === 4);
    expect(panelPort.bytes).toEqual([4, 5, 6, 0]);
    expect([...hostPort.gone, ...panelPort.gone]).toEqual([]);
  });

  it('hangs the host’s port up when it is pulled, and brings a new one back under its name', async () => {
    const paced = await line({ baudRate: 1_000_000 });
    await paced.pull();
    await until(() => paced.hostPort.gone.length === 1);
    await expect(portAt(paced.host)).rejects.toThrow(/no such port/);
    await paced.putBack();
    const again = await portAt(paced.host);
    again.write(Uint8Array.of(7, 0));
    await until(() => paced.panelPort.bytes.length === 2);
    expect(paced.panelPort.gone).toEqual([]);
  });
});
