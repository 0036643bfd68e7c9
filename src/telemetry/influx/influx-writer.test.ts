import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../../core/clock/real-clock.ts';
import { createRandom } from '../../../core/signal/random.ts';
import { InfluxServer } from '../../../test/influx-server.ts';
import { hasPart } from '../../../test/parts.ts';
import type { RigEvent } from '../cycle-record.ts';
import { createInfluxClient, type InfluxClient, type WriteOutcome } from './influx-client.ts';
import { influxTarget, influxTargetFromUrl } from './influx-target.ts';
import { startInfluxWriter, type InfluxWriter } from './influx-writer.ts';

type Told = Omit<RigEvent, 'timeNs'>;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-influx-'));
  writeFileSync(join(folder, 'records.lp'), '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const START_NS = 1_790_000_000_000_000_000n;
let recorded = 0;
const lineOf = (index: number): string =>
  `cycle,rig=a\\ b,source=simulator cycle=${index}i,cycle_ms=4.25,failure="push: \\"no\\" answer" ${START_NS + BigInt(index)}`;
/** Appends points as a recorder does. */
function record(count: number): void {
  const lines = Array.from({ length: count }, () => {
    recorded += 1;
    return `${lineOf(recorded)}\n`;
  });
  appendFileSync(join(folder, 'records.lp'), lines.join(''));
}
beforeEach(() => (recorded = 0));

function write(client: InfluxClient, events: Told[]): InfluxWriter {
  return startInfluxWriter({
    client,
    folder,
    clock: createRealClock(),
    random: createRandom(1),
    onEvent: (event) => events.push(event),
    batchMs: 10,
    retryMs: { first: 20, longest: 100 },
  });
}

async function until(met: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await met())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** A server in memory that answers as told. */
function fakeClient(answer: (lines: readonly string[], call: number) => WriteOutcome): InfluxClient & { taken: string[] } {
  const taken: string[] = [];
  let call = 0;
  return {
    name: 'http://nowhere',
    taken,
    write: async (lines) => {
      const outcome = answer(lines, (call += 1));
      if (outcome.outcome === 'taken') taken.push(...lines);
      return outcome;
    },
  };
}
const take = (lines: readonly string[]): WriteOutcome => ({ outcome: 'taken', points: lines.length, refused: 0 });

describe('the writer', () => {
  it('sends every line once, in order, and leaves a half-written line for later', async () => {
    const client = fakeClient(take);
    const writer = write(client, []);
    record(12_000);
    appendFileSync(join(folder, 'records.lp'), 'cycle,rig=a cycle=12001i 17');
    await until(() => writer.taken === 12_000);
    appendFileSync(join(folder, 'records.lp'), '9\n');
    await until(() => writer.taken === 12_001);
    expect(await writer.close(1000)).toEqual({ taken: 12_001, refused: 0, remaining: 0 });
    expect(client.taken.join('\n') + '\n').toBe(readFileSync(join(folder, 'records.lp'), 'utf8'));
  });

  it('says once that the server is away and once that it is back', async () => {
    const events: Told[] = [];
    const client = fakeClient((lines, call) =>
      call <= 5 ? { outcome: 'again', cause: 'ECONNREFUSED', why: 'connect ECONNREFUSED' } : take(lines),
    );
    const writer = write(client, events);
    record(10);
    await until(() => writer.taken === 10);
    await writer.close(1000);
    expect(events.map(({ code }) => code)).toEqual(['influx-unreachable', 'influx-back']);
    expect(events[0]?.message).toContain('ECONNREFUSED');
  });

  it('counts what the server has not taken when it closes, and remembers how far it came', async () => {
    const client = fakeClient((lines, call) => (call === 1 ? take(lines) : { outcome: 'again', cause: 'down', why: 'down' }));
    const writer = write(client, []);
    record(7);
    await until(() => writer.taken === 7);
    record(5);
    expect(await writer.close(1000)).toEqual({ taken: 7, refused: 0, remaining: 5 });
    expect(JSON.parse(readFileSync(join(folder, 'influx.json'), 'utf8'))).toMatchObject({ takenPoints: 7 });
  });

  it('goes on sending, and says so once, when its own note cannot be written', async () => {
    const events: Told[] = [];
    mkdirSync(join(folder, 'influx.json')); // a folder where the note should go: no rename can replace it
    const client = fakeClient(take);
    const writer = write(client, events);
    record(6000);
    await until(() => writer.taken === 6000);
    record(10);
    await until(() => writer.taken === 6010);
    await writer.close(1000);
    expect(events.map(({ code }) => code)).toEqual(['influx-progress']);
  });

  it('goes on when the records cannot be read for a while, and says so once', async () => {
    const events: Told[] = [];
    const client = fakeClient(take);
    const writer = write(client, events);
    record(10);
    await until(() => writer.taken === 10);
    renameSync(join(folder, 'records.lp'), join(folder, 'away.lp'));
    await until(() => events.length > 0);
    mkdirSync(join(folder, 'records.lp')); // a folder in its place: another error than before
    await new Promise((resolve) => setTimeout(resolve, 300));
    rmdirSync(join(folder, 'records.lp'));
    renameSync(join(folder, 'away.lp'), join(folder, 'records.lp'));
    record(10);
    await until(() => writer.taken === 20);
    expect(await writer.close(1000)).toEqual({ taken: 20, refused: 0, remaining: 0 });
    expect(events.map(({ code }) => code)).toEqual(['influx-records', 'influx-records-back']);
    expect(events[0]?.message).toContain('ENOENT');
  });

  it('begins anew with a file that was cut or replaced, and sends no half of a line', async () => {
    const client = fakeClient(take);
    const writer = write(client, []);
    record(100);
    await until(() => writer.taken === 100);
    writeFileSync(join(folder, 'records.lp'), '');
    record(300); // longer than the old one was, at other bytes
    await until(() => client.taken.includes(lineOf(400)));
    await writer.close(1000);
    expect(client.taken).toEqual(Array.from({ length: 400 }, (_, index) => lineOf(index + 1)));
  });

  it('tells each new cause once, until the server is back', async () => {
    const events: Told[] = [];
    const causes = ['500', '500', '401', '500', '401'];
    const client = fakeClient((lines, call) => {
      const cause = causes[call - 1];
      return cause === undefined ? take(lines) : { outcome: 'again', cause, why: `${cause} because` };
    });
    const writer = write(client, events);
    record(10);
    await until(() => writer.taken === 10);
    await writer.close(1000);
    expect(events.map(({ code, message }) => `${code} ${/\d{3} because/.exec(message)?.[0] ?? ''}`)).toEqual([
      'influx-unreachable 500 because',
      'influx-unreachable 401 because',
      'influx-back ',
    ]);
  });

  it('says once that whoever takes the points does not call itself InfluxDB', async () => {
    const events: Told[] = [];
    const writer = write(
      fakeClient((lines) => ({ outcome: 'taken', points: lines.length, refused: 0, nameless: true })),
      events,
    );
    record(2500);
    await until(() => writer.taken === 2500);
    await writer.close(1000);
    expect(events.map(({ code }) => code)).toEqual(['influx-nameless']);
  });

  it('closes in bounded time when the server hangs', async () => {
    const client: InfluxClient = { name: 'http://nowhere', write: () => new Promise(() => undefined) };
    const writer = write(client, []);
    record(3);
    expect(await writer.close(100)).toEqual({ taken: 0, refused: 0, remaining: 3 });
  });
});

describe('a target', () => {
  it('takes its password from the environment', () => {
    const config = { host: 'h', port: 1, database: 'd', username: 'u', passwordEnv: 'SECRET' };
    expect(influxTarget(config, { SECRET: 'p' })).toEqual({ host: 'h', port: 1, database: 'd', username: 'u', password: 'p' });
    expect(() => influxTarget(config, {})).toThrow('names SECRET, which is not set');
  });

  it('is read from a URL', () => {
    expect(influxTargetFromUrl('http://u:p%40@127.0.0.1:8086/lab')).toEqual({
      host: '127.0.0.1',
      port: 8086,
      database: 'lab',
      username: 'u',
      password: 'p@',
    });
    expect(influxTargetFromUrl('http://127.0.0.1:8086').database).toBe('beamrig');
    expect(() => influxTargetFromUrl('nonsense')).toThrow('not a URL');
    expect(() => influxTargetFromUrl('ftp://host/x')).toThrow('http://');
  });
});

describe.skipIf(!hasPart('influxd'))('a real InfluxDB [needs influxd]', () => {
  let server: InfluxServer;
  beforeEach(async () => {
    server = await InfluxServer.place();
  });
  afterEach(() => server.remove());

  /** A server that is killed refuses at once; one on a busy machine answers late. */
  const PATIENCE_MS = 20_000;
  const target = (): InfluxClient =>
    createInfluxClient({ host: '127.0.0.1', port: server.port, database: 'lab "1"' }, PATIENCE_MS);
  const count = async (): Promise<number> => {
    const rows = await server.client('lab "1"').query<{ n: number }>('select count(cycle_ms) as n from cycle');
    return rows[0]?.n ?? 0;
  };

  it('that is up from the start gets every point with its types and its time to the nanosecond', async () => {
    await server.start();
    const events: Told[] = [];
    const writer = write(target(), events);
    record(7000);
    await until(() => writer.taken === 7000);
    expect(await writer.close(PATIENCE_MS)).toEqual({ taken: 7000, refused: 0, remaining: 0 });
    expect(events).toEqual([]);
    expect(await count()).toBe(7000);
    const [first] = await server.client('lab "1"').query<Record<string, unknown>>('select * from cycle order by time limit 1');
    expect(first).toMatchObject({ cycle: 1, cycle_ms: 4.25, failure: 'push: "no" answer', rig: 'a b', source: 'simulator' });
    expect((first?.time as { getNanoTime(): string }).getNanoTime()).toBe(String(START_NS + 1n));
    const types = await server.client('lab "1"').query<{ fieldKey: string; fieldType: string }>('show field keys from cycle');
    expect(Object.fromEntries(types.map(({ fieldKey, fieldType }) => [fieldKey, fieldType]))).toEqual({
      cycle: 'integer',
      cycle_ms: 'float',
      failure: 'string',
    });
  });

  it('that comes up late gets what was recorded before it was there', async () => {
    const events: Told[] = [];
    const writer = write(target(), events);
    record(600);
    await until(() => events.length > 0);
    await server.start();
    record(400);
    await until(() => writer.taken === 1000);
    await writer.close(PATIENCE_MS);
    expect(await count()).toBe(1000);
    expect(events.map(({ code }) => code)).toEqual(['influx-unreachable', 'influx-back']);
  });

  it('that is killed in the middle of a run and started again has lost no point', async () => {
    await server.start();
    const events: Told[] = [];
    const writer = write(target(), events);
    let recording = true;
    const recorder = (async () => {
      while (recording) {
        record(50);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await until(() => writer.taken > 500);
    await server.kill();
    await until(() => events.some(({ code }) => code === 'influx-unreachable'));
    await server.start();
    await until(() => events.some(({ code }) => code === 'influx-back'));
    recording = false;
    await recorder;
    expect((await writer.close(PATIENCE_MS)).remaining).toBe(0);
    expect(await count()).toBe(recorded);
  });

  it('refuses points of a clashing type by themselves; the others of their batch are taken', async () => {
    await server.start();
    const events: Told[] = [];
    const writer = write(target(), events);
    record(10);
    await until(() => writer.taken === 10);
    record(5);
    appendFileSync(join(folder, 'records.lp'), `cycle,rig=a cycle_ms="text" ${START_NS + 50n}\nno line protocol\n`);
    record(5);
    await until(async () => (await count()) === 20);
    expect(await writer.close(PATIENCE_MS)).toEqual({ taken: 20, refused: 2, remaining: 0 });
    expect(events.map(({ code }) => code)).toEqual(['influx-refused']);
  });
});
