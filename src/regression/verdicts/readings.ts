/** What one check found, seed by seed, in the order that was planned. */
import type { CheckResult, SeedResult } from '../results.ts';

export interface Reading {
  seed: number;
  /** skipped: it could not be played, or not be known, for this seed. */
  verdict: 'passed' | 'failed' | 'skipped';
  value: number | null;
  says: string;
  result?: CheckResult;
}

/**
 * Of a seed that was played again, the first attempt counts: to take the better of two would be to choose.
 * A seed that did not come to an end has failed every check.
 */
export function readingOf(name: string, { seed, attempts }: SeedResult): Reading {
  const [attempt] = attempts;
  const result = attempt.checks.find((check) => check.name === name);
  if (result !== undefined && result.verdict !== 'error') {
    const { verdict, value, says } = result;
    return { seed, verdict, value: value !== null && Number.isFinite(value) ? value : null, says, result };
  }
  if (attempt.verdict === 'skipped') return { seed, verdict: 'skipped', value: null, says: attempt.skipped ?? 'not played' };
  const why = attempt.error?.message ?? result?.says ?? 'it did not come as far as this check';
  return { seed, verdict: 'failed', value: null, says: why };
}

/** The seeds that are there without a gap from the first on: those that merely came to an end sooner would be a choice. */
export function inOrder(planned: readonly number[], results: readonly SeedResult[]): SeedResult[] {
  const bySeed = new Map(results.map((result) => [result.seed, result]));
  const found: SeedResult[] = [];
  for (const seed of planned) {
    const result = bySeed.get(seed);
    if (result === undefined) break;
    found.push(result);
  }
  return found;
}
