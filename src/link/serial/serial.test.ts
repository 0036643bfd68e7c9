/** Serial links over pseudo terminals: the same calls and the same failures as a USB port, without its line rate. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeFrame } from '../../../firmware-protocol/codec.ts';
import { cobsFrame } from '../../../firmware-protocol/serial-framing.ts';
import { createRandom } from '../../../core/signal/random.ts';
import { hasPart } from '../../../test/parts.ts';
import type { PtyPair } from '../../../test/pty.ts';
import { openPtyPair } from '../../../test/pty.ts';
import type { Link } from '../link.ts';
import { createSerialLink } from './serial.ts';
import { DELIMITER } from '../stream/frame-bytes.ts';
import { createSerialPanelEnd } from './serial-panel-end.ts';
import type { ByteStream } from '../stream/stream-link.ts';
import { MAX_UNSENT_BYTES, openSerialPort } from './serial-port.ts';

const BAUD_RATE = 921_600;
const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 10_000, interval: 1 });

/** A good frame whose payload is told apart by `nonce`. */
const ping = (nonce: number): Uint8Array => encodeFrame({ seq: nonce & 0xffff, message: { type: 'ping', nonce } });

let closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
});

async function ptys(): Promise<PtyPair> {
  const pair = await openPtyPair();
  closers.push(() => pair.close());
  return pair;
}

function linkTo(path: string): Link & { states: string[]; frames: Uint8Array[] } {
  const link = createSerialLink({ path, baudRate: BAUD_RATE });
  closers.push(() => link.close());
  const states: string[] = [];
  const frames: Uint8Array[] = [];
  link.onState((state) => states.push(state.state === 'open' ? 'open' : `${state.reason}: ${state.detail ?? ''}`));
  link.onFrame((frame) => frames.push(frame));
  return Object.assign(Object.create(link) as Link, { states, frames });
}

async function rawPort(path: string): Promise<ByteStream & { bytes: number[]; gone: string[] }> {
  const bytes: number[] = [];
  const gone: string[] = [];
  const port = await openSerialPort({
    path,
    baudRate: BAUD_RATE,
    onBytes: (chunk) => bytes.push(...chunk),
    onGone: (detail) => gone.push(detail),
  });
  closers.push(() => port.close());
  return { ...port, bytes, gone };
}

describe.skipIf(!hasPart('socat'))('serial link [needs socat]', () => {
  let pair: PtyPair;
  beforeEach(async () => {
    pair = await ptys();
  });

  it('carries frames of every length both ways, bit by bit, after one delimiter', async () => {
    const host = linkTo(pair.a);
    const received: Uint8Array[] = [];
    const end = createSerialPanelEnd({ path: pair.b, baudRate: BAUD_RATE });
    closers.push(() => end.close());
    let reply: (frame: Uint8Array) => void = () => undefined;
    await end.open({
      receive: (frame) => {
        received.push(frame);
        reply(frame);
      },
      onSend: (listener) => {
        reply = listener;
      },
    });
    await host.open();
    const random = createRandom(3);
    const frames = Array.from({ length: 300 }, (_, i) =>
      encodeFrame({
        seq: i,
        message: {
          type: 'set-phases',
          slot: 0,
          beamId: i + 1,
          phaseBits: 16,
          offset: 0,
          // Many words of 0, 0xff and 0x01, which COBS treats in ways of their own.
          words: Uint16Array.from(
            { length: 1 + ((i * 7) % 500) },
            () => [0, 0xffff, 0x0101, 0x00ff][Math.floor(random.uniform() * 4)],
          ),
        },
      }),
    );
    // As a driver does, with a few in flight: neither end keeps more than its budget for a slow line.
    for (const [i, frame] of frames.entries()) {
      await until(() => host.frames.length > i - 16);
      expect(host.send(frame)).toBe(true);
    }
    await until(() => host.frames.length === frames.length);
    expect(received.map((frame) => Buffer.from(frame).toString('hex'))).toEqual(
      frames.map((f) => Buffer.from(f).toString('hex')),
    );
    expect(host.frames.map((frame) => Buffer.from(frame).toString('hex'))).toEqual(
      frames.map((f) => Buffer.from(f).toString('hex')),
    );
    const wireBytes = frames.reduce((sum, frame) => sum + cobsFrame(frame).length, 0);
    expect(host.counters).toMatchObject({
      framesSent: 300,
      framesReceived: 300,
      bytesSent: 1 + wireBytes,
      bytesReceived: wireBytes,
    });
  });

  it('ends what the panel took for the beginning of a frame, once, when the line has hummed', async () => {
    const host = linkTo(pair.a);
    const panel = await rawPort(pair.b);
    await host.open();
    // What the panel would say when it hummed: a block that is no frame, and the beginning of another.
    panel.write(Uint8Array.of(9, 9, 9, 0, 7));
    await until(() => host.counters.discarded === 1);
    expect(host.send(ping(1))).toBe(true);
    expect(host.send(ping(2))).toBe(true);
    const sent = [DELIMITER, DELIMITER, ...cobsFrame(ping(1)), ...cobsFrame(ping(2))];
    await until(() => panel.bytes.length >= sent.length);
    expect(panel.bytes).toEqual(sent);
  });

  it('says at once that the plug was pulled, when nobody sends anything', async () => {
    const host = linkTo(pair.a);
    await host.open();
    await pair.pull();
    await until(() => host.state.state === 'closed');
    expect(host.states).toEqual(['open', 'lost: the line hung up']);
    expect(host.send(ping(1))).toBe(false);
  });

  it('notices in mid flood that the plug was pulled, each time', async () => {
    // A hang-up that falls between two reads is where a reader can spin for ever.
    for (let round = 0; round < 8; round++) {
      const flood = await ptys();
      const host = linkTo(flood.a);
      await host.open();
      const far = await rawPort(flood.b);
      const timer = setInterval(() => {
        for (let i = 0; i < 20; i++) far.write(Buffer.alloc(500, 7));
      }, 1);
      await until(() => host.counters.bytesReceived > 20_000 + 1000 * round);
      await flood.pull();
      await until(() => host.state.state === 'closed' && far.gone.length === 1);
      clearInterval(timer);
      expect(host.states).toEqual(['open', 'lost: the line hung up']);
    }
  });

  it('tells of one loss once while it sends on, and never from inside send', async () => {
    const host = linkTo(pair.a);
    await host.open();
    let inside = false;
    let toldInside = false;
    host.onState((state) => {
      host.states.push(state.state);
      toldInside ||= inside;
    });
    await pair.pull();
    while (host.state.state === 'open') {
      inside = true;
      host.send(ping(1));
      inside = false;
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await host.close();
    await host.close();
    expect(host.states).toEqual(['open', 'closed']);
    expect(toldInside).toBe(false);
  });

  it('comes back on a port that is back under its name, and says nothing of before to it', async () => {
    const host = linkTo(pair.a);
    await host.open();
    for (let i = 0; i < 20; i++) host.send(ping(i));
    await pair.pull();
    await until(() => host.state.state === 'closed');
    for (let i = 0; i < 3; i++) await expect(host.open()).rejects.toMatchObject({ code: 'link' });
    await pair.putBack();
    const far = await rawPort(pair.b);
    await host.open();
    const fresh = ping(77);
    host.send(fresh);
    const expected = [0, ...cobsFrame(fresh)];
    await until(() => far.bytes.length >= expected.length);
    expect(far.bytes).toEqual(expected);
    expect(host.states).toEqual(['open', 'lost: the line hung up', `refused: ${pair.a}: there is no such port.`, 'open']);
    expect(host.counters.reconnects).toBe(1);
  });

  it('reads the next good frame after garbage, before, between and inside frames', async () => {
    const host = linkTo(pair.a);
    const far = await rawPort(pair.b);
    far.write(Uint8Array.of(9, 9, 9));
    await host.open();
    const random = createRandom(5);
    far.write(Uint8Array.from({ length: 3000 }, () => Math.floor(random.uniform() * 256)));
    far.write(Uint8Array.of(0));
    far.write(cobsFrame(ping(1)));
    far.write(Uint8Array.of(1, 2, 3));
    far.write(cobsFrame(ping(2)));
    const damaged = cobsFrame(ping(3));
    damaged[3] ^= 0x10;
    far.write(damaged);
    far.write(cobsFrame(ping(4)));
    await until(() => host.frames.length >= 2);
    // The frame that garbage ran into is lost with it.
    expect(host.frames).toEqual([ping(1), ping(4)]);
    expect(host.counters.discarded).toBeGreaterThan(2);
  });

  it('forgets half a frame that the line was lost in', async () => {
    const host = linkTo(pair.a);
    await host.open();
    let far = await rawPort(pair.b);
    const wire = cobsFrame(ping(1));
    far.write(wire.slice(0, 6));
    await until(() => host.counters.bytesReceived === 6);
    await pair.pull();
    await until(() => host.state.state === 'closed');
    await pair.putBack();
    await host.open();
    far = await rawPort(pair.b);
    far.write(cobsFrame(ping(2)));
    await until(() => host.frames.length > 0);
    expect(host.frames).toEqual([ping(2)]);
    expect(host.counters.discarded).toBe(0);
  });

  it('keeps no more than its budget for a line that nobody reads, and gives it up when it closes', async () => {
    const host = linkTo(pair.a);
    await host.open();
    const frame = encodeFrame({
      seq: 1,
      message: { type: 'set-phases', slot: 0, beamId: 1, phaseBits: 16, offset: 0, words: new Uint16Array(1000).fill(0x1111) },
    });
    let refused = 0;
    for (let i = 0; i < 2000; i++) {
      if (!host.send(frame)) refused++;
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const { discarded, bytesSent, framesSent } = host.counters;
    expect(refused).toBeGreaterThan(1000);
    expect(discarded).toBe(refused);
    expect(framesSent).toBe(2000 - refused);
    // The kernel's buffers and socat's hold the rest: some tens of kilobytes on any system.
    expect(bytesSent).toBeLessThan(MAX_UNSENT_BYTES + 300_000);
    await host.close();
    expect(host.states).toEqual(['open', 'closed-by-us: ']);
    await host.open();
    expect(host.send(ping(1))).toBe(true);
  });

  it('takes room again once the far side reads again', async () => {
    const host = linkTo(pair.a);
    await host.open();
    const bulk = Uint8Array.from({ length: 2000 }, (_, i) => 1 + (i % 255));
    let sent = 0;
    while (host.send(bulk)) sent++;
    const far = await rawPort(pair.b);
    await until(() => host.send(ping(1)));
    await until(() => far.bytes.length > 100 && far.bytes.at(-1) === 0);
    expect(sent).toBeGreaterThan(20);
  });

  it('carries on when the name of the open port vanishes, because the line is still there', async () => {
    const host = linkTo(pair.a);
    await host.open();
    const far = await rawPort(pair.b);
    unlinkSync(pair.a);
    far.write(cobsFrame(ping(5)));
    await until(() => host.frames.length === 1);
    expect(host.send(ping(6))).toBe(true);
    await until(() => far.bytes.length > 1);
    expect(host.state).toEqual({ state: 'open' });
  });

  it('opens once for two who ask at the same time, and not at all when it is closed meanwhile', async () => {
    const host = linkTo(pair.a);
    await Promise.all([host.open(), host.open(), host.open()]);
    expect(host.states).toEqual(['open']);
    await host.close();
    const opening = host.open();
    const closing = host.close();
    await expect(opening).rejects.toThrow(/closed while it was being opened/);
    await closing;
    expect(host.state).toEqual({ state: 'closed', reason: 'closed-by-us' });
    // The lock was given back.
    await (await rawPort(pair.a)).close();
  });

  it('gives a port to one beamrig at a time', async () => {
    const first = linkTo(pair.a);
    const second = linkTo(pair.a);
    await first.open();
    await expect(second.open()).rejects.toMatchObject({
      code: 'link',
      reason: 'port-in-use',
      message: `${pair.a}: another program uses this port.`,
    });
    await first.close();
    await second.open();
    expect(second.state).toEqual({ state: 'open' });
  });

  it('refuses a baud rate that the port does not run at', async () => {
    const host = createSerialLink({ path: pair.a, baudRate: 5_000_000_000 });
    await expect(host.open()).rejects.toMatchObject({
      code: 'link',
      reason: 'baud-rate',
      message: `${pair.a}: baudRate is 5000000000, and the port runs at 705032704 baud instead.`,
      wayOut: expect.stringMatching(/115200/) as string,
    });
    expect(host.state).toMatchObject({ state: 'closed', reason: 'refused' });
    for (const wrong of [0, -1, 1.5, NaN]) {
      expect(() => createSerialLink({ path: pair.a, baudRate: wrong })).toThrow(/baudRate is .*cannot be asked for it/);
    }
    // Nothing holds the port back after a refusal.
    await linkTo(pair.a).open();
  });

  it('names the group that a port without permission belongs to', async () => {
    chmodSync(dirname(pair.a), 0o755);
    const root = process.getuid?.() === 0;
    const { mode } = statSync(pair.a);
    chmodSync(pair.a, root ? 0o600 : 0o000);
    if (root) process.seteuid?.(65_534);
    try {
      await expect(linkTo(pair.a).open()).rejects.toMatchObject({
        code: 'link',
        reason: 'no-permission',
        message: expect.stringMatching(/: no permission to open this port; it belongs to the group '\w+'\.$/) as string,
        wayOut: expect.stringMatching(/usermod -aG|dialout/) as string,
      });
    } finally {
      if (root) process.seteuid?.(0);
      chmodSync(pair.a, mode);
    }
  });
});

describe('a path that is no serial port', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'beamrig-no-port-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([
    ['nothing', 'no-port', () => '/dev/ttyUSB97', /^\/dev\/ttyUSB97: there is no such port\.$/],
    [
      'a link to nothing',
      'no-port',
      () => (symlinkSync('gone', join(folder, 'port')), join(folder, 'port')),
      /: there is no such port\.$/,
    ],
    [
      'a regular file',
      'not-a-port',
      () => (writeFileSync(join(folder, 'file'), ''), join(folder, 'file')),
      /: this is a regular file, not a serial/,
    ],
    [
      'a folder',
      'not-a-port',
      () => (mkdirSync(join(folder, 'tty')), join(folder, 'tty')),
      /: this is a folder, not a serial port\.$/,
    ],
    ['another device', 'not-a-port', () => '/dev/null', /^\/dev\/null: this is a device of another kind, not a serial port\.$/],
  ])('refuses %s by name, with the ports there are', async (_, reason, path, message) => {
    const link = createSerialLink({ path: path(), baudRate: BAUD_RATE });
    await expect(link.open()).rejects.toMatchObject({
      code: 'link',
      reason,
      message: expect.stringMatching(message) as string,
      wayOut: expect.stringMatching(/beamrig panels/) as string,
    });
    expect(link.state).toMatchObject({ state: 'closed', reason: 'refused', cause: reason });
  });
});
