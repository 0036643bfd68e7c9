/** How a measurement shows how far it is: a bar, a line now and then, or JSON. */
import { SingleBar } from 'cli-progress';
import { duration } from './duration.ts';
import { barStream, printError, stderr, stdout } from './output.ts';

export interface ReadingProgress {
  /** @param kept of `done`, those that were read before an interruption */
  show(done: number, of: number, kept: number): void;
  end(): void;
}

const LINE_EVERY_MS = 5000;
const JSON_EVERY_MS = 250;

export function readingProgress(json: boolean): ReadingProgress {
  const beganMs = performance.now();
  const paceOf = (done: number, of: number, kept: number): { readingsPerSecond: number; secondsLeft: number } => {
    const readingsPerSecond = (1000 * Math.max(done - kept, 0)) / Math.max(performance.now() - beganMs, 1);
    return { readingsPerSecond, secondsLeft: readingsPerSecond > 0 ? (of - done) / readingsPerSecond : NaN };
  };
  if (stderr().isTerminal && !json) return onBar(paceOf);
  let toldMs = beganMs;
  return {
    show(done, of, kept) {
      const isDue = performance.now() - toldMs > (json ? JSON_EVERY_MS : LINE_EVERY_MS);
      if (!isDue && done !== of) return;
      toldMs = performance.now();
      const { readingsPerSecond, secondsLeft } = paceOf(done, of, kept);
      const left = Number.isFinite(secondsLeft) ? Math.round(secondsLeft) : null;
      if (json)
        stdout().passing(
          `${JSON.stringify({ type: 'progress', done, of, kept, readingsPerSecond: Math.round(readingsPerSecond), secondsLeft: left })}\n`,
        );
      else
        printError(
          `${done} of ${of} readings, ${readingsPerSecond.toFixed(0)}/s${left === null ? '' : `, ${duration(left)} left`}`,
        );
    },
    end: () => undefined,
  };
}

function onBar(
  paceOf: (done: number, of: number, kept: number) => { readingsPerSecond: number; secondsLeft: number },
): ReadingProgress {
  const bar = new SingleBar({ format: '{bar} {value}/{total} readings, {pace}/s, {left} left', stream: barStream() });
  let isStarted = false;
  return {
    show(done, of, kept) {
      const { readingsPerSecond, secondsLeft } = paceOf(done, of, kept);
      const told = { pace: readingsPerSecond.toFixed(0), left: Number.isFinite(secondsLeft) ? duration(secondsLeft) : '–' };
      if (isStarted) bar.update(done, told);
      else bar.start(of, done, told);
      isStarted = true;
    },
    end: () => {
      if (isStarted) bar.stop();
    },
  };
}
