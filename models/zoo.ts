/**
 * The model files on disk: which there are, what their cards say, and whether file and card belong together. A model that fails here is
 * refused before a rig starts; it never chooses a beam.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../core/files/bounded-file.ts';
import { packageRoot } from '../core/files/package-root.ts';
import { wideEncoding } from '../core/files/text-encoding.ts';
import { modelCardSchema } from './card.ts';
import type { ModelCard, ModelTensor } from './card.ts';
import { NEWEST_IR, NEWEST_OPSET, readOnnx } from './onnx-file.ts';
import type { OnnxFile } from './onnx-file.ts';

export interface ModelFile {
  id: string;
  /** The ONNX file; its card lies beside it as .json. */
  path: string;
  card: ModelCard;
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
  const names = readdirSync(folder).filter((name) => name.endsWith('.onnx') && existsSync(join(folder, cardName(name))));
  const models = names.map((name) => {
    const path = join(folder, name);
    const card = readCard(path);
    return { id: card.id, path, card };
  });
  return models.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Whether a model is named by the path of its file; else it is an id of the zoo. */
export const isModelPath = (idOrPath: string): boolean => idOrPath.endsWith('.onnx') || /[/\\]/.test(idOrPath);

/**
 * The file that an id of the zoo, or a path to an .onnx file, stands for.
 * @throws BeamrigError 'model-missing', naming what there is
 */
export function findModel(idOrPath: string, folder: string = zooFolder()): string {
  const isPath = isModelPath(idOrPath);
  const direct = isPath ? idOrPath : join(folder, `${idOrPath}.onnx`);
  // Only what stands there is asked: nothing of the file is taken in.
  const probe = readBoundedFile(direct, { maxBytes: 0, pipes: 'refuse' });
  const why = probe.ok || probe.reason === 'too-large' ? undefined : probe;
  if (why === undefined && direct.endsWith('.onnx')) return direct;
  if (isPath && why?.reason !== 'missing') {
    throw new BeamrigError('model-missing', `model ${idOrPath}: ${why?.why ?? 'this is no .onnx file by its name'}`, {
      wayOut: 'give the path of an .onnx file, with its card beside it, or an id that `beamrig models` lists',
      cause: why?.cause,
    });
  }
  const known = existsSync(folder) ? listModels(folder).map(({ id }) => id) : [];
  throw new BeamrigError('model-missing', `model ${idOrPath} is not there (looked for ${direct})`, {
    wayOut: known.length > 0 ? `use one of ${known.join(', ')}, or the path of an .onnx file` : 'give the path of an .onnx file',
  });
}

/**
 * The card of a model, from the path of either file.
 * @throws BeamrigError 'model-missing' without a card, 'model-damaged' when it is no JSON, 'model-mismatch' when it breaks the schema
 */
export const readCard = (path: string): ModelCard => readCardFile(path).card;

function readCardFile(path: string): { card: ModelCard; bytes: Buffer } {
  const cardPath = cardName(path);
  const bytes = readModelFile(cardPath, 'card');
  const wide = wideEncoding(bytes);
  if (wide !== undefined) {
    throw new BeamrigError('model-damaged', `card ${cardPath} is ${wide} and not UTF-8`, {
      wayOut: `save it as UTF-8, or: iconv -f ${wide} -t UTF-8`,
    });
  }
  // Takes a byte order mark off.
  const text = new TextDecoder().decode(bytes);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BeamrigError('model-damaged', `card ${cardPath} is not JSON`, { wayOut: REINSTALL, cause });
  }
  const parsed = modelCardSchema.safeParse(json);
  if (parsed.success) return { card: parsed.data, bytes };
  const [issue] = parsed.error.issues;
  const field = issue.path.length === 0 ? 'the card' : issue.path.join('.');
  throw new BeamrigError('model-mismatch', `card ${cardPath}: ${field}: ${issue.message}`, {
    wayOut: 'write the card by the schema of models/card.ts (contract version 1)',
  });
}

/**
 * Checks a model before it may run: checksum, ONNX, and the file's inputs and outputs against card and contract.
 * @param path of the .onnx file
 * @returns the file with its bytes, and the checksum of its card: what was checked is what runs, and what a manifest names
 * @throws BeamrigError 'model-missing', 'model-damaged' or 'model-mismatch', naming what differs
 */
export function verifyModel(path: string): ModelFile & { bytes: Uint8Array; cardSha256: string } {
  const bytes = readModelFile(path, 'model');
  const { card, bytes: cardBytes } = readCardFile(path);
  const sha256 = sha256Of(bytes);
  if (sha256 !== card.sha256) {
    throw new BeamrigError(
      'model-damaged',
      `model ${path} has sha256 ${sha256.slice(0, 12)}…, its card says ${card.sha256.slice(0, 12)}…`,
      {
        wayOut: REINSTALL,
      },
    );
  }
  const file = readWhole(path, bytes);
  const required = contractTensors(card);
  for (const side of ['inputs', 'outputs'] as const) {
    compare(path, `${side} of card and file`, card[side], file[side]);
    compare(path, `${side} of file and contract`, file[side], required[side]);
  }
  return { id: card.id, path, card, bytes, cardSha256: sha256Of(cardBytes) };
}

/** What contract version 1 asks of a model with these dimensions. */
export function contractTensors(card: Pick<ModelCard, 'dimensions' | 'connection'>): {
  inputs: ModelTensor[];
  outputs: ModelTensor[];
} {
  const { elements, rfChains, users } = card.dimensions;
  const tensor = (name: string, shape: (number | string)[]): ModelTensor => ({ name, type: 'float32', shape });
  const inputs = [tensor('channel', ['B', users, elements, 2]), tensor('power', ['B']), tensor('noise', ['B'])];
  if (card.connection === 'input') inputs.push(tensor('connection', [elements, rfChains]));
  return { inputs, outputs: [tensor('analog_phase', ['B', elements, rfChains]), tensor('digital', ['B', rfChains, users, 2])] };
}

const REINSTALL = 'fetch the model and its card again, or train it anew with the command in its card';

const sha256Of = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

const cardName = (path: string): string => path.replace(/\.(onnx|json)$/, '') + '.json';

/** Of a model or its card. Both are read more than once, and a model that chooses 20 beams a second is not larger. */
const LARGEST_BYTES = { model: 1 << 29, card: 1_000_000 };

/** @throws BeamrigError 'model-missing' where there is no such file, or none that can be read */
export function readModelFile(path: string, what: keyof typeof LARGEST_BYTES): Buffer {
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES[what], pipes: 'refuse' });
  if (read.ok) return read.bytes;
  throw new BeamrigError('model-missing', `${what} ${path} cannot be read: ${read.why}`, {
    wayOut: '`beamrig models` lists what there is',
    cause: read.cause,
  });
}

/** Refuses what the runtime would refuse in its own words, or open wrongly. */
function readWhole(path: string, bytes: Uint8Array): OnnxFile {
  let file: OnnxFile;
  try {
    file = readOnnx(bytes);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new BeamrigError('model-damaged', `model ${path} is not an ONNX file of float32 tensors (${detail})`, {
      wayOut: REINSTALL,
      cause,
    });
  }
  const { externalFiles, irVersion, opset } = file;
  if (externalFiles.length > 0) {
    const where = externalFiles
      .slice(0, 3)
      .map((name) => `'${name}'`)
      .join(', ');
    throw new BeamrigError('model-mismatch', `model ${path} has weights in another file (${where}), which no checksum covers`, {
      wayOut: 'export it with all weights inside: onnx.save_model(model, path, save_as_external_data=False)',
    });
  }
  for (const [what, is, newest] of [
    ['opset', opset, NEWEST_OPSET],
    ['IR version', irVersion, NEWEST_IR],
  ] as const) {
    if (is <= newest) continue;
    throw new BeamrigError('model-mismatch', `model ${path} is too new: ${what} ${is}, and up to ${newest} is accepted`, {
      wayOut: `export it with opset ${NEWEST_OPSET} or lower (torch.onnx.export(…, opset_version=20)) and IR version ${NEWEST_IR} or lower`,
    });
  }
  return file;
}

/** Order does not matter, and neither does what the length known at run time is called. */
function compare(path: string, what: string, left: readonly ModelTensor[], right: readonly ModelTensor[]): void {
  const text = (tensors: readonly ModelTensor[]): string =>
    tensors
      .map(({ name, shape }) => `${name} [${shape.map((length) => (typeof length === 'string' ? '·' : length)).join(', ')}]`)
      .sort()
      .join(', ');
  if (text(left) === text(right)) return;
  throw new BeamrigError('model-mismatch', `model ${path}: ${what} differ: ${text(left)} against ${text(right)}`, {
    wayOut: 'correct the card, or export the model by the contract in models/README.md',
  });
}
