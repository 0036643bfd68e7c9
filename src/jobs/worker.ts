/**
 * Takes jobs of this program's queue and does them in processes that can be killed, a few at a time. A job whose worker is lost is done by
 * another: locks are renewed while a worker lives, and looked at by all others.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Worker, type Job as QueuedJob } from 'bullmq';
import type { Redis } from 'ioredis';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { fetchFiles, sendFiles } from './files.ts';
import { toJobError } from './job-error.ts';
import type { JobDoer, JobKind } from './job-kind.ts';
import { programIdentity, type Program } from './program-identity.ts';
import { BEAT_MS, connectRedis, keepQueue, nowAndThen, PREFIX, queueName, runKey, THERE_MS } from './redis.ts';
import { MOST_LOST, travellingSchema, type Returned, type Travelling } from './travelling.ts';
import { sayGone, sayThere } from './who-is-there.ts';

export interface WorkerOptions {
  /** redis://… */
  address: string;
  /** By the name that their jobs have. */
  kinds: Readonly<Record<string, JobKind>>;
  /** How many jobs at a time. */
  seats: number;
  /** Ends by itself after so long without a job. */
  untilIdleS?: number;
  /** Another worker gets the job of one that was not heard of for so long, at the latest twice that; default 10. */
  lostAfterS?: number;
  /** Where run folders stay that were to be kept and are too large to be sent. */
  keptFolder?: string;
  onEvent?: (event: WorkerEvent) => void;
  program?: Program;
}

export type WorkerEvent =
  | { type: 'ready'; name: string; seats: number; program: Program }
  /** @property outcome 'done', the verdict of a scenario, 'error' or 'stopped' */
  | { type: 'done'; kind: string; job: string; outcome: string; seconds: number }
  | { type: 'redis'; isLost: boolean }
  /** Redis is there, and does not do what it is asked. */
  | { type: 'trouble'; why: string };

export interface JobWorker {
  readonly name: string;
  /** Takes nothing new; resolves once what it has is finished. */
  finish(): Promise<void>;
  /** Ends what it does at once: others do it again. */
  abandon(): void;
  /** Resolves once it has ended, by `finish` or for want of jobs. */
  readonly ended: Promise<void>;
}

const LOST_AFTER_S = 10;
const KEEP_QUEUE_MS = 3600_000;

interface Doing {
  run: string;
  kind: string;
  doer: JobDoer;
  isStopped: boolean;
  /** Since when its submitter was not heard of. */
  unheardMs: number | undefined;
}

/** @throws {BeamrigError} 'queue' within seconds where there is no Redis */
export async function openWorker(options: WorkerOptions): Promise<JobWorker> {
  const { kinds, seats, lostAfterS = LOST_AFTER_S, onEvent = () => undefined, program = programIdentity() } = options;
  const name = `${hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-')}-${process.pid}-${randomBytes(2).toString('hex')}`;
  let hasFinished = false;
  const redis = await connectRedis(options.address, (isLost) => {
    if (!hasFinished) onEvent({ type: 'redis', isLost });
  });
  const scratch = mkdtempSync(join(tmpdir(), 'beamrig-worker-'));
  const free: Pick<Doing, 'kind' | 'doer'>[] = [];
  const working = new Set<Doing>();
  let lastBusyMs = performance.now();
  // Every pool of processes listens for the end of this one.
  process.setMaxListeners(Math.max(process.getMaxListeners(), seats + 20));

  const doerOf = async (kind: string): Promise<JobDoer> => {
    const same = free.findIndex((each) => each.kind === kind);
    if (same >= 0) return free.splice(same, 1)[0].doer;
    // One process a seat: that of another kind makes room.
    await free.shift()?.doer.close();
    return kinds[kind].open();
  };

  const take = async (queued: QueuedJob): Promise<Returned> => {
    const began = performance.now();
    const kind = queued.name;
    const read = travellingSchema.safeParse(queued.data);
    if (!read.success) return { error: toJobError(read.error) };
    if (!Object.hasOwn(kinds, kind))
      return { error: toJobError(new BeamrigError('internal', `there are no jobs called '${kind}'`)) };
    const travelling = read.data;
    const mine: Doing = { run: travelling.run, kind, doer: await doerOf(kind), isStopped: false, unheardMs: undefined };
    working.add(mine);
    try {
      await queued.updateProgress({ worker: name });
      const { outcome, returned } = (await isWanted(redis, mine.run)) ? await done(travelling, mine) : STOPPED;
      const seconds = (performance.now() - began) / 1000;
      onEvent({ type: 'done', kind, job: kinds[kind].nameOf(travelling.job), outcome, seconds });
      return returned;
    } finally {
      working.delete(mine);
      if (!mine.isStopped) free.push(mine);
      lastBusyMs = performance.now();
    }
  };

  const done = async ({ job, files }: Travelling, mine: Doing): Promise<{ outcome: string; returned: Returned }> => {
    const folder = mkdtempSync(join(scratch, 'job-'));
    try {
      await fetchFiles(redis, files, folder);
      const { answer, outcome } = await mine.doer.work(job, {
        ...{ folder, worker: name, threads: Math.max(1, Math.floor(availableParallelism() / seats)) },
        keptFolder: options.keptFolder ?? join(tmpdir(), 'beamrig-kept'),
        send: (held) => sendFiles(redis, held),
      });
      return mine.isStopped ? STOPPED : { outcome, returned: { answer } };
    } catch (error) {
      return mine.isStopped ? STOPPED : { outcome: 'error', returned: { error: toJobError(error) } };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

  const worker = new Worker(queueName(program), take, {
    ...{ connection: redis, prefix: PREFIX, concurrency: seats },
    // Renewed at half.
    ...{ lockDuration: lostAfterS * 1000, stalledInterval: lostAfterS * 500, maxStalledCount: MOST_LOST },
    runRetryDelay: 1000,
  });
  // A job that somebody else has finished meanwhile, and a connection that is away: both are told elsewhere.
  worker.on('error', () => undefined);

  const stop = (one: Doing): void => {
    one.isStopped = true;
    void one.doer.close();
  };
  const beat = async (): Promise<void> => {
    if (redis.status !== 'ready') return;
    await sayThere(redis, { name, program, seats });
    for (const one of working) {
      const state = await redis.get(runKey(one.run));
      if (state === 'on') one.unheardMs = undefined;
      else one.unheardMs ??= performance.now();
      if (state === 'stopped' || (one.unheardMs !== undefined && performance.now() - one.unheardMs > THERE_MS)) stop(one);
    }
  };
  const tell = (why: string): void => onEvent({ type: 'trouble', why });
  const turns = [nowAndThen(BEAT_MS, redis, beat, tell), nowAndThen(KEEP_QUEUE_MS, redis, () => keepQueue(redis, program), tell)];
  let ending: Promise<void> | undefined;
  let hasEnded: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (hasEnded = resolve));
  const abandon = (): void => working.forEach(stop);
  const finish = (): Promise<void> => (ending ??= end());
  const idle = setInterval(() => {
    if (options.untilIdleS === undefined || working.size > 0) return;
    if (performance.now() - lastBusyMs > options.untilIdleS * 1000) void finish();
  }, 200);

  async function end(): Promise<void> {
    clearInterval(idle);
    await worker.close();
    for (const stopTurn of turns) stopTurn();
    if (redis.status === 'ready') await sayGone(redis, name).catch(() => undefined);
    hasFinished = true;
    redis.disconnect();
    for (const { doer } of free) await doer.close();
    if (existsSync(scratch)) rmSync(scratch, { recursive: true, force: true });
    hasEnded();
  }

  await worker.waitUntilReady();
  await beat();
  await keepQueue(redis, program);
  onEvent({ type: 'ready', name, seats, program });
  return { name, finish, abandon, ended };
}

const STOPPED = { outcome: 'stopped', returned: { stopped: true } } satisfies { outcome: string; returned: Returned };

/** Whether somebody still waits for it. Right after Redis was restarted, a submitter may not have said so yet. */
async function isWanted(redis: Redis, run: string): Promise<boolean> {
  for (let look = 0; look < 10; look++) {
    const state = await redis.get(runKey(run));
    if (state !== null) return state === 'on';
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return false;
}
