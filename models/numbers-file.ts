/**
 * A model that serves every array: what its family has learned, as JSON, and no graph. The graph is built for the array at hand
 * (`fitted-model.ts`).
 */
import { z } from 'zod';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { counted } from '../core/errors/counted.ts';
import type { AnyArray } from './family.ts';
import { asFloat32 } from './training/learned-numbers.ts';

const schema = z.strictObject({
  format: z.literal('beamrig-numbers-1'),
  /** Id of the family. */
  family: z.string(),
  /** Of the network that the numbers belong to. */
  form: z.int().positive(),
  /** By name, row-major. */
  numbers: z.record(z.string(), z.array(z.number())),
});

export type NumbersFile = z.infer<typeof schema>;

/** The text of the file: the same numbers are the same bytes. @param learned in the order of the family's numbers */
export function numbersText(family: string, { form, numbers }: AnyArray, learned: readonly Float64Array[]): string {
  const named = numbers.map(({ name }, i) => [name, Array.from(learned[i], asFloat32)]);
  const content: NumbersFile = {
    format: 'beamrig-numbers-1',
    family,
    form,
    numbers: Object.fromEntries(named) as Record<string, number[]>,
  };
  // A list a line.
  return `${JSON.stringify(schema.parse(content), null, 1)
    .replace(/\n {3}/g, ' ')
    .replace(/\n {2}\]/g, ' ]')}\n`;
}

/** @param model for messages @throws BeamrigError 'model-damaged' where the bytes are no such file */
export function readNumbers(bytes: Uint8Array, model: string): NumbersFile {
  const refuse = (why: string, cause?: unknown): BeamrigError =>
    new BeamrigError('model-damaged', `model ${model} is no file of numbers (${why})`, {
      wayOut: 'fetch the model and its card again, or train it anew with the command in its card',
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw refuse('it is not JSON', cause);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw refuse(`${path.length === 0 ? 'the whole' : path.join('.')}: ${message}`);
}

/**
 * The numbers in the order in which their family wants them.
 * @throws BeamrigError 'model-mismatch' where they are numbers of another form of the network
 */
export function numbersFor({ form, numbers }: AnyArray, file: NumbersFile): Float64Array[] {
  const refuse = (why: string): BeamrigError =>
    new BeamrigError('model-mismatch', `the numbers of ${file.family}: ${why}`, {
      wayOut: 'use the file that came with this version of beamrig, or train it anew',
    });
  if (file.form !== form) throw refuse(`they belong to form ${file.form} of the network, which is in form ${form} by now`);
  const unknown = Object.keys(file.numbers).find((name) => numbers.every((known) => known.name !== name));
  if (unknown !== undefined) throw refuse(`the network has no '${unknown}'`);
  return numbers.map(({ name, shape }) => {
    const values = Object.hasOwn(file.numbers, name) ? file.numbers[name] : [];
    const length = shape.reduce((product, dim) => product * dim, 1);
    if (values.length !== length) throw refuse(`'${name}' has ${counted(values.length, 'number')}, and ${length} are wanted`);
    return Float64Array.from(values);
  });
}
