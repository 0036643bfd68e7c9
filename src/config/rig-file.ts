/**
 * The rig file: one YAML page that says what the rig is. This file holds its schema (the documentation page docs/rig-file.md is generated
 * from it), its type with every default applied, and the reader. A wrong file is refused with all of its problems at once, one line each,
 * naming the line, the key, the value and what is allowed.
 */
import { ENGINE_CHOICES } from '../../models/engine/engines.ts';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import { expandHome } from '../../core/files/home-path.ts';
import { OBJECTIVE_MEANINGS, OBJECTIVE_NAMES } from '../../core/signal/objectives/objective-names.ts';
import {
  DEFAULT_SWEEPS,
  MOST_SWEEPS,
  QUANTISER_MEANINGS,
  QUANTISER_NAMES,
  SWEEP_START_MEANINGS,
  SWEEP_STARTS,
} from '../../core/signal/quantiser-names.ts';
import { calibrationSchema } from './calibration-schema.ts';
import { channelSchema } from './channel-schema.ts';
import { DEFAULT_RATE_HZ, DEFAULT_SPACING_WAVELENGTHS, disagreements, MOST_SPACING_WAVELENGTHS } from './rig-disagreements.ts';
import { pathsFrom } from './rig-paths.ts';
import { authenticationSchema, linkSchema, readLinks, type RigLink } from './rig-links.ts';
import { pathText, problemsOf, type Problem, type SchemaNode } from '../../core/errors/schema-problems.ts';
import { MOST_RF_CHAINS } from '../../core/signal/array-limits.ts';
import { characterProblems } from '../../core/errors/character-problems.ts';
import { plainTextOf } from '../../core/files/plain-text.ts';
import { influxSchema } from './influx-schema.ts';
import { sensingSchema } from './sensing-schema.ts';
import { simulatorSchema } from './simulator-schema.ts';
import { readRigYaml, refuseRigFile } from './rig-yaml.ts';

export type { RigLink } from './rig-links.ts';

const spacing = z
  .number()
  .gt(0)
  .max(MOST_SPACING_WAVELENGTHS)
  .default(DEFAULT_SPACING_WAVELENGTHS)
  .describe('Distance between neighbours, in wavelengths.');

const geometrySchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('ula').describe('A line of elements.'),
      elements: z.int().min(1).max(4096).describe('Antenna elements, N.'),
      spacingWavelengths: spacing,
    }),
    z.strictObject({
      kind: z.literal('upa').describe('A rectangle of elements.'),
      rows: z.int().min(1).max(256).describe('Rows of elements, the top one first.'),
      columns: z.int().min(1).max(256).describe('Columns of elements, from the left seen from behind; N is rows times columns.'),
      spacingWavelengths: spacing,
    }),
  ])
  .describe('How the elements stand.');

const arraySchema = z
  .strictObject({
    geometry: geometrySchema,
    rfChains: z.int().min(1).max(MOST_RF_CHAINS).describe('RF chains, M.'),
    connection: z
      .enum(['full', 'sub'])
      .default('full')
      .describe('full: every RF chain reaches every element. sub: each chain has its own block of N/M neighbouring elements.'),
    phaseBits: z.int().min(1).max(16).describe('Bits of a phase word, Q: a phase shifter has 2^Q states.'),
    carrierGhz: z.number().gt(0).max(1000).default(28).describe('Carrier frequency, GHz. It sets how fast moving users fade.'),
  })
  .describe('The antenna array and its RF chains.');

export const rigFileSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
      .meta({ allowed: '1 to 64 letters, digits, dots, dashes or underscores, starting with a letter or digit' })
      .describe('Name of the rig. Run folders and records carry it.'),
    seed: z.int().min(0).max(4_294_967_295).default(1).describe('Seed of everything random. The same seed gives the same run.'),
    array: arraySchema,
    users: z
      .strictObject({ count: z.int().min(1).max(MOST_RF_CHAINS).describe('Users, K; at most one for each RF chain.') })
      .describe('Who is served.'),
    snrDb: z.number().min(-50).max(100).default(10).describe('Total transmit power over the noise at a user, P/σ², dB.'),
    beamformer: z
      .strictObject({
        model: z
          .string()
          .min(1)
          .max(1000)
          .describe(
            "Id of a zoo model (`beamrig models` lists them), path of a model's file with its card beside it (from the folder of the rig file), or name of a baseline. phase-net serves every array, weighs sensing where the objective does, and chooses among the words where phases have one or two bits.",
          ),
        steps: z
          .int()
          .min(1)
          .max(1000)
          .optional()
          .describe(
            "Budget of steps for a beam, of a model that serves every array: more steps, better beams, more time. Default: the model's own. Other models have as many as they have, whatever stands here.",
          ),
        codebook: z
          .string()
          .min(1)
          .max(1000)
          .optional()
          .describe(
            'Of model: codebook. dft: the orthogonal beams of a Fourier transform, chosen by the channel. hierarchical: found by measuring, from wide beams to narrow ones, two a step, one user after the other; no channel is needed. Any other: path of a beam table as array kits have them (from the folder of the rig file), all of its beams measured. Default: dft.',
          ),
        deadlineMs: z
          .number()
          .min(1)
          .max(600_000)
          .default(2000)
          .describe(
            'Longest that a model may take for one beam, ms. One that takes longer makes a void cycle, and its process is replaced.',
          ),
        engine: z
          .enum(ENGINE_CHOICES)
          .default('auto')
          .describe(
            'What computes a model: machine code that beamrig compiles from the file, or onnxruntime. auto compiles wherever all ops are known and both agree.',
          ),
        objective: z
          .enum(OBJECTIVE_NAMES)
          .default('sum-rate')
          .describe(
            ['What digital weights are to be best for once the phases stand.']
              .concat(OBJECTIVE_NAMES.map((name) => `${name}: ${OBJECTIVE_MEANINGS[name]}.`))
              .join(' '),
          ),
        quantiser: z
          .enum(QUANTISER_NAMES)
          .default('nearest')
          .describe(
            ['How phases become words.'].concat(QUANTISER_NAMES.map((name) => `${name}: ${QUANTISER_MEANINGS[name]}.`)).join(' '),
          ),
        sweeps: z
          .int()
          .min(1)
          .max(MOST_SWEEPS)
          .default(DEFAULT_SWEEPS)
          .describe('How often quantiser: array goes through all elements for one beam. The same number gives the same words.'),
        sweepStart: z
          .enum(SWEEP_STARTS)
          .default('last-words')
          .describe(
            ['Where quantiser: array begins.']
              .concat(SWEEP_STARTS.map((name) => `${name}: ${SWEEP_START_MEANINGS[name]}.`))
              .concat('`beamrig evaluate` always begins at the nearest, for its channels are no cycles.')
              .join(' '),
          ),
      })
      .describe('Who chooses the beams.'),
    sensing: sensingSchema.optional(),
    channel: channelSchema.prefault({}),
    links: z
      .array(linkSchema)
      .max(64)
      .default([])
      .describe(
        'Links to the panels of the array, and to boards with receivers only, one panel each. None: the rig runs on the simulator.',
      ),
    authentication: authenticationSchema.optional(),
    fallback: z
      .enum(['never', 'at-start', 'any-time'])
      .default('at-start')
      .describe(
        'What to do without hardware. never: refuse to start. at-start: run on the simulator, say so, and move over when the hardware appears. any-time: also when it is lost in the middle of a run, until it is back.',
      ),
    loop: z
      .strictObject({
        rateHz: z
          .number()
          .gt(0)
          .max(10_000)
          .meta({ allowed: 'a number above 0, up to 10000, which is as fast as it goes' })
          .default(DEFAULT_RATE_HZ)
          .describe(
            'Control cycles a second that are aimed at; 10000 is as fast as it goes. Users of the simulator move by a period of it with every slot.',
          ),
        pilots: z.int().min(1).max(65_535).default(64).describe('Pilots that each SINR reading is averaged over.'),
        watchdogMs: z
          .int()
          .min(100)
          .max(86_400_000)
          .optional()
          .describe(
            'When no cycle has turned for so long, ms, the array is commanded to its safe state until one does; more than a period. Left out: 5 s, two deadlines of the model and five periods (or beams on the slowest wire) together.',
          ),
      })
      .prefault({})
      .describe('The control loop.'),
    safeState: z
      .enum(['mute', 'hold', 'codeword'])
      .default('mute')
      .describe(
        'What the array shows when the rig pauses, stops or faults. mute: elements off. hold: the last good beam. codeword: a fixed beam, kept in the panels’ beam memory.',
      ),
    safeCodeword: z
      .strictObject({
        azimuthDeg: z
          .number()
          .min(-90)
          .max(90)
          .describe('Where it points, degrees from broadside in the horizontal plane, positive towards element 0.'),
      })
      .optional()
      .describe('The fixed beam of safeState: codeword.'),
    calibration: calibrationSchema.prefault({}),
    beamFolder: z
      .string()
      .min(1)
      .max(1000)
      .default('beams')
      .describe('Folder of beams that are kept by name (`beamrig beams`), from the folder of the rig file.'),
    simulator: simulatorSchema.prefault({}),
    telemetry: z
      .strictObject({
        runFolder: z.string().min(1).max(1000).default('runs').describe('Folder in which each run makes a folder of its own.'),
        syncSeconds: z
          .number()
          .min(0.1)
          .max(3600)
          .default(1)
          .describe('How often records are forced to the disk, s: what a power cut can take at most.'),
        keep: z
          .enum(['none', 'words', 'channels', 'all'])
          .default('none')
          .describe(
            'What of each beam is kept beside its record, compressed: phase words with the digital weights, channels, or both. `beamrig beam` shows, checks and sends again what was kept.',
          ),
        influx: influxSchema.optional(),
      })
      .prefault({})
      .describe('Where records go.'),
    dashboard: z
      .strictObject({
        host: z
          .string()
          .min(1)
          .max(255)
          .default('127.0.0.1')
          .describe('Address the page listens on. The page has no login: leave it on this machine unless the network is yours.'),
        port: z.int().min(0).max(65_535).default(8080).describe('Port of the page; 0 takes any free one.'),
        allowedHosts: z
          .array(
            z
              .string()
              .regex(/^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:\d{1,5})?$/)
              .max(255)
              .meta({ allowed: 'a host name, with a port where only that one is meant: lab.example, lab.example:8443' }),
          )
          .max(32)
          .default([])
          .describe(
            'Further host names that the page is reached under, those of proxies in front of it: their pages may steer the array. The page may be below a path, /rigs/demo/ say, that the proxy takes off.',
          ),
        maxPages: z
          .int()
          .min(1)
          .max(1000)
          .default(32)
          .describe(
            'Pages that may be open at a time. One more is told that there is no room, unless another address has more of them open than its own: then the newest of those makes room, so that nobody keeps others out. One place in eight is the own machine’s whenever it asks.',
          ),
      })
      .prefault({})
      .describe('The live page.'),
  })
  .describe('A beamrig rig file.');

/** A rig file as read: every default applied, elements of links listed one by one, paths of links and keys absolute. */
export type RigFile = Omit<z.output<typeof rigFileSchema>, 'links'> & { links: RigLink[] };

/** A rig as people write it, in a file or as an object: what has a default may be left out. */
export type RigInput = z.input<typeof rigFileSchema>;

let jsonSchema: SchemaNode | undefined;
/** The schema as data, for messages and for the documentation page. Made once: that takes longer than a file takes to check. */
export const rigFileJsonSchema = (): SchemaNode =>
  (jsonSchema ??= z.toJSONSchema(rigFileSchema, { io: 'input', unrepresentable: 'any' }) as SchemaNode);

/** N of a rig: antenna elements. */
export const elementsOf = (rig: Pick<RigFile, 'array'>): number => {
  const { geometry } = rig.array;
  return geometry.kind === 'ula' ? geometry.elements : geometry.rows * geometry.columns;
};

/**
 * Reads and checks a rig file.
 * @throws BeamrigError 'rig-file' that lists the problems, one line each, with what is allowed.
 */
export function readRigFile(path: string): RigFile {
  return loadRigFile(path).rig;
}

const LARGEST_BYTES = 1_000_000;

/** As readRigFile, with the text of the file for the run's manifest. */
export function loadRigFile(path: string): { rig: RigFile; text: string } {
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES });
  if (!read.ok) {
    const wayOut = 'Give the path of a rig file; `beamrig init rig.yaml` writes one to start from.';
    const why = read.reason === 'too-large' ? 'larger than 1 MB, so this is no rig file' : read.why;
    throw new BeamrigError('rig-file', `${path}: ${why}`, { wayOut, cause: read.cause });
  }
  const decoded = plainTextOf(read.bytes);
  if (!decoded.ok) refuseRigFile(path, [{ position: String(decoded.flaw.line), text: decoded.flaw.text }]);
  return { rig: parseRigFile(decoded.text, path), text: decoded.text };
}

/** Checks the text of a rig file; `name` is what messages call it. Throws BeamrigError 'rig-file'. */
export function parseRigFile(text: string, name: string): RigFile {
  const { raw, lineOf, writtenAt } = readRigYaml(text, name);
  const checked = checkRig(raw, folderOf(name), writtenAt);
  if ('rig' in checked) return checked.rig;
  const placed = checked.problems.map((problem) => ({ position: lineOf(problem.path), text: problem.text }));
  return refuseRigFile(
    name,
    placed.sort((a, b) => Number(a.position ?? 0) - Number(b.position ?? 0)),
    checked.more,
  );
}

/**
 * A rig that was put together from its keys.
 * @param folder that its paths are relative to
 * @returns it, or what is wrong with it: the first problems, and how many more there are
 */
export function checkRig(
  raw: object,
  folder: string,
  writtenAt?: (path: readonly PropertyKey[]) => string | undefined,
): { rig: RigFile } | { problems: Problem[]; more: number } {
  const parsed = rigFileSchema.safeParse(raw);
  const issues = parsed.success ? [] : parsed.error.issues;
  const problems = problemsOf(issues.slice(0, MOST_ISSUES), raw, rigFileJsonSchema(), writtenAt);
  problems.push(...disagreements(parsed.success ? parsed.data : raw, folder));
  const places = new Set(problems.map(({ path }) => pathText(path)));
  problems.push(...characterProblems(raw).filter(({ path }) => !places.has(pathText(path))));
  if (problems.length > 0 || !parsed.success) return { problems, more: issues.length - MOST_ISSUES };
  return { rig: placedIn(folder, parsed.data) };
}

/** More are counted and not looked at. */
const MOST_ISSUES = 100;

/** What paths in the file are relative to: its folder, or where the command was typed when the text comes through a pipe. */
const folderOf = (name: string): string => (/^\/(?:dev|proc)\//.test(name) ? process.cwd() : dirname(resolve(name)));

function placedIn(folder: string, file: z.output<typeof rigFileSchema>): RigFile {
  const links = readLinks(file.links, elementsOf(file), file.users.count, folder);
  const telemetry = { ...file.telemetry, runFolder: expandHome(file.telemetry.runFolder) };
  return { ...pathsFrom(folder, file), links, telemetry };
}
