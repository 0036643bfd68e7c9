/** What a card says it was trained by, read back: reports train a family's peers by the same options, and fine-tuning begins with them. */
import type { ModelFamily } from '../family.ts';
import { flagsOf, optionsTyped } from './option-flags.ts';
import type { TrainingOptions } from './training-options.ts';

/** The options of a command that `trainingCommand` wrote. */
export function optionsOfCommand<Options extends TrainingOptions>(family: ModelFamily<Options>, command: string): Options {
  const texts = new Map(Array.from(command.matchAll(/(--[a-z-]+)[ =](\S+)/g), ([, flag, text]) => [flag, text]));
  // Of channels from a file the number is not told, and is that of the file at hand.
  if (!/^\d+$/.test(texts.get('--channels') ?? '')) texts.delete('--channels');
  return optionsTyped(family, Object.fromEntries(flagsOf(family).map(({ option, flag }) => [option, texts.get(flag)])));
}
