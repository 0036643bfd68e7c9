/** What stands in a file of numbers, JSON. */
import { z } from 'zod';

/** Of the network that the numbers belong to. */
const form = z.int().positive();
/** By name, row-major. */
const numbers = z.record(z.string(), z.array(z.number()));

export const numbersSchema = z.strictObject({
  format: z.literal('beamrig-numbers-1'),
  /** Id of the family. */
  family: z.string(),
  form,
  numbers,
  /** Of the network that weighs sensing against the rates, and the command that learned them. */
  sensing: z.strictObject({ form, command: z.string(), numbers }).optional(),
  /** Of the network that chooses words of 1 … `mostPhaseBits` bits, and the command that learned them. */
  words: z.strictObject({ form, mostPhaseBits: z.int().min(1).max(16), command: z.string(), numbers }).optional(),
});

export type NumbersFile = z.infer<typeof numbersSchema>;
export type SensingSection = NonNullable<NumbersFile['sensing']>;
/** What a file holds beside the numbers of its network for the rates. */
export type OtherSections = Pick<NumbersFile, 'sensing' | 'words'>;
