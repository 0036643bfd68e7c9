/** `beamrig worker`: does jobs of regressions, evaluations and trainings that others started with `--queue`. */
import { availableParallelism } from 'node:os';
import { programName } from '../jobs/program-identity.ts';
import { EVALUATE } from '../jobs/evaluation/evaluation-job.ts';
import { evaluationKind } from '../jobs/evaluation/evaluation-kind.ts';
import { TRAIN } from '../jobs/training/training-job.ts';
import { trainingKind } from '../jobs/training/training-kind.ts';
import { openWorker, type WorkerEvent } from '../jobs/worker.ts';
import { REGRESS, regressKind } from '../regression/queue/regress-kind.ts';
import { wholeNumber } from './arguments.ts';
import { failWith } from './failure.ts';
import { print, printError } from './output.ts';
import { onStopSignal } from './stop-signal.ts';

export interface WorkerCommand {
  queue: string;
  workers?: string;
  untilIdle?: string;
  lostAfter?: string;
  kept?: string;
  json?: boolean;
}

export async function worker(options: WorkerCommand): Promise<void> {
  const { json = false } = options;
  try {
    const seats = wholeNumber('--workers', options.workers ?? String(availableParallelism()), { min: 1, max: 256 });
    const untilIdleS =
      options.untilIdle === undefined ? undefined : wholeNumber('--until-idle', options.untilIdle, { min: 1, max: 86_400 });
    const lostAfterS =
      options.lostAfter === undefined ? undefined : wholeNumber('--lost-after', options.lostAfter, { min: 2, max: 3600 });
    const open = await openWorker({
      ...{ address: options.queue, seats, kinds: { [REGRESS]: regressKind, [EVALUATE]: evaluationKind, [TRAIN]: trainingKind } },
      ...(lostAfterS === undefined ? {} : { lostAfterS }),
      ...(untilIdleS === undefined ? {} : { untilIdleS }),
      ...(options.kept === undefined ? {} : { keptFolder: options.kept }),
      onEvent: (event) => print(json ? JSON.stringify(event) : textOf(event)),
    });
    const release = onStopSignal(
      () => {
        printError('finishing what is being done; again to give it back to other workers');
        void open.finish();
      },
      () => open.abandon(),
    );
    await open.ended;
    release();
  } catch (error) {
    failWith(error, json);
    process.exitCode = 2;
  }
}

function textOf(event: WorkerEvent): string {
  switch (event.type) {
    case 'ready':
      return `${event.name}: waiting for jobs, ${event.seats} at a time; version ${programName(event.program)}`;
    case 'redis':
      return event.isLost ? 'Redis is lost; waiting for it' : 'Redis is back';
    case 'trouble':
      return `Redis does not do what it is asked: ${event.why}`;
    case 'done':
      return `${event.outcome.padEnd(7)} ${event.job}, in ${event.seconds.toFixed(1)} s`;
  }
}
