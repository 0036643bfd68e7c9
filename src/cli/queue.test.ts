/** Evaluations and sweeps of trainings by workers, on a real Redis: to the last byte those of one machine, whatever is lost on the way. */
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { ComputeBeam } from '../../core/signal/beam-contract.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { runBaseline } from '../../models/baselines/baselines.ts';
import { evaluateBeamformer } from '../../models/evaluation/evaluate.ts';
import { drawChannelSet } from '../../models/training/channel-set.ts';
import { writeChannelFile } from '../../test/doubles/write-channel-file.ts';
import { forOneTest } from '../../test/for-one-test.ts';
import { builtProgram, startWorker, type StartedWorker } from '../../test/job-worker.ts';
import { hasPart } from '../../test/parts.ts';
import { RedisServer } from '../../test/redis-server.ts';
import { startCommand, type Started } from '../../test/started-command.ts';
import { evaluateByQueue } from '../jobs/evaluation/evaluation-job.ts';
import { PREFIX, queueName } from '../jobs/redis.ts';
import { openSubmitter } from '../jobs/submitter.ts';

const test = forOneTest('queue');

const beamrig = (...words: string[]): Started => startCommand(test, words);
const server = async (): Promise<RedisServer> => test.later(await RedisServer.start(), (each) => each.remove());
const worker = async (redis: RedisServer): Promise<StartedWorker> =>
  test.later(await startWorker(redis.address), (each) => each.kill());
const doneBy = ({ events }: StartedWorker): number => events.filter(({ type }) => type === 'done').length;

function channels(count: number): string {
  const file = join(test.folder, 'channels.npy');
  const drawn = drawChannelSet({ seed: 1, name: 'test', count, elements: 16, users: 2, paths: 4, scale: 'unit-element' });
  writeChannelFile(file, drawn.channels);
  return file;
}

/** All but how it was computed. */
function figuresIn(stdout: string): unknown {
  const { threads: _, channelsPerSecond: __, ...figures } = JSON.parse(stdout) as Record<string, unknown>;
  return figures;
}

describe.skipIf(!hasPart('redis-server'))('on a queue [needs redis-server]', () => {
  it(
    'an evaluation comes to the figures of one machine though a worker and Redis are killed in the middle',
    { timeout: 180_000 },
    async () => {
      const redis = await server();
      const words = [
        'evaluate',
        'long-run',
        '--channels',
        channels(45),
        '--snr',
        '0,10',
        '--bits',
        '2,inf',
        '--sensing=0,30',
        '--json',
      ];
      const here = beamrig(...words, '--workers', '2');
      const there = beamrig(...words, '--queue', redis.address, '--workers', '4');
      await vi.waitFor(() => expect(there.said()).toContain('no worker of this version'), { timeout: 60_000 });
      expect(there.said()).toContain(`start \`beamrig worker --queue ${redis.address}\` with it`);
      const first = await worker(redis);
      await vi.waitFor(() => expect(doneBy(first)).toBeGreaterThan(0), { timeout: 60_000, interval: 5 });
      first.kill();
      await redis.kill();
      await redis.start();
      const others = await Promise.all([worker(redis), worker(redis)]);
      const [expected, found] = await Promise.all([here.ended, there.ended]);
      expect({ expected: expected.code, found: found.code, said: there.said().includes('beamrig:') }).toEqual({
        expected: 0,
        found: 0,
        said: false,
      });
      expect(figuresIn(found.stdout)).toEqual(figuresIn(expected.stdout));
      expect(Math.max(...others.map(doneBy))).toBeGreaterThan(0);
      // Ten of 45 channels at a time, at each of two SNRs: what the first had done was not done again but for one that it held.
      expect(doneBy(first)).toBeLessThan(10);
    },
  );

  it(
    'says of the first channel that has no figure what one machine says, whichever worker comes to which one first',
    { timeout: 120_000 },
    async () => {
      const redis = await server();
      await Promise.all([worker(redis), worker(redis)]);
      const submitter = test.later(await openSubmitter({ address: redis.address, program: builtProgram }), (each) =>
        each.close(),
      );
      const array = { elements: 8, users: 2, rfChains: 2 };
      const drawn = drawChannelSet({ seed: 1, name: 'test', count: 45, ...array, paths: 4, scale: 'unit-element' });
      const spoilt = drawn.channels.map((channel, i) => (i === 12 || i === 31 ? zeros(2, 8) : channel));
      const request = { channels: spoilt, rfChains: 2, file: 'spoilt.npy', snrsDb: [0, 10], bits: [2] };
      const refusal = (error: unknown): unknown => {
        const { code, message, wayOut } = error as BeamrigError;
        return { code, message, wayOut };
      };
      const compute: ComputeBeam = (problem) => runBaseline('aligned', problem);
      const here: unknown = await evaluateBeamformer({
        ...request,
        model: 'aligned',
        compute,
        objective: OBJECTIVES['sum-rate'],
      }).catch(refusal);
      const there: unknown = await evaluateByQueue(submitter, 8, {
        ...{ ...request, model: 'aligned', name: 'aligned', needs: array, objective: 'sum-rate', deadlineMs: Infinity },
      }).catch(refusal);
      expect(there).toEqual(here);
      expect(here).toMatchObject({
        code: 'no-figure',
        message: expect.stringMatching(/^spoilt\.npy: \[12\] at 0 dB has no figure/) as string,
      });
    },
  );

  it('takes an evaluation back at Ctrl-C, and leaves workers free', { timeout: 120_000 }, async () => {
    const redis = await server();
    const words = ['evaluate', 'aligned', '--channels', channels(40), '--snr', '0,10'];
    const there = beamrig(...words, '--queue', redis.address);
    const waiting = `${PREFIX}:${queueName(builtProgram)}:wait`;
    await vi.waitFor(async () => expect(await redis.ask((asked) => asked.llen(waiting))).toBe(8), { timeout: 60_000 });
    there.interrupt();
    expect((await there.ended).code).toBe(1);
    expect(there.said()).toContain('the evaluation was ended before all channels had figures');
    expect(await redis.ask((asked) => asked.llen(waiting))).toBe(0);
    const free = await worker(redis);
    expect((await beamrig(...words, '--queue', redis.address, '--json').ended).code).toBe(0);
    expect(doneBy(free)).toBe(8);
  });

  it('a sweep of trainings writes the files of one machine, and of single trainings', { timeout: 240_000 }, async () => {
    const redis = await server();
    const small = ['--elements', '8', '--rf-chains', '2', '--users', '2', '--layers', '1', '--inner-steps', '1'];
    const course = ['--channels', '12', '--batch', '6', '--epochs', '2', '--validation-channels', '5'];
    const train = ['train', 'unfolded-pga', ...small, ...course];
    const lists = (seeds: string): string[] => ['--sweep', `seed=${seeds}`, '--sweep', 'learning-rate=0.01,0.003'];
    const folders = ['here', 'there', 'alone'].map((name) => join(test.folder, name));
    folders.forEach((folder) => mkdirSync(folder));
    const [here, there, alone] = folders;
    await worker(redis);
    const bySweep = await Promise.all([
      beamrig(...train, ...lists('1,2'), '--output', here, '--json').ended,
      beamrig(...train, ...lists('1,2'), '--output', there, '--queue', redis.address).ended,
    ]);
    expect(bySweep.map(({ code }) => code)).toEqual([0, 0]);
    const model = 'unfolded-pga-seed-2-learning-rate-0-003';
    expect(
      (await beamrig(...train, '--seed', '2', '--learning-rate', '0.003', '--output', join(alone, `${model}.onnx`)).ended).code,
    ).toBe(0);
    const filesIn = (folder: string): Map<string, Buffer> =>
      new Map(
        readdirSync(folder)
          .sort()
          .map((name) => [name, readFileSync(join(folder, name))]),
      );
    const [byOne, byMany, single] = folders.map(filesIn);
    expect([...byOne.keys()]).toHaveLength(9);
    expect(byMany).toEqual(byOne);
    expect([...single.keys()]).toEqual([`${model}.json`, `${model}.onnx`]);
    for (const [name, bytes] of single) expect(byOne.get(name)).toEqual(bytes);
    const { best, trainings } = JSON.parse(String(byOne.get('sweep.json'))) as {
      best: string[];
      trainings: { model: string; compared: number }[];
    };
    expect(best).toEqual([trainings.reduce((most, each) => (each.compared > most.compared ? each : most)).model]);
    expect(bySweep[1].stdout).toContain(`Best: ${there}/${best[0]}`);

    // The same command again trains nothing; a longer list trains what is new.
    const again = beamrig(...train, ...lists('1,2,3'), '--output', here, '--json');
    const told = (await again.ended).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; values?: { seed: string } });
    expect(told.map(({ type, values }) => values?.seed ?? type)).toEqual(['3', '3', 'sweep']);
    const refused = beamrig(...train, '--clip-norm', '0.5', ...lists('1'), '--output', here);
    expect((await refused.ended).code).toBe(2);
    expect(refused.said()).toMatch(
      /unfolded-pga-seed-1-learning-rate-0-01\.onnx exists already, and is not what .*sweep\.json says of this training/,
    );
  });
});
