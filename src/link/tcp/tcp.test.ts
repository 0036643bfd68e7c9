/** TCP links on real sockets of this machine: both ends, an end that goes, one that never reads, and one that was never there. */
import { createServer, connect as connectTo, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRealClock } from '../../../core/clock/real-clock.ts';
import { createRandom } from '../../../core/signal/random.ts';
import { encodeFrame } from '../../../firmware-protocol/codec.ts';
import { cobsFrame } from '../../../firmware-protocol/serial-framing.ts';
import type { Link } from '../link.ts';
import { linkRemedy } from '../link.ts';
import type { LoopbackPeer } from '../loopback.ts';
import { tcpKind } from './tcp-kind.ts';
import { createTcpPanelEnd } from './tcp-panel-end.ts';
import { MAX_UNSENT_BYTES } from './tcp-stream.ts';

const HOST = '127.0.0.1';
const ping = (nonce: number): Uint8Array => encodeFrame({ seq: nonce & 0xffff, message: { type: 'ping', nonce } });
const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 10_000, interval: 1 });

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function linkTo(port: number): Promise<Link & { states: string[]; frames: Uint8Array[] }> {
  const tools = { clock: createRealClock(), random: createRandom(1) };
  const link = await tcpKind.createLink({ name: 'bench', block: { host: HOST, port } }, tools);
  closers.push(() => link.close());
  const states: string[] = [];
  const frames: Uint8Array[] = [];
  link.onState((state) =>
    states.push(state.state === 'open' ? 'open' : `${state.reason} ${state.cause ?? ''}: ${state.detail ?? ''}`),
  );
  link.onFrame((frame) => frames.push(frame));
  return Object.assign(Object.create(link) as Link, { states, frames });
}

/** A server of a few lines, that does what the test says with each connection. */
async function server(welcome: (socket: Socket) => void): Promise<{ port: number; sockets: Socket[]; server: Server }> {
  const sockets: Socket[] = [];
  const listening = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    welcome(socket);
  });
  await new Promise<void>((resolve) => listening.listen(0, HOST, resolve));
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listening.close(resolve));
  });
  return { port: (listening.address() as AddressInfo).port, sockets, server: listening };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const { port, server: listening } = await server(() => undefined);
  await new Promise((resolve) => listening.close(resolve));
  return port;
}

/** The panel's end, with a panel behind it that answers every frame with that frame. */
async function echo(
  port: number,
): Promise<{ received: Uint8Array[]; discarded: number[]; states: string[]; close(): Promise<void> }> {
  const received: Uint8Array[] = [];
  const discarded: number[] = [];
  const states: string[] = [];
  let answer: (frame: Uint8Array) => void = () => undefined;
  const peer: LoopbackPeer = {
    receive(frame) {
      received.push(frame.slice());
      answer(frame);
    },
    onSend: (listener) => (answer = listener),
    discarded: (frames) => discarded.push(frames),
  };
  const end = createTcpPanelEnd({ host: HOST, port });
  end.onState(({ open }) => states.push(open ? 'host' : 'nobody'));
  await end.open(peer);
  closers.push(() => end.close());
  return { received, discarded, states, close: () => end.close() };
}

describe('a TCP link', () => {
  it('carries frames both ways between a host and a panel that listens', async () => {
    const port = await freePort();
    const panel = await echo(port);
    const link = await linkTo(port);
    await link.open();
    for (let nonce = 0; nonce < 200; nonce++) expect(link.send(ping(nonce))).toBe(true);
    await until(() => link.frames.length === 200);
    expect(link.frames).toEqual(Array.from({ length: 200 }, (_, nonce) => ping(nonce)));
    expect(link.counters).toMatchObject({ framesSent: 200, framesReceived: 200, discarded: 0, reconnects: 0 });
    expect([link.kind, link.source, panel.discarded]).toEqual(['tcp', 'hardware', []]);
  });

  it('is lost when the other end goes, says so once, and is there again when that is', async () => {
    const port = await freePort();
    const panel = await echo(port);
    const link = await linkTo(port);
    await link.open();
    await panel.close();
    await until(() => link.state.state === 'closed');
    expect(link.send(ping(1))).toBe(false);
    expect(link.states).toEqual([
      'open',
      'lost hung-up: the other end closed the connection before it had said anything, as a panel does that has another host',
    ]);
    await expect(link.open()).rejects.toMatchObject({ code: 'link', reason: 'server-unreachable' });
    const again = await echo(port);
    await link.open();
    link.send(ping(2));
    await until(() => link.frames.length === 1);
    expect([again.received, link.counters.reconnects]).toEqual([[ping(2)], 1]);
  });

  it('is lost when the connection is broken off', async () => {
    const { port, sockets } = await server(() => undefined);
    const link = await linkTo(port);
    await link.open();
    await until(() => sockets.length === 1);
    sockets[0].resetAndDestroy();
    await until(() => link.state.state === 'closed');
    expect(link.states[1]).toBe(
      'lost hung-up: the connection was lost: the other end broke it off before it had said anything, as a panel does that has another host',
    );
  });

  it('says that nobody listens, which may change by itself, and no host of that name', async () => {
    const port = await freePort();
    const link = await linkTo(port);
    const error: unknown = await link.open().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      reason: 'server-unreachable',
      message: `${HOST}:${port}: connection refused, nothing listens on this port.`,
      wayOut: expect.stringContaining('ser2net') as string,
    });
    expect(linkRemedy('server-unreachable')).toBe('away');
    expect(link.state).toMatchObject({ state: 'closed', reason: 'refused', cause: 'server-unreachable' });
  });

  it('keeps no more than a bound for an end that never reads, and lets go of it at once', async () => {
    const { port, sockets } = await server((socket) => socket.pause());
    const link = await linkTo(port);
    await link.open();
    await until(() => sockets.length === 1);
    const frame = encodeFrame({ seq: 1, message: { type: 'ping', nonce: 1 } });
    let sent = 0;
    for (let idle = 0; idle < 20 && sent < 64_000_000;) {
      if (link.send(frame)) sent += cobsFrame(frame).length;
      else {
        idle++;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    // What the two kernels hold between them is theirs to say; the rest is bounded here.
    expect(sent).toBeGreaterThan(MAX_UNSENT_BYTES);
    expect(sent).toBeLessThan(64_000_000);
    expect(link.counters.discards?.['no room on the line']).toBeGreaterThanOrEqual(20);
    expect(link.state.state).toBe('open');
    await link.close();
    expect(link.state).toMatchObject({ state: 'closed', reason: 'closed-by-us' });
  });

  it('still says its last frame when it is closed right after, with answers on their way in', async () => {
    const port = await freePort();
    const panel = await echo(port);
    const link = await linkTo(port);
    await link.open();
    for (let nonce = 0; nonce < 50; nonce++) link.send(ping(nonce));
    link.send(ping(1000));
    await link.close();
    await until(() => panel.states.at(-1) === 'nobody');
    expect(panel.received.at(-1)).toEqual(ping(1000));
  });

  it('finds frames in what a line behind a server makes of them, and shows the noise', async () => {
    const { port, sockets } = await server((socket) => socket.write('boot 1.0\r\n'));
    const link = await linkTo(port);
    await link.open();
    await until(() => link.noise?.bytes === 10);
    sockets[0].write(Buffer.concat([Uint8Array.of(0), cobsFrame(ping(5))]));
    await until(() => link.frames.length === 1);
    expect(link.frames).toEqual([ping(5)]);
    expect(link.counters.discarded).toBe(1);
  });
});

describe('a panel that listens', () => {
  it('has one host: the next is turned away until that one is gone', async () => {
    const port = await freePort();
    const panel = await echo(port);
    const first = await linkTo(port);
    const second = await linkTo(port);
    await first.open();
    await until(() => panel.states.length === 1);
    await second.open();
    await until(() => second.state.state === 'closed');
    expect(second.state).toMatchObject({ reason: 'lost' });
    first.send(ping(1));
    await until(() => first.frames.length === 1);
    await first.close();
    await until(() => panel.states.at(-1) === 'nobody');
    await second.open();
    second.send(ping(2));
    await until(() => second.frames.length === 1);
    expect(panel.received).toEqual([ping(1), ping(2)]);
  });

  it('takes half a frame of one host for no part of the next one’s', async () => {
    const port = await freePort();
    const panel = await echo(port);
    const cut = connectTo(port, HOST);
    cut.on('error', () => undefined);
    cut.write(cobsFrame(ping(1)).subarray(0, 8));
    await until(() => panel.states.length === 1);
    cut.destroy();
    await until(() => panel.states.length === 2);
    // A host that does not end what was before it with a delimiter, as ours do.
    const next = connectTo(port, HOST);
    closers.push(async () => next.destroy());
    next.write(cobsFrame(ping(2)));
    await until(() => panel.states.length === 3);
    await vi.waitFor(() => expect(panel.received).toEqual([ping(2)]));
  });

  it('says when it cannot listen there', async () => {
    const { port } = await server(() => undefined);
    const end = createTcpPanelEnd({ host: HOST, port });
    const peer: LoopbackPeer = { receive: () => undefined, onSend: () => undefined };
    await expect(end.open(peer)).rejects.toMatchObject({
      reason: 'address-taken',
      message: `${HOST}:${port}: another program listens there.`,
    });
    const elsewhere = createTcpPanelEnd({ host: '192.0.2.1', port: 4001 });
    await expect(elsewhere.open(peer)).rejects.toMatchObject({
      reason: 'address-taken',
      wayOut: expect.stringContaining('of this machine') as string,
    });
  });
});

describe('the flag of a panel that listens', () => {
  it.each([
    ['4001', { host: '127.0.0.1', port: 4001 }],
    ['0.0.0.0:4001', { host: '0.0.0.0', port: 4001 }],
    ['[::1]:4001', { host: '::1', port: 4001 }],
    ['bench.lab:9', { host: 'bench.lab', port: 9 }],
  ])('%s', (text, address) => expect(tcpKind.readFlag(text, undefined)).toEqual(address));

  it.each(['', ':', 'bench.lab', 'h:0', 'h:65536', 'h:1:2', 'tcp://h:1', 'user@h:1', ':4001'])(
    'is refused when it is %j',
    (text) => {
      expect(() => tcpKind.readFlag(text, undefined)).toThrow(/allowed: \[HOST:\]PORT/);
    },
  );
});
