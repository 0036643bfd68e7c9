/** Workers say that they are there; submitters see how many are of their program, and which are of another. */
import type { Redis } from 'ioredis';
import * as z from 'zod';
import { counted } from '../../core/errors/counted.ts';
import { shownAddress } from '../../core/errors/masked.ts';
import { programName, programSchema, type Program } from './program-identity.ts';
import { THERE_MS, WORKERS_KEY, workerKey } from './redis.ts';

const workerSchema = z.object({ name: z.string(), program: programSchema, seats: z.int() });
export type WorkerThere = z.output<typeof workerSchema>;

export async function sayThere(redis: Redis, worker: WorkerThere): Promise<void> {
  await redis
    .multi()
    .set(workerKey(worker.name), JSON.stringify(worker), 'PX', THERE_MS)
    .sadd(WORKERS_KEY, worker.name)
    .pexpire(WORKERS_KEY, 10 * THERE_MS)
    .exec();
}

export async function sayGone(redis: Redis, name: string): Promise<void> {
  await redis.multi().del(workerKey(name)).srem(WORKERS_KEY, name).exec();
}

export async function workersThere(redis: Redis): Promise<WorkerThere[]> {
  const names = (await redis.smembers(WORKERS_KEY)).sort();
  if (names.length === 0) return [];
  const found = await redis.mget(names.map(workerKey));
  const gone = names.filter((_, i) => found[i] === null);
  if (gone.length > 0) await redis.srem(WORKERS_KEY, ...gone);
  return found.flatMap((text) => {
    const parsed = workerSchema.safeParse(text === null ? undefined : readJson(text));
    return parsed.success ? [parsed.data] : [];
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * What a submitter says of them.
 * @param address of the Redis
 */
export function workersText(workers: readonly WorkerThere[], program: Program, address: string): string {
  const ours = workers.filter((worker) => worker.program.hash === program.hash);
  const others = workers.filter((worker) => worker.program.hash !== program.hash);
  const seats = ours.reduce((sum, worker) => sum + worker.seats, 0);
  const first =
    ours.length === 0
      ? `no worker of this version (${programName(program)}): the jobs wait for one; start \`beamrig worker --queue ${shownAddress(address)}\` with it`
      : `${counted(ours.length, 'worker')} of this version, ${counted(seats, 'job')} at a time`;
  return [
    first,
    ...others.map(
      ({ name, program: other }) => `${name} is of another version and gets none of these jobs: ${programName(other)}`,
    ),
  ].join('\n  ');
}
