/**
 * Has jobs done on other machines: each is put into a queue in Redis, and answered by whichever worker of this program takes it.
 *
 *   ask(job) ─► files by hash, job by id ─► [Redis] ─► worker ─► answer ─► [Redis] ─► ask resolves
 *
 * A job has one id however often it is sent or done, and its answer is taken once. Answers come as events; whatever of them was missed while
 * the connection was down is found by looking, and a job that Redis has lost is sent again.
 */
import { randomUUID } from 'node:crypto';
import { Queue, QueueEvents } from 'bullmq';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { fetchFiles, sendFiles, type HeldFile, type SentFile } from './files.ts';
import { ofJobError } from './job-error.ts';
import { programIdentity, type Program } from './program-identity.ts';
import { BEAT_MS, connectRedis, keepQueue, nowAndThen, PREFIX, queueName, runKey, THERE_MS } from './redis.ts';
import { MOST_LOST, returnedSchema, type Returned, type Travelling } from './travelling.ts';
import { workersText, workersThere } from './who-is-there.ts';

export interface SubmitterOptions {
  /** redis://… */
  address: string;
  /** Takes back what waits, and stops what is being done. */
  signal?: AbortSignal;
  /** Which workers there are, and when Redis is lost and back. */
  onSay?: (text: string) => void;
  program?: Program;
}

export interface Asked {
  /** By which workers know what to do with it. */
  kind: string;
  /** Of this submitter's jobs no other has it. */
  id: string;
  /** Plain data, for JSON. */
  job: unknown;
  /** For the folder that it is done in. */
  files: readonly HeldFile[];
}

export interface Submitter {
  /**
   * @returns the answer; undefined where the submitter was told to stop before there was one
   * @throws {BeamrigError} what a worker threw; 'internal' where workers were lost over it, 'queue' where it cannot be sent
   */
  ask(asked: Asked): Promise<{ answer: unknown } | undefined>;
  /** Files of an answer. @throws {BeamrigError} 'queue' */
  fetch(files: readonly SentFile[], folder: string): Promise<void>;
  close(): Promise<void>;
}

interface Sent {
  kind: string;
  data: Travelling;
  files: readonly HeldFile[];
  isAdded: boolean;
  /** Whether the last look did not find it. */
  isMissing: boolean;
  /** Who began it. */
  workers: string[];
  settle: (answer: Returned | { lost: true }) => void;
}

/** A worker that is told to stop answers within this, or is not waited for. */
const STOP_MS = 8_000;
/** Events are only of use to who listens; answers stand in the jobs. */
const MOST_EVENTS = 500;
const ANSWERS_STAY_S = 3600;

/** @throws {BeamrigError} 'queue' within seconds where there is no Redis */
export async function openSubmitter(options: SubmitterOptions): Promise<Submitter> {
  const { address, signal, onSay = () => undefined, program = programIdentity() } = options;
  let isClosed = false;
  const redis = await connectRedis(address, (isLost) => {
    if (isClosed) return;
    onSay(isLost ? 'Redis is lost; waiting for it' : 'Redis is back');
    if (!isLost) void look();
  });
  const listening = await connectRedis(address);
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
    const read = returnedSchema.safeParse(typeof value === 'string' ? jsonOf(value) : value);
    one.settle(
      read.success
        ? read.data
        : { error: { code: 'internal', message: `a worker's answer cannot be read: ${read.error.message}` } },
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
    await queue.add(one.kind, one.data, {
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
    const text = workersText(await workersThere(redis), program, address);
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
        // One that is being done stays until its worker answers.
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
    async ask({ kind, id: own, job, files }) {
      if (isClosed || signal?.aborted === true) return undefined;
      const id = `${run}.${own}`;
      const workers: string[] = [];
      const returned = await new Promise<Parameters<Sent['settle']>[0]>((settle, reject) => {
        const one: Sent = { kind, data: { run, job, files: [] }, files, isAdded: false, isMissing: false, workers, settle };
        sent.set(id, one);
        add(id, one).catch((error: unknown) => {
          sent.delete(id);
          reject(error instanceof Error ? error : new Error(String(error)));
        });
      });
      if ('stopped' in returned) return undefined;
      if ('lost' in returned) throw lostError(workers);
      if ('error' in returned) throw ofJobError(returned.error);
      return returned;
    },
    fetch: (files, folder) => fetchFiles(redis, files, folder),
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
}

/** Workers answer whatever comes of a job: one without an answer has lost them. */
const lostError = (workers: readonly string[]): BeamrigError =>
  new BeamrigError(
    'internal',
    `${MOST_LOST + 1} workers were lost one after the other while they did it (${[...new Set(workers)].join(', ')})`,
    { wayOut: 'Leave the queue out to see what it does to the machine.' },
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
