/**
 * The card that lies beside every model file: what the file is, what goes in and comes out, how it was made and what it reached. A model is
 * accepted only when card and file agree; anyone's own export runs here with a card that follows this schema.
 */
import { z } from 'zod';
import type { SchemaNode } from '../core/errors/schema-problems.ts';

const count = z.int().positive();

/** One channel has no standard error. */
const meanSchema = z.strictObject({ mean: z.number(), stderr: z.number().nonnegative().nullable() });
/** What `beamrig models card` writes where a person has to say something. */
export const isTodo = (value: unknown): value is string => typeof value === 'string' && value.startsWith('TODO');
/** Of a line or two, as lists and the page show it. */
const MOST_LETTERS = 300;
const lineOfText = z
  .string()
  .max(MOST_LETTERS)
  .meta({ allowed: `a text of up to ${MOST_LETTERS} letters` });
const text = lineOfText.refine((value): boolean => !isTodo(value), 'still to be filled in');
/** Of some paragraphs. */
const MOST_OF_STORY = 10_000;
const story = z
  .string()
  .max(MOST_OF_STORY)
  .refine((value): boolean => !isTodo(value), 'still to be filled in');

/** One validation figure, with the channel scale that it belongs to. */
const metricSchema = z.strictObject({
  /** 'channel-file': those that it was trained on, a part that it has not seen. */
  scale: z.enum(['unit-element', 'paper-001', 'channel-file']),
  snrDb: z.number(),
  /** Channels that it is a mean over. */
  channels: count,
  /** bit/s/Hz. */
  sumRate: meanSchema,
  /** Q, where phases were words; absent: as computed. */
  phaseBits: z.int().min(1).max(16).optional(),
  /** Of a model that senses, σ² = 1 and P = SNR: ω, τ and R − ω·τ. */
  sensingWeight: z.number().nonnegative().optional(),
  tau: meanSchema.optional(),
  objective: meanSchema.optional(),
});

const tensorSchema = z.strictObject({
  name: z.string(),
  type: z.literal('float32'),
  /** Lengths, or names of lengths known at run time. */
  shape: z.array(z.union([count, z.string()])),
});

/** Lower-case hex. */
const sha256Schema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ allowed: '64 lower-case hex digits' });

const fromSchema = z.strictObject({ id: z.string(), sha256: sha256Schema });
const channelFileSchema = z.strictObject({ name: z.string(), sha256: sha256Schema, heldOut: count });

/** Of the numbers for words, which are learned apart: the command that learns them again, and as below what came of it. */
const wordsTrainingSchema = z.strictObject({
  command: z.string(),
  bestEpoch: z.int().nonnegative().optional(),
  from: fromSchema.optional(),
  channelFile: channelFileSchema.optional(),
  /** With phases of so many bits as they were learned for at most. */
  metrics: z.array(metricSchema).optional(),
});

const trainingSchema = z.strictObject({
  /** 'beamrig', 'paper', or anything another trainer calls itself. */
  recipe: z.string(),
  /** The command that makes this file again. */
  command: z.string(),
  seed: z.int(),
  channels: count,
  paths: count,
  epochs: z.int().nonnegative(),
  batch: count,
  learningRate: z.number().positive(),
  /** P∕σ² in the scale of `scale`. */
  snrRangeDb: z.tuple([z.number(), z.number()]),
  scale: z.enum(['unit-element', 'paper-001']),
  /** Weight of each layer's rate in the loss, beside the answer's, which weighs 1. */
  layerWeights: z.array(z.number()),
  /** The epoch whose validation rate was the best, counted from 1; 0 is the untrained start. */
  bestEpoch: z.int().nonnegative(),
  /** The model that it went on from. */
  from: fromSchema.optional(),
  /** Channels that it learned from, where they were not drawn. */
  channelFile: channelFileSchema.optional(),
  /** Of a file of numbers with some for sensing, which are learned apart: the command that learns them again. */
  sensing: z.strictObject({ command: z.string() }).optional(),
  words: wordsTrainingSchema.optional(),
});

const dimensionsSchema = z.strictObject({ elements: count, rfChains: count, users: count });

/** What a model may be called; its file has the same name. */
export const MODEL_ID_RULE = 'lower-case letters, digits and dashes, with a letter or digit first';
const idSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, MODEL_ID_RULE)
  .meta({ allowed: MODEL_ID_RULE });
export const isModelId = (id: string): boolean => idSchema.safeParse(id).success;

export const modelCardSchema = z.strictObject({
  contract: z.literal(1),
  id: idSchema,
  title: text,
  /** 'any' of a file of numbers: it serves every array with a chain for each user, the graph is built for the one at hand. */
  dimensions: z.union([dimensionsSchema, z.literal('any')]),
  algorithm: text,
  paper: text,
  /** 'full', 'input' for a model that takes the input `connection`, or 'any' of a file of numbers: the graph is built for the connection, too. */
  connection: z.enum(['full', 'input', 'any']),
  /**
   * 'input' for a model that takes the inputs `sensing_factor` and `sensing_weight`, or 'any' of a file of numbers: where sensing is weighed against
   * the rates, the graph that is built takes them.
   */
  sensing: z.enum(['input', 'any']).optional(),
  /** Of a file of numbers with some for words: up to so many bits the graph that is built chooses among the words there are. */
  mostPhaseBits: z.int().min(1).max(16).optional(),
  inputs: z.array(tensorSchema),
  outputs: z.array(tensorSchema),
  layers: count.optional(),
  innerSteps: count.optional(),
  /** Coefficients of each step's polynomial in the SNR; 1 is the paper's form. */
  stepCoefficients: count.optional(),
  /** Whether layers that would lower the rate by more than a tenth are skipped and the best beam is the answer. */
  guarded: z.boolean().optional(),
  /** Of other trainers a text: how it was trained, in words; 'none' for what is set by hand. */
  training: z.union([trainingSchema, story]),
  /** On validation channels, by scale and SNR. */
  metrics: z.array(metricSchema),
  /** Of the ONNX file, or of the file of numbers. */
  sha256: sha256Schema,
});

/** The schema as data, for messages. */
export const cardJsonSchema = (): SchemaNode =>
  z.toJSONSchema(modelCardSchema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;

export type ModelCard = z.infer<typeof modelCardSchema>;
/** N, M and K. */
export type Dimensions = z.infer<typeof dimensionsSchema>;
/** Of a model for one array. */
export type SizedCard = Omit<ModelCard, 'dimensions'> & { dimensions: Dimensions };
export type ModelMetric = z.infer<typeof metricSchema>;
export type ModelTensor = z.infer<typeof tensorSchema>;

/** R, columns of the input `sensing_factor`; undefined of a model that has none, or whose card does not say how many. */
export function sensingColumns({ sensing, inputs }: Pick<ModelCard, 'sensing' | 'inputs'>): number | undefined {
  const columns = sensing === undefined ? undefined : inputs.find(({ name }) => name === 'sensing_factor')?.shape[1];
  return typeof columns === 'number' ? columns : undefined;
}

/** The card as the text of its file: the same card is the same bytes. */
export const cardText = (card: ModelCard): string => `${JSON.stringify(modelCardSchema.parse(card), null, 2)}\n`;
