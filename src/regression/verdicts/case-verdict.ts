/** From the seeds of a case to its verdict. */
import type { AcrossResult, SeedResult, Verdict } from '../results.ts';
import { acrossSeeds, type CasePlan } from './across.ts';
import { seedsThatCount } from './stopping.ts';

export interface CaseVerdict {
  across: AcrossResult[];
  verdict: Verdict;
  why?: string;
}

/**
 * error where a seed did not come to an end, or the case was not played to where it is decided; otherwise failed where any check is. Checks that
 * could not be known here do not count, unless no seed could be played at all.
 * @param results in any order; those that came after it was decided do not count
 */
export function judgeCase(plan: CasePlan, results: readonly SeedResult[]): CaseVerdict {
  const { seeds } = seedsThatCount(plan, results);
  const across = acrossSeeds(plan, seeds);
  const broken = seeds.find(({ attempts }) => attempts[0].verdict === 'error');
  if (broken !== undefined) {
    const why = broken.attempts[0].error?.message ?? 'it did not come to an end';
    return { across, verdict: 'error', why: `seed ${broken.seed}: ${why}` };
  }
  if (seeds.length > 0 && seeds.every(({ attempts }) => attempts[0].verdict === 'skipped')) {
    const unknown = across.find(({ verdict }) => verdict === 'skipped') ?? across[0];
    return { across, verdict: 'skipped', why: seeds[0].attempts[0].skipped ?? unknown.says };
  }
  for (const verdict of ['failed', 'error'] as const) {
    const first = across.find((result) => result.verdict === verdict);
    if (first !== undefined) return { across, verdict, why: `${first.name}: ${first.says}` };
  }
  return { across, verdict: 'passed' };
}
