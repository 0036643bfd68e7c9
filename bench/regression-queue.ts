/**
 * What a queue costs a job: the same jobs, one after the other, by a process of this machine and by a worker behind a Redis on loopback.
 *
 *   npx tsx bench/regression-queue.ts [jobs, default 40]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJobPool, type JobPlayer } from '../src/regression/job-pool.ts';
import { openQueuePlayer } from '../src/regression/queue/queue-player.ts';
import { REGRESS, regressKind } from '../src/regression/queue/regress-kind.ts';
import { openWorker } from '../src/jobs/worker.ts';
import { parseScenario } from '../src/regression/scenario-file.ts';
import { RedisServer } from '../test/redis-server.ts';

const jobs = Number(process.argv[2] ?? 40);
const folder = mkdtempSync(join(tmpdir(), 'beamrig-queue-bench-'));
const text = `{ name: short, about: Short., seconds: 1, rig: { name: small, array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 3 }, users: { count: 2 }, beamformer: { model: aligned } } }`;
const file = join(folder, 'short.yaml');
writeFileSync(file, text);
const scenario = parseScenario(text, file);
const redis = await RedisServer.start();
const worker = await openWorker({ address: redis.address, seats: 1, kinds: { [REGRESS]: regressKind } });
const players = { process: openJobPool(1), queue: await openQueuePlayer({ address: redis.address, parallel: 1 }) };

/** Seconds that one job took, of each. */
async function secondsOf(player: JobPlayer, name: string): Promise<number> {
  const began = performance.now();
  const job = { scenario, one: scenario.cases[0], seed: 1, runFolder: mkdtempSync(join(folder, `${name}-`)) };
  const { verdict, error } = await player.play(job);
  if (verdict !== 'passed') throw new Error(`${name}: ${verdict} ${error?.message ?? ''}`);
  return (performance.now() - began) / 1000;
}

const seconds: Record<keyof typeof players, number[]> = { process: [], queue: [] };
for (let job = -1; job < jobs; job++) {
  for (const name of ['process', 'queue'] as const) {
    const took = await secondsOf(players[name], name);
    // The first starts the process.
    if (job >= 0) seconds[name].push(took);
  }
}
const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const [here, there] = [median(seconds.process), median(seconds.queue)];
console.log(
  `a job of 1 s of the rig, median of ${jobs}: in a process ${(here * 1e3).toFixed(1)} ms, through a queue ${(there * 1e3).toFixed(1)} ms: ${(there / here).toFixed(2)} times, ${((there - here) * 1e3).toFixed(1)} ms more`,
);
await players.queue.close();
await players.process.close();
await worker.finish();
await redis.remove();
rmSync(folder, { recursive: true, force: true });
