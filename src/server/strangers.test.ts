/** What pages and strangers can do to the server: not much, and whatever they do, the other pages go on. */
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { channel } from 'node:diagnostics_channel';
import type { Socket as Connection } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import { afterEach, describe, expect, it } from 'vitest';
import { StandInRig } from '../../test/browser/stand-in-rig.ts';
import { RawPage } from '../../test/raw-page.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import { startServer, type ServerOptions } from './server.ts';
import type { ControlResult, PageToServer, Refusal, ServerToPage } from './socket-contract.ts';

type Page = Socket<ServerToPage<Uint8Array>, PageToServer>;

/** Generous: other tests share the machine. */
const SOON = { timeout: 25_000 };

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Told = Omit<RigEvent, 'timeNs'>;

async function serve(options: Partial<ServerOptions> = {}): Promise<{ rig: StandInRig; url: string; reported: Told[] }> {
  const rig = new StandInRig();
  const reported: Told[] = [];
  const server = await startServer({
    controller: rig,
    host: '127.0.0.1',
    port: 0,
    pageFolder: '/nowhere',
    report: (event) => reported.push(event),
    ...options,
  });
  closers.push(
    () => rig.stop(),
    () => server.close(),
  );
  return { rig, url: server.url, reported };
}

function open(url: string, headers: Record<string, string> = {}): Page {
  const page: Page = io(url, { transports: ['websocket'], extraHeaders: headers, reconnection: false, forceNew: true });
  closers.push(() => page.disconnect());
  return page;
}

/** A page that draws what it is sent. */
function lively(url: string): { frames: () => number } {
  let frames = 0;
  open(url).on('frame', (_frame, drawn) => {
    frames++;
    drawn();
  });
  return { frames: () => frames };
}

async function raw(url: string, headers: Record<string, string> = {}): Promise<RawPage> {
  const page = await RawPage.open(url, headers);
  closers.push(() => page.end());
  return page;
}

/** Goes on doing something until the test is over. */
function keep(everyMs: number, act: () => void): void {
  const timer = setInterval(act, everyMs);
  closers.push(() => clearInterval(timer));
}

const letIn = (page: Page): Promise<boolean> =>
  new Promise((resolve) => {
    page.once('welcome', () => resolve(true));
    page.once('connect_error', () => resolve(false));
  });

const control = (send: (answer: (result: ControlResult) => void) => void): Promise<ControlResult> => new Promise(send);

/** The connections that servers of this process accept from now on. */
function accepted(): Connection[] {
  const connections: Connection[] = [];
  const note = (message: unknown): void => void connections.push((message as { socket: Connection }).socket);
  channel('net.server.socket').subscribe(note);
  closers.push(() => channel('net.server.socket').unsubscribe(note));
  return connections;
}

describe('a page that does not behave like one', () => {
  it('is hung up on when it acknowledges frames that it never reads, and little was kept for it', async () => {
    const connections = accepted();
    const { rig, url, reported } = await serve();
    rig.cycleOnce();
    // It guesses the numbers of the frames: they count up, and one is made each time that the rig is asked how fast it is.
    let made = 0;
    rig.cyclesPerSecond = () => made++;
    const page = await raw(url);
    page.stopReading();
    let answered = 0;
    let keptBytes = 0;
    keep(500, () => page.say('3')); // and says that it is alive
    keep(20, () => {
      rig.repeatCycle(2000); // frames of 150 kB
      while (answered < made) page.say(`43${answered++}[]`);
      keptBytes = Math.max(keptBytes, ...connections.map(({ writableLength }) => writableLength));
    });
    await expect.poll(() => reported.map(({ code }) => code), SOON).toContain('page-hung-up');
    expect(reported.find(({ code }) => code === 'page-hung-up')?.message).toMatch(
      /^Page \d \(127\.0\.0\.1\) was hung up on: it did not read/,
    );
    expect(made, 'it was believed for a while').toBeGreaterThan(5);
    expect(keptBytes).toBeLessThan(2 ** 20);
    const other = lively(url);
    const before = other.frames();
    await expect.poll(other.frames, SOON).toBeGreaterThan(before + 5);
  }, 60_000);

  it.each<[string, (page: RawPage) => void]>([
    ['asks again and again what to be sent', (page) => page.say('42["watch",["words"]]')],
    ['says nothing in many words', (page) => page.say(`42["watch",["${'x'.repeat(2000)}"]]`)],
    ['pings', (page) => page.frame(0x89, Buffer.alloc(100))],
    ['sends bytes', (page) => page.frame(0x82, Buffer.alloc(10))],
    ['begins messages that never end', (page) => page.frame(0x01, Buffer.alloc(2000))],
    ['presses all buttons', (page) => page.say('421["setPhaseBits",3]')],
    ['presses Stop', (page) => page.say('421["pause"]')],
  ])('is hung up on when it %s without end', async (_name, act) => {
    const { url, reported } = await serve();
    const page = await raw(url);
    const other = lively(url);
    keep(5, () => {
      for (let i = 0; i < 5; i++) act(page);
    });
    page.socket.resume();
    await expect.poll(() => page.closed, SOON).toBe(true);
    const before = other.frames();
    await expect.poll(other.frames, SOON).toBeGreaterThan(before + 2);
    expect(reported.length, 'nobody is told of each').toBeLessThan(20);
  });
});

describe('pages without number', () => {
  it('are let in up to dashboard.maxPages, and the next is told why not, until one leaves', async () => {
    const { url } = await serve({ maxPages: 3 });
    const pages = Array.from({ length: 8 }, () => open(url));
    const refusals: (Error & { data?: Refusal })[] = [];
    for (const page of pages) page.on('connect_error', (error: Error & { data?: Refusal }) => refusals.push(error));
    const entered = await Promise.all(pages.map(letIn));
    expect(entered.filter(Boolean)).toHaveLength(3);
    expect(refusals).toHaveLength(5);
    expect(refusals[0]).toMatchObject({
      message: '3 pages are open already, and no more are served (dashboard.maxPages of the rig file).',
      data: { code: 'full' },
    });
    pages[entered.indexOf(true)].disconnect();
    await expect.poll(() => letIn(open(url)), SOON).toBe(true);
  });

  it('do not keep connections that say nothing, or never come to an end', async () => {
    const { url } = await serve();
    const silent = await RawPage.connect(url);
    const endless = await RawPage.connect(url);
    endless.socket.write('GET / HTTP/1.1\r\n');
    keep(200, () => !endless.closed && endless.socket.write('X: y\r\n'));
    const waiting = await RawPage.connect(url);
    waiting.socket.write(`POST /api/state HTTP/1.1\r\nHost: ${new URL(url).host}\r\nContent-Length: 1000000\r\n\r\n{`);
    const unnamed = await RawPage.open(url); // says that it is a page by no other word
    for (const page of [silent, endless, waiting, unnamed]) {
      page.socket.resume();
      closers.push(() => page.end());
    }
    await expect.poll(() => [silent.closed, endless.closed, waiting.closed], SOON).toEqual([true, true, true]);
    expect((await fetch(`${url}healthz`)).status).toBe(200);
  }, 60_000);

  it('cannot take more connections than there are places', async () => {
    const { url } = await serve({ maxPages: 2 });
    const { port } = new URL(url);
    let dropped = 0;
    const sockets = Array.from({ length: 150 }, () => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.on('close', () => dropped++);
      return socket;
    });
    closers.push(() => sockets.forEach((socket) => socket.destroy()));
    await expect.poll(() => dropped, SOON).toBeGreaterThan(50);
    await expect
      .poll(
        () =>
          fetch(`${url}healthz`).then(
            ({ status }) => status,
            () => 0,
          ),
        SOON,
      )
      .toBe(200);
  }, 60_000);

  /** A proxy on this machine says so of whom it speaks for. */
  const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });
  const elsewhere = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;

  it('of one address make room for a page of another one, and do not get it back', async () => {
    const { url, reported } = await serve({ maxPages: 8 });
    const flood = Array.from({ length: 8 }, () => open(url, from('10.9.9.9')));
    expect(await Promise.all(flood.map(letIn))).toEqual(Array(8).fill(true));
    let lost = 0;
    for (const page of flood) page.on('disconnect', () => lost++);
    const lab = open(url, from('10.1.1.1'));
    expect(await letIn(lab)).toBe(true);
    await expect.poll(() => lost, SOON).toBe(1);
    expect(reported.map(({ code, message }) => [code, message])).toEqual([
      ['page-hung-up', expect.stringMatching(/^Page \d \(10\.9\.9\.9, .*most of them by its address, and another address asked/)],
    ]);
    for (let again = 0; again < 20; again++) expect(await letIn(open(url, from('10.9.9.9')))).toBe(false);
    expect(lab.connected).toBe(true);
    expect(await control((answer) => lab.emit('pause', answer))).toEqual({ ok: true });
  });

  it('of many addresses leave the machine of the controller its places', async () => {
    const { url } = await serve({ maxPages: 8 });
    const strangers = Array.from({ length: 9 }, (_, i) => open(url, from(`10.9.9.${i}`)));
    expect((await Promise.all(strangers.map(letIn))).filter(Boolean)).toHaveLength(8);
    expect(await letIn(open(url))).toBe(true);
    expect(await letIn(open(url)), 'one in eight').toBe(false);
    expect(await letIn(open(url, from('10.9.9.9')))).toBe(false);
  });

  it('do not stand in the door either', async () => {
    const { url } = await serve({ maxPages: 2 });
    const inTheWay = await Promise.all(Array.from({ length: 18 }, () => raw(url, from('10.9.9.9'))));
    await expect(raw(url, from('10.9.9.9'))).rejects.toThrow('Too many pages are open.');
    expect(await letIn(open(url, from('10.1.1.1')))).toBe(true);
    expect(inTheWay).toHaveLength(18);
  });

  it.skipIf(elsewhere === undefined)('leave connections to others, too', async () => {
    const { url } = await serve({ maxPages: 2 }); // 82 connections
    const { port } = new URL(url);
    let [settled, dropped] = [0, 0];
    const sockets = Array.from({ length: 100 }, () => {
      const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: elsewhere! });
      socket.on('error', () => undefined);
      socket.on('connect', () => setTimeout(() => settled++, 300));
      socket.on('close', () => dropped++);
      return socket;
    });
    closers.push(() => sockets.forEach((socket) => socket.destroy()));
    await expect.poll(() => settled, SOON).toBe(100);
    expect(100 - dropped).toBeLessThanOrEqual(50);
    expect((await fetch(`${url}healthz`)).status).toBe(200);
  });

  it('are refused heads and messages that are too large', async () => {
    const { url } = await serve();
    expect((await fetch(`${url}api/state`, { headers: { 'x-long': 'x'.repeat(20_000) } })).status).toBe(431);
    const page = await raw(url);
    page.socket.resume();
    page.frame(0x81, Buffer.alloc(60_000, 'x'));
    await expect.poll(() => page.closed, SOON).toBe(true);
  });
});

describe('controls', () => {
  it('are told with the page that pressed them and its address', async () => {
    const { url, reported } = await serve();
    const [first, second] = [open(url), open(url)];
    await Promise.all([letIn(first), letIn(second)]);
    await control((answer) => second.emit('pause', answer));
    await control((answer) => second.emit('setPhaseBits', 3, answer));
    await control((answer) => first.emit('switchModel', 'aligned', answer));
    await control((answer) => first.emit('start', answer));
    await control((answer) => first.emit('setPhaseBits', 9, answer));
    expect(reported.map(({ code, message }) => [code, message.replace(/Page [12]/, 'Page n')])).toEqual([
      ['page-control', 'Page n (127.0.0.1): stop the rig.'],
      ['page-control', 'Page n (127.0.0.1): change Q to 3.'],
      ['page-control', 'Page n (127.0.0.1): switch the model to aligned.'],
      ['page-control', 'Page n (127.0.0.1): start the rig.'],
      ['page-control', 'Page n (127.0.0.1): change Q to 9.'],
      ['page-refused', 'Page n (127.0.0.1) was refused to change Q to 9.'],
    ]);
    expect(reported.at(-1)?.action).toBe('the panel has 6 bits, not 9.');
    expect(new Set(reported.map(({ message }) => message.slice(0, 6))).size).toBe(2);
  });

  it.each([
    ['10.1.2.3', 'Page 1 (10.1.2.3, says the proxy at 127.0.0.1): stop the rig.'],
    ['1.1.1.1, 10.1.2.3', 'Page 1 (10.1.2.3, says the proxy at 127.0.0.1): stop the rig.'],
    ['the director', 'Page 1 (through a proxy at 127.0.0.1): stop the rig.'],
  ])('tell honestly who pressed them behind a proxy that says "%s"', async (forwardedFor, message) => {
    const { url, reported } = await serve();
    const page = open(url, { 'x-forwarded-for': forwardedFor });
    await control((answer) => page.emit('pause', answer));
    expect(reported.map((event) => event.message)).toEqual([message]);
  });

  it('are shown on the pages where nobody else takes their events', async () => {
    const rig = new StandInRig();
    const server = await startServer({ controller: rig, host: '127.0.0.1', port: 0, pageFolder: '/nowhere' });
    closers.push(() => server.close());
    const page = open(server.url);
    const messages: string[] = [];
    page.on('frame', (frame, drawn) => {
      messages.push(...frame.events.map((event) => event.message));
      drawn();
    });
    await control((answer) => page.emit('pause', answer));
    await expect.poll(() => messages, SOON).toContain('Page 1 (127.0.0.1): stop the rig.');
  });

  it('are refused when one page presses too often, and it is told so', async () => {
    const { rig, url } = await serve();
    const page = open(url);
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => control((answer) => page.emit('setPhaseBits', 1 + (i % 6), answer))),
    );
    const refused = results.filter(({ ok }) => !ok);
    expect(refused.length).toBeGreaterThan(10);
    expect(refused[0]).toMatchObject({ reason: expect.stringContaining('too much at once') as string });
    expect(await control((answer) => page.emit('pause', answer)), 'Stop has its own').toEqual({ ok: true });
    expect(rig.state).toBe('paused');
  });

  it('never keep another page from stopping the rig', async () => {
    const { rig, url, reported } = await serve();
    const strangers = Array.from({ length: 12 }, () => open(url));
    await Promise.all(strangers.map(letIn));
    const answers = strangers.flatMap((page) => Array.from({ length: 6 }, () => control((answer) => page.emit('start', answer))));
    const refused = (await Promise.all(answers)).filter(({ ok }) => !ok);
    expect(refused.length).toBeGreaterThan(40);
    expect(refused.some((result) => !result.ok && result.reason.includes('pages together'))).toBe(true);
    expect(await control((answer) => open(url).emit('pause', answer))).toEqual({ ok: true });
    expect(rig.state).toBe('paused');
    expect(reported.length).toBeLessThan(40);
  });

  it('put nothing of what a stranger sent where a terminal would obey it', async () => {
    const { url, reported } = await serve();
    const page = open(url);
    const result = await control((answer) => page.emit('switchModel', '\u001b[2J\u009b31m', answer));
    expect(result.ok).toBe(false);
    expect(JSON.stringify(reported)).not.toMatch(/u001b|\u009b/);
    expect(reported.map(({ code }) => code)).toEqual(['page-refused']);
  });
});
