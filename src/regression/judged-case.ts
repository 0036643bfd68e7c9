/** From what came of its seeds to the result of a case. */
import type { CaseResult, Report, SeedResult } from './results.ts';
import type { Case, ReadScenario } from './scenario.ts';
import { timeOf } from './time-of.ts';
import type { CasePlan } from './verdicts/across.ts';
import { compareCase } from './verdicts/baseline.ts';
import { judgeCase } from './verdicts/case-verdict.ts';

/** What it is judged beside. */
export interface Beside {
  baseline?: Report | undefined;
  /** SHA-256 of the scenario's file. */
  sha256: string;
  /** Of attached hardware every case has a time of its own. */
  onHardware: boolean;
}

export const planOf = ({ text }: ReadScenario, seeds: readonly number[]): CasePlan => ({
  ...{ checks: text.expect, seeds, confidence: text.confidence, stopEarly: text.stopEarly },
});

export function judgedCase(scenario: ReadScenario, one: Case, plan: CasePlan, seeds: SeedResult[], beside: Beside): CaseResult {
  const { text, file } = scenario;
  const judged = judgeCase(plan, seeds);
  const result: CaseResult = {
    ...{ scenario: text.name, case: one.id, file, about: text.about, tags: text.tags },
    ...{ coordinates: one.coordinates, time: beside.onHardware ? 'real' : timeOf(scenario, one), confidence: text.confidence },
    ...{ ...judged, flaky: seeds.some(({ flaky }) => flaky), seeds, baseline: [] },
  };
  if (beside.baseline === undefined) return result;
  const baseline = compareCase(beside.baseline, result, plan, beside.sha256);
  const worse = baseline.find(({ verdict }) => verdict === 'failed');
  if (worse === undefined || result.verdict !== 'passed') return { ...result, baseline };
  return { ...result, baseline, verdict: 'failed', why: `${worse.name}: ${worse.says}` };
}
