/**
 * A training run that was stopped, of any family, as a JSON file from which it goes on as if it had not been. Numbers keep all their digits.
 */
import { z } from 'zod';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import { writeWholeFile } from '../../core/files/whole-file.ts';
import type { AdamState } from './adam.ts';
import type { Engine } from '../engine/engines.ts';

/** Which training a checkpoint belongs to: a run goes on only with the same. */
export interface TrainingIdentity {
  /** Id of the family. */
  family: string;
  /** Everything that decides the result, as JSON. */
  options: string;
}

export interface TrainingState {
  /** What computed it: another engine would go on to other bytes. */
  engine: Engine;
  /** Batches of this epoch that are done; the next is `epoch`·batches + `batchesDone`. */
  epoch: number;
  batchesDone: number;
  parameters: Float64Array[];
  adam: AdamState;
  best: { epoch: number; validationRate: number; parameters: Float64Array[] };
}

const arrays = z.array(z.array(z.number()).transform((values) => Float64Array.from(values)));
const schema = z.strictObject({
  format: z.literal('beamrig-training-2'),
  family: z.string(),
  options: z.string(),
  // Those of earlier builds do not say: onnxruntime was the only one.
  engine: z.enum(['compiled', 'onnxruntime']).default('onnxruntime'),
  epoch: z.int().nonnegative(),
  batchesDone: z.int().nonnegative(),
  parameters: arrays,
  adam: z.strictObject({ step: z.int().nonnegative(), mean: arrays, square: arrays }),
  best: z.strictObject({ epoch: z.int().nonnegative(), validationRate: z.number(), parameters: arrays }),
});

/** @throws BeamrigError 'output' where it cannot be written */
export function writeCheckpoint(path: string, identity: TrainingIdentity, state: TrainingState): void {
  const content = { format: 'beamrig-training-2', ...identity, ...state };
  const text = JSON.stringify(content, (_, value: unknown) => (value instanceof Float64Array ? Array.from(value) : value));
  try {
    writeWholeFile(path, text);
  } catch (cause) {
    throw new BeamrigError('output', `what was trained cannot be kept as ${path}: ${(cause as Error).message}`, {
      wayOut: 'It is lost: make room there, and start the training anew.',
      cause,
    });
  }
}

/** One that stays where it is keeps a new training from beginning. */
const MOVE_IT_AWAY = 'Move it away, and start the training anew without --resume.';

/** Steps of a network, by the hundred thousand. */
const LARGEST_BYTES = 64_000_000;

/** @throws BeamrigError 'argument' when the file is not a checkpoint, or one of another training */
export function readCheckpoint(path: string, identity: TrainingIdentity): TrainingState {
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES });
  if (!read.ok) {
    throw new BeamrigError('argument', `checkpoint ${path} cannot be read: ${read.why}`, {
      wayOut: MOVE_IT_AWAY,
      cause: read.cause,
    });
  }
  let content: z.infer<typeof schema>;
  try {
    content = schema.parse(JSON.parse(read.bytes.toString('utf8')));
  } catch (cause) {
    throw new BeamrigError('argument', `checkpoint ${path} is damaged, or no checkpoint`, {
      wayOut: MOVE_IT_AWAY,
      cause,
    });
  }
  if (content.family !== identity.family || content.options !== identity.options) {
    throw new BeamrigError(
      'argument',
      `checkpoint ${path} belongs to a training with other options: ${differencesOf(content, identity)}`,
      {
        wayOut: 'Go on with the options of the checkpoint, or start anew without --resume, with another --output.',
      },
    );
  }
  const { engine, epoch, batchesDone, parameters, adam, best } = content;
  return { engine, epoch, batchesDone, parameters, adam, best };
}

/** `phaseBits: 2 in the checkpoint, 3 asked for`: what differs, and nothing else. */
function differencesOf(theirs: TrainingIdentity, ours: TrainingIdentity): string {
  if (theirs.family !== ours.family) return `${theirs.family} in the checkpoint, ${ours.family} asked for`;
  const [before, now] = [theirs, ours].map(({ options }) => optionsIn(options));
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((name) => before[name] !== now[name]);
  return names.map((name) => `${name}: ${before[name] ?? 'none'} in the checkpoint, ${now[name] ?? 'none'} asked for`).join('; ');
}

/** By name: what train.ts has put together, options as JSON and, where there are any, checksums of the model it went on from and of its channels. */
function optionsIn(text: string): Record<string, string | undefined> {
  const end = text.lastIndexOf('}') + 1;
  try {
    const options = Object.entries(JSON.parse(text.slice(0, end)) as object).map(([name, value]) => [name, shown(value)]);
    const [from, channelFile] = (end === text.length ? [] : JSON.parse(text.slice(end))) as (string | null)[];
    return {
      ...(Object.fromEntries(options) as Record<string, string>),
      ...(from ? { 'sha256 of the model of --from': `${from.slice(0, 12)}…` } : {}),
      ...(channelFile ? { 'sha256 of the channel file': `${channelFile.slice(0, 12)}…` } : {}),
    };
  } catch {
    return { options: text };
  }
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
