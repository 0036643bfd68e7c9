/** What pages and scripts are told of the calibration of a rig, over the socket and by request. */
import { io, type Socket } from 'socket.io-client';
import { afterEach, expect, it } from 'vitest';
import { StandInRig } from '../../test/browser/stand-in-rig.ts';
import type { CalibrationNow } from '../control/calibrating.ts';
import { startServer } from './server.ts';
import type { Frame, PageToServer, PlanAnswer, ServerToPage } from './socket-contract.ts';

type Page = Socket<ServerToPage<Uint8Array>, PageToServer>;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(): Promise<{ rig: StandInRig; url: string; join: () => { page: Page; frames: Frame<Uint8Array>[] } }> {
  const rig = new StandInRig();
  const server = await startServer({ controller: rig, host: '127.0.0.1', port: 0, pageFolder: '/nowhere' });
  closers.push(() => server.close());
  const join = (): { page: Page; frames: Frame<Uint8Array>[] } => {
    const page: Page = io(server.url, { transports: ['websocket'], reconnection: false });
    closers.push(() => page.disconnect());
    const frames: Frame<Uint8Array>[] = [];
    page.on('frame', (frame, drawn) => {
      frames.push(frame);
      drawn();
    });
    return { page, frames };
  };
  return { rig, url: server.url, join };
}

const SOON = { timeout: 15_000 };
const NOW: CalibrationNow = {
  ...{ method: 'coded', phase: 'measuring', done: 10, of: 100, kept: 0, beganMs: 1, endedMs: null, secondsLeft: 9 },
  ...{ failure: null, result: null },
};

it('tells every page how far a measurement is, those that join in the middle too, and each change once', async () => {
  const { rig, join } = await serve();
  const first = join();
  await expect.poll(() => first.frames.length, SOON).toBeGreaterThan(0);
  expect(first.frames.every(({ calibration }) => calibration === undefined)).toBe(true);
  rig.measured = NOW;
  await expect
    .poll(() => first.frames.filter(({ calibration }) => calibration !== undefined), SOON)
    .toMatchObject([{ calibration: NOW }]);
  const second = join();
  await expect.poll(() => second.frames.at(0)?.calibration, SOON).toEqual(NOW);
  const count = second.frames.length;
  await expect.poll(() => second.frames.length, SOON).toBeGreaterThan(count + 1);
  expect(second.frames.filter(({ calibration }) => calibration !== undefined)).toHaveLength(1);
  rig.measured = { ...NOW, done: 60 };
  for (const { frames } of [first, second])
    await expect.poll(() => frames.findLast(({ calibration }) => calibration)?.calibration?.done, SOON).toBe(60);
});

it('plans and begins what makes sense, says so as an event, and refuses the rest', async () => {
  const { rig, join } = await serve();
  const { page, frames } = join();
  const wish = { method: 'coded', readings: null, pilots: 2, resume: false };
  const plan = await new Promise<PlanAnswer>((resolve) => page.emit('planCalibration', wish, resolve));
  expect(plan).toMatchObject({ ok: true, plan: { method: 'coded', readings: 4384 } });
  for (const bad of [{ ...wish, pilots: 0 }, { ...wish, more: 1 }, 'coded']) {
    const answer = await new Promise((resolve) => page.emit('calibrate', bad as never, resolve));
    expect(answer).toMatchObject({ ok: false, reason: expect.stringContaining('its method') as string });
  }
  expect(rig.measurements).toEqual([]);
  expect(await new Promise((resolve) => page.emit('calibrate', wish, resolve))).toEqual({ ok: true });
  expect(rig.measurements).toEqual([wish]);
  const said = (): string[] => frames.flatMap(({ events }) => events.map(({ message }) => message));
  await expect.poll(said, SOON).toContainEqual(expect.stringMatching(/^Page 1 \(.+\): measure the array by coded\.$/));
  await expect.poll(() => frames.at(-1)?.radiation.shows, SOON).toBe('settings');
  expect(await new Promise((resolve) => page.emit('cancelCalibration', resolve))).toEqual({ ok: true });
  await expect.poll(() => frames.at(-1)?.state, SOON).toBe('paused');
});

it('answers what the states miss for a chain that there is, and a report once there is one', async () => {
  const { url } = await serve();
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`${url}${path}`);
    return [response.status, await response.text()];
  };
  const [status, map] = await get('api/calibration?chain=3');
  expect([status, JSON.parse(map)]).toEqual([
    200,
    { id: 'none', tables: [null], chain: 3, phaseBits: 6, flaws: [], phaseDeg: null, gainDb: null },
  ]);
  for (const chain of ['4', '-1', '1.5', 'x', '1&chain=2']) expect((await get(`api/calibration?chain=${chain}`))[0]).toBe(400);
  expect(await get('api/calibration/tables')).toEqual([200, '{"tables":[]}']);
  expect(await get('calibration/report')).toEqual([
    404,
    'this run has measured nothing; reports of before lie beside their tables.',
  ]);
});
