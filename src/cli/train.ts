/**
 * `beamrig train FAMILY`: a model from nothing but seeds, with a bar that says how fast and how long yet; Ctrl-C leaves a checkpoint. The flags
 * are those of the family's options, so each family has a help of its own.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { MODEL_ID_RULE, isModelId } from '../../models/card.ts';
import { FAMILY_IDS, findFamily } from '../../models/families.ts';
import type { ModelFamily } from '../../models/family.ts';
import { ENGINE_CHOICES } from '../../models/engine/engines.ts';
import { NUMBERS_ENDING, ONNX_ENDING, cardPathOf, endingOf, modelIdOf } from '../../models/model-path.ts';
import { flagsOf, optionsTyped } from '../../models/training/option-flags.ts';
import { LEARNING_RATE_SHARE, trainedBefore } from '../../models/training/fine-tuning.ts';
import type { MeasuredChannels, TrainingPlace } from '../../models/training/training-options.ts';
import type { Standing } from '../../models/training/standing.ts';
import { checkpointPathOf, train } from '../../models/training/train.ts';
import { findModel, verifyModel } from '../../models/zoo.ts';
import { readChannelFile, requireServable } from '../config/channel-file.ts';
import { makeFolders } from '../../core/files/make-folders.ts';
import { removeIfPossible } from '../../core/files/whole-file.ts';
import { oneOf, pathArgument, several } from './arguments.ts';
import { boundOutput, print, printError } from './output.ts';
import { onStopSignal } from './stop-signal.ts';
import { judgedText, trainProgress } from './train-progress.ts';
import { refuseWithoutSweep, trainSweep, type SweepTyped } from './train-sweep.ts';

/** Flags that every family has, beside those of its options. */
interface PlaceTyped extends SweepTyped {
  output?: string;
  resume?: string | true;
  from?: string;
  conjugate?: boolean;
  engine?: string;
  json?: boolean;
}

/**
 * Reads what follows `train`, and trains.
 * @param command `train` itself, from which the family's own command descends
 * @param words as typed: the family and its flags, in any order
 * @throws BeamrigError 'argument' for a family that is not there; CommanderError for flags that it has not
 */
export async function trainAsTyped(command: Command, words: readonly string[]): Promise<void> {
  const at = words.findIndex((word) => FAMILY_IDS.includes(word));
  if (at >= 0) {
    const family = await findFamily(words[at]);
    await familyCommand(command, family).parseAsync(words.toSpliced(at, 1), { from: 'user' });
    return;
  }
  const [unknown = '--help'] = words;
  if (!unknown.startsWith('-')) await findFamily(unknown);
  if (!words.includes('--help') && !words.includes('-h')) return command.error("error: missing required argument 'family'");
  command.outputHelp();
}

function familyCommand(parent: Command, family: ModelFamily): Command {
  const { id, title } = family;
  const command = parent.command(id).description(`train ${id}: ${title}; Ctrl-C keeps a checkpoint to go on from`);
  // What `train` passes on unread, the family's command reads.
  command.helpOption('-h, --help', 'display help for command').allowExcessArguments(false);
  command.option(
    '--output <file>',
    `where the model goes; its card lies beside it (default: ${defaultOutput(family, 'N')})`,
    pathArgument,
  );
  for (const { usage, help } of flagsOf(family)) command.option(usage, help);
  const [ending] = endingsOf(family);
  return command
    .option('--resume [checkpoint]', 'go on from the checkpoint that Ctrl-C left, with the same options', pathArgument)
    .option(
      '--from <model>',
      `go on from what this model has learned, with its options where nothing else is told, but for ${LEARNING_RATE_SHARE} of its learning rate`,
    )
    .option('--conjugate', 'rows of the file of --channels are h_k, not h_kᴴ')
    .option('--engine <name>', `what computes: ${ENGINE_CHOICES.join(', ')} (default: auto, compiled where it can be)`)
    .option(
      '--sweep <option=list>',
      'train once for each value, or combination of several --sweep, into the folder of --output; the same command goes on with it',
      several,
    )
    .option('--workers <n>', 'with --sweep: trainings at a time (default: one for each core; with --queue 256)')
    .option('--queue <url>', 'with --sweep: have `beamrig worker`s train, on any number of machines: redis://HOST:PORT')
    .option('--json', 'one JSON object a line instead of a bar')
    .addHelpText(
      'after',
      `
Examples:
  $ beamrig train ${id} --elements 64 --output my-model${ending}
  $ beamrig train ${id} --elements 64 --output my-model${ending} --resume
  $ beamrig train ${id} --elements 64 --output my-model${ending} --engine onnxruntime
  $ beamrig train ${id} --from my-model${ending} --channels measured.npy --output our-lab${ending}
  $ beamrig train ${id} --elements 64 --sweep seed=1,2,3 --sweep learning-rate=0.01,0.003 --output sweep
  $ beamrig train ${id} --elements 64 --sweep seed=1,2,3 --output sweep --queue redis://10.0.0.7:6379

--channels also takes a NumPy file of measured channels [n, K, N] instead of a number. The last fifth of them is not learned from: it chooses
the best epoch, and the card says what the model reaches on it.`,
    )
    .action((typed: PlaceTyped & Record<string, string>) => trainFamily(family, typed));
}

async function trainFamily(family: ModelFamily, { json = false, ...typed }: PlaceTyped & Record<string, unknown>): Promise<void> {
  const asked = flagsOf(family).map(({ option, flag }) => [option, typed[attributeOf(flag)]]);
  const texts = Object.fromEntries(asked) as Record<string, string | undefined>;
  const before = typed.from === undefined ? undefined : trainedBefore(family, verifyModel(findModel(typed.from)));
  const measured = measuredChannels(texts, typed);
  if (measured !== undefined && before === undefined) Object.assign(texts, shapeOf(measured, texts));
  const choice = typed.engine === undefined ? undefined : oneOf('--engine', typed.engine, ENGINE_CHOICES);
  if (typed.sweep !== undefined) {
    const [ending] = endingsOf(family);
    return trainSweep({ ...{ family, typed, texts, before, measured, ending, json }, engine: choice });
  }
  refuseWithoutSweep(typed);
  const options = optionsTyped(family, texts, before?.options);
  const engine = choice === undefined ? {} : { engine: choice };
  const place = placeOf(typed, defaultOutput(family, options.elements), endingsOf(family));
  makeWritable(place);
  boundOutput(json);
  const progress = trainProgress(json);
  const stop = new AbortController();
  const release = onStopSignal(() => stop.abort());
  let outcome: Awaited<ReturnType<typeof train>>;
  try {
    outcome = await train(
      family,
      {
        ...{ ...options, ...place, ...engine },
        ...(before === undefined ? {} : { from: before.from }),
        ...(measured === undefined ? {} : { measured }),
      },
      {
        onEngine: ({ why }) => {
          if (why !== undefined) printError(`beamrig: onnxruntime computes this training: to be compiled, it has ${why}`);
        },
        onJudgedOn: (on) => progress.begin(on),
        onProgress: (at) => progress.show(at),
        signal: stop.signal,
      },
    );
  } finally {
    release();
    progress.end();
  }
  if (json) {
    print(JSON.stringify({ type: outcome.status, ...outcome }));
  } else if (outcome.status === 'stopped') {
    print(`Stopped in epoch ${outcome.epoch}. Checkpoint: ${outcome.checkpointPath}`);
    print('Go on with the same command and --resume.');
  } else {
    print(`Model: ${outcome.modelPath}`);
    print(`Card:  ${outcome.cardPath}`);
    tellStanding(outcome.standing);
  }
}

function tellStanding({ reached, bestEpoch, beside, ...on }: Standing): void {
  print(
    `Reached ${reached.toFixed(3)} bit/s/Hz, ${judgedText(on)}; best epoch ${bestEpoch}${bestEpoch === 0 ? ', the start' : ''}.`,
  );
  if (beside === undefined) return;
  print(`There ${beside.id} reaches ${beside.reached.toFixed(3)}.`);
  if (reached >= beside.reached) return;
  printError(`beamrig: ${beside.id} is better than what was trained`);
  printError(`What to do: Go on from it by --from ${beside.id}, or learn from more --channels in more --epochs.`);
}

/** Channels of the file that stands where their number might; the text is taken out then. */
function measuredChannels(texts: Record<string, string | undefined>, { conjugate }: PlaceTyped): MeasuredChannels | undefined {
  const text = texts['channels'];
  if (text === undefined || !text.endsWith('.npy')) {
    if (conjugate !== true) return undefined;
    throw new BeamrigError('argument', '--conjugate: there is no file of channels', { wayOut: 'Give one: --channels FILE.npy.' });
  }
  delete texts['channels'];
  // In the unit of the options: what level a file is at counts for nothing here.
  const { doubts, ...measured } = readChannelFile(text, { conjugate: conjugate === true, anyLevel: true });
  requireServable(measured);
  for (const doubt of doubts) printError(`beamrig: ${doubt}`);
  return measured;
}

/** The array that a file's channels are of, where nothing else was told. */
const shapeOf = ({ channels: [{ rows, cols }] }: MeasuredChannels, { elements, users }: Record<string, string | undefined>) => ({
  elements: elements ?? String(cols),
  users: users ?? String(rows),
});

/** Under which name commander hands a flag over: --snr-range as snrRange. */
const attributeOf = (flag: string): string => flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Numbers that serve every array are a file of their own kind; a graph for the array that was learned on can be had, too. */
const endingsOf = ({ anyArray }: ModelFamily): string[] =>
  anyArray === undefined ? [ONNX_ENDING] : [NUMBERS_ENDING, ONNX_ENDING];

const defaultOutput = ({ id, anyArray }: ModelFamily, elements: number | 'N'): string =>
  anyArray === undefined ? `${id}-n${elements}${ONNX_ENDING}` : `my-${id}${NUMBERS_ENDING}`;

function placeOf({ output: told, resume }: PlaceTyped, otherwise: string, endings: readonly string[]): TrainingPlace {
  const output = told ?? otherwise;
  if (!endings.some((ending) => output.endsWith(ending))) {
    throw new BeamrigError('argument', `--output ${output}: a model's name ends in ${endings.join(' or ')}`);
  }
  if (resume === undefined) return { output };
  return { output, resume: resume === true ? checkpointPathOf(output) : resume };
}

/** Found out now and not after the last epoch: a name that no model can have, a file in the way, a folder that takes none. */
function makeWritable({ output, resume }: TrainingPlace): void {
  const id = modelIdOf(output);
  if (!isModelId(id)) {
    const better = id
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '');
    throw new BeamrigError('argument', `--output ${output}: a model cannot be called '${id}'; allowed: ${MODEL_ID_RULE}`, {
      wayOut: `Write for example --output ${join(dirname(output), `${better === '' ? 'my-model' : better}${endingOf(output) ?? ONNX_ENDING}`)}.`,
    });
  }
  const inTheWay = [output, cardPathOf(output)].find((path) => existsSync(path));
  if (inTheWay !== undefined) {
    throw new BeamrigError('argument', `--output ${output}: ${inTheWay} exists already and is kept as it is`, {
      wayOut: 'Give another --output, or move that file away first; a checkpoint goes on with --resume.',
    });
  }
  if (resume !== undefined && !existsSync(resume)) {
    throw new BeamrigError('argument', `--resume: there is no checkpoint ${resume}`, {
      wayOut: 'Give the path of one, or start anew without --resume.',
    });
  }
  const checkpoint = checkpointPathOf(output);
  if (existsSync(checkpoint) && (resume === undefined || resolve(resume) !== resolve(checkpoint))) {
    throw new BeamrigError('argument', `--output ${output}: the checkpoint ${checkpoint} exists already and is kept as it is`, {
      wayOut: 'Go on from it with --resume, give another --output, or move it away first.',
    });
  }
  const probe = `${output}.part`;
  try {
    makeFolders(dirname(output));
    writeFileSync(probe, 'x');
    rmSync(probe);
  } catch (error) {
    removeIfPossible(probe);
    throw new BeamrigError('argument', `--output ${output} cannot be written: ${(error as Error).message}`, {
      wayOut: 'Give a path you may write.',
      cause: error,
    });
  }
}
