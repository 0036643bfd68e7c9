/**
 * Several trainings that differ in some of their options, and what came of each, in one folder: models with their cards, and `sweep.json`. A
 * training whose model lies there already is not done again, so a sweep that was ended goes on, and grows, with the same command.
 *
 *   unfinished/HASH/: checkpoint, then model and card ─► sweep.json knows them ─► they move up
 *
 * So a sweep that is killed at any moment finds again what was done, and takes no file for one that it did not write.
 */
import { existsSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { makeFolders } from '../../../core/files/make-folders.ts';
import { readBoundedFile } from '../../../core/files/bounded-file.ts';
import { writeWholeFile } from '../../../core/files/whole-file.ts';
import { cardPathOf } from '../../../models/model-path.ts';
import type { TrainingOptions } from '../../../models/training/training-options.ts';
import { sha256Of } from '../../../models/zoo.ts';
import { atATime } from '../at-a-time.ts';
import type { Trained } from './training-job.ts';

export interface PlannedTraining {
  /** Name of the model's file. */
  model: string;
  /** What it differs in, as typed, by the option's flag without dashes. */
  values: Readonly<Record<string, string>>;
  options: TrainingOptions;
  /** Hash of everything that decides the model. */
  identity: string;
}

const doneSchema = z.strictObject({
  model: z.string(),
  values: z.record(z.string(), z.string()),
  /** bit/s/Hz on its own validation channels, and on those of all. */
  reached: z.number(),
  compared: z.number(),
  bestEpoch: z.int(),
  sha256: z.string(),
  identity: z.string(),
});
export type DoneTraining = z.output<typeof doneSchema>;

const recordSchema = z.strictObject({
  format: z.literal('beamrig-sweep-1'),
  /** In the order of the plan. */
  trainings: z.array(doneSchema),
  /** Of each array, and of each aim, that was trained for. */
  best: z.array(z.string()),
});
export type SweepRecord = z.output<typeof recordSchema>;

export interface SweepRequest {
  folder: string;
  planned: readonly PlannedTraining[];
  parallel: number;
  /** Writes model and card. @returns undefined where it was stopped */
  train: (training: PlannedTraining, output: string) => Promise<Trained | undefined>;
  onDone: (training: PlannedTraining, outcome: DoneTraining | { error: unknown }) => void;
}

const RECORD = 'sweep.json';
const UNFINISHED = 'unfinished';
/**
 * All are compared on the channels that this seed draws under a name that no training uses: the same whichever lists were given, now and when the
 * same sweep goes on.
 */
export const COMPARED_BY_SEED = 1;
const LARGEST_BYTES = 16 * 2 ** 20;

/**
 * @returns what is done; fewer than planned where some were stopped, or failed, which `onDone` has heard of
 * @throws {BeamrigError} 'argument' where the folder holds something else by these names
 */
export async function sweep({ folder, planned, parallel, train, onDone }: SweepRequest): Promise<SweepRecord> {
  const path = join(folder, RECORD);
  const done = new Map<string, DoneTraining>();
  for (const each of alreadyDone(path)) {
    const plan = planned.find(({ model }) => model === each.model);
    if (plan?.identity !== each.identity) continue;
    if (sha256OfFile(placeOf(folder, plan)) === each.sha256) moveUp(folder, plan);
    if (sha256OfFile(join(folder, each.model)) === each.sha256) done.set(each.model, { ...each, values: plan.values });
  }
  const left = planned.filter(({ model }) => !done.has(model));
  for (const { model } of left) requireFree(join(folder, model), path);
  const record = (): SweepRecord => {
    const trainings = planned.flatMap(({ model }) => done.get(model) ?? []);
    return { format: 'beamrig-sweep-1', trainings, best: bestOf(planned, done) };
  };
  await atATime(parallel, left, async (training) => {
    const output = placeOf(folder, training);
    try {
      makeFolders(dirname(output));
      const trained = await train(training, output);
      if (trained === undefined) return removeEmpty(dirname(output), join(folder, UNFINISHED));
      const { model, values, identity } = training;
      const one = { model, values, ...trained, sha256: sha256OfFile(output) ?? '', identity };
      done.set(model, one);
      writeWholeFile(path, `${JSON.stringify(record(), null, 2)}\n`);
      moveUp(folder, training);
      onDone(training, one);
    } catch (error) {
      onDone(training, { error });
    }
  });
  return record();
}

function alreadyDone(path: string): DoneTraining[] {
  if (!existsSync(path)) return [];
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES });
  try {
    if (!read.ok) throw new Error(read.why);
    return recordSchema.parse(JSON.parse(read.bytes.toString('utf8'))).trainings;
  } catch (cause) {
    throw new BeamrigError('argument', `--output: ${path} is damaged, or no record of a sweep`, {
      ...{ wayOut: 'Give another folder, or move that file away.', cause },
    });
  }
}

/** Where a training writes: of its own, for one with other options has a checkpoint of the same name. */
const placeOf = (folder: string, { model, identity }: PlannedTraining): string =>
  join(folder, UNFINISHED, identity.slice(0, 16), model);

/** The card first: once the model is there, all is. */
function moveUp(folder: string, training: PlannedTraining): void {
  const [from, to] = [placeOf(folder, training), join(folder, training.model)];
  if (existsSync(cardPathOf(from))) renameSync(cardPathOf(from), cardPathOf(to));
  renameSync(from, to);
  rmSync(dirname(from), { recursive: true, force: true });
  removeEmpty(join(folder, UNFINISHED));
}

function removeEmpty(...folders: string[]): void {
  try {
    folders.forEach((folder) => rmdirSync(folder));
  } catch {
    // There is something in it, or it is gone.
  }
}

/** Nothing is written over; whatever is not of the sweep stays. */
function requireFree(output: string, record: string): void {
  const inTheWay = [output, cardPathOf(output)].find((path) => existsSync(path));
  if (inTheWay === undefined) return;
  throw new BeamrigError('argument', `--output: ${inTheWay} exists already, and is not what ${record} says of this training`, {
    wayOut: 'Give another folder as --output, or move that file away.',
  });
}

function sha256OfFile(path: string): string | undefined {
  const read = readBoundedFile(path, { maxBytes: 2 ** 30 });
  return read.ok ? sha256Of(read.bytes) : undefined;
}

/** Options that make the figure another one. */
const ASKED: readonly string[] = ['elements', 'rfChains', 'users', 'paths', 'phaseBits', 'sensingWeight'];

function bestOf(planned: readonly PlannedTraining[], done: ReadonlyMap<string, DoneTraining>): string[] {
  const best = new Map<string, DoneTraining>();
  for (const { model, options } of planned) {
    const one = done.get(model);
    if (one === undefined) continue;
    const asked = JSON.stringify(Object.entries(options).filter(([name]) => ASKED.includes(name)));
    const before = best.get(asked);
    if (before === undefined || one.compared > before.compared) best.set(asked, one);
  }
  return [...best.values()].map(({ model }) => model);
}
