/** Which golden a case is held to. */
import { checkRig, elementsOf } from '../config/rig-file.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Check } from './check-schema.ts';
import type { Case, Scenario } from './scenario.ts';
import { goldenPath, type GoldenOf } from './verdicts/golden.ts';

type WordsCheck = Extract<Check, { check: 'words' }>;

/** The check that compares words, where the scenario has one. */
export const wordsOf = ({ text }: Pick<Scenario, 'text'>): WordsCheck | undefined =>
  text.expect.find((check): check is WordsCheck => check.check === 'words');

export function goldenOf({ text, rigFolder }: Scenario, one: Case, seed: number): GoldenOf {
  const checked = checkRig(one.rig, rigFolder);
  if ('problems' in checked) throw new BeamrigError('scenario-file', checked.problems.map((each) => each.text).join('; '));
  const { rfChains, phaseBits } = checked.rig.array;
  return { scenario: text.name, case: one.id, seed, elements: elementsOf(checked.rig), rfChains, phaseBits };
}

export const goldenPathOf = ({ text, folder }: Scenario, { id }: Case, { golden }: WordsCheck): string =>
  goldenPath(folder, { scenario: text.name, case: id }, golden);
