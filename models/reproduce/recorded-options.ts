/** What a card says it was trained by, read back: reports train a family's peers by the same options. */
import type { ModelFamily } from '../family.ts';
import { flagsOf, optionsTyped } from '../training/option-flags.ts';
import type { TrainingOptions } from '../training/training-options.ts';

/** The options of a command that `trainingCommand` wrote. */
export function optionsOfCommand<Options extends TrainingOptions>(family: ModelFamily<Options>, command: string): Options {
  const texts = new Map(Array.from(command.matchAll(/(--[a-z-]+)[ =](\S+)/g), ([, flag, text]) => [flag, text]));
  return optionsTyped(family, Object.fromEntries(flagsOf(family).map(({ option, flag }) => [option, texts.get(flag)])));
}
