/** `beamrig train FAMILY --sweep seed=1,2,3`: a training for each combination of the lists, and which of them came out best. */
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import { nearest } from '../../core/errors/nearest.ts';
import { makeFolders } from '../../core/files/make-folders.ts';
import type { EngineChoice } from '../../models/engine/engines.ts';
import type { ModelFamily } from '../../models/family.ts';
import { flagsOf, optionsTyped } from '../../models/training/option-flags.ts';
import { checkpointPathOf, train } from '../../models/training/train.ts';
import type { MeasuredChannels, TrainedBefore, TrainingOptions } from '../../models/training/training-options.ts';
import { COMPARED_BY_SEED, sweep, type DoneTraining, type PlannedTraining } from '../jobs/training/sweep.ts';
import { trainByQueue, type Trained } from '../jobs/training/training-job.ts';
import { wholeNumber } from './arguments.ts';
import { duration } from './duration.ts';
import { failWith } from './failure.ts';
import { print, printError } from './output.ts';
import { openQueue } from './queue.ts';
import { JOBS_IN_QUEUE } from '../jobs/job-kind.ts';
import { onStopSignal } from './stop-signal.ts';
import { table } from './table.ts';

export interface SweepTyped {
  sweep?: string[];
  workers?: string;
  queue?: string;
}

export interface SweepAsked {
  family: ModelFamily;
  typed: SweepTyped & { output?: string; resume?: string | true };
  /** As typed, by option. */
  texts: Readonly<Record<string, string | undefined>>;
  before: { from: TrainedBefore; options: TrainingOptions } | undefined;
  measured: MeasuredChannels | undefined;
  engine: EngineChoice | undefined;
  /** Of the models' files. */
  ending: string;
  json: boolean;
}

const MOST_TRAININGS = 1000;

/** Options that do nothing were meant to do something. */
export function refuseWithoutSweep({ workers, queue }: SweepTyped): void {
  const idle = workers === undefined ? (queue === undefined ? undefined : '--queue') : '--workers';
  if (idle === undefined) return;
  throw new BeamrigError('argument', `${idle}: has no meaning without --sweep: one training takes all cores of this machine`, {
    wayOut: `Leave it out, or give several trainings, as --sweep seed=1,2,3.`,
  });
}

export async function trainSweep(asked: SweepAsked): Promise<void> {
  const { family, typed, measured, before, engine, json } = asked;
  if (typed.resume !== undefined) {
    throw new BeamrigError('argument', '--resume: has no meaning beside --sweep, which goes on by itself', {
      wayOut: 'Leave it out: give the same command again.',
    });
  }
  const planned = planOf(asked);
  const folder = typed.output ?? `${family.id}-sweep`;
  makeFolder(folder);
  const cores = availableParallelism();
  const usual = typed.queue === undefined ? Math.min(cores, planned.length) : JOBS_IN_QUEUE;
  const parallel = wholeNumber('--workers', typed.workers ?? String(usual), { min: 1, max: 256 });
  const trainer = await openTrainer(asked, Math.max(1, Math.floor(cores / parallel)));
  const beganMs = performance.now();
  let [ended, failed] = [0, 0];
  const show = (training: PlannedTraining, outcome: DoneTraining | { error: unknown }): void => {
    ended++;
    const label = valuesText(training.values);
    if ('error' in outcome) {
      failed++;
      printError(`${label} failed:`);
      return failWith(outcome.error, json);
    }
    const { reached, compared, bestEpoch, model } = outcome;
    if (json) return print(JSON.stringify({ type: 'trained', ...outcome, ended, of: planned.length }));
    const left = duration((((performance.now() - beganMs) / 1000) * (planned.length - ended)) / ended);
    printError(
      `${ended}/${planned.length}, ${left} left  ${label}: ${compared.toFixed(3)} (own channels ${reached.toFixed(3)}), epoch ${bestEpoch}: ${model}`,
    );
  };
  try {
    const request = { ...(engine === undefined ? {} : { engine }), ...(before === undefined ? {} : { from: before.from }) };
    const record = await sweep({
      ...{ folder, planned, parallel, onDone: show },
      train: ({ options }, output) =>
        trainer.train({ ...request, options, ...(measured === undefined ? {} : { measured }) }, output),
    });
    const isWhole = record.trainings.length === planned.length;
    if (json) print(JSON.stringify({ type: 'sweep', folder, ...record }));
    else print(sweepText(record.trainings, record.best, planned, folder));
    if (isWhole) return;
    process.exitCode = 1;
    if (failed === 0) printError('Stopped. Go on with the same command.');
  } finally {
    await trainer.close();
  }
}

interface Trainer {
  train(
    asked: Pick<Parameters<typeof trainByQueue>[1], 'options' | 'engine' | 'from' | 'measured'>,
    output: string,
  ): Promise<Trained | undefined>;
  close(): Promise<void>;
}

async function openTrainer({ family, typed }: SweepAsked, threads: number): Promise<Trainer> {
  const comparedBySeed = COMPARED_BY_SEED;
  if (typed.queue !== undefined) {
    const { submitter, close } = await openQueue(typed.queue);
    return {
      train: (asked, output) => trainByQueue(submitter, { ...asked, family: family.id, comparedBySeed }, output),
      close,
    };
  }
  const stop = new AbortController();
  const release = onStopSignal(() => stop.abort());
  return {
    async train({ options, ...asked }, output) {
      if (stop.signal.aborted) return undefined;
      const checkpoint = checkpointPathOf(output);
      const outcome = await train(
        family,
        {
          ...{ ...options, ...asked, output, threads, comparedBySeed },
          ...(existsSync(checkpoint) ? { resume: checkpoint } : {}),
        },
        { signal: stop.signal },
      );
      if (outcome.status === 'stopped') return undefined;
      const { reached, bestEpoch, compared = reached } = outcome.standing;
      return { reached, compared, bestEpoch };
    },
    close: () => Promise.resolve(release()),
  };
}

/** All combinations, the last list running fastest; whatever is wrong with one of them is found here. */
function planOf({ family, typed, texts, before, measured, engine, ending }: SweepAsked): PlannedTraining[] {
  const lists = (typed.sweep ?? []).map((text) => listOf(family, text, texts));
  const twice = lists.find(({ name }, i) => lists.findIndex((other) => other.name === name) < i);
  if (twice !== undefined) {
    throw new BeamrigError('argument', `--sweep ${twice.name}: stands there twice`, {
      wayOut: 'Write its values into one list.',
    });
  }
  const count = lists.reduce((product, { values }) => product * values.length, 1);
  if (count > MOST_TRAININGS) {
    throw new BeamrigError('argument', `--sweep: ${counted(count, 'training')}; allowed: up to ${MOST_TRAININGS}`, {
      wayOut: 'Give shorter lists.',
    });
  }
  let combinations: { name: string; option: string; value: string }[][] = [[]];
  for (const { name, option, values } of lists) {
    combinations = combinations.flatMap((each) => values.map((value) => [...each, { name, option, value }]));
  }
  const data = [before?.from.sha256, measured?.sha256, engine];
  return combinations.map((combination) => {
    const chosen = Object.fromEntries(combination.map(({ option, value }) => [option, value]));
    const options = optionsTyped(family, { ...texts, ...chosen }, before?.options);
    family.network(options);
    const values = Object.fromEntries(combination.map(({ name, value }) => [name, value]));
    const identity = createHash('sha256')
      .update(JSON.stringify([family.id, options, data]))
      .digest('hex');
    return { model: `${modelName(family.id, values)}${ending}`, values, options, identity };
  });
}

function listOf(
  family: ModelFamily,
  text: string,
  texts: SweepAsked['texts'],
): { name: string; option: string; values: string[] } {
  const [name, list] = text.split(/=(.*)/s);
  const flags = flagsOf(family);
  const found = flags.find(({ flag }) => flag === `--${name}`);
  const names = flags.map(({ flag }) => flag.slice(2));
  if (found === undefined) {
    const near = nearest(name, names);
    throw new BeamrigError('argument', `--sweep ${text}: ${family.id} has no option '${name}'; allowed: ${names.join(' | ')}`, {
      wayOut:
        near === undefined
          ? 'Write it as --sweep seed=1,2,3, say.'
          : `Write --sweep ${near}=${list === undefined || list === '' ? 'VALUE,VALUE' : list}, if that was meant.`,
    });
  }
  if (found.isList) {
    throw new BeamrigError('argument', `--sweep ${text}: a value of ${name} has commas of its own, and cannot stand in a list`, {
      wayOut: `Train once for each: ${found.flag}=${list === undefined || list === '' ? 'FROM,TO' : list}.`,
    });
  }
  if (texts[found.option] !== undefined) {
    throw new BeamrigError('argument', `--sweep ${text}: ${found.flag} ${texts[found.option]} is given, too`, {
      wayOut: `Leave ${found.flag} out.`,
    });
  }
  const values = (list ?? '').split(',').map((value) => value.trim());
  const again = values.find((value, i) => values.findIndex((other) => value === other || Number(value) === Number(other)) < i);
  if (values.includes('') || again !== undefined) {
    throw new BeamrigError(
      'argument',
      `--sweep ${text}: ${again === undefined ? 'a value is missing' : `${again} stands in it twice`}`,
      {
        wayOut: `Write it as --sweep ${name}=VALUE,VALUE; what a value may be: beamrig train ${family.id} --help.`,
      },
    );
  }
  return { name, option: found.option, values };
}

/** 'phase-net-seed-2-learning-rate-0-003': a name that a model can have. */
const modelName = (family: string, values: PlannedTraining['values']): string =>
  [family, ...Object.entries(values).flat()].map((part) => part.toLowerCase().replace(/[^a-z0-9]+/g, '-')).join('-');

const valuesText = (values: PlannedTraining['values']): string =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

function sweepText(
  done: readonly DoneTraining[],
  best: readonly string[],
  planned: readonly PlannedTraining[],
  folder: string,
): string {
  const names = Object.keys(planned[0].values);
  const rows = done.map(({ model, values, reached, compared, bestEpoch }) => [
    ...names.map((name) => values[name]),
    ...[compared.toFixed(3), reached.toFixed(3), bestEpoch, model, best.includes(model) ? 'best' : ''],
  ]);
  return [
    `${done.length} of ${counted(planned.length, 'training')} in ${folder}; bit/s/Hz on the same channels, which none has seen, and on its own`,
    table([...names, 'same channels', 'own channels', 'best epoch', 'model', ''], rows),
    ...best.map((model) => `Best: ${folder}/${model}`),
  ].join('\n');
}

function makeFolder(folder: string): void {
  try {
    makeFolders(folder);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new BeamrigError('argument', `--output ${folder}: no folder for models: ${(error as Error).message}`, {
      ...{ wayOut: 'Give a folder, there already or not, that can be written.', cause: error },
    });
  }
}
