/** How a regression shows how far it is: a bar with a line for each case that did not pass, a line a case, or JSON. */
import { SingleBar } from 'cli-progress';
import { caseName } from '../regression/chosen-cases.ts';
import type { RegressProgress } from '../regression/regress.ts';
import type { CaseResult } from '../regression/results.ts';
import { duration } from './duration.ts';
import { barStream, print, printError, stderr } from './output.ts';

export interface RegressView {
  show(progress: RegressProgress): void;
  end(): void;
}

export function regressProgress(json: boolean): RegressView {
  const beganMs = performance.now();
  const secondsLeft = (done: number, of: number): number | undefined =>
    done === 0 ? undefined : (((performance.now() - beganMs) / 1000) * (of - done)) / done;
  if (json) {
    return {
      show: ({ done, of, case: judged }) => {
        if (judged === undefined) return;
        const { scenario, case: id, verdict, flaky, why } = judged;
        const left = Math.round(secondsLeft(done, of) ?? 0);
        print(JSON.stringify({ type: 'case', scenario, case: id, verdict, flaky, why, done, of, secondsLeft: left }));
      },
      end: () => undefined,
    };
  }
  if (stderr().isTerminal) return onBar(secondsLeft);
  return {
    show: ({ done, of, case: judged }) => {
      if (judged === undefined) return;
      const left = secondsLeft(done, of);
      const rest = done < of && left !== undefined ? `, ${duration(left)} left` : '';
      printError(`${String(done).padStart(String(of).length)}/${of}${rest}  ${caseLine(judged)}`);
    },
    end: () => undefined,
  };
}

const caseLine = ({ scenario, case: id, verdict, flaky, quarantined, why }: CaseResult): string => {
  const label = `${verdict}${flaky ? ' (flaky)' : ''}${quarantined === undefined ? '' : ' (in quarantine)'}`;
  return `${label.padEnd(7)} ${caseName(scenario, id)}${why === undefined || verdict === 'passed' ? '' : `: ${why}`}`;
};

function onBar(secondsLeft: (done: number, of: number) => number | undefined): RegressView {
  const bar = new SingleBar({ format: '{bar} {value}/{total} cases, {left} left', stream: barStream() });
  let isStarted = false;
  return {
    show: ({ done, of, case: judged }) => {
      const left = secondsLeft(done, of);
      const told = { left: left === undefined ? '–' : duration(left) };
      if (isStarted) bar.update(done, told);
      else bar.start(of, done, told);
      isStarted = true;
      if (judged === undefined || judged.verdict === 'passed') return;
      bar.stop();
      isStarted = false;
      printError(caseLine(judged));
    },
    end: () => {
      if (isStarted) bar.stop();
    },
  };
}
