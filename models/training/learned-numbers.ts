/**
 * What a network has learned, by name, in its model file beside the graph that has it as constants: so that training can go on from any file
 * that this project has made, and nobody has to find the numbers among the constants.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { z } from 'zod';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { LearnedParameter, Network } from '../family.ts';

const KEY = 'beamrig.learned';
const schema = z.record(z.string(), z.array(z.number()));

/** Numbers by the name of their parameter, as long as its shape says. */
export type LearnedNumbers = Readonly<Record<string, readonly number[]>>;

/** @param learned in the order of the parameters @returns the file with the numbers in its metadata, rounded to float32 as the graph has them */
export function withLearned(
  onnx: Uint8Array,
  parameters: readonly LearnedParameter[],
  learned: readonly Float64Array[],
): Uint8Array {
  const numbers = Object.fromEntries(parameters.map(({ name }, i) => [name, Array.from(learned[i], asFloat32)]));
  const model = fromBinary(ModelProtoSchema, onnx);
  model.metadataProps.push(
    create(ModelProtoSchema, { metadataProps: [{ key: KEY, value: JSON.stringify(numbers) }] }).metadataProps[0],
  );
  return toBinary(ModelProtoSchema, model);
}

/** Nine digits tell any two float32 numbers apart. */
export const asFloat32 = (value: number): number => Number(Math.fround(value).toPrecision(9));

/** @returns undefined where the file does not say: it is not one of this project's, or of an earlier build */
export function learnedNumbers(onnx: Uint8Array): LearnedNumbers | undefined {
  const told = fromBinary(ModelProtoSchema, onnx).metadataProps.find(({ key }) => key === KEY);
  if (told === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(told.value));
  } catch {
    return undefined;
  }
}

/**
 * Where a network begins that goes on from learned numbers.
 * @throws BeamrigError 'argument' where they are those of another network
 */
export function startFrom({ parameters }: Network, numbers: LearnedNumbers, model: string): Float64Array[] {
  const shapes = (of: readonly (readonly [string, number])[]): string =>
    of
      .map(([name, length]) => `${name} (${length})`)
      .sort()
      .join(', ');
  const own = shapes(parameters.map(({ name, start }) => [name, start.length]));
  const theirs = shapes(Object.entries(numbers).map(([name, { length }]) => [name, length]));
  if (own !== theirs) {
    throw new BeamrigError('argument', `--from ${model}: it has learned ${theirs}; this network learns ${own}`, {
      wayOut: 'Leave out the options that change the network: what is not told is taken from the model.',
    });
  }
  return parameters.map(({ name }) => Float64Array.from(numbers[name]));
}
