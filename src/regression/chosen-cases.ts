/** Which cases of all scenarios are played. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Report } from './results.ts';
import type { Case, ReadScenario } from './scenario.ts';

export interface Choice {
  /** Parts of names of scenarios and cases: one of them has to be there. */
  filter?: readonly string[];
  /** One of these tags. */
  tags?: readonly string[];
  /** The i-th of n shares, from 1. */
  shard?: { index: number; of: number };
  /** Those of it that failed or broke. */
  failedIn?: Report;
}

export interface ChosenCase {
  scenario: ReadScenario;
  one: Case;
}

/** 'model-switched', 'model-switched quantiser=array' */
export const caseName = (scenario: string, id: string): string => (id === '' ? scenario : `${scenario} ${id}`);

export function chosenCases(scenarios: readonly ReadScenario[], choice: Choice): ChosenCase[] {
  const { filter = [], tags = [], shard, failedIn } = choice;
  const known = new Set(scenarios.flatMap(({ text }) => text.tags));
  const strange = tags.find((tag) => !known.has(tag));
  if (strange !== undefined) {
    throw new BeamrigError('argument', `--tag ${strange}: no scenario has it; tags are ${[...known].sort().join(', ')}`);
  }
  const failed =
    failedIn && new Set(failedIn.cases.flatMap((each) => (isBad(each.verdict) ? [caseName(each.scenario, each.case)] : [])));
  const all = scenarios.flatMap((scenario) => scenario.cases.map((one) => ({ scenario, one })));
  const wanted = all.filter(({ scenario, one }) => {
    const name = caseName(scenario.text.name, one.id);
    return (
      (filter.length === 0 || filter.some((part) => name.includes(part))) &&
      (tags.length === 0 || tags.some((tag) => scenario.text.tags.includes(tag))) &&
      (failed === undefined || failed.has(name))
    );
  });
  if (shard === undefined) return wanted;
  // Every n-th, so that shares of long and short ones are alike.
  return wanted.filter((_, i) => i % shard.of === shard.index - 1);
}

const isBad = (verdict: string): boolean => verdict === 'failed' || verdict === 'error';
