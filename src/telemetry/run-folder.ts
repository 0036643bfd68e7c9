/**
 * The run folder, telemetry's embedded default:
 *
 *   runs/20261122T073000Z-demo/
 *     manifest.json   what the run was made of, from its first moment on
 *     records.lp      every cycle and event as InfluxDB line protocol
 *     beams.bin       words, digital weights and channels of every cycle, where the rig file keeps them (kept-beams.ts)
 *     events.jsonl    what a person should know, one JSON object a line
 *     summary.json    what it came to, written at the end: without it the run was cut off, and its records still read
 *
 * The loop hands records over and goes on: nothing here waits or throws into it. A disk that refuses is one event, not the end of the run.
 */
import { accessSync, constants, existsSync, mkdirSync, statSync, writeFileSync, type Stats } from 'node:fs';
import { basename, join } from 'node:path';
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import { elementsOf, type RigFile } from '../config/rig-file.ts';
import { AppendFile, type AppendFileOptions } from './append-file.ts';
import {
  SOURCE_TEXT,
  type CalibrationUsed,
  type CommandedBeam,
  type CycleRecord,
  type CycleSink,
  type RigEvent,
} from './cycle-record.ts';
import { createFolderNews } from './folder-news.ts';
import { encodeKept, KEPT_FILE } from './kept-beams.ts';
import { makeFolders } from '../../core/files/make-folders.ts';
import { removeIfPossible } from '../../core/files/whole-file.ts';
import { cycleLines, eventLine } from './influx/points.ts';
import { RECORDS_FILE } from './record-reader.ts';
import { flawOf, hostFacts, sha256, writeJsonAtomically, type RigIdentity, type RunManifest } from './run-manifest.ts';
import { otherUsers } from './users-of-records.ts';
import { wallStepEvent } from './wall-step-event.ts';
import { isoTime, SummaryTally, type RunSummary } from './run-summary.ts';

/** All that a run writes. */
export const RUN_FILES: readonly string[] = ['manifest.json', RECORDS_FILE, KEPT_FILE, 'events.jsonl', 'summary.json'];

const GATHERED_BYTES = 65_536;

export interface RunRecorderOptions {
  rig: RigFile;
  rigText: string;
  rigPath: string;
  seed: number;
  clock: Clock;
  time: 'real' | 'virtual';
  channels?: RunManifest['channels'];
  doubts?: readonly string[];
  /** Wall-clock time that names the folder. */
  startedAt?: Date;
  /** Events that recording itself raises (a full disk, a change of source); events handed in are not repeated here. */
  onOwnEvent?: (event: RigEvent) => void;
  /** Opens the files that grow. */
  openFile?: (path: string, options: AppendFileOptions) => AppendFile;
}

export interface RunRecorder extends CycleSink {
  readonly folder: string;
  /** Records an event and passes it to `onOwnEvent`: for other parts of telemetry. */
  report(event: Omit<RigEvent, 'timeNs'>): void;
  /** Completes the manifest once the rig is assembled. */
  identify(identity: RigIdentity): void;
  /** Resolves when everything recorded so far is in the file, or `withinMs` is over. */
  flush(withinMs: number): Promise<void>;
  /**
   * Writes the summary. Never throws for the disk's sake: `problem` says what could not be written.
   * @param enough a disk that takes nothing is waited for no longer once this resolves
   * @returns `hangs`: a thread still waits for the disk, and so would `process.exit`
   */
  close(ended: string, enough?: Promise<void>): Promise<{ summary: RunSummary; problem?: string; hangs?: true }>;
  /** Removes the folder of a run that never started. */
  discard(): Promise<void>;
}

/**
 * Makes the run folder.
 * @throws BeamrigError 'run-folder' when it cannot be made or written
 */
export function createRunRecorder(options: RunRecorderOptions): RunRecorder {
  const { rig, clock } = options;
  const folder = makeFolder(rig, options.startedAt ?? new Date());
  const run = basename(folder);
  const tags = { rig: rig.name, run };
  const tally = new SummaryTally();
  const cycleTime = strictlyRising();
  const eventTime = strictlyRising();
  let closed = false;

  const manifest: RunManifest = {
    format: 1,
    run,
    rig: rig.name,
    startedAt: (options.startedAt ?? new Date()).toISOString(),
    users: rig.users.count,
    setting: {
      snrDb: rig.snrDb,
      elements: elementsOf(rig),
      rfChains: rig.array.rfChains,
      phaseBits: rig.array.phaseBits,
      connection: rig.array.connection,
      keep: rig.telemetry.keep,
    },
    seed: options.seed,
    time: options.time,
    rigFile: { path: options.rigPath, sha256: sha256(options.rigText), text: options.rigText },
    channels: options.channels ?? null,
    doubts: options.doubts ?? [],
    models: [],
    boards: [],
    calibrations: [],
    identity: null,
    ...hostFacts(),
  };
  const open = options.openFile ?? ((path: string, fileOptions: AppendFileOptions) => new AppendFile(path, fileOptions));
  const writeManifest = (): void => writeJsonAtomically(join(folder, 'manifest.json'), manifest);
  const news = createFolderNews({
    folder,
    report: (happened) => report(happened),
    remake: () => {
      makeFolders(folder);
      writeManifest();
    },
  });
  /** Where the disk refuses it, it is tried again at the end. */
  const noteManifest = (): void => news.attempt('manifest.json', writeManifest);
  const { keep, syncSeconds } = rig.telemetry;
  const syncMs = syncSeconds * 1000;
  const files = guarded(folder, () => {
    writeManifest();
    const grow = (name: string, gatherBytes = 0): AppendFile =>
      open(join(folder, name), { syncMs, gatherBytes, ...news.optionsFor(name) });
    const beams = keep === 'none' ? undefined : grow(KEPT_FILE);
    // A run in virtual time writes thousands of cycles a second, and the same ones when it is played again. No record may come before what is kept of it.
    const gatherBytes = options.time === 'virtual' && beams === undefined ? GATHERED_BYTES : 0;
    return { records: grow(RECORDS_FILE, gatherBytes), events: grow('events.jsonl'), beams };
  });
  const forgetSteps = clock.onWallStep?.((step) => {
    tally.stepped(step.movedNs);
    report(wallStepEvent(step));
  });

  const event = (happened: RigEvent): void => {
    if (closed) return;
    tally.event(happened.level);
    const line = eventLine(happened, tags, eventTime(happened.timeNs));
    if (line !== undefined) files.records.append(line);
    const { timeNs, ...rest } = happened;
    files.events.append(JSON.stringify({ time: isoTime(timeNs), timeNs: String(timeNs), ...rest }));
  };
  const reportAt = (happened: RigEvent): void => {
    event(happened);
    options.onOwnEvent?.(happened);
  };
  const report = (happened: Omit<RigEvent, 'timeNs'>): void => reportAt({ timeNs: clock.epochNs(), ...happened });
  const cycle = (record: CycleRecord, beam?: CommandedBeam): void => {
    if (closed) return;
    // Before the record, so that no record lacks what is kept of it.
    const kept = files.beams && beam && encodeKept(record.cycle, record.phaseBits, beam, keep);
    if (kept !== undefined) files.beams?.append(kept);
    const transition = tally.cycle(record, record.timeNs);
    if (transition) {
      // A mark for whoever reads the records; people are told why by whoever changed the panel.
      event({
        timeNs: record.timeNs,
        level: 'info',
        code: 'source-changed',
        message: `From cycle ${transition.cycle} on, records come from the ${SOURCE_TEXT[transition.to]}; before, from the ${SOURCE_TEXT[transition.from]}.`,
      });
    }
    files.records.append(...cycleLines(record, tags, cycleTime(record.timeNs)));
  };

  return {
    folder,
    cycle,
    event,
    report,
    identify: (identity) => {
      manifest.identity = identity;
      noteManifest();
    },
    changed: (fromCycle, what) => {
      if (closed) return;
      const since = { fromCycle, time: isoTime(clock.epochNs()) };
      if ('model' in what) note(manifest.models, { ...what.model, ...since });
      else if ('boards' in what) note(manifest.boards, { boards: what.boards, ...since });
      else {
        const { id, tables } = what.calibration;
        note((manifest.calibrations ??= []), { id, tables: tables.map(({ name }) => name), ...since });
        for (const table of tables) news.attempt(table.name, () => writeTable(folder, table));
      }
      noteManifest();
    },
    flush: async (withinMs) => {
      await files.records.flush(withinMs);
    },
    close: async (ended, enough) => {
      closed = true;
      forgetSteps?.();
      const { records, events, beams } = files;
      const closing = [records, events, ...(beams === undefined ? [] : [beams])].map((file) => file.close(undefined, enough));
      const [lost = 0, lostEvents = 0, lostBeams = 0] = await Promise.all(closing);
      const summary = tally.summary(ended, lost + records.missingLines);
      const problems = news.problemsOf([
        { name: RECORDS_FILE, file: records, lost },
        { name: 'events.jsonl', file: events, lost: lostEvents },
        ...(beams === undefined ? [] : [{ name: KEPT_FILE, file: beams, lost: lostBeams }]),
      ]);
      const finish = (name: string, content: unknown): void => {
        try {
          writeJsonAtomically(join(folder, name), content);
        } catch (error) {
          problems.push(`${name} could not be written: ${(error as Error).message}`);
        }
      };
      if (news.isDue('manifest.json') || !existsSync(join(folder, 'manifest.json'))) finish('manifest.json', manifest);
      finish('summary.json', summary);
      const hangs = records.hangs || events.hangs || beams?.hangs ? { hangs: true as const } : {};
      return { summary, ...(problems.length > 0 ? { problem: problems.join('; ') } : {}), ...hangs };
    },
    discard: async () => {
      closed = true;
      forgetSteps?.();
      await Promise.all([files.records.close(0), files.events.close(0), files.beams?.close(0)]);
      removeIfPossible(folder, { recursive: true });
    },
  };
}

/** Of a run: the tables that its phase states were known by. */
export const TABLES_FOLDER = 'calibration';

/** Beside the records, so that what was expected of a beam can be worked out again when the tables of the lab are others. */
function writeTable(folder: string, { name, text }: CalibrationUsed['tables'][number]): void {
  const path = join(folder, TABLES_FOLDER, name);
  if (existsSync(path)) return;
  makeFolders(join(folder, TABLES_FOLDER));
  writeFileSync(path, text);
}

/** A rig whose cable is loose may change its boards very often. */
const MOST_CHANGES = 1000;
const note = <T>(list: T[], entry: T): void => void (list.length < MOST_CHANGES && list.push(entry));

/** A run folder as it lies on disk; `summary` is missing when the run was cut off or still runs. */
export interface StoredRun {
  folder: string;
  manifest: RunManifest;
  summary: RunSummary | undefined;
  recordsPath: string;
}

/** @throws BeamrigError 'run-folder' when this is no run folder */
export function openRun(folder: string): StoredRun {
  const wayOut = 'Give the folder of a run, such as runs/20261122T073000Z-demo; `beamrig run` prints it.';
  const recordsPath = join(folder, RECORDS_FILE);
  const refuse = (why: string): never => {
    throw new BeamrigError('run-folder', `${folder}: ${why}`, { wayOut });
  };
  const look = (path: string): Stats | undefined => statSync(path, { throwIfNoEntry: false });
  let records: Stats | undefined;
  try {
    const itself = look(folder);
    if (itself === undefined) return refuse('there is no such folder');
    if (!itself.isDirectory()) return refuse('this is no folder');
    records = look(recordsPath);
  } catch (error) {
    if (error instanceof BeamrigError) throw error;
    return refuse(`cannot be looked at: ${(error as Error).message}`);
  }
  if (records === undefined) return refuse(`holds no ${RECORDS_FILE}, so it is no run folder`);
  if (!records.isFile()) return refuse(`its ${RECORDS_FILE} is no file`);
  const manifest = readJson<RunManifest>(join(folder, 'manifest.json'));
  if (manifest?.format !== 1) return refuse('manifest.json is missing, damaged or of another version');
  const flaw = flawOf(manifest);
  if (flaw !== undefined) return refuse(`manifest.json cannot be of a run: ${flaw}`);
  return { folder, manifest, summary: readJson<RunSummary>(join(folder, 'summary.json')), recordsPath };
}

/**
 * Holds the users of the manifest against those of the records.
 * @throws BeamrigError 'run-folder' when they differ
 */
export async function refuseOtherUsers({ folder, manifest, recordsPath }: StoredRun): Promise<void> {
  const other = await otherUsers(recordsPath, manifest.users);
  if (other === undefined) return;
  throw new BeamrigError(
    'run-folder',
    `${folder}: manifest.json cannot be of this run: users is ${manifest.users}, and the records have ${other}`,
    { wayOut: 'Put back the manifest that was written with these records.' },
  );
}

/** Room for the text of the largest rig file, with every character escaped. */
const LARGEST_JSON = 16_000_000;

function readJson<T>(path: string): T | undefined {
  try {
    const read = readBoundedFile(path, { maxBytes: LARGEST_JSON, pipes: 'refuse' });
    return read.ok ? (JSON.parse(read.bytes.toString('utf8')) as T) : undefined;
  } catch {
    return undefined; // the caller says what a missing or damaged file means
  }
}

/** Points of one series and time overwrite each other in InfluxDB, so no two points of a kind share a time. */
function strictlyRising(): (timeNs: bigint) => bigint {
  let lastNs = -1n;
  return (timeNs) => (lastNs = timeNs > lastNs ? timeNs : lastNs + 1n);
}

function makeFolder(rig: RigFile, startedAt: Date): string {
  const parent = rig.telemetry.runFolder;
  const stamp = startedAt
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '');
  return guarded(parent, () => {
    makeFolders(parent);
    accessSync(parent, constants.W_OK);
    for (let copy = 1; ; copy++) {
      const folder = join(parent, `${stamp}-${rig.name}${copy === 1 ? '' : `-${copy}`}`);
      try {
        mkdirSync(folder);
        return folder;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || copy >= 1000) throw error;
      }
    }
  });
}

function guarded<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new BeamrigError('run-folder', `run folder ${folder} cannot be made or written: ${(error as Error).message}`, {
      wayOut: 'Set telemetry.runFolder in the rig file to a folder that you may write, on a disk with room.',
      cause: error,
    });
  }
}
