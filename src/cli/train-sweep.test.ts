/** Sweeps that are ended in the middle, on this machine and behind a queue on a real Redis: what is done is not done again. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { forOneTest } from '../../test/for-one-test.ts';
import { builtProgram, startWorker, type StartedWorker } from '../../test/job-worker.ts';
import { hasPart } from '../../test/parts.ts';
import { RedisServer } from '../../test/redis-server.ts';
import { startCommand, type Started } from '../../test/started-command.ts';
import { PREFIX, queueName } from '../jobs/redis.ts';

const test = forOneTest('train-sweep');
const SMALL = ['--elements', '8', '--rf-chains', '2', '--users', '2', '--layers', '1', '--inner-steps', '1'];
const COURSE = ['--channels', '12', '--batch', '12', '--validation-channels', '2'];
const words = (epochs: string, ...more: string[]): string[] => [
  ...['train', 'unfolded-pga', ...SMALL, ...COURSE, '--sweep', `epochs=${epochs}`],
  ...['--output', test.folder, ...more],
];
const start = (epochs: string, ...more: string[]): Started => startCommand(test, words(epochs, ...more, '--json'));
const server = async (): Promise<RedisServer> => test.later(await RedisServer.start(), (each) => each.remove());
const worker = async (redis: RedisServer): Promise<StartedWorker> =>
  test.later(await startWorker(redis.address), (each) => each.kill());

interface Told {
  type: string;
  values?: { epochs: string };
  trainings?: { values: { epochs: string }; reached: number }[];
}
const told = (text: string): Told[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told);
const trained = (text: string): string[] =>
  told(text).flatMap(({ type, values }) => (type === 'trained' ? [values?.epochs ?? ''] : []));
const onRecord = (): Told => JSON.parse(readFileSync(join(test.folder, 'sweep.json'), 'utf8')) as Told;
const models = (): string[] =>
  readdirSync(test.folder)
    .filter((name) => name.endsWith('.onnx'))
    .sort();
const waitFor = (what: () => unknown): Promise<void> =>
  vi.waitFor(async () => void (await what()), { timeout: 60_000, interval: 20 });

/** Long enough to be met in the middle. */
const LONG = '2500';
/** No honest training reaches it: where it stands at the end, the training went on from the checkpoint. */
const MARKED = 999;

/** Of the trainings that were stopped. */
function markCheckpoints(): string[] {
  const paths = readdirSync(test.folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.checkpoint.json'))
    .map((name) => join(test.folder, name));
  for (const path of paths) {
    const checkpoint = JSON.parse(readFileSync(path, 'utf8')) as { best: { validationRate: number } };
    checkpoint.best.validationRate = MARKED;
    writeFileSync(path, JSON.stringify(checkpoint));
  }
  return paths.map((path) => basename(path)).sort();
}

it('stopped by Ctrl-C, a sweep goes on with the same command where each training was', { timeout: 120_000 }, async () => {
  const first = start(`2,${LONG}`, '--workers', '1');
  await waitFor(() => expect(trained(first.printed())).toEqual(['2']));
  first.interrupt();
  expect((await first.ended).code).toBe(1);
  expect(first.said()).toContain('Stopped. Go on with the same command.');
  expect(models()).toEqual(['unfolded-pga-epochs-2.onnx']);
  expect(markCheckpoints()).toEqual([`unfolded-pga-epochs-${LONG}.checkpoint.json`]);
  const again = start(`2,${LONG}`, '--workers', '1');
  const { code, stdout } = await again.ended;
  expect({ code, trained: trained(stdout), told: again.said() }).toEqual({ code: 0, trained: [LONG], told: '' });
  expect(onRecord().trainings?.map(({ reached }) => reached === MARKED)).toEqual([false, true]);
  expect(readdirSync(test.folder).sort()).toEqual(
    ['2', LONG]
      .flatMap((epochs) => ['json', 'onnx'].map((ending) => `unfolded-pga-epochs-${epochs}.${ending}`))
      .toSpliced(0, 0, 'sweep.json')
      .sort(),
  );
});

describe.skipIf(!hasPart('redis-server'))('behind a queue [needs redis-server]', () => {
  it(
    'a sweep survives its submitter and its worker, takes a checkpoint along, and does nothing twice',
    { timeout: 180_000 },
    async () => {
      const redis = await server();
      const first = await worker(redis);
      const active = `${PREFIX}:${queueName(builtProgram)}:active`;
      const isInTheMiddle = async (): Promise<void> => {
        const jobs = await redis.ask((asked) => asked.lrange(active, 0, -1));
        expect(jobs).toEqual([expect.stringContaining(`epochs-${LONG}`)]);
      };
      const outcomes = ({ events }: StartedWorker): string[] =>
        events.flatMap((event) => (event.type === 'done' ? [event.outcome] : []));
      const submitted = start(`2,3,${LONG}`, '--queue', redis.address);
      await waitFor(() => expect(trained(submitted.printed())).toEqual(['2', '3']));
      await waitFor(isInTheMiddle);
      submitted.interrupt();
      expect((await submitted.ended).code).toBe(1);
      expect(submitted.said()).toContain('Stopped. Go on with the same command.');
      expect(models()).toEqual(['unfolded-pga-epochs-2.onnx', 'unfolded-pga-epochs-3.onnx']);
      await waitFor(() => expect(outcomes(first)).toEqual(['done', 'done', 'stopped']));

      // Here, and stopped again: now there is a checkpoint.
      const here = start(`2,3,${LONG}`);
      await waitFor(() => expect(readdirSync(test.folder)).toContain('unfinished'));
      here.interrupt();
      expect((await here.ended).code).toBe(1);
      expect(markCheckpoints()).toEqual([`unfolded-pga-epochs-${LONG}.checkpoint.json`]);

      const again = start(`2,3,${LONG}`, '--queue', redis.address);
      await waitFor(isInTheMiddle);
      first.kill();
      const second = await worker(redis);
      const { code, stdout } = await again.ended;
      expect({ code, trained: trained(stdout) }).toEqual({ code: 0, trained: [LONG] });
      expect(outcomes(second)).toEqual(['done']);
      expect(onRecord().trainings?.map(({ values, reached }) => [values.epochs, reached === MARKED])).toEqual([
        ['2', false],
        ['3', false],
        [LONG, true],
      ]);
      expect(readdirSync(test.folder)).toHaveLength(7);
    },
  );
});
