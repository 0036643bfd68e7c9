/** A regression as others call it: with names of files or with objects, options checked, and a player that is opened and closed again. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { loadRigFile } from '../config/rig-file.ts';
import { holdBench } from './bench-lock.ts';
import type { Choice } from './chosen-cases.ts';
import { openPlayer } from './open-player.ts';
import { regress as playAll, type RegressOptions as PlayOptions, type RegressProgress } from './regress.ts';
import { readReport } from './reports/report-json.ts';
import { makeFolder, writeReports } from './reports/write-reports.ts';
import type { Report } from './results.ts';
import type { ReadScenario } from './scenario.ts';
import { readScenarios } from './scenario-file.ts';
import type { ScenarioInput } from './scenario-schema.ts';
import { missingNow } from './verdicts/baseline.ts';
import { quarantineOf, readQuarantine } from './verdicts/quarantine.ts';

export type { RegressProgress };

/** What is chosen, how it is played, and what becomes of it; all may be left out. Paths are relative to the working folder. */
export interface RegressOptions {
  /** Only cases whose names contain one of these. */
  filter?: readonly string[];
  /** Only scenarios with one of these tags. */
  tags?: readonly string[];
  /** The i-th of n shares of the cases, i from 1. */
  shard?: { index: number; of: number };
  /** Only cases that failed in this report; or the path of its report.json. */
  failedIn?: Report | string;
  /** Folder that paths in scenarios given as objects are relative to. Default: the working folder. Scenarios of files go by their own. */
  folder?: string;
  /** First seed, 0 … 2³² − 1, instead of those of the rigs. */
  seed?: number;
  /** How often a seed that failed is played again, 0 … 10, to see whether it always does; it stays failed. Default 1. */
  retries?: number;
  /** Begin nothing new once a case has failed. */
  failFast?: boolean;
  /** Path of a report.json: what is worse than in it by more than its margin fails. */
  baseline?: string;
  /** Path of a file with cases whose verdicts do not count until a date. */
  quarantine?: string;
  /** Write the words of cases that are compared with goldens anew, instead of comparing them. */
  updateGolden?: boolean;
  /** Path of the rig file of attached hardware to play on. One run at a time holds the hardware. */
  rig?: string;
  /** How long to wait where somebody else has that hardware, s. Default 0. */
  waitForBenchS?: number;
  /** What others are told who wait for that hardware: by default how this process was called. */
  holder?: string;
  /** redis://HOST:PORT of a queue, where `beamrig worker`s play; not together with `rig`. */
  queue?: string;
  /** Processes that play, 1 … 256 (default: one for each core); with `queue` jobs at a time (default: 256). */
  workers?: number;
  /** Folder where run folders of what failed are kept; left out: none is. */
  keep?: string;
  /** Folder where report.html, junit.xml and report.json are written; left out: none is. */
  output?: string;
  /** Aborted, nothing new is begun: what is being played comes to its end, all else is reported as skipped. */
  signal?: AbortSignal;
  /** Called at the beginning, and whenever a case is judged. */
  onProgress?: (progress: RegressProgress) => void;
  /** Called with what a person should know and no report says, a sentence each. */
  onNotice?: (notice: RegressNotice) => void;
}

export interface RegressNotice {
  about: 'queue' | 'bench' | 'baseline' | 'quarantine';
  text: string;
}

const optionsSchema = z.object({
  shard: z
    .object({ index: z.int().min(1), of: z.int().min(1) })
    .refine(({ index, of }) => index <= of, 'allowed: index from 1 to of')
    .optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
  retries: z.int().min(0).max(10).optional(),
  waitForBenchS: z.number().min(0).max(1e6).optional(),
  workers: z.int().min(1).max(256).optional(),
});

/**
 * Plays scenarios on rigs and judges them, as `beamrig regress` does: in processes of their own, the same seed with the same result wherever time is
 * virtual. Scenarios that fail are no error: the report says so.
 * @param scenarios paths of scenario files or of folders of them, and scenarios as objects with the keys of such a file (docs/scenario-file.md): SINR in dB,
 *   rates in bit/s/Hz, times in s; elements, users, panels and cycles counted from 0
 * @returns the report: every case with its seeds, checks and verdict; what failed, broke or was flaky is counted in `totals`, and `hasFailures(totals)` says whether anything did
 * @throws {BeamrigError} 'scenario-file', 'rig-file', 'argument', 'report-file', 'bench-busy', 'queue', 'stopped' (while waiting for the bench): it cannot be played as asked; message and `wayOut`
 *   say what is wrong and what to do. Nothing was played then.
 */
export async function regress(
  scenarios: string | ScenarioInput | readonly (string | ScenarioInput)[],
  options: RegressOptions = {},
): Promise<Report> {
  requireAllowed(options);
  const { folder, queue, rig, workers, keep, output, onNotice = () => undefined } = options;
  const { failFast, onProgress, retries, seed, updateGolden } = options;
  const read = readScenarios(isList(scenarios) ? scenarios : [scenarios], folder);
  const choice = choiceOf(options);
  if (output !== undefined) makeFolder('output', output);
  if (keep !== undefined) makeFolder('keep', keep);
  const baseline = options.baseline === undefined ? undefined : baselineOf(options.baseline);
  const quarantine = options.quarantine === undefined ? undefined : readQuarantine(options.quarantine);
  const letGo = rig === undefined ? () => undefined : await holdRig(rig, options);
  const { signal = new AbortController().signal } = options;
  try {
    const player = await openPlayer({
      ...{ oneBench: rig !== undefined, keep: keep !== undefined, signal },
      ...given({ queue, workers }),
      onSay: (text) => onNotice({ about: 'queue', text }),
    });
    try {
      const report = await playAll({
        ...{ scenarios: read, player, ...choice, signal },
        ...given({ failFast, keep, onProgress, retries, seed, updateGolden }),
        ...given({ hardware: rig, baseline, quarantine }),
      });
      if (output !== undefined) writeReports(report, output);
      if (baseline !== undefined && !isChosen(choice)) {
        for (const text of missingNow(baseline.report, report.cases)) onNotice({ about: 'baseline', text });
      }
      const { told = [] } = quarantine === undefined ? {} : quarantineOf(quarantine, casesIn(read), new Date());
      for (const text of told) onNotice({ about: 'quarantine', text });
      return report;
    } finally {
      await player.close();
    }
  } finally {
    letGo();
  }
}

/** Without what was left out. */
const given = <Block extends object>(block: Block): { [Key in keyof Block]?: NonNullable<Block[Key]> } =>
  Object.fromEntries(Object.entries(block).filter(([, value]) => value !== undefined)) as never;

const isList = <One>(given: One | readonly One[]): given is readonly One[] => Array.isArray(given);

function requireAllowed(options: RegressOptions): void {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    const value = path.reduce<unknown>((block, key) => (block as Record<PropertyKey, unknown>)[key], options);
    throw new BeamrigError('argument', `${path.join('.')}: ${JSON.stringify(value)}: ${message}`, {
      wayOut: 'What each option may be stands at RegressOptions.',
    });
  }
  if (options.queue !== undefined && options.rig !== undefined) {
    throw new BeamrigError('argument', 'queue beside rig: not allowed; allowed: one of them', {
      wayOut: 'Attached hardware is played on by the machine that it is attached to: leave the queue out there.',
    });
  }
}

const choiceOf = ({ filter, tags, shard, failedIn }: RegressOptions): Choice =>
  given({ filter, tags, shard, failedIn: typeof failedIn === 'string' ? readReport(failedIn) : failedIn });

const isChosen = (choice: Choice): boolean => Object.keys(choice).length > 0;

const casesIn = (scenarios: readonly ReadScenario[]): { scenario: string; case: string }[] =>
  scenarios.flatMap(({ text, cases }) => cases.map(({ id }) => ({ scenario: text.name, case: id })));

function baselineOf(file: string): NonNullable<PlayOptions['baseline']> {
  const report = readReport(file);
  return { report, file, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') };
}

/** Nobody else plays on it meanwhile. */
function holdRig(rig: string, options: RegressOptions): Promise<() => void> {
  const { waitForBenchS = 0, holder = process.argv.slice(1).join(' '), signal, onNotice } = options;
  const { links } = loadRigFile(rig).rig;
  return holdBench({
    ...{ links, command: holder, waitS: waitForBenchS, clock: createRealClock() },
    ...given({ signal }),
    tell: (text) => onNotice?.({ about: 'bench', text }),
  });
}
