/** `beamrig train`: a model from nothing but seeds, with a bar that says how fast and how long yet; Ctrl-C leaves a checkpoint. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SingleBar } from 'cli-progress';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import { MODEL_ID_RULE, isModelId } from '../../models/card.ts';
import { cardPathOf } from '../../models/training/export-model.ts';
import type { TrainingRequest } from '../../models/training/training-options.ts';
import { checkpointPathOf, trainUnfoldedPga, type TrainingProgress } from '../../models/training/train-unfolded-pga.ts';
import { makeFolders } from '../telemetry/make-folders.ts';
import { numberList, oneOf, realNumber, wholeNumber } from './arguments.ts';
import { barStream, boundOutput, print, printError, stderr, stdout } from './output.ts';
import { onStopSignal } from './stop-signal.ts';

export interface TrainOptions {
  output?: string;
  recipe?: string;
  elements?: string;
  rfChains?: string;
  users?: string;
  layers?: string;
  innerSteps?: string;
  channels?: string;
  epochs?: string;
  batch?: string;
  learningRate?: string;
  scale?: string;
  snrRange?: string;
  seed?: string;
  resume?: string | true;
  json?: boolean;
}

export async function train(system: string, options: TrainOptions): Promise<void> {
  oneOf('system', system, ['unfolded-pga']);
  const request = requestOf(options);
  makeWritable(request.output, request.resume);
  boundOutput(options.json === true);
  const progress = options.json ? jsonProgress() : stderr().isTerminal ? barProgress() : lineProgress();
  const stop = new AbortController();
  const release = onStopSignal(() => stop.abort());
  let outcome: Awaited<ReturnType<typeof trainUnfoldedPga>>;
  try {
    outcome = await trainUnfoldedPga(request, { onProgress: (at) => progress.show(at), signal: stop.signal });
  } finally {
    release();
    progress.end();
  }
  if (options.json) {
    print(JSON.stringify({ type: outcome.status, ...outcome }));
  } else if (outcome.status === 'stopped') {
    print(`Stopped in epoch ${outcome.epoch}. Checkpoint: ${outcome.checkpointPath}`);
    print('Go on with the same command and --resume.');
  } else {
    print(`Model: ${outcome.modelPath}`);
    print(`Card:  ${outcome.cardPath}`);
  }
}

function requestOf(options: TrainOptions): TrainingRequest & { output: string } {
  const count = (option: string, text: string | undefined, min = 1): number | undefined =>
    text === undefined ? undefined : wholeNumber(option, text, { min, max: 1e9 });
  const elements = count('--elements', options.elements);
  const output = options.output ?? `unfolded-pga-n${elements ?? 32}.onnx`;
  if (!output.endsWith('.onnx')) throw new BeamrigError('argument', `--output ${output}: a model's name ends in .onnx`);
  const resume = options.resume === true ? checkpointPathOf(output) : options.resume;
  const told = {
    elements,
    rfChains: count('--rf-chains', options.rfChains),
    users: count('--users', options.users),
    layers: count('--layers', options.layers),
    innerSteps: count('--inner-steps', options.innerSteps),
    channels: count('--channels', options.channels),
    epochs: count('--epochs', options.epochs, 0),
    batch: count('--batch', options.batch),
    seed: count('--seed', options.seed, 0),
    learningRate:
      options.learningRate === undefined
        ? undefined
        : realNumber('--learning-rate', options.learningRate, { min: 1e-12, max: 100 }),
    recipe: options.recipe === undefined ? undefined : oneOf('--recipe', options.recipe, ['beamrig', 'paper']),
    scale: options.scale === undefined ? undefined : oneOf('--scale', options.scale, ['unit-element', 'paper-001']),
    snrRangeDb: options.snrRange === undefined ? undefined : snrRange(options.snrRange),
    resume,
  };
  const given = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
  return { ...given, output };
}

function snrRange(text: string): [number, number] {
  const [from, to, ...more] = numberList('--snr-range', text, { min: -100, max: 100 });
  if (from === undefined || to === undefined || more.length > 0 || from > to) {
    throw new BeamrigError('argument', `--snr-range ${text}: not allowed; allowed: two numbers, the lower one first`, {
      wayOut: 'Write it as --snr-range=-8,22.',
    });
  }
  return [from, to];
}

/** Found out now and not after the last epoch: a name that no model can have, a file in the way, a folder that takes none. */
function makeWritable(output: string, resume: string | undefined): void {
  const id = basename(output, '.onnx');
  if (!isModelId(id)) {
    const better = id
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '');
    throw new BeamrigError('argument', `--output ${output}: a model cannot be called '${id}'; allowed: ${MODEL_ID_RULE}`, {
      wayOut: `Write for example --output ${join(dirname(output), `${better === '' ? 'my-model' : better}.onnx`)}.`,
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
  const probe = `${output}.part`;
  try {
    makeFolders(dirname(output));
    writeFileSync(probe, 'x');
    rmSync(probe);
  } catch (error) {
    throw new BeamrigError('argument', `--output ${output} cannot be written: ${(error as Error).message}`, {
      wayOut: 'Give a path you may write.',
      cause: error,
    });
  }
}

interface ProgressView {
  show(progress: TrainingProgress): void;
  end(): void;
}

function barProgress(): ProgressView {
  const bar = new SingleBar({
    format:
      '{bar} {percentage}% | epoch {epoch} | {rate} channels/s | {left} left | validation {validation} (best {best}) bit/s/Hz',
    stream: barStream(),
  });
  let started = false;
  return {
    show: (progress) => {
      const { epoch, epochs, step, steps, validationRate, bestValidationRate, ratePerSecond, secondsLeft } = progress;
      const payload = {
        epoch: `${epoch}/${epochs}`,
        rate: ratePerSecond.toFixed(0),
        left: duration(secondsLeft),
        validation: validationRate.toFixed(3),
        best: bestValidationRate.toFixed(3),
      };
      const done = (epoch - 1) * steps + step;
      if (!started) bar.start(epochs * steps, done, payload);
      else bar.update(done, payload);
      started = true;
    },
    end: () => {
      if (started) bar.stop();
    },
  };
}

function lineProgress(): ProgressView {
  return {
    show: ({ epoch, epochs, step, steps, validationRate, ratePerSecond, secondsLeft }) => {
      if (step !== steps) return;
      const pace = `${ratePerSecond.toFixed(0)} channels/s, ${duration(secondsLeft)} left`;
      printError(`epoch ${epoch}/${epochs}: validation ${validationRate.toFixed(3)} bit/s/Hz; ${pace}`);
    },
    end: () => undefined,
  };
}

function jsonProgress(): ProgressView {
  return {
    show: (progress) => stdout().passing(`${JSON.stringify({ type: 'progress', ...progress })}\n`),
    end: () => undefined,
  };
}

/** 3 h 05 min, 12 min 30 s, 45 s */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, '0')} min`;
  return minutes > 0 ? `${minutes} min ${String(rest).padStart(2, '0')} s` : `${rest} s`;
}
