/** `beamrig worker`: plays jobs of regressions that others started with `--queue`. */
import { availableParallelism } from 'node:os';
import { caseName } from '../regression/chosen-cases.ts';
import { programName } from '../regression/queue/program-identity.ts';
import { openWorker, type WorkerEvent } from '../regression/queue/worker.ts';
import { wholeNumber } from './arguments.ts';
import { failWith } from './failure.ts';
import { print, printError } from './output.ts';
import { onStopSignal } from './stop-signal.ts';

export interface WorkerCommand {
  queue: string;
  workers?: string;
  untilIdle?: string;
  kept?: string;
  json?: boolean;
}

export async function worker(options: WorkerCommand): Promise<void> {
  const { json = false } = options;
  try {
    const seats = wholeNumber('--workers', options.workers ?? String(availableParallelism()), { min: 1, max: 256 });
    const untilIdleS =
      options.untilIdle === undefined ? undefined : wholeNumber('--until-idle', options.untilIdle, { min: 1, max: 86_400 });
    const open = await openWorker({
      ...{ address: options.queue, seats },
      ...(untilIdleS === undefined ? {} : { untilIdleS }),
      ...(options.kept === undefined ? {} : { keptFolder: options.kept }),
      onEvent: (event) => print(json ? JSON.stringify(event) : textOf(event)),
    });
    const release = onStopSignal(
      () => {
        printError('finishing what is being played; again to give it back to other workers');
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
    case 'played':
      return `${event.verdict.padEnd(7)} ${caseName(event.scenario, event.case)}, seed ${event.seed}, in ${event.seconds.toFixed(1)} s`;
  }
}
