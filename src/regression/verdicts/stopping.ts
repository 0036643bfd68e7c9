/**
 * Whether more seeds are worth playing. Without `stopEarly`, all that were planned are. With it, seeds end
 *
 *   at a look (looks.ts), once every check across seeds is decided, and those of `across: every` have passed so far;
 *   at once, when a check of `across: every` has failed: nothing that comes can make the case pass. Checks across seeds that are open then are
 *   told as not decided.
 *
 * A case with nothing across seeds but `every` is played to its end or to its first failure: what has to hold for every seed is only known of
 * those that were played.
 */
import type { SeedResult } from '../results.ts';
import { acrossSeeds, rulesOf, type CasePlan } from './across.ts';
import { looksOf } from './looks.ts';
import { inOrder, readingOf } from './readings.ts';

/** @param results of seeds that came to an end, in any order; those after a gap do not count yet */
export function decide(plan: CasePlan, results: readonly SeedResult[]): 'go on' | 'decided' {
  return seedsThatCount(plan, results).decided ? 'decided' : 'go on';
}

export interface Counted {
  /** In order. Where several are played at once, some may come to an end after it was decided: they do not count. */
  seeds: SeedResult[];
  decided: boolean;
}

/** The seeds that the verdict is made of: the same however many were played at once. */
export function seedsThatCount(plan: CasePlan, results: readonly SeedResult[]): Counted {
  const seeds = inOrder(plan.seeds, results);
  if (!plan.stopEarly) return { seeds, decided: seeds.length === plan.seeds.length };
  const looks = new Set(looksOf(plan.seeds.length, plan.confidence, true).map((look) => look.seeds));
  const each = rulesOf(plan.checks).filter(({ across }) => across === 'every');
  const others = plan.checks.length + 1 > each.length;
  for (let n = 1; n <= seeds.length; n++) {
    const sofar = seeds.slice(0, n);
    if (each.some(({ name }) => readingOf(name, seeds[n - 1]).verdict === 'failed')) return { seeds: sofar, decided: true };
    if (!others || !looks.has(n)) continue;
    if (acrossSeeds(plan, sofar).every(({ verdict }) => verdict !== 'error')) return { seeds: sofar, decided: true };
  }
  return { seeds, decided: seeds.length === plan.seeds.length };
}
