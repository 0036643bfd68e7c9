/**
 * A family's options on the command line, made of its schema alone: flags with their defaults for the help, values from what was typed, and the
 * command that makes a model again, for its card. What one of these writes, the other reads.
 */
import { z } from 'zod';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { ModelFamily } from '../family.ts';
import type { Engine } from '../engine/engines.ts';
import { parseOptions } from './parse-options.ts';
import type { TrainingOptions } from './training-options.ts';

/** An option as JSON Schema tells of it. */
interface OptionSchema {
  description: string;
  /** As training-options.ts has it. */
  value: string;
  rare: boolean;
  type: 'integer' | 'number' | 'string' | 'array';
  /** Absent where nothing is meant by leaving it out. */
  default?: unknown;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  /** Of a list. */
  prefixItems?: { minimum: number; maximum: number }[];
}

export interface OptionFlag {
  /** 'snrRangeDb' */
  option: string;
  /** '--snr-range' */
  flag: string;
  /** '--snr-range <from,to>' */
  usage: string;
  /** 'SNRs to learn at, dB (default: -8,22)' */
  help: string;
  /** Its value has commas of its own. */
  isList: boolean;
}

/** In the order of the schema. */
export function flagsOf(family: ModelFamily): OptionFlag[] {
  return Object.entries(optionsOf(family)).map(([option, schema]) => {
    const flag = flagOf(option);
    const words = schema.enum === undefined ? [] : [schema.enum.join(' | ')];
    const otherwise = schema.default === undefined ? [] : [`default: ${textOf(schema.default)}`];
    const told = [...words, ...otherwise].join('; ');
    const help = told === '' ? schema.description : `${schema.description} (${told})`;
    return { option, flag, usage: `${flag} <${schema.value}>`, help, isList: schema.type === 'array' };
  });
}

/**
 * Options from what was typed.
 * @param typed texts by option; `undefined` where a flag was not given
 * @param otherwise what those are then, where it is not the schema's default
 * @throws BeamrigError 'argument' naming flag, text and what is allowed
 */
export function optionsTyped<Options extends TrainingOptions>(
  family: ModelFamily<Options>,
  typed: Readonly<Record<string, string | undefined>>,
  otherwise: Partial<Options> = {},
): Options {
  const schemas = optionsOf(family);
  const given = Object.fromEntries(
    Object.entries(typed).flatMap(([option, text]) => (text === undefined ? [] : [[option, valueOf(schemas[option], text)]])),
  );
  const refused = family.options.safeParse(given).error?.issues.find(({ path }) => Object.hasOwn(given, String(path[0])));
  if (refused !== undefined) {
    const option = String(refused.path[0]);
    const flag = flagOf(option);
    const why = refused.code === 'custom' ? refused.message : `not allowed; allowed: ${allowed(schemas[option])}`;
    const { type, default: usual } = schemas[option];
    throw new BeamrigError('argument', `${flag} ${typed[option]}: ${why}`, {
      ...(usual === undefined
        ? {}
        : { wayOut: type === 'array' ? `Write it as ${flag}=${textOf(usual)}.` : `Write for example ${flag} ${textOf(usual)}.` }),
    });
  }
  return parseOptions(family, { ...otherwise, ...given });
}

/** What decides the file, too, beside the options. */
interface Besides {
  engine?: Engine;
  /** The model it went on from. */
  from?: string | undefined;
  /** Measured channels that it learned from. */
  channelFile?: string | undefined;
}

/**
 * The command that makes the same file, to the last bit: it names the engine where that is not the compiled one, which is taken by itself.
 * Where something could not be compiled, too, for a later build may compile it.
 */
export function trainingCommand(
  family: ModelFamily,
  options: TrainingOptions,
  output: string,
  { engine = 'compiled', from, channelFile }: Besides = {},
): string {
  const words = Object.entries(optionsOf(family)).flatMap(([option, { rare, type }]) => {
    if (channelFile !== undefined && option === 'channels') return [`--channels ${channelFile}`];
    if (channelFile !== undefined && option === 'validationChannels') return [];
    if (rare && isImplied(family, options, option)) return [];
    const value = textOf((options as unknown as Record<string, unknown>)[option]);
    // A list may begin with a minus, which would pass for a flag.
    return [type === 'array' ? `${flagOf(option)}=${value}` : `${flagOf(option)} ${value}`];
  });
  if (from !== undefined) words.unshift(`--from ${from}`);
  if (engine !== 'compiled') words.push(`--engine ${engine}`);
  return `beamrig train ${family.id} ${words.join(' ')} --output ${output}`;
}

/** Whether an option is what it would be had it not been given. */
function isImplied(family: ModelFamily, options: TrainingOptions, option: string): boolean {
  const others = Object.fromEntries(Object.entries(options).filter(([name]) => name !== option));
  return JSON.stringify(parseOptions(family, others)) === JSON.stringify(options);
}

const optionsOf = ({ options }: ModelFamily): Record<string, OptionSchema> =>
  z.toJSONSchema(options, { io: 'input' }).properties as unknown as Record<string, OptionSchema>;

/** snrRangeDb → --snr-range: units are in names inside, and in the help outside. */
const flagOf = (option: string): string =>
  `--${option.replace(/Db$/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const textOf = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value));

/** What is no number becomes NaN, which every schema of a number refuses. */
function valueOf({ type }: OptionSchema, text: string): unknown {
  const number = (part: string): number => (part.trim() === '' ? NaN : Number(part));
  if (type === 'integer') return /^-?\d+$/.test(text.trim()) ? Number(text) : NaN;
  if (type === 'number') return number(text);
  return type === 'array' ? text.split(',').map(number) : text;
}

function allowed(schema: OptionSchema): string {
  if (schema.enum !== undefined) return schema.enum.join(' | ');
  if (schema.prefixItems !== undefined) {
    const [{ minimum, maximum }] = schema.prefixItems;
    return `${schema.prefixItems.length} numbers from ${minimum} to ${maximum}, with a comma`;
  }
  return `a ${schema.type === 'integer' ? 'whole ' : ''}number from ${schema.minimum} to ${schema.maximum}`;
}
