/** `beamrig regress`: scenarios played and judged. Exit code 0: nothing failed that counts. 1: something did. 2: it could not be run as asked. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import { caseName, chosenCases, type Choice } from '../regression/chosen-cases.ts';
import { openJobPool, type JobPlayer } from '../regression/job-pool.ts';
import { regress as playAll } from '../regression/regress.ts';
import { readScenarios } from '../regression/scenario-file.ts';
import { timeOf } from '../regression/time-of.ts';
import type { ReadScenario } from '../regression/scenario.ts';
import { wholeNumber } from './arguments.ts';
import { failWith } from './failure.ts';
import { print, printError } from './output.ts';
import { regressProgress } from './regress-progress.ts';
import { onStopSignal } from './stop-signal.ts';
import { table } from './table.ts';

export interface RegressCommand {
  list?: boolean;
  filter?: string[];
  tag?: string[];
  shard?: string;
  seed?: string;
  failFast?: boolean;
  keep?: string;
  workers?: string;
  queue?: string;
  retries?: string;
  output: string;
  json?: boolean;
}

export async function regress(paths: string[], options: RegressCommand): Promise<void> {
  try {
    await run(paths, options);
  } catch (error) {
    failWith(error, options.json ?? false);
    process.exitCode = 2;
  }
}

/** At a time, of one regression: workers may come at any time. */
const JOBS_IN_QUEUE = 256;

async function run(paths: string[], options: RegressCommand): Promise<void> {
  const { json = false } = options;
  const choice = choiceOf(options);
  const workers = wholeNumber(
    '--workers',
    options.workers ?? String(options.queue === undefined ? availableParallelism() : JOBS_IN_QUEUE),
    { min: 1, max: 256 },
  );
  const retries = wholeNumber('--retries', options.retries ?? '1', { min: 0, max: 10 });
  const seed = options.seed === undefined ? undefined : wholeNumber('--seed', options.seed, { min: 0, max: 2 ** 32 - 1 });
  const scenarios = readScenarios(paths);
  if (options.list === true) return list(scenarios, choice, json);
  const view = regressProgress(json);
  const stop = new AbortController();
  const player =
    options.queue === undefined ? openJobPool(workers) : await queuePlayer(options.queue, workers, options, stop.signal);
  const release = onStopSignal(
    () => stop.abort(),
    () => undefined,
  );
  try {
    const report = await playAll({
      ...{ scenarios, player, ...choice, retries, failFast: options.failFast ?? false, signal: stop.signal },
      ...(seed === undefined ? {} : { seed }),
      ...(options.keep === undefined ? {} : { keep: options.keep }),
      onProgress: (progress) => view.show(progress),
    });
    view.end();
    mkdirSync(options.output, { recursive: true });
    const file = join(options.output, 'report.json');
    writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
    const { totals } = report;
    if (json) print(JSON.stringify({ type: 'end', totals, seconds: report.times.seconds, report: file }));
    else {
      print(
        `${counted(report.cases.length, 'case')}: ${totals.passed} passed, ${totals.failed} failed, ${totals.error} with errors, ${totals.skipped} skipped, in ${report.times.seconds.toFixed(1)} s. Report: ${file}`,
      );
    }
    process.exitCode = totals.failed + totals.error > 0 || stop.signal.aborted ? 1 : 0;
  } finally {
    release();
    await player.close();
  }
}

async function queuePlayer(
  address: string,
  parallel: number,
  { keep, json }: RegressCommand,
  signal: AbortSignal,
): Promise<JobPlayer> {
  const { openQueuePlayer } = await import('../regression/queue/queue-player.ts');
  const onSay = (text: string): void =>
    json === true ? print(JSON.stringify({ type: 'queue', text })) : printError(`queue: ${text}`);
  return openQueuePlayer({ address, parallel, keep: keep !== undefined, signal, onSay });
}

function choiceOf({ filter, tag, shard }: RegressCommand): Choice {
  return {
    ...(filter === undefined ? {} : { filter }),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(shard === undefined ? {} : { shard: shardOf(shard) }),
  };
}

function shardOf(text: string): { index: number; of: number } {
  const [, index = '', of = ''] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index), of: Number(of) };
  if (shard.index >= 1 && shard.index <= shard.of) return shard;
  throw new BeamrigError('argument', `--shard ${text}: not allowed; allowed: i/n, the i-th of n shares, from 1/n to n/n`, {
    wayOut: 'Write --shard 1/4, say.',
  });
}

function list(scenarios: readonly ReadScenario[], choice: Choice, json: boolean): void {
  const rows = chosenCases(scenarios, choice).map(({ scenario, one }) => {
    const { text } = scenario;
    const seeds = typeof text.seeds === 'number' ? text.seeds : text.seeds.length;
    return { case: caseName(text.name, one.id), time: timeOf(scenario, one), seconds: text.seconds, seeds, tags: text.tags };
  });
  if (json) return rows.forEach((row) => print(JSON.stringify({ type: 'case', ...row })));
  print(
    table(
      ['case', 'time', 'seconds', 'seeds', 'tags'],
      rows.map((row) => [row.case, row.time, row.seconds, row.seeds, row.tags.join(' ')]),
    ),
  );
}
