/**
 * `beamrig calibrate RIG`: measures what every element shows in every state, through the panel driver alone, and writes a table for each panel and a report.
 *
 *   rig file ─► array opened, safe state told ─► readings, kept as they come ─► tables, report ─► safe state again
 */
import { CALIBRATION_METHODS } from '../../calibration/methods.ts';
import { tableId } from '../../calibration/tables/state-table.ts';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import { loadRigFile } from '../config/rig-file.ts';
import { calibrateRig, flawsText, type CalibrationResult } from '../measuring/calibrate-rig.ts';
import { READING_KINDS, type CalibrationRequest, type ReadingKind } from '../measuring/calibration-request.ts';
import { openArray, type OpenedArray } from '../measuring/open-array.ts';
import { planned, type PlannedMeasurement } from '../measuring/planned-measurement.ts';
import { worseText, writeResult, type WrittenResult } from '../measuring/write-result.ts';
import { sourceText } from '../telemetry/cycle-record.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { readingProgress } from './calibrate-progress.ts';
import { duration } from './duration.ts';
import { tellScripts } from './failure.ts';
import { print, printError } from './output.ts';
import { printable } from '../../core/errors/printable.ts';
import { onStopSignal } from './stop-signal.ts';

export interface CalibrateOptions {
  method: string;
  reading?: string;
  readings?: string;
  pilots?: string;
  seed?: string;
  resume?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** As a shell tells of a process that Ctrl-C ended. */
const STOPPED = 130;
/** A second of them, at a million a second. */
const MOST_PILOTS = 1_000_000;
const METHOD_NAMES = CALIBRATION_METHODS.map(({ name }) => name);

export async function calibrate(rigPath: string, options: CalibrateOptions): Promise<void> {
  const { json = false, resume = false } = options;
  const request = requestOf(rigPath, options);
  const { rig } = request;
  const stop = new AbortController();
  const asked: { array?: OpenedArray } = {};
  const release = onStopSignal(
    () => {
      stop.abort();
      asked.array?.recovery.commandSafe();
    },
    () => asked.array?.recovery.commandSafe(),
  );
  // However this process ends by itself, what it may have left radiating is commanded to be safe.
  process.once('exit', () => asked.array?.recovery.commandSafe());
  const clock = createRealClock();
  const array = await openArray({
    ...{ rig, clock },
    tell: ({ level, message, action }) => {
      if (level !== 'info') printError(printable(action === undefined ? message : `${message} ${action}`));
    },
  });
  asked.array = array;
  const { source } = array.rigPanel;
  const panels = array.rigPanel.boards().map(({ panel }) => panel);
  const progress = readingProgress(json);
  let result: CalibrationResult | undefined;
  let files: WrittenResult | undefined;
  let unsafe: string | undefined;
  try {
    const plan = await planned(request, array, clock);
    if (!json) printError(printable(`${sourceText(source, 'simulation')} ${panels.join(' + ')}: ${planText(plan, request)}`));
    if (options.dryRun === true) {
      if (json) print(JSON.stringify({ type: 'plan', rig: rig.name, source, panels, method: request.method.name, ...plan }));
      return;
    }
    const onProgress = (done: number, of: number, kept: number): void => progress.show(done, of, kept);
    const tell = (message: string): void => printError(printable(message));
    const write = async (measured: CalibrationResult): Promise<void> => {
      files = await writeResult(request, measured, source, { clock, stop: stop.signal });
    };
    // Working it out takes a while, for which nothing need radiate.
    const whenRead = async (): Promise<void> => void (await asked.array?.recovery.makeSafe());
    result = await calibrateRig(request, array, { clock, stop: stop.signal, onProgress, whenRead, write, tell });
  } catch (error) {
    if (!isBeamrigError(error) || error.code !== 'stopped') throw error;
    progress.end();
    tellStopped(json, resume);
    return;
  } finally {
    progress.end();
    unsafe = await array.close();
    delete asked.array;
    if (unsafe !== undefined) {
      printError(printable(`NOT CERTAIN TO BE SAFE: ${unsafe}`));
      process.exitCode = 1;
    }
    release();
  }
  if (files === undefined) throw new BeamrigError('internal', 'the tables were not written');
  const worse = worseText(files, result.tables[0].accuracy.phaseDeg);
  if (worse !== undefined) printError(printable(worse));
  if (json) print(JSON.stringify({ type: 'calibrated', ...asJson(request, result), ...files, safe: unsafe === undefined }));
  else for (const line of inWords(result, files)) print(printable(line));
}

function requestOf(rigPath: string, options: CalibrateOptions): CalibrationRequest {
  const name = oneOf('--method', options.method, METHOD_NAMES);
  const method = CALIBRATION_METHODS.find((each) => each.name === name);
  if (method === undefined) throw new BeamrigError('internal', `the method ${name} is not there`);
  return {
    ...{ rig: loadRigFile(rigPath).rig, method, resume: options.resume ?? false },
    readings: options.readings === undefined ? undefined : wholeNumber('--readings', options.readings, { min: 1, max: 2 ** 24 }),
    reading: options.reading === undefined ? undefined : readingKind(oneOf('--reading', options.reading, READING_KINDS)),
    pilots: options.pilots === undefined ? undefined : wholeNumber('--pilots', options.pilots, { min: 1, max: MOST_PILOTS }),
    seed: options.seed === undefined ? undefined : wholeNumber('--seed', options.seed, { min: 0, max: 2 ** 32 - 1 }),
  };
}

const readingKind = (name: string): ReadingKind | undefined => READING_KINDS.find((kind) => kind === name);

/** A method that takes so many times what was asked for does not take about as many. */
const ABOUT = 1.25;

function planText(
  { reading, readings, commits, seconds, expected, unexpected, readingSnrDb, ofMethod }: PlannedMeasurement,
  { readings: asked, method }: CalibrationRequest,
): string {
  const fewest =
    asked === undefined || ofMethod <= ABOUT * asked
      ? ''
      : ` (--readings ${asked}: ${method.name} takes ${ofMethod} a chain or more)`;
  const accuracy =
    expected === undefined
      ? `; how exact states will be is not known beforehand: ${unexpected ?? ''}`
      : `; where one element alone reads at ${readingSnrDb} dB, states to ${expected.phaseDeg.toFixed(2)}° and ${expected.gainDb.toFixed(3)} dB RMS`;
  return `${counted(readings, 'reading')} of ${reading}${fewest}, ${counted(commits, 'commit')}, about ${duration(seconds)}${accuracy}`;
}

function tellStopped(json: boolean, resumed: boolean): void {
  const message = 'stopped; what was read is kept, and no table was written';
  const wayOut = resumed ? 'The same command goes on from there.' : 'The same command with --resume goes on from there.';
  printError(`beamrig: ${message}`);
  printError(`What to do: ${wayOut}`);
  if (json) tellScripts({ code: 'stopped', message, wayOut });
  process.exitCode = STOPPED;
}

const asJson = ({ rig, method }: CalibrationRequest, result: CalibrationResult): object => ({
  ...{ rig: rig.name, method: method.name, reading: result.reading, pilots: result.pilots },
  ...{ readings: result.readings, commits: result.commits },
  saturated: result.saturated,
  seconds: Math.round(result.spentMs) / 1000,
  readingSnrDb: Number(result.readingSnrDb.toFixed(1)),
  tables: result.tables.map((table) => ({ id: tableId(table), accuracy: table.accuracy, flaws: table.flaws })),
});

function inWords(result: CalibrationResult, { files, report }: WrittenResult): string[] {
  const { tables, readings, commits, spentMs, readingSnrDb, saturated } = result;
  const [{ accuracy }] = tables;
  return [
    `${counted(readings, 'reading')} in ${duration(spentMs / 1000)} (${counted(commits, 'commit')}), one element alone at ${readingSnrDb.toFixed(1)} dB.`,
    ...(saturated === 0 ? [] : [`${counted(saturated, 'reading')} at the receiver’s full scale were left out.`]),
    `States are known to ${accuracy.phaseDeg}° and ${accuracy.gainDb} dB RMS.`,
    ...tables.map((table, i) => `${tableId(table)}: ${flawsText(table)}. Table: ${files[i]}`),
    `Report: ${report}`,
  ];
}
