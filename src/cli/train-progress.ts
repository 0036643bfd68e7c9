/** How a training shows how far it is: a bar, a line an epoch, or JSON. */
import { SingleBar } from 'cli-progress';
import { counted } from '../../core/errors/counted.ts';
import type { JudgedOn } from '../../models/training/standing.ts';
import type { TrainingProgress } from '../../models/training/train.ts';
import { duration } from './duration.ts';
import { barStream, print, printError, stderr, stdout } from './output.ts';

export interface ProgressView {
  /** Before the first batch: what validation figures are. */
  begin(on: JudgedOn): void;
  show(progress: TrainingProgress): void;
  end(): void;
}

export const trainProgress = (json: boolean): ProgressView =>
  json ? jsonProgress() : stderr().isTerminal ? barProgress() : lineProgress();

/** What a validation figure is a mean over. */
export function judgedText({ snrsDb, channels, file, phaseBits }: JudgedOn): string {
  const of = file === undefined ? counted(channels, 'validation channel') : `the last ${counted(channels, 'channel')} of ${file}`;
  const words = phaseBits === undefined ? 'phases as computed' : `phases of ${counted(phaseBits, 'bit')}`;
  return `mean over ${snrsDb.join(', ')} dB and ${of}, ${words}`;
}

const tellValidation = (on: JudgedOn): void => printError(`validation: ${judgedText(on)}`);

function barProgress(): ProgressView {
  const bar = new SingleBar({
    format:
      '{bar} {percentage}% | epoch {epoch} | {rate} channels/s | {left} left | validation {validation} (best {best}) bit/s/Hz',
    stream: barStream(),
  });
  let started = false;
  return {
    begin: tellValidation,
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
    begin: tellValidation,
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
    begin: (on) => print(JSON.stringify({ type: 'validation', ...on })),
    show: (progress) => stdout().passing(`${JSON.stringify({ type: 'progress', ...progress })}\n`),
    end: () => undefined,
  };
}
