/**
 * The scenario file: one YAML page that says on which rig what happens when, and what is expected of it. This file holds its schema, from which
 * docs/scenario-file.md is made, and its types. How a file is read is in scenario-file.ts.
 */
import * as z from 'zod';
import { QUANTISER_NAMES } from '../../core/signal/quantiser-names.ts';
import { behaviourSchema } from '../../hil-sim/behaviours.ts';
import type { RigInput } from '../config/rig-file.ts';
import { timelineSchema } from './timeline-schema.ts';
import { checkSchema } from './check-schema.ts';

/** What a rig and its panels are joined by. */
export const CARRIERS = ['loopback', 'mqtt', 'pty', 'qemu'] as const;
export type Carrier = (typeof CARRIERS)[number];

const NAME = /^[a-z0-9][a-z0-9-]{0,79}$/;
export const namePattern = z
  .string()
  .regex(NAME)
  .meta({ allowed: '1 to 80 small letters, digits and dashes, starting with a letter or digit' });

const axis = <Value extends z.ZodType>(value: Value, what: string) => z.array(value).min(1).max(100).optional().describe(what);

const matrixSchema = z
  .strictObject({
    carrier: axis(z.enum(CARRIERS), 'Carriers, instead of `carrier`.'),
    phaseBits: axis(z.int().min(1).max(16), 'Values of Q.'),
    snrDb: axis(z.number().min(-50).max(100), 'P/σ², dB.'),
    model: axis(z.string().min(1).max(1000), 'Models, as in `beamformer.model`.'),
    quantiser: axis(z.enum(QUANTISER_NAMES), 'Quantisers.'),
    panels: axis(z.int().min(1).max(8), 'Numbers of panels, instead of `panels`.'),
    userSpeedMps: axis(z.number().min(0).max(1000), 'Speeds of the users, m/s.'),
  })
  .prefault({})
  .describe('Every combination of these is a case of its own.');

export const scenarioSchema = z
  .strictObject({
    name: namePattern.describe('Name of the scenario, once among all that are run together.'),
    about: z.string().min(1).max(1000).describe('What it shows, in a sentence or two.'),
    tags: z.array(namePattern).max(32).default([]).describe('Words that `--filter` finds it by.'),
    rig: z
      .union([z.string().min(1).max(1000), z.record(z.string(), z.unknown())])
      .meta({ allowed: 'the path of a rig file, or a block with the keys of one' })
      .describe(
        'The rig: path of a rig file (from the folder of the scenario), or a block with keys of one. Its links are replaced by those of `carrier` and `panels`.',
      ),
    with: z
      .record(z.string(), z.unknown())
      .default({})
      .meta({ allowed: 'a block with keys of a rig file' })
      .describe(
        'What of the rig is otherwise here: keys of a rig file, block by block; null takes a key away. Paths are from the folder of the scenario.',
      ),
    carrier: z
      .enum(CARRIERS)
      .default('loopback')
      .describe(
        'What joins rig and panels. loopback: panels played in this process, on virtual time. mqtt: the same through a broker of its own on this machine. pty: the reference firmware in C as a process, on a pseudo terminal. qemu: its image for a Cortex-M3, emulated.',
      ),
    panels: z
      .int()
      .min(1)
      .max(8)
      .default(1)
      .describe('Panels that share the elements evenly. The firmware of pty and qemu is one.'),
    sealed: z
      .boolean()
      .default(false)
      .meta({ allowed: 'true or false' })
      .describe('Whether frames carry a keyed tag, with a key of this run alone.'),
    behaviours: z
      .array(behaviourSchema)
      .max(100)
      .default([])
      .describe('Faults that the first panel plays on purpose from the start, as in a rig file.'),
    channels: z
      .strictObject({
        file: z.string().min(1).max(1000).describe('A .npy file of shape [n, K, N], from the folder of the scenario.'),
        conjugate: z
          .boolean()
          .default(false)
          .meta({ allowed: 'true or false' })
          .describe('For files whose rows are h_k and not h_kᴴ.'),
      })
      .optional()
      .describe('Recorded channels, one a cycle, beginning again after the last. Left out: those of the simulated scene.'),
    parts: z
      .strictObject({
        database: z
          .boolean()
          .default(false)
          .meta({ allowed: 'true or false' })
          .describe('Whether an InfluxDB server (influxd, which has to be installed) takes the records of the run.'),
        pages: z.int().min(0).max(64).default(0).describe('How many pages look at the rig.'),
      })
      .prefault({})
      .describe('What else takes part. With any of them a scenario runs on real time.'),
    seconds: z.number().gt(0).max(86_400).describe('How long the rig runs, seconds of its own time.'),
    seeds: z
      .union([z.int().min(1).max(10_000), z.array(z.int().min(0).max(4_294_967_295)).min(1).max(10_000)])
      .default(1)
      .meta({ allowed: 'how many, a whole number from 1 to 10000, or a list of seeds' })
      .describe(
        'How often it is played, each time with another seed: that of the rig file and those after it, or those of a list.',
      ),
    confidence: z
      .number()
      .gt(0.5)
      .max(0.9999)
      .default(0.95)
      .describe('Confidence of what is said about all seeds, from those that were played.'),
    stopEarly: z
      .boolean()
      .default(false)
      .meta({ allowed: 'true or false' })
      .describe('Whether seeds end once every check across them is decided; looks on the way are paid for in confidence.'),
    limitS: z
      .number()
      .gt(0)
      .max(86_400)
      .default(120)
      .describe('Longest that one seed may take on the clock of the machine, s: then it is killed, and told.'),
    matrix: matrixSchema,
    timeline: timelineSchema,
    expect: z.array(checkSchema).max(100).default([]).describe('What is expected, beside what is of every run (`check: sound`).'),
  })
  .describe('A scenario of beamrig.');

/** Of a block the keys that are otherwise; null takes one away. */
type Otherwise<Block> = Block extends readonly unknown[]
  ? Block
  : Block extends object
    ? { [Key in keyof Block]?: Otherwise<Block[Key]> | null }
    : Block;

/** A scenario as people write it, in a file or as an object: what has a default may be left out. */
export type ScenarioInput = Omit<z.input<typeof scenarioSchema>, 'rig' | 'with'> & {
  /** Path of a rig file, or a rig. */
  rig: string | RigInput;
  /** What of the rig is otherwise here. */
  with?: Otherwise<RigInput> | undefined;
};

/** A scenario as read, with every default. */
export type ScenarioText = z.output<typeof scenarioSchema>;
export type MatrixAxis = keyof ScenarioText['matrix'];
