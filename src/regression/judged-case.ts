/** From what came of its seeds to the verdict of a case. */
import type { CaseResult, SeedResult, Verdict } from './results.ts';
import type { Case, ReadScenario } from './scenario.ts';
import { timeOf } from './time-of.ts';

export function judgedCase(scenario: ReadScenario, one: Case, seeds: SeedResult[]): CaseResult {
  const { text, file } = scenario;
  const verdict = worst(seeds.map((each) => each.verdict));
  const bad = seeds.find((each) => each.verdict === verdict && verdict !== 'passed');
  const [attempt] = bad?.attempts ?? [];
  const check = attempt?.checks.find((each) => each.verdict === verdict);
  const why = attempt?.error?.message ?? attempt?.skipped ?? (check && `${check.name}: ${check.says}`);
  return {
    ...{ scenario: text.name, case: one.id, file, about: text.about, tags: text.tags },
    coordinates: one.coordinates,
    ...{ time: timeOf(scenario, one), confidence: text.confidence, verdict },
    ...{ flaky: seeds.some(({ flaky }) => flaky), seeds, across: [], baseline: [] },
    ...(why === undefined ? {} : { why: bad === undefined || seeds.length === 1 ? why : `seed ${bad.seed}: ${why}` }),
  };
}

const ORDER: readonly Verdict[] = ['error', 'failed', 'skipped', 'passed'];
const worst = (verdicts: readonly Verdict[]): Verdict => ORDER.find((each) => verdicts.includes(each)) ?? 'skipped';
