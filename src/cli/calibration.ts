/** `beamrig calibration`: tables shown, checked, compared, merged, and written as a table for a spreadsheet. */
import { stringify } from 'csv-stringify/sync';
import type { ElementFlaw } from '../../calibration/element-health.ts';
import { CALIBRATION_METHODS } from '../../calibration/methods.ts';
import { alphabetsOf, tableId, tableText } from '../../calibration/tables/state-table.ts';
import { compareTables, type TableDifference } from '../../calibration/tables/compare-tables.ts';
import { mergeTables } from '../../calibration/tables/merge-tables.ts';
import { TABLE_SCHEMA_FILE, isSimulated, type CalibrationTable } from '../../calibration/tables/table-schema.ts';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readdirSync } from 'node:fs';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import { flawsText } from '../measuring/calibrate-rig.ts';
import { readTableFile } from '../rig/calibration.ts';
import { writeOutput } from './output-file.ts';
import { print, printError } from './output.ts';
import { printable } from '../../core/errors/printable.ts';
import { table as inColumns } from './table.ts';

interface Json {
  json?: boolean;
}

interface Written {
  output: string;
  force?: boolean;
}

export function showTable(path: string, { json = false }: Json): void {
  const table = readTableFile(path);
  const { gainDb: _, phaseDeg: __, ...facts } = table;
  if (json) {
    return print(JSON.stringify({ id: tableId(table), simulated: isSimulated(table), ...facts, chains: chainFigures(table) }));
  }
  const { elements, rfChains, phaseBits, frequencyGhz, temperatureC, measuredAt, method, readings, accuracy, gainsBeside } =
    table;
  const lines = [
    tableId(table),
    `${counted(elements, 'element')} × ${counted(rfChains, 'RF chain')}, Q = ${phaseBits}; ${frequencyGhz} GHz, ${temperatureC === null ? 'temperature not known' : `${temperatureC} °C`}`,
    `Measured ${measuredAt}${method.startsWith('between ') ? `: the mean ${method},` : ` by ${method}`} in ${counted(readings, 'reading')}, to ${accuracy.phaseDeg}° and ${accuracy.gainDb} dB RMS.`,
    ...(isSimulated(table) ? [`SIMULATED: measured on ${simulatedText(table)}; it is of no hardware.`] : []),
    `Gains are beside ${gainsBeside === 'nominal' ? 'a nominal element' : 'their mean'}; ${flawsText(table)}.`,
    inColumns(
      ['chain', 'gain dB, mean', 'gain dB, spread', 'states off the grid °, RMS', 'dB, RMS'],
      chainFigures(table).map(({ rfChain, meanDb, spreadDb, statesDeg, statesDb }) => [
        ...[rfChain, meanDb.toFixed(2), spreadDb.toFixed(2), statesDeg.toFixed(2), statesDb.toFixed(3)],
      ]),
    ),
  ];
  say(lines);
}

/** What of a program was measured. */
export const simulatedText = ({ measuredOn }: Pick<CalibrationTable, 'measuredOn'>): string =>
  measuredOn === 'played-panel' ? 'a panel that a program played' : 'the simulator';

/** Parts of it may be several lines. */
const say = (lines: readonly string[]): void => {
  for (const line of lines.flatMap((text) => text.split('\n'))) print(printable(line));
};

interface ChainFigures {
  rfChain: number;
  /** Over the elements, of the mean over their states. */
  meanDb: number;
  spreadDb: number;
  /** RMS of what states miss an even grid by, the element's own offset taken out. */
  statesDeg: number;
  statesDb: number;
}

/** Of the elements that obey. */
function chainFigures({ elements, rfChains, phaseBits, gainDb, phaseDeg, flaws }: CalibrationTable): ChainFigures[] {
  const flawed = new Set(flaws.map(({ element, rfChain }) => element * rfChains + rfChain));
  const states = 2 ** phaseBits;
  return Array.from({ length: rfChains }, (_, rfChain) => {
    const places = Array.from({ length: elements }, (_, n) => n * rfChains + rfChain).filter(
      (place) => gainDb[place] !== null && !flawed.has(place),
    );
    const gains = places.map((place) => mean(gainDb[place] ?? []));
    const meanDb = mean(gains);
    let [degrees, db] = [0, 0];
    places.forEach((place, i) => {
      const off = (phaseDeg[place] ?? []).map((value, s) => value - (360 * s) / states);
      const middle = mean(off);
      degrees += mean(off.map((value) => (value - middle) ** 2)) / places.length;
      db += mean((gainDb[place] ?? []).map((value) => (value - gains[i]) ** 2)) / places.length;
    });
    const spreadDb = Math.sqrt(mean(gains.map((value) => (value - meanDb) ** 2)));
    return { rfChain, meanDb, spreadDb, statesDeg: Math.sqrt(degrees), statesDb: Math.sqrt(db) };
  });
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);

/** Exit code 1: one of them is no whole table. */
export function verifyTables(paths: readonly string[], { json = false }: Json): void {
  const results = paths.flatMap(filesOf).map((path) => {
    try {
      const table = readTableFile(path);
      return { path, id: tableId(table), simulated: isSimulated(table) };
    } catch (error) {
      if (!isBeamrigError(error)) throw error;
      return { path, problem: error.message, wayOut: error.wayOut };
    }
  });
  if (results.some((result) => 'problem' in result)) process.exitCode = 1;
  if (json) return print(JSON.stringify(results));
  for (const result of results)
    print(
      printable(
        'problem' in result
          ? `${result.problem}. ${result.wayOut ?? ''}`
          : `${result.path}: good, ${result.id}${result.simulated ? ', simulated' : ''}`,
      ),
    );
  printError(results.length === 0 ? 'no tables there' : `Checked against ${TABLE_SCHEMA_FILE}, and the checksums in them.`);
}

/** A table, or all of a folder. */
function filesOf(path: string): string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(path, name));
}

export function diffTables(a: string, b: string, { json = false }: Json): void {
  const [before, after] = [readTableFile(a), readTableFile(b)];
  const difference = compareTables(before, after);
  if (json) return print(JSON.stringify(difference));
  say(differenceText(difference, [before, after]));
}

const WORST_SHOWN = 10;

/** What a table says of an element that is another way by another table. */
function flawText(flaw: ElementFlaw | null, other: ElementFlaw | null, { method }: CalibrationTable): string {
  const isDeaf = CALIBRATION_METHODS.some(({ name, finds }) => name === method && finds === 'offsets');
  return flaw ?? (other === 'stuck' && isDeaf ? `not known (${method} does not tell who is stuck)` : 'well');
}

function differenceText(
  { phaseDeg, gainDb, elements, flaws }: TableDifference,
  of: [CalibrationTable, CalibrationTable],
): string[] {
  const worst = elements
    .slice()
    .sort((x, y) => y.phaseDeg - x.phaseDeg)
    .slice(0, WORST_SHOWN);
  return [
    `States differ by ${phaseDeg.toFixed(2)}° and ${gainDb.toFixed(3)} dB RMS, a common factor taken out.`,
    inColumns(
      ['element', 'chain', 'phase °, RMS', 'gain dB, RMS'],
      worst.map((each) => [each.element, each.rfChain, each.phaseDeg.toFixed(2), each.gainDb.toFixed(3)]),
    ),
    ...flaws.map(
      ({ element, rfChain, before, after }) =>
        `Element ${element}, chain ${rfChain}: ${flawText(before, after, of[0])} before, ${flawText(after, before, of[1])} now.`,
    ),
  ];
}

export function mergeFiles(paths: readonly string[], { output, force = false, json = false }: Written & Json): void {
  const merged = mergeTables(paths.map(readTableFile));
  writeOutput(output, tableText(merged), force);
  if (json) return print(JSON.stringify({ output, id: tableId(merged), accuracy: merged.accuracy }));
  print(printable(`Wrote ${output}: ${tableId(merged)}, to ${merged.accuracy.phaseDeg}° and ${merged.accuracy.gainDb} dB RMS.`));
}

export function exportTable(path: string, { output, force = false }: Partial<Written>): void {
  const table = readTableFile(path);
  const rows = alphabetsOf(table).flatMap((states, place) => {
    if (states === undefined) return [];
    const at = { element: Math.floor(place / table.rfChains), rf_chain: place % table.rfChains };
    return Array.from(states.re, (re, word) => ({
      ...at,
      word,
      gain_db: table.gainDb[place]?.[word],
      phase_deg: table.phaseDeg[place]?.[word],
      re: re.toFixed(6),
      im: states.im[word].toFixed(6),
    }));
  });
  const text = stringify(rows, { header: true, record_delimiter: '\r\n' });
  if (output === undefined) return print(text.trimEnd());
  writeOutput(output, text, force);
  printError(`${counted(rows.length, 'state')} written to ${output}.`);
}
