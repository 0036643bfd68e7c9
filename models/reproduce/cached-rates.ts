/** Rates that were computed before are taken from the cache, and each job's are kept as soon as they are there. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { OnProgress } from '../engine/task-threads.ts';
import type { RateJob } from './methods.ts';
import type { ComputeRates } from './rates.ts';
import type { ResultCache, WhatDetermines } from './result-cache.ts';
import type { SizedModelFile } from './sized-models.ts';
import { checksumOfModules } from './source-checksum.ts';
import { unlessStopped } from './stoppable.ts';

export interface CachedRatesOptions {
  cache: ResultCache;
  /** Whose networks are among the methods: their files decide, too. */
  models: readonly SizedModelFile[];
  signal: AbortSignal;
  /** Of what the cache has not. */
  onProgress?: OnProgress | undefined;
  /** Told once a call, before anything is computed. */
  onFound?: ((found: number, jobs: number) => void) | undefined;
}

/** JSON has no NaN. */
const ratesSchema = z.array(
  z
    .number()
    .nullable()
    .transform((rate) => rate ?? NaN),
);

/** One job after the other. @throws {BeamrigError} 'stopped' where that is asked for, at most one job's work lost */
export function cachedRates(compute: ComputeRates, options: CachedRatesOptions): ComputeRates {
  const { cache, models, signal, onProgress, onFound } = options;
  const program = checksumOfModules('rates', 'rates-worker', 'runtime-rates');
  const checksums = new Map(models.map(({ id, path }) => [id, createHash('sha256').update(readFileSync(path)).digest('hex')]));
  const whatOf = ({ source, set }: RateJob, count: number): WhatDetermines => ({
    ...{ kind: 'rates', program, source, set, count },
    ...(source.kind === 'network' ? { model: checksums.get(source.id) } : {}),
  });
  return async (jobs, count) => {
    const found = jobs.map((job) => cache.find(whatOf(job, count), ratesSchema));
    const missing = found.filter((rates) => rates === undefined).length;
    onFound?.(jobs.length - missing, jobs.length);
    const total = missing * count;
    const all: number[][] = [];
    let done = 0;
    for (const [i, job] of jobs.entries()) {
      const tell = (now: number): void => onProgress?.(done + now, total);
      const rates = found[i] ?? (await unlessStopped(compute([job], count, tell), signal)).flat();
      if (found[i] === undefined) {
        done += count;
        cache.keep(whatOf(job, count), rates);
      }
      all.push(rates);
    }
    return all;
  };
}
