/** Does jobs in processes of their own, several at a time. One that takes longer than its limit is killed with all that it started. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { ofJobError } from './job-error.ts';
import type { Done } from './serve-jobs.ts';

export interface ProcessPool<Job, Answer> {
  /**
   * @throws {BeamrigError} what the job throws; 'stopped' where it was killed or never begun, 'internal' where its process ended by itself
   */
  work(job: Job, limit?: TimeLimit): Promise<Answer>;
  /** Kills what is being done. */
  close(): Promise<void>;
}

export interface TimeLimit {
  seconds: number;
  /** What can be done about a job that takes longer. */
  wayOut: string;
}

interface Seat {
  process: Working | undefined;
  busy: boolean;
}

/** A process, and how it ended once it has. */
interface Working {
  child: ChildProcess;
  ended: Promise<{ by: string }>;
}

/**
 * @param parallel how many at a time
 * @param from `import.meta.url` of the caller
 * @param name of the process's file beside it, without its ending: one that calls `serveJobs`
 */
export function openProcessPool<Job, Answer>(parallel: number, from: string, name: string): ProcessPool<Job, Answer> {
  const seats: Seat[] = Array.from({ length: parallel }, () => ({ process: undefined, busy: false }));
  const waiting: ((seat: Seat) => void)[] = [];
  const scratch = mkdtempSync(join(tmpdir(), 'beamrig-jobs-'));
  let closed = false;

  const take = (): Promise<Seat> => {
    const free = seats.find(({ busy }) => !busy);
    if (free === undefined) return new Promise((resolve) => waiting.push(resolve));
    free.busy = true;
    return Promise.resolve(free);
  };
  const giveBack = (seat: Seat): void => {
    const next = waiting.shift();
    if (next === undefined) seat.busy = false;
    else next(seat);
  };
  const killAll = (): void => {
    for (const { process: working } of seats) killWithItsOwn(working?.child);
  };
  // What they started may be a moment behind.
  const clear = (): void => rmSync(scratch, { recursive: true, force: true, maxRetries: 10 });
  const atExit = (): void => {
    killAll();
    clear();
  };
  process.once('exit', atExit);

  return {
    async work(job, limit) {
      const seat = await take();
      try {
        if (closed) throw new BeamrigError('stopped', 'it was ended before this was begun');
        seat.process ??= await startProcess(from, name, scratch);
        if (closed) killWithItsOwn(seat.process.child);
        return await worked<Job, Answer>(seat, job, limit);
      } finally {
        giveBack(seat);
      }
    },
    async close() {
      closed = true;
      killAll();
      process.removeListener('exit', atExit);
      await Promise.all(seats.map(async ({ process: working }) => working?.ended));
      clear();
    },
  };
}

/** A group of its own: firmware, emulators and brokers that it started end with it. */
function killWithItsOwn(child: ChildProcess | undefined): void {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

const START_MS = 60_000;

async function startProcess(from: string, name: string, scratch: string): Promise<Working> {
  const fromSource = from.endsWith('.ts');
  const file = fileURLToPath(new URL(`./${name}.${fromSource ? 'ts' : 'js'}`, from));
  const child = fork(file, [], {
    execArgv: fromSource ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href] : [],
    serialization: 'advanced',
    detached: true,
    // What it leaves behind when it is killed goes with the pool.
    env: { ...process.env, TMPDIR: scratch },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const ended = new Promise<{ by: string }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ by: code === null ? `by ${signal}` : `with code ${code}` }));
  });
  const said = await Promise.race([
    new Promise<unknown>((resolve) => child.once('message', resolve)),
    ended,
    new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), START_MS).unref()),
  ]);
  if (said === 'ready') return { child, ended };
  killWithItsOwn(child);
  throw new BeamrigError('internal', `the process that does jobs (${name}) does not start`);
}

async function worked<Job, Answer>(seat: Seat, job: Job, limit: TimeLimit | undefined): Promise<Answer> {
  const { child, ended } = seat.process as Working;
  let late: NodeJS.Timeout | undefined;
  let errors = '';
  const hear = (text: Buffer): void => void (errors = (errors + text.toString('utf8')).slice(-4000));
  child.stderr?.on('data', hear);
  let answered: ((done: Done<Answer>) => void) | undefined;
  try {
    const outcome = await Promise.race([
      new Promise<Done<Answer>>((resolve) => {
        answered = resolve;
        child.once('message', resolve);
        child.send(job as object);
      }),
      ended,
      ...(limit === undefined
        ? []
        : [new Promise<'late'>((resolve) => (late = setTimeout(() => resolve('late'), limit.seconds * 1000)))]),
    ]);
    if (outcome !== 'late') {
      if ('answer' in outcome) return outcome.answer;
      if ('error' in outcome) throw ofJobError(outcome.error);
    }
    seat.process = undefined;
    killWithItsOwn(child);
    if (outcome === 'late') {
      throw new BeamrigError('stopped', `it did not come to an end within ${limit?.seconds} s and was killed`, {
        ...(limit === undefined ? {} : { wayOut: limit.wayOut }),
      });
    }
    throw new BeamrigError('internal', `the process that did it ended (${outcome.by}): ${errors.trim().slice(-1000)}`);
  } finally {
    clearTimeout(late);
    child.stderr?.off('data', hear);
    if (answered !== undefined) child.off('message', answered);
  }
}
