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
  /** Rig file of attached hardware that all is played on. */
  hardware?: string;
}

export interface ChosenCase {
  scenario: ReadScenario;
  one: Case;
  /** On the hardware at hand it is the very same as this one, which is played. */
  sameAs?: Case;
}

/** 'model-switched', 'model-switched quantiser=array' */
export const caseName = (scenario: string, id: string): string => (id === '' ? scenario : `${scenario} ${id}`);

export function chosenCases(scenarios: readonly ReadScenario[], choice: Choice): ChosenCase[] {
  const { filter = [], tags = [], shard, failedIn, hardware } = choice;
  const known = new Set(scenarios.flatMap(({ text }) => text.tags));
  const strange = tags.find((tag) => !known.has(tag));
  if (strange !== undefined) {
    throw new BeamrigError('argument', `tag ${strange}: no scenario has it; tags are ${[...known].sort().join(', ')}`);
  }
  const failed =
    failedIn && new Set(failedIn.cases.flatMap((each) => (isBad(each.verdict) ? [caseName(each.scenario, each.case)] : [])));
  const all = scenarios.flatMap((scenario) => scenario.cases.map((one): ChosenCase => ({ scenario, one })));
  const wanted = all.filter(({ scenario, one }) => {
    const name = caseName(scenario.text.name, one.id);
    return (
      (filter.length === 0 || filter.some((part) => name.includes(part))) &&
      (tags.length === 0 || tags.some((tag) => scenario.text.tags.includes(tag))) &&
      (failed === undefined || failed.has(name))
    );
  });
  const chosen = hardware === undefined ? wanted : eachOnce(wanted);
  if (shard === undefined) return chosen;
  // Every n-th, so that shares of long and short ones are alike.
  return chosen.filter((_, i) => i % shard.of === shard.index - 1);
}

/** Carrier and number of panels are of the hardware: cases that differ in nothing else are played once, the first of them. */
function eachOnce(cases: readonly ChosenCase[]): ChosenCase[] {
  const first = new Map<string, Case>();
  return cases.map((chosen) => {
    const { scenario, one } = chosen;
    const key = JSON.stringify([scenario.text.name, { ...one.coordinates, carrier: undefined, panels: undefined }]);
    const sameAs = first.get(key);
    if (sameAs !== undefined) return { ...chosen, sameAs };
    first.set(key, one);
    return chosen;
  });
}

const isBad = (verdict: string): boolean => verdict === 'failed' || verdict === 'error';
