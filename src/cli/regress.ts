/** `beamrig regress`: scenarios played and judged. Exit code 0: nothing failed that counts. 1: something did. 2: it could not be run as asked. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { caseName, chosenCases, type Choice } from '../regression/chosen-cases.ts';
import { regress as playAll, type RegressOptions } from '../regression/from-code.ts';
import { hasFailures } from '../regression/reports/outcome.ts';
import { readReport } from '../regression/reports/report-json.ts';
import { summaryText } from '../regression/reports/summary.ts';
import { makeFolder, writeReports } from '../regression/reports/write-reports.ts';
import type { CaseResult } from '../regression/results.ts';
import type { ReadScenario } from '../regression/scenario.ts';
import { readScenarios } from '../regression/scenario-file.ts';
import { timeOf } from '../regression/time-of.ts';
import { realNumber, wholeNumber } from './arguments.ts';
import { commandName } from './command-name.ts';
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
  rerunFailed?: string;
  baseline?: string;
  quarantine?: string;
  updateGolden?: boolean;
  rig?: string;
  waitForBench?: string;
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

async function run(paths: string[], options: RegressCommand): Promise<void> {
  const { json = false, list, output } = options;
  const asked = askedOf(options);
  if (list === true) return tellCases(readScenarios(paths), asked, json);
  makeFolder('--output', output);
  if (options.keep !== undefined) makeFolder('--keep', options.keep);
  const view = regressProgress(json);
  const stop = new AbortController();
  const release = onStopSignal(
    () => stop.abort(),
    // A signal ends a process without that: what is played is killed, and leaves no folder behind.
    () => void process.emit('exit', 1),
  );
  try {
    const notices: string[] = [];
    const report = await playAll(paths, {
      ...asked,
      ...{ signal: stop.signal, holder: ['beamrig', ...process.argv.slice(2)].join(' ') },
      onProgress: (progress) => view.show(progress),
      onNotice: ({ about, text }) => {
        if (about === 'queue') tellOfQueue(text, json);
        else if (about === 'bench') printError(text);
        else notices.push(text);
      },
    });
    view.end();
    const written = writeReports(report, output);
    for (const line of notices) printError(line);
    const { totals } = report;
    if (json) print(JSON.stringify({ type: 'end', totals, seconds: report.times.seconds, reports: written }));
    else
      print(
        summaryText(report, {
          columns: process.stdout.columns ?? 120,
          rerun: (one, seeds) => rerunText(paths, one, seeds),
          written,
        }),
      );
    process.exitCode = hasFailures(totals) || stop.signal.aborted ? 1 : 0;
  } finally {
    release();
  }
}

const tellOfQueue = (text: string, json: boolean): void =>
  json ? print(JSON.stringify({ type: 'queue', text })) : printError(`queue: ${text}`);

const quoted = (word: string): string => (/^[\w./=:@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`);

const rerunText = (paths: readonly string[], { scenario, case: id }: CaseResult, seeds: readonly number[]): string =>
  [
    ...[commandName(), 'regress', ...paths.map(quoted), '--filter', quoted(caseName(scenario, id))],
    ...(seeds.length === 1 ? ['--seed', String(seeds[0])] : []),
  ].join(' ');

/** Words of the command as what they mean, as far as they were given. */
function askedOf(options: RegressCommand): RegressOptions & Choice {
  const { tag, shard, rerunFailed, seed, waitForBench, workers, retries, queue, rig } = options;
  const { filter, failFast, baseline, quarantine, updateGolden, keep } = options;
  if (queue !== undefined && rig !== undefined) {
    throw new BeamrigError('argument', '--queue beside --rig: not allowed; allowed: one of them', {
      wayOut: 'Attached hardware is played on by the machine that it is attached to: leave --queue out there.',
    });
  }
  const asked = {
    ...{ filter, tags: tag, failFast, baseline, quarantine, updateGolden, rig, keep, queue },
    shard: shard === undefined ? undefined : shardOf(shard),
    failedIn: rerunFailed === undefined ? undefined : readReport(rerunFailed),
    workers: workers === undefined ? undefined : wholeNumber('--workers', workers, { min: 1, max: 256 }),
    retries: wholeNumber('--retries', retries ?? '1', { min: 0, max: 10 }),
    seed: seed === undefined ? undefined : wholeNumber('--seed', seed, { min: 0, max: 2 ** 32 - 1 }),
    waitForBenchS: realNumber('--wait-for-bench', waitForBench ?? '0', { min: 0, max: 1e6 }),
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}

function shardOf(text: string): { index: number; of: number } {
  const [, index = '', of = ''] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index), of: Number(of) };
  if (shard.index >= 1 && shard.index <= shard.of) return shard;
  throw new BeamrigError('argument', `--shard ${text}: not allowed; allowed: i/n, the i-th of n shares, from 1/n to n/n`, {
    wayOut: 'Write --shard 1/4, say.',
  });
}

function tellCases(scenarios: readonly ReadScenario[], choice: Choice, json: boolean): void {
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
