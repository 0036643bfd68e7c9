/** Plays jobs in processes of their own, several at a time. One that takes longer than its limit is killed with all that it started. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { failedAttempt, type Job, type Played } from './job.ts';

/** Who plays jobs: processes of this machine, or workers behind a queue. */
export interface JobPlayer {
  /** How many at a time are worth asking for. */
  readonly parallel: number;
  /** Never rejects: what goes wrong is an attempt, too. */
  play(job: Job): Promise<Played>;
  close(): Promise<void>;
}

interface Seat {
  process: Playing | undefined;
  busy: boolean;
}

/** A process, and how it ended once it has. */
interface Playing {
  child: ChildProcess;
  ended: Promise<readonly string[]>;
}

export function openJobPool(parallel: number): JobPlayer {
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
    for (const { process: playing } of seats) killWithItsOwn(playing?.child);
  };
  // What they started may be a moment behind.
  const clear = (): void => rmSync(scratch, { recursive: true, force: true, maxRetries: 10 });
  const atExit = (): void => {
    killAll();
    clear();
  };
  process.once('exit', atExit);

  return {
    parallel,
    async play(job) {
      const seat = await take();
      const began = performance.now();
      try {
        if (closed) throw new BeamrigError('stopped', 'the regression was ended before this was played');
        seat.process ??= await startProcess(scratch);
        if (closed) killWithItsOwn(seat.process.child);
        return await played(seat, job);
      } catch (error) {
        return { ...failedAttempt(error), times: { seconds: (performance.now() - began) / 1000 } };
      } finally {
        giveBack(seat);
      }
    },
    async close() {
      closed = true;
      killAll();
      process.removeListener('exit', atExit);
      await Promise.all(seats.map(async ({ process: playing }) => playing?.ended));
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

async function startProcess(scratch: string): Promise<Playing> {
  const fromSource = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(new URL(fromSource ? './job-process.ts' : './job-process.js', import.meta.url));
  const child = fork(file, [], {
    execArgv: fromSource ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href] : [],
    serialization: 'advanced',
    detached: true,
    // What it leaves behind when it is killed goes with the pool.
    env: { ...process.env, TMPDIR: scratch },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const ended = new Promise<readonly string[]>((resolve) => {
    child.once('exit', (code, signal) => resolve([code === null ? `by ${signal}` : `with code ${code}`]));
  });
  const [said] = await Promise.race([
    new Promise<unknown[]>((resolve) => child.once('message', (message) => resolve([message]))),
    ended,
    new Promise<undefined[]>((resolve) => setTimeout(() => resolve([undefined]), START_MS).unref()),
  ]);
  if (said === 'ready') return { child, ended };
  killWithItsOwn(child);
  throw new BeamrigError('internal', 'the process that plays scenarios does not start');
}

async function played(seat: Seat, job: Job): Promise<Played> {
  const { child, ended } = seat.process as Playing;
  const { limitS } = job.scenario.text;
  let late: NodeJS.Timeout | undefined;
  let errors = '';
  const hear = (text: Buffer): void => void (errors = (errors + text.toString('utf8')).slice(-4000));
  child.stderr?.on('data', hear);
  let answered: ((attempt: Played) => void) | undefined;
  try {
    const outcome = await Promise.race([
      new Promise<Played>((resolve) => {
        answered = resolve;
        child.once('message', resolve);
        child.send(job);
      }),
      ended,
      new Promise<'late'>((resolve) => (late = setTimeout(() => resolve('late'), limitS * 1000))),
    ]);
    if (outcome !== 'late' && 'verdict' in outcome) return outcome;
    seat.process = undefined;
    killWithItsOwn(child);
    if (outcome === 'late') {
      throw new BeamrigError('stopped', `it did not come to an end within ${limitS} s and was killed`, {
        wayOut: 'Raise limitS of the scenario if it may take longer; else find what hangs in its run folder.',
      });
    }
    throw new BeamrigError('internal', `the process that played it ended (${outcome.join(' ')}): ${errors.trim().slice(-1000)}`);
  } finally {
    clearTimeout(late);
    child.stderr?.off('data', hear);
    if (answered !== undefined) child.off('message', answered);
  }
}
