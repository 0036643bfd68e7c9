/** `beamrig regress`: scenarios played and judged. Exit code 0: nothing failed that counts. 1: something did. 2: it could not be run as asked. */
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { writeWholeFile } from '../../core/files/whole-file.ts';
import { loadRigFile } from '../config/rig-file.ts';
import { holdBench } from '../regression/bench-lock.ts';
import { caseName, chosenCases, type Choice } from '../regression/chosen-cases.ts';
import { regress as playAll } from '../regression/regress.ts';
import { regressionHtml } from '../regression/reports/html.ts';
import { junitXml } from '../regression/reports/junit.ts';
import { readReport, reportJson } from '../regression/reports/report-json.ts';
import { summaryText } from '../regression/reports/summary.ts';
import type { CaseResult, Report } from '../regression/results.ts';
import type { ReadScenario } from '../regression/scenario.ts';
import { readScenarios } from '../regression/scenario-file.ts';
import { timeOf } from '../regression/time-of.ts';
import { missingNow } from '../regression/verdicts/baseline.ts';
import { quarantineOf, readQuarantine } from '../regression/verdicts/quarantine.ts';
import { realNumber, wholeNumber } from './arguments.ts';
import { commandName } from './command-name.ts';
import { failWith } from './failure.ts';
import { print, printError } from './output.ts';
import { defaultWorkers, openPlayer } from './regress-player.ts';
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
  const { json = false } = options;
  const choice = choiceOf(options);
  const workers = wholeNumber('--workers', options.workers ?? String(defaultWorkers(options)), { min: 1, max: 256 });
  const retries = wholeNumber('--retries', options.retries ?? '1', { min: 0, max: 10 });
  const seed = options.seed === undefined ? undefined : wholeNumber('--seed', options.seed, { min: 0, max: 2 ** 32 - 1 });
  const scenarios = readScenarios(paths);
  if (options.list === true) return list(scenarios, choice, json);
  makeFolder('--output', options.output);
  if (options.keep !== undefined) makeFolder('--keep', options.keep);
  const baseline = options.baseline === undefined ? undefined : baselineOf(options.baseline);
  const quarantine = options.quarantine === undefined ? undefined : readQuarantine(options.quarantine);
  const letGo = options.rig === undefined ? () => undefined : await holdRig(options.rig, options);
  const view = regressProgress(json);
  const stop = new AbortController();
  const player = await openPlayer(options, workers, stop.signal);
  const release = onStopSignal(
    () => stop.abort(),
    // A signal ends a process without that: what is played is killed, and leaves no folder behind.
    () => void process.emit('exit', 1),
  );
  try {
    const report = await playAll({
      ...{ scenarios, player, ...choice, retries, signal: stop.signal },
      ...{ failFast: options.failFast ?? false, updateGolden: options.updateGolden ?? false },
      ...(seed === undefined ? {} : { seed }),
      ...(options.keep === undefined ? {} : { keep: options.keep }),
      ...(options.rig === undefined ? {} : { hardware: options.rig }),
      ...(baseline === undefined ? {} : { baseline }),
      ...(quarantine === undefined ? {} : { quarantine }),
      onProgress: (progress) => view.show(progress),
    });
    view.end();
    const written = writeReports(report, options.output);
    const told = [
      ...(baseline === undefined || isChosen(choice) ? [] : missingNow(baseline.report, report.cases)),
      ...(quarantine === undefined ? [] : quarantineOf(quarantine, casesIn(scenarios), new Date()).told),
    ];
    for (const line of told) printError(line);
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
    process.exitCode = totals.failed + totals.error > 0 || stop.signal.aborted ? 1 : 0;
  } finally {
    release();
    letGo();
    await player.close();
  }
}

function baselineOf(file: string): NonNullable<Parameters<typeof playAll>[0]['baseline']> {
  const report = readReport(file);
  return { report, file, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') };
}

/** Nobody else plays on it meanwhile. */
async function holdRig(rigPath: string, { waitForBench = '0' }: RegressCommand): Promise<() => void> {
  const waitS = realNumber('--wait-for-bench', waitForBench, { min: 0, max: 1e6 });
  const { links } = loadRigFile(rigPath).rig;
  const command = ['beamrig', ...process.argv.slice(2)].join(' ');
  return holdBench({ links, command, waitS, clock: createRealClock(), tell: (message) => printError(message) });
}

/** Before anything is played, which may take hours. */
function makeFolder(option: string, folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new BeamrigError('argument', `${option} ${folder}: nothing can be written there: ${(error as Error).message}`, {
      ...{ wayOut: 'Give a folder, there already or not, that can be written.', cause: error },
    });
  }
}

function writeReports(report: Report, folder: string): Record<string, string> {
  const files = {
    HTML: ['report.html', regressionHtml(report, folder)],
    JUnit: ['junit.xml', junitXml(report)],
    JSON: ['report.json', reportJson(report)],
  };
  return Object.fromEntries(
    Object.entries(files).map(([kind, [name, text]]) => {
      const path = join(folder, name);
      writeWholeFile(path, text);
      return [kind, path];
    }),
  );
}

const isChosen = ({ filter, tags, shard, failedIn }: Choice): boolean =>
  [filter, tags, shard, failedIn].some((each) => each !== undefined);

const casesIn = (scenarios: readonly ReadScenario[]): { scenario: string; case: string }[] =>
  scenarios.flatMap(({ text, cases }) => cases.map(({ id }) => ({ scenario: text.name, case: id })));

const quoted = (word: string): string => (/^[\w./=:@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`);

const rerunText = (paths: readonly string[], { scenario, case: id }: CaseResult, seeds: readonly number[]): string =>
  [
    ...[commandName(), 'regress', ...paths.map(quoted), '--filter', quoted(caseName(scenario, id))],
    ...(seeds.length === 1 ? ['--seed', String(seeds[0])] : []),
  ].join(' ');

function choiceOf({ filter, tag, shard, rerunFailed }: RegressCommand): Choice {
  return {
    ...(rerunFailed === undefined ? {} : { failedIn: readReport(rerunFailed) }),
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
