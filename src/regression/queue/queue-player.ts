/**
 * Plays jobs on other machines: each is put into a queue in Redis, and answered by whichever worker of this program takes it.
 *
 *   play(job) ─► files by hash, job by id ─► [Redis] ─► worker ─► answer ─► [Redis] ─► attempt
 *
 * A job has one id however often it is sent or played, and its attempt is taken once. Answers come as events; whatever of them was missed while
 * the connection was down is found by looking, and a job that Redis has lost is sent again.
 */
import { createHash, randomUUID } from 'node:crypto';
import { basename, join } from 'node:path';
import { Queue, QueueEvents } from 'bullmq';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { failedAttempt, type Job, type Played } from '../job.ts';
import type { JobPlayer } from '../job-pool.ts';
import type { Attempt } from '../results.ts';
import { answerSchema, MOST_LOST, type Answer } from './answer.ts';
import { fetchFiles, sendFiles, type HeldFile } from './files.ts';
import { programIdentity, type Program } from './program-identity.ts';
import { BEAT_MS, connectRedis, keepQueue, nowAndThen, PREFIX, queueName, runKey, THERE_MS } from './redis.ts';
import { packJob, wordsOfText, type Travelling } from './travelling-job.ts';
import { workersText, workersThere } from './who-is-there.ts';

export interface QueuePlayerOptions {
  /** redis://… */
  address: string;
  /** How many jobs wait or are played at a time, of this submitter. */
  parallel: number;
  /** Whether run folders of what failed are wanted back. */
  keep?: boolean;
  /** Takes back what waits, and stops what is played. */
  signal?: AbortSignal;
  /** Which workers there are, and when Redis is lost and back. */
  onSay?: (text: string) => void;
  program?: Program;
}

interface Sent {
  job: Job;
  data: Travelling;
  files: HeldFile[];
  isAdded: boolean;
  /** Whether the last look did not find it. */
  isMissing: boolean;
  /** Who began it. */
  workers: string[];
  settle: (answer: Answer | { lost: true } | { failed: unknown }) => void;
}

const STOPPED: Pick<Attempt, 'verdict' | 'skipped' | 'checks' | 'digest' | 'facts'> = {
  ...{ verdict: 'skipped', skipped: 'the regression was ended before this was played' },
  ...{ checks: [], digest: null, facts: {} },
};
/** A worker that is told to stop answers within this, or is not waited for. */
const STOP_MS = 8_000;
/** Events are only of use to who listens; answers stand in the jobs. */
const MOST_EVENTS = 500;
const ANSWERS_STAY_S = 3600;

/** @throws {BeamrigError} 'queue' within seconds where there is no Redis */
export async function openQueuePlayer(options: QueuePlayerOptions): Promise<JobPlayer> {
  const { parallel, keep = false, signal, onSay = () => undefined, program = programIdentity() } = options;
  let isClosed = false;
  const redis = await connectRedis(options.address, (isLost) => {
    if (isClosed) return;
    onSay(isLost ? 'Redis is lost; waiting for it' : 'Redis is back');
    if (!isLost) void look();
  });
  const listening = await connectRedis(options.address);
  const run = randomUUID();
  const queue = new Queue(queueName(program), {
    ...{ connection: redis, prefix: PREFIX },
    streams: { events: { maxLen: MOST_EVENTS } },
  });
  const [seconds, micros] = await redis.time();
  const since = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000) - 1;
  const events = new QueueEvents(queueName(program), { connection: listening, prefix: PREFIX, lastEventId: `${since}-0` });
  // What is wrong with the connection is told by the connection.
  queue.on('error', () => undefined);
  events.on('error', () => undefined);
  const sent = new Map<string, Sent>();
  let saidOfWorkers = '';

  /** One that cannot be taken away now goes by itself, after an hour. */
  const forget = (id: string): void => void queue.remove(id).catch(() => undefined);
  const answered = (id: string, value: unknown): void => {
    const one = sent.get(id);
    if (one === undefined) return;
    sent.delete(id);
    const read = answerSchema.safeParse(typeof value === 'string' ? jsonOf(value) : value);
    one.settle(
      read.success
        ? read.data
        : { failed: new BeamrigError('internal', `a worker's answer cannot be read: ${read.error.message}`) },
    );
    forget(id);
  };
  const lost = (id: string): void => {
    const one = sent.get(id);
    if (one === undefined) return;
    sent.delete(id);
    one.settle({ lost: true });
    forget(id);
  };
  events.on('completed', ({ jobId, returnvalue }) => answered(jobId, returnvalue));
  events.on('failed', ({ jobId }) => lost(jobId));
  events.on('progress', ({ jobId, data }) => {
    const { worker } = data as { worker?: unknown };
    if (typeof worker === 'string') sent.get(jobId)?.workers.push(worker);
  });

  const add = async (id: string, one: Sent): Promise<void> => {
    one.data.files = await sendFiles(redis, one.files);
    if (sent.get(id) !== one) return;
    await queue.add('play', one.data, {
      jobId: id,
      ...{ removeOnComplete: { age: ANSWERS_STAY_S, count: 10_000 }, removeOnFail: { age: ANSWERS_STAY_S, count: 10_000 } },
    });
    one.isAdded = true;
  };

  /** What events did not tell. */
  const look = async (): Promise<void> => {
    const ids = [...sent].flatMap(([id, { isAdded }]) => (isAdded ? [id] : []));
    if (ids.length === 0) return;
    const found = await Promise.all(
      ids.map((id) => redis.hmget(queue.toKey(id), 'timestamp', 'finishedOn', 'returnvalue', 'failedReason')),
    );
    for (const [i, [timestamp, finishedOn, value, reason]] of found.entries()) {
      const one = sent.get(ids[i]);
      if (one === undefined) continue;
      if (finishedOn !== null) {
        if (reason !== null) lost(ids[i]);
        else answered(ids[i], value);
      } else if (timestamp === null && one.isMissing) {
        one.isMissing = false;
        await add(ids[i], one);
      } else one.isMissing = timestamp === null;
    }
  };
  const sayWorkers = async (): Promise<void> => {
    const text = workersText(await workersThere(redis), program);
    if (text !== saidOfWorkers) onSay(text);
    saidOfWorkers = text;
  };
  const beat = async (): Promise<void> => {
    if (redis.status !== 'ready') return;
    await redis.set(runKey(run), signal?.aborted === true ? 'stopped' : 'on', 'PX', THERE_MS);
    await look();
    await sayWorkers();
  };
  const tell = (why: string): void => onSay(`Redis does not do what it is asked: ${why}`);
  const turns = [
    nowAndThen(BEAT_MS, redis, beat, tell),
    nowAndThen(ANSWERS_STAY_S * 1000, redis, () => keepQueue(redis, program), tell),
  ];

  const stopAll = async (): Promise<void> => {
    const late = setTimeout(() => {
      for (const one of sent.values()) one.settle({ stopped: true });
      sent.clear();
    }, STOP_MS);
    late.unref();
    await redis.set(runKey(run), 'stopped', 'PX', THERE_MS);
    await Promise.all(
      [...sent].map(async ([id, one]) => {
        // One that is being played stays until its worker answers.
        if ((await queue.remove(id)) !== 1 || sent.get(id) !== one) return;
        sent.delete(id);
        one.settle({ stopped: true });
      }),
    );
  };
  // Where it cannot be said, workers stop by themselves once they do not hear of this submitter.
  const onAbort = (): void => void stopAll().catch((error: unknown) => tell(String(error)));
  signal?.addEventListener('abort', onAbort);
  await beat();

  return {
    parallel,
    async play(job) {
      const began = performance.now();
      const times = (): Attempt['times'] => ({ seconds: (performance.now() - began) / 1000 });
      if (isClosed || signal?.aborted === true) return { ...STOPPED, times: times() };
      try {
        const { files, job: plain } = packJob(job);
        const id = `${run}.${idOf(job)}`;
        const workers: string[] = [];
        const answer = await new Promise<Parameters<Sent['settle']>[0]>((settle, reject) => {
          const data: Travelling = { run, keep, job: plain, files: [] };
          const one: Sent = { job, data, files, isAdded: false, isMissing: false, workers, settle };
          sent.set(id, one);
          add(id, one).catch((error: unknown) => {
            sent.delete(id);
            reject(error instanceof Error ? error : new Error(String(error)));
          });
        });
        if ('failed' in answer) throw answer.failed;
        if ('lost' in answer) throw lostError(workers);
        if ('stopped' in answer) return { ...STOPPED, times: times() };
        return await broughtBack(answer, job);
      } catch (error) {
        return { ...failedAttempt(error), times: times() };
      }
    },
    async close() {
      isClosed = true;
      for (const end of turns) end();
      signal?.removeEventListener('abort', onAbort);
      const tidy = async (): Promise<void> => {
        if (sent.size > 0) await stopAll();
        else await redis.del(runKey(run));
        await keepQueue(redis, program);
      };
      // Without Redis there is nothing to tidy: it forgets by itself.
      if (redis.status === 'ready') await within(3000, tidy());
      await within(3000, Promise.all([events.close(), queue.close()]));
      for (const each of [redis, listening]) each.disconnect();
    },
  };

  async function broughtBack(answer: Exclude<Answer, { stopped: true }>, job: Job): Promise<Played> {
    const { attempt, words, kept, liesAt } = answer;
    if (kept !== undefined) await fetchFiles(redis, kept, job.runFolder);
    const { runFolder, ...rest } = attempt;
    const place = liesAt ?? (runFolder === undefined ? undefined : join(job.runFolder, runFolder));
    return {
      ...rest,
      ...(place === undefined ? {} : { runFolder: place }),
      ...(words === undefined ? {} : { words: words.map(wordsOfText) }),
    };
  }
}

/** Of a case, a seed and an attempt, within a run: the folder that they are played in is named by them. */
const idOf = ({ scenario, one, seed, runFolder }: Job): string =>
  createHash('sha256')
    .update(JSON.stringify([scenario.text.name, one.id, seed, basename(runFolder)]))
    .digest('hex')
    .slice(0, 24);

/** Workers answer whatever comes of a job: one without an answer has lost them. */
const lostError = (workers: readonly string[]): BeamrigError =>
  new BeamrigError(
    'internal',
    `${MOST_LOST + 1} workers were lost one after the other while they played it (${[...new Set(workers)].join(', ')})`,
    { wayOut: 'Play it without --queue to see what it does to the machine.' },
  );

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whatever comes of it. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  await Promise.race([work.catch(() => undefined), new Promise((resolve) => (late = setTimeout(resolve, ms)))]);
  clearTimeout(late);
}
