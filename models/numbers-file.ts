/**
 * A model that serves every array: what its family has learned, as JSON, and no graph. The graph is built for the array at hand
 * (`fitted-model.ts`).
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { counted } from '../core/errors/counted.ts';
import type { AnyArray, NumbersOfForm } from './family.ts';
import { numbersSchema, type NumbersFile, type OtherSections } from './numbers-schema.ts';
import { asFloat32 } from './training/learned-numbers.ts';

/** The text of the file: the same numbers are the same bytes. @param learned in the order of the family's numbers */
export function numbersText(
  family: string,
  { form, numbers }: AnyArray,
  learned: readonly Float64Array[],
  others: OtherSections = {},
): string {
  return fileText({ format: 'beamrig-numbers-1', family, form, numbers: byName(numbers, learned), ...others });
}

/** Numbers as a file has them, by name. */
export const byName = (numbers: NumbersOfForm['numbers'], learned: readonly Float64Array[]): Record<string, number[]> =>
  Object.fromEntries(numbers.map(({ name }, i) => [name, Array.from(learned[i], asFloat32)]));

/** The file with other sections in place of what it had of them. */
export const withSections = (file: NumbersFile, others: OtherSections): string => fileText({ ...file, ...others });

/** A list a line. */
const fileText = (content: NumbersFile): string =>
  `${JSON.stringify(numbersSchema.parse(content), null, 1).replace(/\[\n([^\]]*)\]/g, (_, list: string) => `[ ${list.trim().replace(/\n */g, ' ')} ]`)}\n`;

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
  const parsed = numbersSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw refuse(`${path.length === 0 ? 'the whole' : path.join('.')}: ${message}`);
}

/**
 * The numbers in the order in which their family wants them.
 * @throws BeamrigError 'model-mismatch' where they are numbers of another form of the network
 */
export function numbersFor(
  { form, numbers }: NumbersOfForm,
  file: Pick<NumbersFile, 'family' | 'form' | 'numbers'>,
): Float64Array[] {
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
