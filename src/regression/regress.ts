/**
 * A regression: scenarios read, cases chosen, each played with its seeds by whoever plays jobs, judged, and put into one report.
 *
 *   files ─► scenarios ─► cases (filter, shard) ─► seeds ═► jobs ═► attempts ─► verdicts ─► report
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { hostFacts } from '../telemetry/run-manifest.ts';
import { chosenCases, type Choice, type ChosenCase } from './chosen-cases.ts';
import { goldenPathOf, goldenOf, wordsOf } from './goldens.ts';
import { judgedCase, planOf, type Beside } from './judged-case.ts';
import { failedAttempt, type Job, type Played } from './job.ts';
import type { JobPlayer } from './job-pool.ts';
import { totalsOf } from './reports/outcome.ts';
import { REPORT_FORMAT, type Attempt, type CaseResult, type Report, type SeedResult } from './results.ts';
import type { ReadScenario } from './scenario.ts';
import { fileNameOf, goldenSetting, writeGolden } from './verdicts/golden.ts';
import { quarantineOf, type Quarantine } from './verdicts/quarantine.ts';
import { decide } from './verdicts/stopping.ts';

export interface RegressOptions extends Choice {
  scenarios: readonly ReadScenario[];
  player: JobPlayer;
  /** First seed, instead of those of rig files. */
  seed?: number;
  /** Begin nothing new once a case has failed. */
  failFast?: boolean;
  /** How often a seed that failed is played again, to see whether it always does. It stays failed. Default 1. */
  retries?: number;
  /** Where run folders of what failed are kept; else none is. */
  keep?: string;
  /** Cases are held against those of this report. */
  baseline?: { report: Report; file: string; sha256: string };
  quarantine?: Quarantine;
  /** Write the words of cases that are compared with goldens anew, instead of comparing them. */
  updateGolden?: boolean;
  startedAt?: Date;
  signal?: AbortSignal;
  onProgress?: (progress: RegressProgress) => void;
}

export interface RegressProgress {
  done: number;
  of: number;
  /** The case that was just judged. */
  case?: CaseResult;
}

/** @throws {BeamrigError} 'argument' where nothing is chosen */
export async function regress(options: RegressOptions): Promise<Report> {
  const { scenarios, player, startedAt = new Date(), onProgress = () => undefined } = options;
  const began = performance.now();
  const chosen = chosenCases(scenarios, options);
  // A share of few cases may be none of them.
  const { shard: _, ...allShares } = options;
  if (chosen.length === 0 && chosenCases(scenarios, allShares).length === 0) {
    throw new BeamrigError('argument', 'no case of these scenarios is chosen', {
      wayOut: 'See what there is with `beamrig regress … --list`.',
    });
  }
  const quarantine =
    options.quarantine &&
    quarantineOf(
      options.quarantine,
      scenarios.flatMap(({ text, cases }) => cases.map(({ id }) => ({ scenario: text.name, case: id }))),
      startedAt,
    );
  const scratch = mkdtempSync(join(tmpdir(), 'beamrig-regress-'));
  const clear = (): void => rmSync(scratch, { recursive: true, force: true });
  process.once('exit', clear);
  const results: CaseResult[] = [];
  let [done, halted] = [0, false];
  try {
    onProgress({ done, of: chosen.length });
    const queue = [...chosen.entries()];
    const one = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [index, each] = next;
        const stopped = halted || options.signal?.aborted === true;
        const why = stopped ? 'the regression was ended before it' : sameOnHardware(each);
        const played = why === undefined ? await playCase(each, options, scratch) : notPlayed(each, options, why);
        const quarantined = quarantine?.of(played);
        const result = quarantined === undefined ? played : { ...played, quarantined };
        results[index] = result;
        if (options.failFast === true && quarantined === undefined && isBad(result)) halted = true;
        onProgress({ done: ++done, of: chosen.length, case: result });
      }
    };
    await Promise.all(Array.from({ length: Math.min(chosen.length, player.parallel) }, one));
  } finally {
    process.removeListener('exit', clear);
    clear();
  }
  return {
    format: REPORT_FORMAT,
    underTest: { ...underTest(scenarios, results), ...baselineFacts(options) },
    cases: results,
    totals: totalsOf(results),
    times: {
      startedAt: startedAt.toISOString(),
      seconds: (performance.now() - began) / 1000,
      workers: workersOf(results) || player.parallel,
    },
  };
}

async function playCase(chosen: ChosenCase, options: RegressOptions, scratch: string): Promise<CaseResult> {
  const { scenario, one } = chosen;
  const plan = planOf(scenario, seedsOf(chosen, options.seed));
  const seeds: SeedResult[] = [];
  for (const seed of plan.seeds) {
    if (options.signal?.aborted === true || (seeds.length > 0 && decide(plan, seeds) === 'decided')) break;
    seeds.push(await playSeed(chosen, seed, plan.seeds[0], options, scratch));
  }
  return judgedCase(scenario, one, plan, seeds, besideOf(chosen, options));
}

const besideOf = ({ scenario }: ChosenCase, { baseline, hardware }: RegressOptions): Beside => ({
  ...(baseline === undefined ? {} : { baseline: baseline.report }),
  ...{ sha256: scenario.sha256, onHardware: hardware !== undefined },
});

async function playSeed(
  chosen: ChosenCase,
  seed: number,
  firstSeed: number,
  options: RegressOptions,
  scratch: string,
): Promise<SeedResult> {
  const { scenario, one } = chosen;
  const { retries = 1, keep, hardware } = options;
  const words = wordsOf(scenario);
  const of = words && goldenOf(scenario, one, firstSeed);
  const updates = options.updateGolden === true && of !== undefined && seed === firstSeed;
  const attempts: Attempt[] = [];
  do {
    const name = [scenario.text.name, fileNameOf(one.id), `seed-${seed}`, `attempt-${attempts.length + 1}`];
    const folder = join(keep ?? scratch, name.filter((part) => part !== '').join('.'));
    mkdirSync(folder, { recursive: true });
    const job: Job = { scenario: { ...scenario, cases: undefined } as Job['scenario'], one, seed, runFolder: folder };
    if (hardware !== undefined) job.hardware = hardware;
    if (updates) Object.assign(job, { wantsWords: true, golden: { onlySeed: firstSeed } });
    else if (words && of) job.golden = goldenSetting(goldenPathOf(scenario, one, words), of, seed);
    const { runFolder, words: shown, ...played }: Played = await options.player.play(job);
    let attempt: Attempt = played;
    if (updates && words && shown && played.verdict !== 'error') {
      try {
        writeGolden(goldenPathOf(scenario, one, words), of, shown, played.facts);
      } catch (error) {
        if (!isBeamrigError(error)) throw error;
        attempt = { ...played, ...failedAttempt(error), facts: played.facts };
      }
    }
    const bad = isBad(attempt);
    attempts.push(bad && keep !== undefined && runFolder !== undefined ? { ...attempt, runFolder } : attempt);
    if (!bad || keep === undefined) rmSync(folder, { recursive: true, force: true });
  } while (isBad(attempts.at(-1)) && attempts.length <= retries && options.signal?.aborted !== true);
  const [{ verdict }] = attempts;
  return { seed, verdict, flaky: isBad(attempts[0]) && attempts.some((each) => !isBad(each)), attempts };
}

/** Those who played, where attempts say who did. */
const workersOf = (cases: readonly CaseResult[]): number =>
  new Set(cases.flatMap(({ seeds }) => seeds.flatMap(({ attempts }) => attempts.flatMap(({ times }) => times.worker ?? []))))
    .size;

const isBad = (of: Pick<Attempt, 'verdict'> | undefined): boolean => of?.verdict === 'failed' || of?.verdict === 'error';

/** Those of a list; or so many from that of the rig file on, or from the one that was asked for. */
function seedsOf({ scenario, one }: ChosenCase, from: number | undefined): number[] {
  const { seeds } = scenario.text;
  if (typeof seeds !== 'number') return from === undefined ? seeds : seeds.map((_, i) => from + i);
  const first = from ?? (typeof one.rig.seed === 'number' ? one.rig.seed : 1);
  return Array.from({ length: seeds }, (_, i) => first + i);
}

const sameOnHardware = ({ sameAs }: ChosenCase): string | undefined =>
  sameAs && `carrier and panels are those of the attached hardware, so it is the same as ${sameAs.id}, which is played`;

const notPlayed = (chosen: ChosenCase, options: RegressOptions, why: string): CaseResult => ({
  ...judgedCase(chosen.scenario, chosen.one, planOf(chosen.scenario, []), [], {
    ...besideOf(chosen, options),
    baseline: undefined,
  }),
  verdict: 'skipped',
  why,
});

function underTest(scenarios: readonly ReadScenario[], cases: readonly CaseResult[]): Report['underTest'] {
  const { program, node, host } = hostFacts();
  const parts: Record<string, string> = {};
  for (const { facts } of cases.flatMap(({ seeds }) => seeds.flatMap(({ attempts }) => attempts))) {
    for (const [name, value] of Object.entries(facts)) parts[`${name} ${value}`.trim()] = value;
  }
  return {
    program,
    parts,
    scenarios: Object.fromEntries(scenarios.map((scenario) => [scenario.text.name, scenario.sha256])),
    ...{ node, host },
  };
}

const baselineFacts = ({ baseline }: RegressOptions): Pick<Report['underTest'], 'baseline'> =>
  baseline === undefined
    ? {}
    : { baseline: { file: baseline.file, sha256: baseline.sha256, commit: baseline.report.underTest.program.commit } };
