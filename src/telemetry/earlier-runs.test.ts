/** What runs that were killed left unsent is found by the next one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { RigEvent } from './cycle-record.ts';
import { createEarlierRuns } from './earlier-runs.ts';
import type { InfluxClient } from './influx/influx-client.ts';
import { thisProcess } from '../../core/files/process-identity.ts';
import { noteAllSent, readNote, writeNote, type InfluxNote } from './influx/influx-note.ts';
import { startInfluxWriter } from './influx/influx-writer.ts';
import { START } from './record-reader.ts';

let runs: string;
beforeEach(() => (runs = mkdtempSync(join(tmpdir(), 'beamrig-earlier-'))));
afterEach(() => rmSync(runs, { recursive: true, force: true }));

const TARGET = 'http://127.0.0.1:8086, database lab';
const lineOf = (run: string, index: number): string =>
  `cycle,run=${run} cycle=${index}i ${1_790_000_000_000_000_000n + BigInt(index)}`;

/** A process that is gone. */
let gone: InfluxNote['writer'];
beforeEach(async () => {
  const process_ = spawn(process.execPath, ['-e', '']);
  await once(process_, 'exit');
  gone = { host: hostname(), pid: process_.pid ?? 0, started: '1' };
});

function leaveRun(name: string, lines: number, writer: InfluxNote['writer'], target = TARGET): string {
  const folder = join(runs, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'records.lp'), Array.from({ length: lines }, (_, index) => `${lineOf(name, index)}\n`).join(''));
  writeNote(folder, target, { mark: START, taken: 0, refused: 0 }, writer);
  return folder;
}

function server(answer: (call: number) => boolean = () => true) {
  const taken: string[] = [];
  let call = 0;
  const client: InfluxClient = {
    name: TARGET,
    write: async (lines) => {
      if (!answer((call += 1))) return { outcome: 'again', cause: 'down', why: 'down' };
      taken.push(...lines);
      return { outcome: 'taken', points: lines.length, refused: 0 };
    },
  };
  return { client, taken };
}

type Told = Omit<RigEvent, 'timeNs'>;

async function sendAll(client: InfluxClient): Promise<Told[]> {
  const events: Told[] = [];
  const earlier = createEarlierRuns({
    client,
    runsFolder: runs,
    ownFolder: join(runs, 'own'),
    onEvent: (event) => events.push(event),
  });
  while ((await earlier.step()) !== 'done');
  return events;
}

it('sends each once, says what it found and what became of it, and finds nothing the next time', async () => {
  leaveRun('a', 1200, gone);
  leaveRun('b', 3, null); // it ended by itself with the server away
  const torn = leaveRun('c', 2, gone);
  appendFileSync(join(torn, 'records.lp'), 'cycle,run=c cycle=2i 17900000000');
  const { client, taken } = server();
  const events = await sendAll(client);
  expect(events.map(({ code }) => code)).toEqual(['influx-earlier', 'influx-earlier-sent']);
  expect(events[0]?.message).toContain('3 earlier runs');
  expect(taken.filter((line) => line.includes('run=a'))).toEqual(Array.from({ length: 1200 }, (_, index) => lineOf('a', index)));
  expect(await sendAll(client)).toEqual([]);
  expect(readNote(torn)).toMatchObject({ takenPoints: 3, writer: null });
});

it('leaves alone what still runs, what has nothing left, and what is no run of ours', async () => {
  leaveRun('running', 5, thisProcess());
  const sent = leaveRun('sent', 5, gone);
  noteAllSent(sent, TARGET, { mark: { byte: readFileSync(join(sent, 'records.lp')).length, tail: '' }, taken: 5, refused: 0 });
  mkdirSync(join(runs, 'empty'));
  writeFileSync(join(runs, 'file'), '');
  const damaged = leaveRun('damaged', 5, gone);
  writeFileSync(join(damaged, 'influx.json'), '{"target": 7, "takenBytes": -1');
  const { client, taken } = server();
  expect(await sendAll(client)).toEqual([]);
  expect(taken).toEqual([]);
});

it('tells of points that were meant for another server, and does not send them', async () => {
  leaveRun('elsewhere', 5, gone, 'http://10.0.0.7:8086, database lab');
  const { client, taken } = server();
  const events = await sendAll(client);
  expect(events.map(({ code }) => code)).toEqual(['influx-earlier-elsewhere']);
  expect(taken).toEqual([]);
});

it('goes on where it stood when the server went away in the middle', async () => {
  leaveRun('a', 1200, gone);
  const { client, taken } = server((call) => call !== 2);
  const earlier = createEarlierRuns({ client, runsFolder: runs, ownFolder: join(runs, 'own'), onEvent: () => undefined });
  expect([await earlier.step(), await earlier.step(), await earlier.step()]).toEqual(['sent', 'away', 'sent']);
  while ((await earlier.step()) !== 'done');
  expect(taken).toEqual(Array.from({ length: 1200 }, (_, index) => lineOf('a', index)));
});

it('never goes before the points of the run of today', async () => {
  leaveRun('a', 3000, gone);
  const own = leaveRun('own', 4000, null);
  const { client, taken } = server();
  const writer = startInfluxWriter({
    ...{ client, folder: own, runsFolder: runs, clock: createRealClock(), random: createRandom(1), batchMs: 10 },
    onEvent: () => undefined,
  });
  while (taken.length < 7000) await new Promise((resolve) => setTimeout(resolve, 5));
  await writer.close(5000);
  expect(taken.slice(0, 4000).every((line) => line.includes('run=own'))).toBe(true);
  expect(new Set(taken).size).toBe(7000);
});
