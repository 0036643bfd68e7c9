import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { afterEach, describe, expect, it } from 'vitest';
import { StandInRig, type StandInOptions } from '../../test/browser/stand-in-rig.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { QUANTISER_MEANINGS } from '../../core/signal/quantiser-names.ts';
import type { ControlResult, Frame, PageToServer, ServerToPage } from './socket-contract.ts';
import { pageColumns } from '../telemetry/cycle-columns.ts';
import { startServer } from './server.ts';

type Page = Socket<ServerToPage<Uint8Array>, PageToServer>;
type NodeFrame = Frame<Uint8Array>;

/** Generous: other tests share the machine. */
const SOON = { timeout: 15_000 };

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-page-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function serve(options: StandInOptions & { pageFolder?: string } = {}): Promise<{ rig: StandInRig; url: string }> {
  const rig = new StandInRig(options);
  const pageFolder = options.pageFolder ?? emptyFolder();
  const server = await startServer({ controller: rig, host: '127.0.0.1', port: 0, pageFolder });
  closers.push(
    () => rig.stop(),
    () => server.close(),
  );
  return { rig, url: server.url };
}

function connect(url: string, headers: Record<string, string> = {}): Page {
  const page: Page = io(url, { transports: ['websocket'], extraHeaders: headers, reconnection: false });
  closers.push(() => page.disconnect());
  return page;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Acknowledges every frame until one passes. */
function frameWhere(page: Page, passes: (frame: NodeFrame) => boolean): Promise<NodeFrame> {
  return new Promise((resolve) => {
    const look = (frame: NodeFrame, drawn: () => void): void => {
      drawn();
      if (!passes(frame)) return;
      page.off('frame', look);
      resolve(frame);
    };
    page.on('frame', look);
  });
}

/** Acknowledges and keeps every frame from now on. */
function framesOf(page: Page): NodeFrame[] {
  const frames: NodeFrame[] = [];
  page.on('frame', (frame, drawn) => {
    frames.push(frame);
    drawn();
  });
  return frames;
}

/** Of a row for four users. */
const placeOf = (column: string): number => 1 + pageColumns(4).findIndex(({ name }) => name === column);

const floats = (bulk: Uint8Array): Float32Array => new Float32Array(Uint8Array.from(bulk).buffer);

describe('frames to the page', () => {
  it('carry the rig, the cycles since the frame before, and events, each once', async () => {
    const { rig, url } = await serve();
    for (let i = 0; i < 3; i++) rig.cycleOnce();
    rig.emitEvent({ level: 'warning', code: 'fallback', message: 'no hardware', action: 'running on the simulator' });
    const page = connect(url);
    const first = await frameWhere(page, () => true);
    expect(first.rig?.name).toBe('stand-in');
    expect(first.events).toMatchObject([{ code: 'fallback', action: 'running on the simulator' }]);
    expect(first.cycles).toMatchObject({ count: 3, columns: 1 + pageColumns(4).length });
    rig.cycleOnce();
    const second = await frameWhere(page, (frame) => frame.cycles !== null);
    expect(second.rig).toBeUndefined();
    expect(second.events).toEqual([]);
    expect(second.cycles?.count).toBe(1);
    const row = floats(second.cycles!.values);
    const { record } = rig.latest()!;
    expect(row[0]).toBe(0);
    expect(row[placeOf('user_0_measured_db')]).toBeCloseTo(record.measuredSnrDb[0], 4);
    expect(row[placeOf('user_3_predicted_db')]).toBeCloseTo(record.predictedSnrDb[3], 4);
    expect(row[placeOf('measured_sum_rate')]).toBeCloseTo(record.measuredSumRate, 4);
    expect(row[placeOf('model_ms')]).toBeCloseTo(record.stageMs.model, 4);
    expect(row[placeOf('cycle_ms')]).toBeCloseTo(record.cycleMs, 4);
  });

  it('say which model chooses phases and which quantiser words, on which budgets and what for, and so do scripts hear it', async () => {
    const { rig, url } = await serve();
    const quantiser = { name: 'array', meaning: QUANTISER_MEANINGS.array, sweeps: 12 } as const;
    Object.assign(rig, { steps: 30, quantiser });
    const told = { modelId: 'unfolded-pga-n64', engine: 'compiled', steps: 30, quantiser, objective: 'sum-rate' };
    expect(await (await fetch(`${url}api/state`)).json()).toMatchObject({ rig: told });
    const page = connect(url);
    expect((await frameWhere(page, () => true)).rig).toMatchObject(told);
    rig.wordsGain = 0.25;
    rig.cycleOnce();
    const { cycles } = await frameWhere(page, (frame) => frame.cycles !== null);
    expect(floats(cycles!.values)[placeOf('predicted_words_gain')]).toBe(0.25);
  });

  it('stop for a page that does not say it has drawn, and catch up when it does, without anything queued', async () => {
    const { rig, url } = await serve();
    const page = connect(url);
    const seen: NodeFrame[] = [];
    let draw: () => void = () => undefined;
    page.on('frame', (frame, drawn) => {
      seen.push(frame);
      draw = drawn;
    });
    await expect.poll(() => seen.length, SOON).toBe(1);
    rig.cycleOnce();
    rig.repeatCycle(9_999);
    await wait(600);
    expect(seen.length).toBe(1);
    draw();
    await expect.poll(() => seen.length, SOON).toBe(2);
    expect(seen[1].totals.cycles).toBe(10_000);
    expect(seen[1].cycles!.count).toBeLessThanOrEqual(2048); // of the 8,192 that are kept
    await wait(200);
    expect(seen.length).toBe(2);
  });

  it('do not slow down the other pages when one page hangs', async () => {
    const { rig, url } = await serve();
    const hanging = connect(url);
    hanging.on('frame', () => undefined);
    const lively = connect(url);
    const frames = framesOf(lively);
    rig.startTimer();
    await expect.poll(() => frames.length, SOON).toBeGreaterThan(10);
  });

  it('carry words and beampattern only to those who look at them', async () => {
    const { rig, url } = await serve();
    rig.cycleOnce();
    const page = connect(url);
    const blind = await frameWhere(page, () => true);
    expect(blind.words).toBeUndefined();
    expect(blind.beampattern).toBeUndefined();
    page.emit('watch', ['words', 'beampattern']);
    rig.cycleOnce();
    const seeing = await frameWhere(page, (frame) => frame.words !== undefined && frame.beampattern !== undefined);
    expect(new Uint16Array(Uint8Array.from(seeing.words!.words).buffer)).toEqual(rig.latest()!.words);
    const patternDb = floats(seeing.beampattern!.cuts[0].commandedDb);
    const { anglesDeg, users } = seeing.beampattern!.cuts[0];
    expect(patternDb.length).toBe(floats(anglesDeg).length);
    const median = [...patternDb].sort((a, b) => a - b)[patternDb.length >> 1];
    expect(patternDb[users[0].place]).toBeGreaterThan(median + 6); // the beam points where the user is
    expect(users.length).toBe(4);
  });

  it('show a void cycle as a gap in what was measured, not as a number', async () => {
    const { rig, url } = await serve({ isVoid: (cycle) => cycle === 1 });
    for (let i = 0; i < 3; i++) rig.cycleOnce();
    const frame = await frameWhere(connect(url), () => true);
    const rows = floats(frame.cycles!.values);
    const measuredOfUser0 = [0, 1, 2].map((row) => rows[row * (1 + pageColumns(4).length) + placeOf('user_0_measured_db')]);
    expect(measuredOfUser0.map(Number.isNaN)).toEqual([false, true, false]);
    expect(frame.totals).toMatchObject({ cycles: 3, voidCycles: 1, retries: 2, timeouts: 3 });
  });

  it('tell since when the beam is void, and go on showing the last one known to radiate', async () => {
    const { rig, url } = await serve({ isVoid: (cycle) => cycle === 1 || cycle >= 3 });
    const page = connect(url);
    page.emit('watch', ['words']);
    rig.cycleOnce();
    const first = await frameWhere(page, (frame) => frame.words !== undefined);
    expect(first.latest).toMatchObject({ outcome: 'ok', voidSinceMs: null, okEndedMs: first.latest?.endedMs });
    for (let i = 0; i < 2; i++) rig.cycleOnce();
    const whole = await frameWhere(page, (frame) => frame.latest?.cycle === 2);
    expect(whole.latest?.voidSinceMs, 'one void cycle between good ones is over').toBeNull();
    for (let i = 0; i < 3; i++) rig.cycleOnce();
    const late = connect(url);
    late.emit('watch', ['words']);
    const lost = await frameWhere(late, (frame) => frame.words !== undefined);
    expect(lost.words?.cycle).toBe(2);
    expect(lost.latest).toMatchObject({ cycle: 5, outcome: 'void', okEndedMs: whole.latest?.okEndedMs });
    expect(lost.latest!.voidSinceMs! - lost.latest!.okEndedMs!).toBeGreaterThan(-20);
    expect(lost.latest!.voidSinceMs!).toBeLessThanOrEqual(lost.latest!.endedMs);
  });

  it('keep coming while nothing happens, so that the page knows the controller lives', async () => {
    const { rig, url } = await serve();
    await rig.pause();
    const page = connect(url);
    for (let i = 0; i < 3; i++) expect((await frameWhere(page, () => true)).state).toBe('paused');
  });
});

describe('controls', () => {
  const control = (send: (answer: (result: ControlResult) => void) => void): Promise<ControlResult> => new Promise(send);

  it('reach the rig and are answered', async () => {
    const { rig, url } = await serve();
    const page = connect(url);
    const frames = framesOf(page);
    expect(await control((answer) => page.emit('pause', answer))).toEqual({ ok: true });
    expect(rig.state).toBe('paused');
    expect(await control((answer) => page.emit('start', answer))).toEqual({ ok: true });
    expect(rig.state).toBe('running');
    expect(await control((answer) => page.emit('setPhaseBits', 3, answer))).toEqual({ ok: true });
    expect(await control((answer) => page.emit('switchModel', 'aligned', answer))).toEqual({ ok: true });
    await expect.poll(() => frames.findLast((frame) => frame.rig)?.rig, SOON).toMatchObject({ modelId: 'aligned', phaseBits: 3 });
  });

  it('are refused with the reason when they make no sense, and nothing falls over', async () => {
    const { url } = await serve();
    const page = connect(url);
    const frames = framesOf(page);
    expect(await control((answer) => page.emit('setPhaseBits', 7, answer))).toMatchObject({
      reason: 'the panel has 6 bits, not 7',
    });
    expect(await control((answer) => page.emit('setPhaseBits', 99, answer))).toMatchObject({ ok: false });
    expect(await control((answer) => page.emit('switchModel', '/etc/model.onnx', answer))).toEqual({
      ok: false,
      reason: "'/etc/model.onnx' is none of the models that fit this rig.",
    });
    expect(await control((answer) => page.emit('switchModel', { id: 1 } as never, answer))).toMatchObject({ ok: false });
    page.emit('watch', 'everything' as never);
    page.emit('start', 'not a function' as never);
    const { length } = frames;
    await expect.poll(() => frames.length, SOON).toBeGreaterThan(length + 1);
    expect(frames.at(-1)?.state).toBe('running');
  });

  it('do not take pages of another site', async () => {
    const { url } = await serve();
    const refused = (page: Page): Promise<boolean> =>
      new Promise((resolve) => {
        page.on('connect', () => resolve(false));
        page.on('connect_error', () => resolve(true));
      });
    expect(await refused(connect(url, { origin: 'http://evil.example' }))).toBe(true);
    expect(await refused(connect(url, { origin: 'null' }))).toBe(true);
    expect(await refused(connect(url, { origin: 'http://evil.example', host: 'evil.example' }))).toBe(true);
    expect(await refused(connect(url, { origin: url.slice(0, -1) }))).toBe(false);
  });
});

describe('the web server', () => {
  it('names host, port and the way out when the port is taken', async () => {
    const { url } = await serve();
    const port = Number(new URL(url).port);
    const failure: unknown = await startServer({ controller: new StandInRig(), host: '127.0.0.1', port }).catch(
      (error: unknown) => error,
    );
    expect(isBeamrigError(failure) && failure).toMatchObject({
      code: 'port-in-use',
      message: `dashboard: 127.0.0.1:${port} is taken by another program`,
      wayOut: expect.stringContaining('dashboard.port') as string,
    });
  });

  it('says what to do when the page was never built', async () => {
    const { url } = await serve();
    const response = await fetch(url);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('npm run build');
  });

  it('serves the built page, and lets it load nothing from elsewhere', async () => {
    const pageFolder = emptyFolder();
    writeFileSync(join(pageFolder, 'index.html'), '<title>the page</title>');
    const { url } = await serve({ pageFolder });
    const response = await fetch(url);
    expect(await response.text()).toContain('the page');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none';script-src 'self'");
  });

  it('tells scripts how the rig is', async () => {
    const { rig, url } = await serve({ isVoid: () => true });
    rig.cycleOnce();
    expect(await (await fetch(`${url}healthz`)).json()).toEqual({ ok: true, state: 'running' });
    expect(await (await fetch(`${url}api/state`)).json()).toMatchObject({
      state: 'running',
      rig: { name: 'stand-in' },
      latest: { outcome: 'void', measuredSnrDb: [null, null, null, null] },
    });
    rig.stuck = 'no cycle has turned for 9.0 s';
    const stuck = await fetch(`${url}healthz`);
    expect([stuck.status, await stuck.json()]).toEqual([503, { ok: false, state: 'running', reason: rig.stuck }]);
    rig.state = 'faulted';
    expect((await fetch(`${url}healthz`)).status).toBe(503);
  });

  it('never gives a void cycle the SNR of the beam before it', async () => {
    const { rig, url } = await serve();
    rig.cycleOnce();
    rig.cycleWithoutBeam();
    expect(await (await fetch(`${url}api/state`)).json()).toMatchObject({
      latest: {
        cycle: 1,
        outcome: 'void',
        beamId: 0,
        predictedSnrDb: [null, null, null, null],
        measuredSnrDb: [null, null, null, null],
      },
    });
  });

  it('does not answer under a name that a stranger could point at this machine', async () => {
    const { url } = await serve();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${url}api/state`, { headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('error', reject).end();
    });
    expect(status).toBe(403);
  });
});
