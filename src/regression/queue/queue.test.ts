/** Regressions on several workers, on a real Redis: whatever is lost on the way, each case is played and counted once. All processes are of the built program. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { salehValenzuela } from '../../../core/signal/channel.ts';
import { createRandom } from '../../../core/signal/random.ts';
import { PREFIX, queueName } from '../../jobs/redis.ts';
import { openWorker, type WorkerEvent } from '../../jobs/worker.ts';
import { writeChannelFile } from '../../../test/doubles/write-channel-file.ts';
import { forOneTest } from '../../../test/for-one-test.ts';
import { hasPart } from '../../../test/parts.ts';
import { RedisServer } from '../../../test/redis-server.ts';
import { builtModule } from '../../../test/built-program.ts';
import { builtProgram, startWorker, type StartedWorker } from '../../../test/job-worker.ts';
import type { JobPlayer } from '../job-pool.ts';
import { regress } from '../regress.ts';
import type { Attempt, Report } from '../results.ts';
import { parseScenario } from '../scenario-file.ts';
import type { ReadScenario } from '../scenario.ts';
import { packJob, unpackJob } from './travelling-job.ts';
import { openQueuePlayer, type QueuePlayerOptions } from './queue-player.ts';
import { REGRESS, regressKind } from './regress-kind.ts';

const test = forOneTest('queue');
/** What a queue is compared with. */
const pool = (await builtModule<typeof import('../job-pool.ts')>('src/regression/job-pool.ts')).openJobPool(1);
afterAll(() => pool.close());
const RIG = `
  name: small
  array: { geometry: { kind: ula, elements: 8 }, rfChains: 2, phaseBits: 3 }
  users: { count: 2 }
  beamformer: { model: aligned }`;

/** Written down, as reports hash the file. */
function scenario(text: string): ReadScenario {
  const file = join(test.folder, 'scenarios', 'one.yaml');
  mkdirSync(join(test.folder, 'scenarios'), { recursive: true });
  writeFileSync(file, text);
  return parseScenario(text, file);
}

const player = async (redis: RedisServer, more: Partial<QueuePlayerOptions> = {}): Promise<JobPlayer> =>
  test.later(await openQueuePlayer({ address: redis.address, parallel: 16, program: builtProgram, ...more }), (each) =>
    each.close(),
  );

const worker = async (redis: RedisServer): Promise<StartedWorker> =>
  test.later(await startWorker(redis.address), (each) => each.kill());

const server = async (): Promise<RedisServer> => test.later(await RedisServer.start(), (each) => each.remove());

/** Everything but `times`. */
const timeless = (report: Report): unknown =>
  JSON.parse(JSON.stringify(report, (key, value: unknown) => (key === 'times' ? undefined : value)));

const attemptsOf = (report: Report): Attempt[] => report.cases.flatMap(({ seeds }) => seeds.flatMap(({ attempts }) => attempts));

describe.skipIf(!hasPart('redis-server'))('a regression on a queue [needs redis-server]', () => {
  it('comes to the report of one machine though a worker and Redis are killed in the middle', { timeout: 120_000 }, async () => {
    const redis = await server();
    const text = `
name: several
about: A few cases.
rig: ${RIG}
matrix: { snrDb: [0, 5, 15, 20] }
seconds: 20
timeline: [{ atS: 3, do: unplug, forS: 3 }]
expect: [{ check: event, code: panel-lost, atMost: 1 }, { check: sum-rate, atLeast: 6 }]`;
    const scenarios = [scenario(text)];
    const first = await worker(redis);
    const said: string[] = [];
    const queued = await player(redis, { onSay: (line) => said.push(line) });
    const reporting = regress({ scenarios, player: queued, retries: 0 });
    const active = `${PREFIX}:${queueName(builtProgram)}:active`;
    const isBegun = async (): Promise<boolean> =>
      redis.ask(async (asked) => {
        for (const id of await asked.lrange(active, 0, -1)) {
          const progress = await asked.hget(active.replace(/active$/, id), 'progress');
          if (progress?.includes(first.name)) return true;
        }
        return false;
      });
    await vi.waitFor(async () => expect(await isBegun()).toBe(true), { timeout: 60_000, interval: 20 });
    first.kill();
    await redis.kill();
    await redis.start();
    const others = await Promise.all([worker(redis), worker(redis)]);
    const expected = await regress({ scenarios, player: pool, retries: 0 });
    const report = await reporting;
    expect(others.map(({ hasEnded }) => hasEnded())).toEqual([false, false]);
    expect(timeless(report)).toEqual(timeless(expected));
    expect(report.totals.passed).toBeGreaterThan(0);
    expect(report.totals.failed).toBeGreaterThan(0);
    expect(report.totals.error).toBe(0);
    const names = others.map(({ name }) => name);
    expect(attemptsOf(report).map(({ times }) => names.includes(times.worker ?? ''))).not.toContain(false);
    expect(said.join('\n')).toContain('Redis is back');
  });

  it('gives a worker of another version nothing, and says its name', { timeout: 60_000 }, async () => {
    const redis = await server();
    const theirs: WorkerEvent[] = [];
    const { name } = test.later(
      await openWorker({
        ...{ address: redis.address, seats: 1, kinds: { [REGRESS]: regressKind } },
        program: { ...builtProgram, version: '0.0.9', hash: '0123456789abcdef' },
        onEvent: (event) => theirs.push(event),
      }),
      (each) => each.finish(),
    );
    const said: string[] = [];
    const queued = await player(redis, { onSay: (line) => said.push(line) });
    expect(said[0]).toMatch(/^no worker of this version .*the jobs wait for one/);
    expect(said[0]).toContain(`${name} is of another version and gets none of these jobs: 0.0.9`);

    const one = scenario(`{ name: one, about: One., seconds: 1, rig: {${RIG.trim().replaceAll('\n', ',')} } }`);
    const reporting = regress({ scenarios: [one], player: queued });
    const ours = await worker(redis);
    expect((await reporting).totals).toMatchObject({ passed: 1, error: 0 });
    expect(ours.events.map(({ type }) => type)).toEqual(['ready', 'done']);
    expect(theirs.map(({ type }) => type)).toEqual(['ready']);
  });

  it('sends files that paths lead to, and brings back the run folder of what failed', { timeout: 60_000 }, async () => {
    const redis = await server();
    const random = createRandom(3).stream('channels');
    const channels = Array.from({ length: 20 }, () =>
      salehValenzuela({
        ...{ users: 2, paths: 3, random },
        geometry: { kind: 'ula', elements: 8, spacingWavelengths: 0.5 },
        scale: 'unit-element',
      }),
    );
    writeChannelFile(join(test.folder, 'recorded.npy'), channels);
    const one = scenario(
      `{ name: recorded, about: Recorded., seconds: 1, channels: { file: ../recorded.npy }, expect: [{ check: sum-rate, atLeast: 1000 }], rig: {${RIG.trim().replaceAll('\n', ',')} } }`,
    );
    const job = { scenario: one, one: one.cases[0], seed: 1, runFolder: join(test.folder, 'x') };
    const travelled = unpackJob(JSON.parse(JSON.stringify(packJob(job).job)) as Record<string, unknown>, '/there');
    expect(travelled.scenario.text.channels?.file).toMatch(/^outside\/[0-9a-f]{12}\/recorded\.npy$/);
    expect(travelled.scenario.folder).toBe('/there/scenario');

    await worker(redis);
    const [there, here] = [join(test.folder, 'there'), join(test.folder, 'here')];
    const report = await regress({ scenarios: [one], player: await player(redis, { keep: true }), retries: 0, keep: there });
    const expected = await regress({ scenarios: [one], player: pool, retries: 0, keep: here });
    expect(report.totals).toEqual(expected.totals);
    expect(report.totals.failed).toBe(1);
    const [[attempt], [same]] = [attemptsOf(report), attemptsOf(expected)];
    expect(attempt.digest).toBe(same.digest);
    expect(attempt.runFolder).toBe(same.runFolder?.replace(here, there));
    expect(readdirSync(attempt.runFolder ?? '').sort()).toEqual(readdirSync(same.runFolder ?? '').sort());
  });

  it('takes back what waits when it is ended, and leaves nothing in Redis that stays', async () => {
    const redis = await server();
    const stop = new AbortController();
    const queued = await player(redis, { signal: stop.signal });
    const one = scenario(`{ name: one, about: One., seconds: 1, seeds: 3, rig: {${RIG.trim().replaceAll('\n', ',')} } }`);
    const reporting = regress({ scenarios: [one], player: queued, signal: stop.signal });
    const waiting = `${PREFIX}:${queueName(builtProgram)}:wait`;
    await vi.waitFor(async () => expect(await redis.ask((asked) => asked.llen(waiting))).toBe(1), { timeout: 5000 });
    stop.abort();
    expect((await reporting).totals).toMatchObject({ passed: 0, failed: 0, error: 0, skipped: 1 });
    expect(await redis.ask((asked) => asked.llen(waiting))).toBe(0);
    await queued.close();
    const stay = await redis.ask(async (asked) => {
      const keys = await asked.keys('*');
      const times = await Promise.all(keys.map((key) => asked.ttl(key)));
      return keys.filter((_, i) => times[i] < 0);
    });
    expect(stay).toEqual([]);
  });
});

it('says within seconds that there is no Redis, without the password', async () => {
  const refused = await openQueuePlayer({ address: 'redis://lab:secret@127.0.0.1:1', parallel: 1 }).catch(
    (error: unknown) => error,
  );
  expect(refused).toMatchObject({ code: 'queue', message: expect.stringContaining('redis://…@127.0.0.1:1: no Redis') as string });
  expect(JSON.stringify(refused)).not.toContain('secret');
});
