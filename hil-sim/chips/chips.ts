/** The kinds of chips that there are: a line each. docs/recipes.md says how one is added. */
import { adar1000 } from './adar1000.ts';
import type { ChipKind } from './chip.ts';
import { pe44820 } from './pe44820.ts';

export const CHIPS = { adar1000, pe44820 } as const satisfies Record<string, ChipKind>;

export type ChipName = keyof typeof CHIPS;
export const CHIP_NAMES = Object.keys(CHIPS) as ChipName[];

/** The kind of this name; undefined when there is none. */
export function chipNamed(name: unknown): ChipKind | undefined {
  const known = CHIP_NAMES.find((chip) => chip === name);
  return known === undefined ? undefined : CHIPS[known];
}
