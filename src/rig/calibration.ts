/**
 * What the panels of a rig were measured to show: tables of the folder that the rig file names, chosen for the boards that answer, as the alphabets that
 * quantiser and prediction go by. Where a board has none its states are taken as ideal, and that is said.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { chooseTables, type PanelAtHand } from '../../calibration/tables/choose-tables.ts';
import {
  alphabetsOf,
  namedTable,
  readTable,
  tableFileName,
  tableId,
  tablePanelName,
  tableText,
} from '../../calibration/tables/state-table.ts';
import type { CalibrationTable } from '../../calibration/tables/table-schema.ts';
import { DEFAULT_SERIAL } from '../../hil-sim/panel-capabilities.ts';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import type { ArrayStates } from '../../core/signal/beam-contract.ts';
import { idealOf, type ElementStates } from '../../core/signal/quantise.ts';
import { elementsOf, type RigFile } from '../config/rig-file.ts';
import { uncalibrated, type ArrayCalibration, type BoardCalibration, type BoardTable } from '../control/array-calibration.ts';
import { flawInWords, type ElementHealth } from '../control/array-health.ts';
import type { CyclePanel } from '../control/control-cycle.ts';
import { NO_TABLE, type BoardUsed, type RigEvent, type Source } from '../telemetry/cycle-record.ts';

export interface Calibrations {
  /** There is a table for an array like this one. */
  readonly some: boolean;
  /** Of the boards that a cycle runs on, as warm as they said last. */
  for(on: Pick<CyclePanel, 'boards' | 'temperaturesC'>): ArrayCalibration;
  /**
   * Damaged files of the folder that are not of these boards, to be told.
   * @throws {BeamrigError} 'calibration-file' where one is that they would go by
   */
  leftOut(on: Pick<CyclePanel, 'boards'>): Omit<RigEvent, 'timeNs'>[];
  /** These are there as well from now on. */
  add(tables: readonly CalibrationTable[]): void;
}

const LARGEST_TABLE_BYTES = 256 * 2 ** 20;
/** A change of temperature by less is none. */
const TEMPERATURE_STEP_C = 0.5;

/**
 * A damaged file stops nobody whose table it is not; one that a rig would go by, or whose name does not tell, is not passed over: an older table, or none,
 * would take its place.
 * @throws {BeamrigError} 'calibration-file' for a file in the folder that is no whole table, and whose name does not say of which panel
 */
export function openCalibrations(rig: RigFile): Calibrations {
  const { tables, damaged } = readTableFolder(rig.calibration.folder);
  for (const { file, error } of damaged) if (namedTable(file) === undefined) throw error;
  /** What the tables are chosen by: of each board its panel and source, and how warm it is, in steps. */
  let key: readonly unknown[] = [];
  let known: ArrayCalibration | undefined;
  const { rfChains, phaseBits } = rig.array;
  return {
    get some() {
      return tables.some((table) => table.rfChains === rfChains && table.phaseBits === phaseBits);
    },
    add(more) {
      tables.push(...more);
      known = undefined;
    },
    for(on) {
      const boards = on.boards();
      const temperaturesC = on.temperaturesC?.() ?? [];
      const asked: unknown[] = [];
      for (const { panel, source } of boards) asked.push(panel, source);
      for (const value of temperaturesC) asked.push(value === null ? null : Math.round(value / TEMPERATURE_STEP_C));
      const isSame = asked.length === key.length && asked.every((each, i) => each === key[i]);
      if (known === undefined || !isSame) known = calibrationOf(rig, { tables, damaged }, boards, temperaturesC);
      key = asked;
      return known;
    },
    leftOut(on) {
      const panels = on.boards().map(({ panel }) => panel);
      const own = damaged.find(({ file }) => panels.some((panel) => wouldBeChosen(file, panel, tables)));
      if (own !== undefined) throw own.error;
      return damaged.map(({ error: { message, wayOut = '' } }) => ({
        level: 'warning',
        code: 'table-damaged',
        message: `Calibration: left out: ${message}.`,
        action: `It is of another panel, or a newer one is there. ${wayOut}`,
      }));
    },
  };
}

/** A table that cannot be read. */
interface DamagedTable {
  file: string;
  error: BeamrigError;
}

interface TableFolder {
  tables: CalibrationTable[];
  damaged: DamagedTable[];
}

/** What of a folder is whole, and what is not; nothing where there is no folder. */
export function readTableFolder(folder: string): TableFolder {
  const damaged: DamagedTable[] = [];
  const tables = tableFiles(folder).flatMap((file) => {
    try {
      return [readTableFile(join(folder, file))];
    } catch (error) {
      if (!isBeamrigError(error)) throw error;
      damaged.push({ file, error });
      return [];
    }
  });
  return { tables, damaged };
}

/** Whether a damaged file may be what a panel would go by: it bears its name, and no whole table that is newer is for the same place. */
function wouldBeChosen(file: string, panel: string, tables: readonly CalibrationTable[]): boolean {
  const named = namedTable(file);
  if (named === undefined || named.panel !== tablePanelName(panel)) return false;
  return !tables.some((table) => {
    const whole = namedTable(tableFileName(table));
    const isAlike =
      whole?.panel === named.panel && whole.frequencyGhz === named.frequencyGhz && whole.temperatureC === named.temperatureC;
    return isAlike && whole.measuredAt > named.measuredAt;
  });
}

/** All tables of a folder, every one of which must be whole; none where there is no folder. @throws {BeamrigError} 'calibration-file' */
export const readTables = (folder: string): CalibrationTable[] =>
  tableFiles(folder).map((name) => readTableFile(join(folder, name)));

function tableFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new BeamrigError('calibration-file', `${folder} cannot be read: ${(error as Error).message}`, {
      wayOut: 'Give the folder of the tables as calibration.folder in the rig file.',
      cause: error,
    });
  }
}

/** @throws {BeamrigError} 'calibration-file' */
export function readTableFile(path: string): CalibrationTable {
  const read = readBoundedFile(path, { maxBytes: LARGEST_TABLE_BYTES });
  if (!read.ok)
    throw new BeamrigError('calibration-file', `${path}: ${read.why}`, {
      wayOut: 'Give the path of a table that `beamrig calibrate` wrote.',
      cause: read.cause,
    });
  return readTable(read.bytes, path);
}

/** What a simulated array is drawn from: another one is another array, whatever its panel is called. */
export function simulatedArrayKey({ seed, array, simulator }: RigFile): string {
  const { impairments, phaseShifter } = simulator;
  const { geometry, rfChains, connection, phaseBits } = array;
  const drawnFrom = JSON.stringify({ seed, geometry, rfChains, connection, phaseBits, impairments, phaseShifter });
  return createHash('sha256').update(drawnFrom).digest('hex').slice(0, 16);
}

/** A board with receivers only, of which there is nothing to know. */
export const showsNothing = ({ links }: RigFile, { link, source }: Pick<BoardUsed, 'link' | 'source'>): boolean =>
  source !== 'simulator' && links.some(({ name, users }) => name === link && users !== undefined);

function calibrationOf(
  rig: RigFile,
  { tables: known, damaged }: TableFolder,
  boards: readonly BoardUsed[],
  temperaturesC: readonly (number | null)[],
): ArrayCalibration {
  const { rfChains, phaseBits, carrierGhz } = rig.array;
  const elements = elementsOf(rig);
  const all = Array.from({ length: elements }, (_, n) => n);
  const parts = boards.flatMap((board, i) => {
    if (showsNothing(rig, board)) return [];
    const own = board.source === 'simulator' ? all : (rig.links.find(({ name }) => name === board.link)?.elements ?? all);
    const at: PanelAtHand = {
      ...{ panel: board.panel, elements: own.length, rfChains, phaseBits, frequencyGhz: carrierGhz },
      temperatureC: temperaturesC[i] ?? null,
      simulatedArray: board.source === 'simulator' ? simulatedArrayKey(rig) : null,
      isHardware: board.source === 'hardware',
    };
    const broken = damaged.find(({ file }) => wouldBeChosen(file, board.panel, known));
    const why = board.panel === '' ? 'it has not answered yet' : broken && `its table ${broken.file} is damaged`;
    return [{ board, own, choice: why === undefined ? chooseTables(known, at) : { why } }];
  });
  const without = parts.flatMap(({ board, choice }) => ('why' in choice ? [`${board.panel || board.link}: ${choice.why}`] : []));
  const facts = parts.map(({ board, own, choice }, i): BoardCalibration => {
    const temperatureC = temperaturesC[i] ?? null;
    return {
      panel: board.panel || board.link,
      table: 'why' in choice ? null : boardTable(choice.table, own),
      why: 'why' in choice ? choice.why : null,
      temperatureC: temperatureC === null ? null : Math.round(temperatureC / TEMPERATURE_STEP_C) * TEMPERATURE_STEP_C,
      frequencyGhz: carrierGhz,
    };
  });
  if (without.length > 0) return uncalibrated(without.join('; '), facts);
  const measured = parts.flatMap(({ own, choice }) => ('why' in choice ? [] : [{ elements: own, table: choice.table }]));
  const together = new Set(measured.map(({ table }) => table.measurement));
  if (together.size > 1) {
    const why = 'the panels were measured apart, so that their phases do not compare';
    return uncalibrated(
      why,
      facts.map((board) => ({ ...board, table: null, why })),
    );
  }
  const tables = measured.map(({ table }) => table);
  return {
    id: tables.map(tableId).join(' + '),
    about: `${tables.map(tableId).join(' + ')}, measured ${tables[0].measuredAt.slice(0, 16).replace('T', ' ')} UTC, to ${tables[0].accuracy.phaseDeg}° and ${tables[0].accuracy.gainDb} dB${tables.some(({ measuredOn }) => measuredOn === 'played-panel') ? ' (simulated: on a played panel)' : ''}`,
    tables: tables.map((table) => ({ name: tableFileName(table), text: tableText(table) })),
    boards: facts,
    flaws: measured.flatMap(({ elements: own, table }) => flawsOf(table, own)),
    states: statesOfTables(rig, measured),
  };
}

/** @param own elements of the array that its panel drives */
function boardTable(table: CalibrationTable, own: readonly number[]): BoardTable {
  const { measuredAt, method, readings, frequencyGhz, temperatureC, accuracy, flaws } = table;
  return {
    ...{ id: tableId(table), measuredAtMs: Date.parse(measuredAt), method, readings, frequencyGhz, temperatureC },
    ...{ phaseDeg: accuracy.phaseDeg, gainDb: accuracy.gainDb },
    flaws: flaws.map(({ element, ...flaw }) => ({ element: own[element], ...flaw })),
  };
}

/** By element of the array: once where it is so on all of its chains. */
function flawsOf({ flaws, rfChains, gainDb }: CalibrationTable, own: readonly number[]): ElementHealth[] {
  const known = new Map<string, { element: number; flaw: ElementHealth['flaw']; chains: number[] }>();
  for (const { element, rfChain, flaw } of flaws) {
    const key = `${element} ${flaw}`;
    const before = known.get(key);
    if (before === undefined) known.set(key, { element, flaw, chains: [rfChain] });
    else before.chains.push(rfChain);
  }
  return [...known.values()].flatMap(({ element, flaw, chains }): ElementHealth[] => {
    const connected = gainDb.slice(element * rfChains, (element + 1) * rfChains).filter((row) => row !== null).length;
    const whose = chains.length === connected ? [null] : chains;
    return whose.map((chain) => ({ element: own[element], chain, flaw, offDeg: null, by: 'table' }));
  });
}

/** States of every place of the array at so many bits, from the tables of its panels. */
export function statesOfTables(
  { array }: Pick<RigFile, 'array'>,
  parts: readonly { elements: readonly number[]; table: CalibrationTable }[],
): (bits: number) => ArrayStates {
  const { rfChains, phaseBits } = array;
  const alphabets: (ElementStates | undefined)[] = Array.from({ length: elementsOf({ array }) * rfChains }, () => undefined);
  for (const { elements, table } of parts) {
    const own = alphabetsOf(table);
    elements.forEach((n, row) => {
      for (let m = 0; m < rfChains; m++) alphabets[n * rfChains + m] = own[row * rfChains + m];
    });
  }
  const byBits = new Map<number, ArrayStates>();
  return (bits) => {
    const before = byBits.get(bits);
    if (before !== undefined) return before;
    const every = 2 ** (phaseBits - bits);
    const shown = alphabets.map((states) => (states === undefined ? idealOf(bits) : thinned(states, every)));
    const states: ArrayStates = { bits, of: (place) => shown[place] };
    byBits.set(bits, states);
    return states;
  };
}

/** On hardware that nobody measured beams are aimed by states that it has not; and what the tables say is flawed is told once. */
export function calibrationEvents(source: Source, { id, about, flaws }: ArrayCalibration): Omit<RigEvent, 'timeNs'>[] {
  const events: Omit<RigEvent, 'timeNs'>[] = [];
  if (source === 'hardware' && id === NO_TABLE) {
    events.push({
      level: 'warning',
      code: 'uncalibrated',
      message: `Calibration: ${about}.`,
      action:
        'Measure it, by `beamrig calibrate` or on the page under Calibration; until then beams are aimed as if every element were alike.',
    });
  }
  if (flaws.length > 0) {
    const more = flaws.length > FLAWS_TOLD ? ` and ${flaws.length - FLAWS_TOLD} more` : '';
    const each = flaws.slice(0, FLAWS_TOLD).map((found) => {
      return `element ${found.element}${found.chain === null ? '' : ` on chain ${found.chain}`} ${flawInWords(found)}`;
    });
    events.push({
      level: 'warning',
      code: 'table-flaws',
      message: `Calibration: the tables say of this array: ${each.join(', ')}${more}.`,
      action: 'Beams are chosen by what these elements do show; measure the array again once something of it was repaired.',
    });
  }
  return events;
}

const FLAWS_TOLD = 8;

export const noTables = ({ name, calibration }: RigFile, { about }: ArrayCalibration): BeamrigError =>
  new BeamrigError(
    'calibration-file',
    `'${name}' needs tables (calibration.need), and has ${about}; the folder is ${calibration.folder}`,
    {
      wayOut: 'Measure the array with `beamrig calibrate`, or set calibration.need to nothing.',
    },
  );

/** Every so many-th state: what words of fewer bits choose from. */
const thinned = ({ re, im }: ElementStates, every: number): ElementStates =>
  every === 1 ? { re, im } : { re: re.filter((_, s) => s % every === 0), im: im.filter((_, s) => s % every === 0) };

/** Whether there is any table for an array like this one. */
export const hasTables = (rig: RigFile): boolean => openCalibrations(rig).some;

/**
 * By the rig file alone, nobody asked: for panels that it names by their serial numbers, and the simulator where it has no links.
 * @throws {BeamrigError} 'calibration-file' where a table that it would go by is damaged
 */
export function calibrationOffline(rig: RigFile): ArrayCalibration {
  const simulated: BoardUsed = { link: 'simulator', kind: 'loopback', source: 'simulator', panel: DEFAULT_SERIAL, firmware: '' };
  const linked = rig.links.map(({ name, panel = '' }): BoardUsed => ({
    link: name,
    kind: '',
    source: 'played-panel',
    panel,
    firmware: '',
  }));
  const on = { boards: () => (rig.links.length === 0 ? [simulated] : linked) };
  const calibrations = openCalibrations(rig);
  calibrations.leftOut(on);
  return calibrations.for(on);
}
