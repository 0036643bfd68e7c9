/** What the programs that write a page of docs/results share: their flags, and where the page goes. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';

export interface PageFlags {
  /** Of the stream `test`. */
  channels: number;
  seed: number;
  /** A Markdown file. */
  output: string;
}

const QUICK_CHANNELS = 20;

/**
 * `--channels`, or `--quick` for 20 of them, `--seed` and `--output`; a seed of 1 where none is given.
 * @param usual where nothing is given
 * @throws {BeamrigError} 'argument' for what is no number of channels, two or more, and no seed
 */
export function pageFlags(usual: Pick<PageFlags, 'channels' | 'output'>, args = process.argv.slice(2)): PageFlags {
  const { values } = parseArgs({
    args,
    options: {
      channels: { type: 'string', default: String(usual.channels) },
      seed: { type: 'string', default: '1' },
      quick: { type: 'boolean', default: false },
      output: { type: 'string', default: usual.output },
    },
  });
  const channels = wholeNumber('--channels', values.channels, 2);
  return {
    channels: values.quick ? QUICK_CHANNELS : channels,
    seed: wholeNumber('--seed', values.seed, 0),
    output: values.output,
  };
}

function wholeNumber(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least) return value;
  throw new BeamrigError('argument', `${flag} ${text}: not a whole number from ${least} on`, {
    wayOut: `Leave ${flag} out, or give one.`,
  });
}

/** On standard output, too. @param blocks of Markdown, with an empty line between any two */
export function writePage({ output }: PageFlags, blocks: readonly string[]): void {
  const page = blocks.join('\n\n');
  console.log(page);
  writeFileSync(output, `${page}\n`);
}
