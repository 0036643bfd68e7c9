/**
 * The Redis that carries jobs: how it is reached, and what of ours lies in it. Nothing lies there for ever: every key has a time at which
 * Redis drops it, put off as long as somebody uses it.
 *
 *   beamrig:jobs-HASH:…   jobs of one program (BullMQ's keys)
 *   beamrig:run:ID        a submitter is there ('on'), or wants its jobs ended ('stopped')
 *   beamrig:workers, beamrig:worker:NAME   who does jobs
 *   beamrig:file:SHA-256  bytes that jobs and answers are made of
 */
import { Redis } from 'ioredis';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { masked, shownAddress } from '../../core/errors/masked.ts';
import type { Program } from './program-identity.ts';

export const PREFIX = 'beamrig';
export const queueName = ({ hash }: Program): string => `jobs-${hash}`;
export const runKey = (run: string): string => `${PREFIX}:run:${run}`;
export const WORKERS_KEY = `${PREFIX}:workers`;
export const workerKey = (name: string): string => `${PREFIX}:worker:${name}`;
export const fileKey = (sha256: string): string => `${PREFIX}:file:${sha256}`;

/** How long a submitter or a worker counts as there after it was last heard of. */
export const THERE_MS = 30_000;
export const BEAT_MS = 3_000;
const FILES_STAY_S = 24 * 3600;
const QUEUES_STAY_S = 7 * 24 * 3600;
const LONGEST_OWN_S = 3600;
export const filesStay = FILES_STAY_S;

const CONNECT_MS = 5_000;
const WAY_OUT =
  'Start redis-server there, or give the address of one as --queue redis://HOST:PORT; user and password stand before the host, with an @ after them.';

/**
 * @param lost called when the connection is lost, and when it is back
 * @throws {BeamrigError} 'queue' within seconds where it cannot be reached
 */
export async function connectRedis(address: string, lost: (isLost: boolean) => void = () => undefined): Promise<Redis> {
  checkAddress(address);
  let [wasThere, isLost] = [false, false];
  const redis = new Redis(address, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    maxRetriesPerRequest: null,
    // Not there at the start: an error. Gone later: it is waited for.
    retryStrategy: (times) => (wasThere ? Math.min(100 * times, 1000) : null),
  });
  let why: string | undefined;
  redis.on('error', (error: Error) => (why = reasonOf(error)));
  redis.on('close', () => {
    if (!wasThere || isLost) return;
    isLost = true;
    lost(true);
  });
  redis.on('ready', () => {
    if (!isLost) return;
    isLost = false;
    lost(false);
  });
  let late: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      redis.connect().then(() => redis.ping()),
      new Promise<never>((_, reject) => {
        late = setTimeout(() => reject(new Error(`it does not answer within ${CONNECT_MS / 1000} s`)), CONNECT_MS);
      }),
    ]);
    wasThere = true;
    return redis;
  } catch (error) {
    redis.disconnect();
    const text = why ?? reasonOf(error as Error);
    throw new BeamrigError('queue', `${shownAddress(address)}: no Redis to carry jobs: ${text}`, { wayOut: WAY_OUT });
  } finally {
    clearTimeout(late);
  }
}

function checkAddress(address: string): void {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && /^rediss?:$/.test(url.protocol) && url.hostname !== '' && /^\/?\d*$/.test(url.pathname)) return;
  throw new BeamrigError(
    'argument',
    `--queue ${shownAddress(address)}: not allowed; allowed: redis://HOST:PORT[/DB], or rediss:// for TLS`,
    {
      wayOut: 'Write --queue redis://127.0.0.1:6379, say.',
    },
  );
}

const reasonOf = (error: Error & { errors?: Error[] }): string =>
  masked(error.message || error.errors?.map(({ message }) => message).join('; ') || error.name);

/** Puts off the time at which Redis drops what BullMQ keeps for one program; locks and the like have short times of their own, by which it works. */
export async function keepQueue(redis: Redis, program: Program): Promise<void> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${PREFIX}:${queueName(program)}:*`, 'COUNT', 1000);
    cursor = next;
    await Promise.all(
      keys.map(async (key) => {
        const leftS = await redis.ttl(key);
        if (leftS === -1 || leftS > LONGEST_OWN_S) await redis.expire(key, QUEUES_STAY_S);
      }),
    );
  } while (cursor !== '0');
}

/**
 * Asks Redis for something again and again. What fails while the connection is away is told by the connection, and done with the next turn; all else is
 * told, once as long as it stays the same.
 * @returns ends it
 */
export function nowAndThen(everyMs: number, redis: Redis, work: () => Promise<void>, tell: (why: string) => void): () => void {
  let told = '';
  const timer = setInterval(() => {
    work().then(
      () => (told = ''),
      (error: unknown) => {
        const why = reasonOf(error as Error);
        if (redis.status === 'ready' && why !== told) tell(why);
        told = why;
      },
    );
  }, everyMs);
  return () => clearInterval(timer);
}
