/** Verdicts on seeds drawn at random, where the truth is known: how often is what is said false? */
import type { Random } from '../core/signal/random.ts';
import type { Check } from '../src/regression/check-schema.ts';
import { compareCase } from '../src/regression/verdicts/baseline.ts';
import type { CasePlan } from '../src/regression/verdicts/across.ts';
import { judgeCase } from '../src/regression/verdicts/case-verdict.ts';
import { seedsThatCount } from '../src/regression/verdicts/stopping.ts';
import { caseOf, checkOf, reportOf, seedsOf } from './seed-results.ts';

export const METHODS = ['mean', 'quantile', 'failure-rate', 'baseline'] as const;
export type Method = (typeof METHODS)[number];

export interface Trial {
  method: Method;
  seeds: number;
  stopEarly: boolean;
  /** How far the truth lies on the good side of the bound, in standard deviations of a seed: 0 is the bound itself, where a pass is false. */
  effect: number;
}

const CONFIDENCE = 0.95;
/** Values are normal with a deviation of 1. The bound is where 10 % of seeds fail, or that quantile, or the mean. */
const SHARE = 0.9;
const NORMAL_90 = 1.2815515655446004;
const MARGIN = 0.5;

const checkFor = (method: Method): Check => {
  const common = { check: 'sum-rate', name: 'rate' };
  switch (method) {
    case 'mean':
      return checkOf({ ...common, across: 'mean', atLeast: 0 });
    case 'quantile':
      return checkOf({ ...common, across: 'quantile', quantile: SHARE, atLeast: -NORMAL_90 });
    case 'failure-rate':
      return checkOf({ ...common, across: 'failure-rate', mostFailures: 1 - SHARE, atLeast: -NORMAL_90 });
    case 'baseline':
      // The mean check lets seeds end early by what is found, as those of a scenario would.
      return checkOf({ ...common, across: 'mean', atLeast: 0, margin: MARGIN });
  }
};

export interface Outcome {
  passed: boolean;
  /** It was said to be beyond the bound, and not merely not shown to be within. */
  shownToFail: boolean;
  seeds: number;
}

export function playTrial({ method, seeds, stopEarly, effect }: Trial, random: Random): Outcome {
  const check = checkFor(method);
  const plan: CasePlan = {
    checks: [check],
    seeds: Array.from({ length: seeds }, (_, i) => i),
    confidence: CONFIDENCE,
    stopEarly,
  };
  const values = plan.seeds.map(() => random.normal() + (method === 'baseline' ? 0 : effect));
  const results = seedsOf(check, values);
  const counted = seedsThatCount(plan, results).seeds;
  if (method !== 'baseline') {
    const found = judgeCase(plan, results).across[1];
    return { passed: found.verdict === 'passed', shownToFail: found.says.startsWith('shown to fail'), seeds: counted.length };
  }
  // Differences of pairs have a deviation of 1: what was there before is what is now, and the noise of a pair. Worse by the margin is the bound.
  const before = values.map((value) => value + random.normal() + MARGIN - effect);
  const baseline = reportOf([caseOf(seedsOf(check, before))], { cable: '' });
  const found = compareCase(baseline, caseOf(counted), plan, '').find(({ name }) => name === 'rate');
  if (found === undefined) throw new Error('nothing was compared');
  return { passed: found.verdict === 'passed', shownToFail: found.says.startsWith('worse:'), seeds: counted.length };
}
