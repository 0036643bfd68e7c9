/**
 * The model files on disk: which there are, what their cards say, and whether file and card belong together. A model that fails here is
 * refused before a rig starts; it never chooses a beam.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BeamrigError, isBeamrigError } from '../core/errors/beamrig-error.ts';
import { characterProblems } from '../core/errors/character-problems.ts';
import { counted } from '../core/errors/counted.ts';
import { nearest } from '../core/errors/nearest.ts';
import { pathText, problemsOf } from '../core/errors/schema-problems.ts';
import { readBoundedFile } from '../core/files/bounded-file.ts';
import type { z } from 'zod';
import { packageRoot } from '../core/files/package-root.ts';
import { readJson } from '../core/files/json-text.ts';
import { plainTextOf } from '../core/files/plain-text.ts';
import { wideEncoding } from '../core/files/text-encoding.ts';
import { cardJsonSchema, isTodo, modelCardSchema, sensingColumns } from './card.ts';
import type { ModelCard, ModelTensor } from './card.ts';
import { NUMBERS_ENDING, ONNX_ENDING, cardPathOf, isModelFileName, isModelPath } from './model-path.ts';
import { readNumbers } from './numbers-file.ts';
import type { NumbersFile } from './numbers-schema.ts';
import { NEWEST_IR, NEWEST_OPSET, readOnnx } from './onnx-file.ts';
import type { OnnxFile } from './onnx-file.ts';
import { tensorFlaws } from './tensor-flaws.ts';

export interface ModelFile {
  id: string;
  /** The ONNX file, or that of numbers for every array; its card lies beside it as .json. */
  path: string;
  card: ModelCard;
}

/** One that has been checked, with its bytes: those are the ones to run. */
export interface VerifiedModel extends ModelFile {
  bytes: Uint8Array;
  /** Of the card. */
  cardSha256: string;
}

/** The models that come with the package. */
export function zooFolder(): string {
  return join(packageRoot(), 'models', 'zoo');
}

/**
 * All models of a folder that have a card, by id.
 * @throws BeamrigError 'model-missing' (no such folder), 'model-damaged' or 'model-mismatch' (a card that cannot be read)
 */
export function listModels(folder: string = zooFolder()): ModelFile[] {
  if (!existsSync(folder)) {
    throw new BeamrigError('model-missing', `model folder ${folder} is not there`, {
      wayOut: 'name a folder that holds .onnx files and their .json cards',
    });
  }
  const names = readdirSync(folder).filter((name) => isModelFileName(name) && existsSync(join(folder, cardPathOf(name))));
  const models = names.map((name) => {
    const path = join(folder, name);
    const card = readCard(path);
    return { id: card.id, path, card };
  });
  return models.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * The file that an id of the zoo, or a path to a model's file, stands for.
 * @param baselines that might have been meant where a model or a baseline is asked for
 * @throws BeamrigError 'model-missing', naming what there is
 */
export function findModel(idOrPath: string, baselines: readonly string[] = []): string {
  const folder = zooFolder();
  const isPath = isModelPath(idOrPath);
  const candidates = isPath ? [idOrPath] : [ONNX_ENDING, NUMBERS_ENDING].map((ending) => join(folder, `${idOrPath}${ending}`));
  const found = candidates.find((path) => isModelFileName(path) && whyNotRead(path) === undefined);
  if (found !== undefined) return found;
  const [direct] = candidates;
  const why = whyNotRead(direct);
  if (isPath && why?.reason !== 'missing') {
    throw new BeamrigError('model-missing', `model ${idOrPath}: ${why?.why ?? 'this is no .onnx file by its name'}`, {
      wayOut: 'give the path of an .onnx file, with its card beside it, or an id that `beamrig models` lists',
      cause: why?.cause,
    });
  }
  const known = existsSync(folder) ? listModels(folder).map(({ id }) => id) : [];
  const near = isPath ? undefined : nearest(idOrPath, [...known, ...baselines]);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  const ways = [
    ...(known.length > 0 ? [`use one of ${known.join(', ')}`] : []),
    ...(baselines.length > 0 ? [`a baseline of ${baselines.join(', ')}`] : []),
  ];
  throw new BeamrigError('model-missing', `model ${idOrPath} is not there (looked for ${direct})${hint}`, {
    wayOut: ways.length > 0 ? `${ways.join('; ')}; or the path of an .onnx file` : 'give the path of an .onnx file',
  });
}

/** Only what stands there is asked: nothing of the file is taken in. */
function whyNotRead(path: string) {
  const probe = readBoundedFile(path, { maxBytes: 0, pipes: 'refuse' });
  return probe.ok || probe.reason === 'too-large' ? undefined : probe;
}

/**
 * The card of a model, from the path of either file.
 * @throws BeamrigError 'model-missing' without a card, 'model-damaged' when it is no JSON, 'model-mismatch' when it breaks the schema
 */
export function readCard(path: string): ModelCard {
  const { card, flaws } = lookAtCard(path);
  if (card !== undefined) return card;
  throw firstOf(flaws, path);
}

/** A card, or everything that keeps it from being one. @param path of either file */
function lookAtCard(path: string): { card?: ModelCard; sha256?: string; flaws: BeamrigError[] } {
  const cardPath = cardPathOf(path);
  const refuse = (code: 'model-damaged' | 'model-mismatch', why: string, wayOut: string, cause?: unknown): BeamrigError =>
    new BeamrigError(code, `card ${cardPath}${why}`, { wayOut, cause });
  let bytes: Buffer;
  try {
    bytes = readModelFile(cardPath, 'card');
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    return { flaws: [error] };
  }
  const wide = wideEncoding(bytes);
  if (wide !== undefined) {
    const wayOut = `save it as UTF-8, or: iconv -f ${wide} -t UTF-8`;
    return { flaws: [refuse('model-damaged', ` is ${wide} and not UTF-8`, wayOut)] };
  }
  const decoded = plainTextOf(bytes);
  if (!decoded.ok) {
    return {
      flaws: [refuse('model-damaged', ` is no text in UTF-8: line ${decoded.flaw.line}: ${decoded.flaw.text}`, REPAIR_CARD)],
    };
  }
  const read = readJson(decoded.text.replace(/^\ufeff/, ''));
  if (!read.ok) return { flaws: [refuse('model-damaged', ` is not JSON: ${read.why}`, REPAIR_CARD)] };
  const json = read.value;
  const wayOut =
    'write the card by models/README.md (contract version 1); `beamrig models card` begins one; checksum, inputs and outputs are compared once it does';
  if (!isObject(json) || Array.isArray(json)) {
    return { flaws: [refuse('model-mismatch', ' holds no named fields: it is { "contract": 1, "id": …, … }', wayOut)] };
  }
  const parsed = modelCardSchema.safeParse(json);
  const characters = characterProblems(json);
  if (parsed.success && characters.length === 0) return { card: parsed.data, sha256: sha256Of(bytes), flaws: [] };
  const issues = parsed.error?.issues.flatMap(unfolded) ?? [];
  const open = issues.map(({ path: at }) => at).filter((at) => isTodo(valueAt(json, at)));
  const others = issues.filter(({ path: at }) => !open.includes(at));
  const told = [
    ...open.map((at) => `${pathText(at)}: still to be filled in (${String(valueAt(json, at))})`),
    ...[...problemsOf(others, json, cardJsonSchema()), ...characters].map(({ text }) => text),
  ];
  return { flaws: told.map((text) => refuse('model-mismatch', `: ${text}`, wayOut)) };
}

/** Where a value may be one of several, what is wrong inside it says more than that it is none of them. */
function unfolded(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  const inside =
    issue.code === 'invalid_union' ? issue.errors.find((issues) => issues.some(({ path }) => path.length > 0)) : undefined;
  return inside?.map((each) => ({ ...each, path: [...issue.path, ...each.path] })) ?? [issue];
}

const valueAt = (json: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inner, key) => (isObject(inner) ? Reflect.get(inner, key) : undefined), json);

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** What was looked at of a model, whole or not. */
export interface LookedAt {
  path: string;
  /** Where there is one that follows the schema, and its checksum. */
  card?: ModelCard;
  cardSha256?: string;
  /** Of the file, where it could be read. */
  bytes?: Uint8Array;
  /** All that does not fit, the gravest first. */
  flaws: readonly BeamrigError[];
}

/**
 * Everything that can be said of a model without running it: checksum, ONNX, and the file's inputs and outputs against card and contract; of a
 * file of numbers, whether it holds those of the family in the card.
 * @param path of the model's file
 */
export function lookAtModel(path: string): LookedAt {
  let bytes: Buffer;
  try {
    bytes = readModelFile(path, 'model');
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    return { path, flaws: [error] };
  }
  const { card, sha256: cardSha256, flaws: ofCard } = lookAtCard(path);
  const flaws = [...ofCard];
  const sha256 = sha256Of(bytes);
  const isNumbers = path.endsWith(NUMBERS_ENDING);
  const { file, flaws: ofFile } = isNumbers ? { flaws: lookAtNumbers(path, bytes, card) } : lookAtFile(path, bytes);
  // A checksum of what is damaged helps nobody.
  const isDamaged = ofFile.some(({ code }) => code === 'model-damaged');
  if (card !== undefined && sha256 !== card.sha256) {
    const message = `model ${path} has sha256 ${sha256.slice(0, 12)}…, its card says ${card.sha256.slice(0, 12)}…`;
    const wayOut = isDamaged
      ? REINSTALL
      : `${REINSTALL}; of a file of your own that is meant to be as it is now, write "sha256": "${sha256}" into the card`;
    flaws.push(new BeamrigError('model-damaged', message, { wayOut }));
  }
  if (card !== undefined) flaws.push(...kindFlaws(path, card));
  flaws.push(...ofFile);
  if (file !== undefined && card !== undefined)
    flaws.push(...tensorFlaws(path, card, file, contractTensors(card, columnsOf(card))));
  return { path, ...(card === undefined ? {} : { card, cardSha256 }), bytes, flaws };
}

/**
 * Checks a model before it may run, as `lookAtModel` looks at it.
 * @returns the file with its bytes, and the checksum of its card: what was checked is what runs, and what a manifest names
 * @throws BeamrigError 'model-missing', 'model-damaged' or 'model-mismatch', naming what differs first
 */
export function verifyModel(path: string): VerifiedModel {
  const { card, cardSha256, bytes, flaws } = lookAtModel(path);
  if (flaws.length === 0 && card !== undefined && cardSha256 !== undefined && bytes !== undefined) {
    return { id: card.id, path, card, bytes, cardSha256 };
  }
  throw firstOf(flaws, path);
}

/** The first flaw, and how many more there are. */
function firstOf([first, ...others]: readonly BeamrigError[], path: string): BeamrigError {
  if (others.length === 0) return first;
  const more = `${counted(others.length, 'more thing')} of it ${others.length === 1 ? 'does' : 'do'} not fit; \`beamrig models verify ${path}\` lists all`;
  return new BeamrigError(first.code, `${first.message}; ${more}`, { wayOut: first.wayOut ?? REINSTALL, cause: first.cause });
}

export const sha256Of = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** R as the card says it; undefined of a file without such inputs. A card that leaves it open is told of one that would do. */
const columnsOf = (card: ModelCard): number | undefined =>
  card.sensing !== 'input' ? undefined : (sensingColumns(card) ?? (card.dimensions === 'any' ? 1 : card.dimensions.users));

/** Numbers serve every array, and an ONNX file just one. */
function kindFlaws(path: string, { dimensions, connection, sensing, mostPhaseBits }: ModelCard): BeamrigError[] {
  const isNumbers = path.endsWith(NUMBERS_ENDING);
  const senses = sensing === undefined || isNumbers === (sensing === 'any');
  if (
    isNumbers === (dimensions === 'any') &&
    isNumbers === (connection === 'any') &&
    senses &&
    (isNumbers || mostPhaseBits === undefined)
  )
    return [];
  const message = `model ${path}: dimensions, connection and sensing are "any" of files that end in ${NUMBERS_ENDING}, and of those alone, which alone have mostPhaseBits`;
  return [new BeamrigError('model-mismatch', message, { wayOut: 'correct the card' })];
}

/** A file of numbers has no tensors of its own: those that the card tells are the contract's. */
function lookAtNumbers(path: string, bytes: Uint8Array, card: ModelCard | undefined): BeamrigError[] {
  let file: NumbersFile;
  try {
    file = readNumbers(bytes, path);
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    return [error];
  }
  if (card === undefined) return [];
  const contract = contractTensors(card);
  const flaws = tensorFlaws(path, card, contract, contract);
  const add = (message: string): number =>
    flaws.push(new BeamrigError('model-mismatch', `model ${path} ${message}`, { wayOut: 'correct the card' }));
  if (file.family !== card.algorithm) add(`holds numbers of ${file.family}, its card is of ${card.algorithm}`);
  const senses = file.sensing !== undefined;
  if (senses !== (card.sensing === 'any')) add(`holds ${senses ? '' : 'no '}numbers for sensing, and its card says otherwise`);
  const bits = file.words?.mostPhaseBits;
  if (bits !== card.mostPhaseBits) {
    const held = bits === undefined ? 'no numbers for words' : `numbers for words of up to ${counted(bits, 'bit')}`;
    add(`holds ${held}, and its card says otherwise (mostPhaseBits)`);
  }
  return flaws;
}

/**
 * What contract version 1 asks of a model with these dimensions; where they are any, lengths have names.
 * @param columns R, of a model that senses: how many it takes is the file's own choice
 */
export function contractTensors(
  card: Pick<ModelCard, 'dimensions' | 'connection'>,
  columns?: number,
): {
  inputs: ModelTensor[];
  outputs: ModelTensor[];
} {
  const { elements, rfChains, users } = card.dimensions === 'any' ? ANY_LENGTHS : card.dimensions;
  const tensor = (name: string, shape: (number | string)[]): ModelTensor => ({ name, type: 'float32', shape });
  const inputs = [tensor('channel', ['B', users, elements, 2]), tensor('power', ['B']), tensor('noise', ['B'])];
  if (card.connection === 'input') inputs.push(tensor('connection', [elements, rfChains]));
  if (columns !== undefined) inputs.push(tensor('sensing_factor', [elements, columns, 2]), tensor('sensing_weight', [1]));
  return { inputs, outputs: [tensor('analog_phase', ['B', elements, rfChains]), tensor('digital', ['B', rfChains, users, 2])] };
}

const ANY_LENGTHS = { elements: 'N', rfChains: 'M', users: 'K' } as const;

/** What made it is written in the card, which nobody can read now. */
const REPAIR_CARD =
  'repair it there, or fetch the model and its card again; of an ONNX file, `beamrig models card` begins another';

const REINSTALL = 'fetch the model and its card again, or train it anew with the command in its card';

/** Of a model or its card. Both are read more than once, and a model that chooses 20 beams a second is not larger. */
const LARGEST_BYTES = { model: 1 << 29, card: 1_000_000 };

/** @throws BeamrigError 'model-missing' where there is no such file, or none that can be read */
export function readModelFile(path: string, what: keyof typeof LARGEST_BYTES): Buffer {
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES[what], pipes: 'refuse' });
  if (read.ok) return read.bytes;
  throw new BeamrigError('model-missing', `${what} ${path} cannot be read: ${read.why}`, {
    wayOut:
      what === 'card' && read.reason === 'missing'
        ? `of an ONNX file, begin one: beamrig models card ${path.replace(/\.json$/, ONNX_ENDING)}`
        : '`beamrig models` lists what there is',
    cause: read.cause,
  });
}

/** Finds what the runtime would refuse in its own words, or open wrongly. */
function lookAtFile(path: string, bytes: Uint8Array): { file?: OnnxFile; flaws: BeamrigError[] } {
  let file: OnnxFile;
  try {
    file = readOnnx(bytes);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    const message = `model ${path} is not an ONNX file (${detail})`;
    return { flaws: [new BeamrigError('model-damaged', message, { wayOut: REINSTALL, cause })] };
  }
  const { externalFiles, irVersion, opset } = file;
  const flaws: BeamrigError[] = [];
  const mismatch = (what: string, wayOut: string): number =>
    flaws.push(new BeamrigError('model-mismatch', `model ${path} ${what}`, { wayOut }));
  if (externalFiles.length > 0) {
    const where = externalFiles
      .slice(0, 3)
      .map((name) => `'${name}'`)
      .join(', ');
    mismatch(
      `has weights in another file (${where}), which no checksum covers`,
      'export it with all weights inside: onnx.save_model(model, path, save_as_external_data=False)',
    );
  }
  for (const [what, is, newest] of [
    ['opset', opset, NEWEST_OPSET],
    ['IR version', irVersion, NEWEST_IR],
  ] as const) {
    if (is <= newest) continue;
    mismatch(
      `is too new: ${what} ${is}, and up to ${newest} is accepted`,
      `export it with opset ${NEWEST_OPSET} or lower (torch.onnx.export(…, opset_version=20)) and IR version ${NEWEST_IR} or lower`,
    );
  }
  return { file, flaws };
}
