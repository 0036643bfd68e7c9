/**
 * Takes jobs of this program's queue and plays them in processes that can be killed, a few at a time. A job whose worker is lost is played by
 * another: locks are renewed while a worker lives, and looked at by all others.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Worker, type Job as QueuedJob } from 'bullmq';
import type { Redis } from 'ioredis';
import { failedAttempt } from '../job.ts';
import { openJobPool, type JobPlayer } from '../job-pool.ts';
import type { Attempt } from '../results.ts';
import { MOST_LOST, type Answer } from './answer.ts';
import { fetchFiles, readFolderFor, sendFiles } from './files.ts';
import { programIdentity, type Program } from './program-identity.ts';
import { BEAT_MS, connectRedis, keepQueue, nowAndThen, PREFIX, queueName, runKey, THERE_MS } from './redis.ts';
import { textOfWords, travellingSchema, unpackJob, type Travelling } from './travelling-job.ts';
import { sayGone, sayThere } from './who-is-there.ts';

export interface WorkerOptions {
  /** redis://… */
  address: string;
  /** How many jobs at a time. */
  seats: number;
  /** Ends by itself after so long without a job. */
  untilIdleS?: number;
  /** Where run folders stay that were to be kept and are too large to be sent. */
  keptFolder?: string;
  onEvent?: (event: WorkerEvent) => void;
  program?: Program;
}

export type WorkerEvent =
  | { type: 'ready'; name: string; seats: number; program: Program }
  | { type: 'played'; scenario: string; case: string; seed: number; verdict: Attempt['verdict'] | 'stopped'; seconds: number }
  | { type: 'redis'; isLost: boolean }
  /** Redis is there, and does not do what it is asked. */
  | { type: 'trouble'; why: string };

export interface JobWorker {
  readonly name: string;
  /** Takes nothing new; resolves once what it has is finished. */
  finish(): Promise<void>;
  /** Ends what it plays at once: others play it again. */
  abandon(): void;
  /** Resolves once it has ended, by `finish` or for want of jobs. */
  readonly ended: Promise<void>;
}

/** A dead worker's job is with another within the sum of both. Renewed at half. */
const LOCK_MS = 10_000;
const LOOK_MS = 5_000;
/** What a run folder may hold to be sent back. */
const MOST_KEPT_BYTES = 32 * 2 ** 20;
const KEEP_QUEUE_MS = 3600_000;

interface Playing {
  run: string;
  pool: JobPlayer;
  isStopped: boolean;
  /** Since when its submitter was not heard of. */
  unheardMs: number | undefined;
}

/** @throws {BeamrigError} 'queue' within seconds where there is no Redis */
export async function openWorker(options: WorkerOptions): Promise<JobWorker> {
  const { seats, onEvent = () => undefined, program = programIdentity() } = options;
  const name = `${hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-')}-${process.pid}-${randomBytes(2).toString('hex')}`;
  const keptFolder = options.keptFolder ?? join(tmpdir(), 'beamrig-kept');
  let hasFinished = false;
  const redis = await connectRedis(options.address, (isLost) => {
    if (!hasFinished) onEvent({ type: 'redis', isLost });
  });
  const scratch = mkdtempSync(join(tmpdir(), 'beamrig-worker-'));
  const free: JobPlayer[] = [];
  const playing = new Set<Playing>();
  let lastBusyMs = performance.now();
  // Every pool listens for the end of this process.
  process.setMaxListeners(Math.max(process.getMaxListeners(), seats + 20));

  const play = async (queued: QueuedJob): Promise<Answer> => {
    const began = performance.now();
    const read = travellingSchema.safeParse(queued.data);
    if (!read.success) return { attempt: { ...failedAttempt(read.error), times: { seconds: 0, worker: name } } };
    const travelling = read.data;
    const { scenario, one, seed } = travelling.job as { scenario: { text: { name: string } }; one: { id: string }; seed: number };
    const folder = mkdtempSync(join(scratch, 'job-'));
    const mine: Playing = { run: travelling.run, pool: free.pop() ?? openJobPool(1), isStopped: false, unheardMs: undefined };
    playing.add(mine);
    try {
      await queued.updateProgress({ worker: name });
      const answer = (await isWanted(redis, mine.run)) ? await played(travelling, folder, mine) : ({ stopped: true } as const);
      const verdict = 'attempt' in answer ? answer.attempt.verdict : 'stopped';
      const seconds = (performance.now() - began) / 1000;
      onEvent({ type: 'played', scenario: scenario.text.name, case: one.id, seed, verdict, seconds });
      return answer;
    } finally {
      playing.delete(mine);
      if (!mine.isStopped) free.push(mine.pool);
      lastBusyMs = performance.now();
      rmSync(folder, { recursive: true, force: true });
    }
  };

  const played = async (travelling: Travelling, folder: string, mine: Playing): Promise<Answer> => {
    const began = performance.now();
    try {
      await fetchFiles(redis, travelling.files, folder);
      const job = unpackJob(travelling, folder);
      mkdirSync(job.runFolder, { recursive: true });
      const { runFolder, words, ...attempt } = await mine.pool.play(job);
      if (mine.isStopped) return { stopped: true };
      attempt.times.worker = name;
      const isBad = attempt.verdict === 'failed' || attempt.verdict === 'error';
      const more = words === undefined ? {} : { words: words.map(textOfWords) };
      if (!travelling.keep || !isBad) return { attempt, ...more };
      return {
        attempt: { ...attempt, ...(runFolder === undefined ? {} : { runFolder: relative(job.runFolder, runFolder) }) },
        ...(await kept(job.runFolder)),
        ...more,
      };
    } catch (error) {
      return { attempt: { ...failedAttempt(error), times: { seconds: (performance.now() - began) / 1000, worker: name } } };
    }
  };

  const kept = async (runFolder: string): Promise<{ kept: Awaited<ReturnType<typeof sendFiles>> } | { liesAt: string }> => {
    try {
      return { kept: await sendFiles(redis, readFolderFor(runFolder, '.', { bytes: MOST_KEPT_BYTES, of: MOST_KEPT_BYTES })) };
    } catch {
      mkdirSync(keptFolder, { recursive: true });
      const place = mkdtempSync(join(keptFolder, 'run-'));
      cpSync(runFolder, place, { recursive: true });
      return { liesAt: `${name}:${place}` };
    }
  };

  const worker = new Worker(queueName(program), play, {
    ...{ connection: redis, prefix: PREFIX, concurrency: seats },
    ...{ lockDuration: LOCK_MS, stalledInterval: LOOK_MS, maxStalledCount: MOST_LOST },
    runRetryDelay: 1000,
  });
  // A job that somebody else has finished meanwhile, and a connection that is away: both are told elsewhere.
  worker.on('error', () => undefined);

  const stop = (one: Playing): void => {
    one.isStopped = true;
    void one.pool.close();
  };
  const beat = async (): Promise<void> => {
    if (redis.status !== 'ready') return;
    await sayThere(redis, { name, program, seats });
    for (const one of playing) {
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
  const abandon = (): void => playing.forEach(stop);
  const finish = (): Promise<void> => (ending ??= end());
  const idle = setInterval(() => {
    if (options.untilIdleS === undefined || playing.size > 0) return;
    if (performance.now() - lastBusyMs > options.untilIdleS * 1000) void finish();
  }, 200);

  async function end(): Promise<void> {
    clearInterval(idle);
    await worker.close();
    for (const stopTurn of turns) stopTurn();
    if (redis.status === 'ready') await sayGone(redis, name).catch(() => undefined);
    hasFinished = true;
    redis.disconnect();
    for (const pool of free) await pool.close();
    if (existsSync(scratch)) rmSync(scratch, { recursive: true, force: true });
    hasEnded();
  }

  await worker.waitUntilReady();
  await beat();
  await keepQueue(redis, program);
  onEvent({ type: 'ready', name, seats, program });
  return { name, finish, abandon, ended };
}

/** Whether somebody still waits for it. Right after Redis was restarted, a submitter may not have said so yet. */
async function isWanted(redis: Redis, run: string): Promise<boolean> {
  for (let look = 0; look < 10; look++) {
    const state = await redis.get(runKey(run));
    if (state !== null) return state === 'on';
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return false;
}
