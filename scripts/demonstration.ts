/** What the demonstrations share: their options, strictly read, and one message with a way out when something is wrong. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { BeamrigError, isBeamrigError } from '../core/errors/beamrig-error.ts';
import { nearest } from '../src/config/rig-problems.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

const COMMON = { cycles: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;

export interface DemonstrationOptions {
  help: boolean;
  json: boolean;
  cycles: number;
  /** The other options that were given. */
  more: Record<string, string | boolean>;
}

/**
 * @param args as typed, behind `--`
 * @param options of this demonstration, beside --cycles, --json and --help
 * @throws {BeamrigError} 'argument' naming the word that is wrong
 */
export function demonstrationOptions(args: string[], options: Options): DemonstrationOptions {
  const known: Options = { ...COMMON, ...options };
  const flags = Object.keys(known).map((name) => `--${name}`);
  // Judged here, since the strict mode of parseArgs knows no nearest word.
  const { tokens, values } = parseArgs({ args, options: known, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    const word = token.kind === 'positional' ? token.value : token.rawName;
    if (token.kind === 'positional' || !Object.hasOwn(known, token.name)) {
      const near = nearest(word, flags);
      throw wrong(`${word} is unknown; ${near === undefined ? `known: ${flags.join(', ')}` : `did you mean ${near}?`}`);
    }
    const takesValue = known[token.name].type === 'string';
    if (takesValue && token.value === undefined) throw wrong(`${word} needs a value`);
    if (!takesValue && token.value !== undefined) throw wrong(`${word} takes no value, and ${token.value} was given`);
  }
  const { cycles = '100', json, help, ...more } = values as Record<string, string | boolean>;
  if (!/^\d+$/.test(String(cycles)) || Number(cycles) < 2) {
    throw wrong(`--cycles is ${String(cycles)}, not a whole number from 2 on`);
  }
  return { help: help === true, json: json === true, cycles: Number(cycles), more };
}

const wrong = (message: string): BeamrigError => new BeamrigError('argument', message, { wayOut: 'See --help.' });

/** The options; prints the usage, or what is wrong with them, and ends the process otherwise. */
export function optionsOrEnd(usage: string, options: Options): DemonstrationOptions {
  try {
    const read = demonstrationOptions(process.argv.slice(2), options);
    if (!read.help) return read;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    printFailure(error);
    process.exit(2);
  }
}

/** Message and way out; the trace only of what should not happen. */
export function printFailure(error: unknown): void {
  if (!isBeamrigError(error)) return console.error(error);
  console.error(error.message);
  if (error.wayOut !== undefined) console.error(`What to do: ${error.wayOut}`);
}
