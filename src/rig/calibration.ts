/**
 * What the panels of a rig were measured to show: tables of the folder that the rig file names, chosen for the boards that answer, as the alphabets that
 * quantiser and prediction go by. Where a board has none its states are taken as ideal, and that is said.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { chooseTables, type PanelAtHand } from '../../calibration/tables/choose-tables.ts';
import { alphabetsOf, readTable, tableFileName, tableId, tableText } from '../../calibration/tables/state-table.ts';
import type { CalibrationTable } from '../../calibration/tables/table-schema.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import type { ArrayStates } from '../../core/signal/beam-contract.ts';
import { idealOf, type ElementStates } from '../../core/signal/quantise.ts';
import { elementsOf, type RigFile } from '../config/rig-file.ts';
import { uncalibrated, type ArrayCalibration } from '../control/array-calibration.ts';
import type { ElementHealth } from '../control/array-health.ts';
import type { CyclePanel } from '../control/control-cycle.ts';
import { NO_TABLE, type BoardUsed, type RigEvent, type Source } from '../telemetry/cycle-record.ts';

export interface Calibrations {
  /** The folder has a table for an array like this one. */
  readonly some: boolean;
  /** Of the boards that a cycle runs on, as warm as they said last. */
  for(on: Pick<CyclePanel, 'boards' | 'temperaturesC'>): ArrayCalibration;
}

const LARGEST_TABLE_BYTES = 256 * 2 ** 20;
/** A change of temperature by less is none. */
const TEMPERATURE_STEP_C = 0.5;

/**
 * @throws {BeamrigError} 'calibration-file' for a file in the folder that is no whole table
 */
export function openCalibrations(rig: RigFile): Calibrations {
  const tables = readTables(rig.calibration.folder);
  let key: string | undefined;
  let known: ArrayCalibration | undefined;
  const { rfChains, phaseBits } = rig.array;
  return {
    some: tables.some((table) => table.rfChains === rfChains && table.phaseBits === phaseBits),
    for(on) {
      const boards = on.boards();
      const temperaturesC = on.temperaturesC?.() ?? [];
      const steps = temperaturesC.map((value) => (value === null ? null : Math.round(value / TEMPERATURE_STEP_C)));
      const asked = JSON.stringify([boards.map(({ panel, source }) => [panel, source]), steps]);
      if (known === undefined || key !== asked) known = calibrationOf(rig, tables, boards, temperaturesC);
      key = asked;
      return known;
    },
  };
}

/** All tables of a folder; none where there is no folder. */
export function readTables(folder: string): CalibrationTable[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new BeamrigError('calibration-file', `${folder} cannot be read: ${(error as Error).message}`, {
      wayOut: 'Give the folder of the tables as calibration.folder in the rig file.',
      cause: error,
    });
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => readTableFile(join(folder, name)));
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

function calibrationOf(
  rig: RigFile,
  known: readonly CalibrationTable[],
  boards: readonly BoardUsed[],
  temperaturesC: readonly (number | null)[],
): ArrayCalibration {
  const { rfChains, phaseBits, carrierGhz } = rig.array;
  const elements = elementsOf(rig);
  const all = Array.from({ length: elements }, (_, n) => n);
  const parts = boards.map((board, i) => {
    const own = board.source === 'simulator' ? all : (rig.links.find(({ name }) => name === board.link)?.elements ?? all);
    const at: PanelAtHand = {
      ...{ panel: board.panel, elements: own.length, rfChains, phaseBits, frequencyGhz: carrierGhz },
      temperatureC: temperaturesC[i] ?? null,
      simulatedArray: board.source === 'simulator' ? simulatedArrayKey(rig) : null,
    };
    return { board, own, choice: board.panel === '' ? ({ why: 'it has not answered yet' } as const) : chooseTables(known, at) };
  });
  const without = parts.flatMap(({ board, choice }) => ('why' in choice ? [`${board.panel || board.link}: ${choice.why}`] : []));
  if (without.length > 0) return uncalibrated(without.join('; '));
  const measured = parts.flatMap(({ own, choice }) => ('why' in choice ? [] : [{ elements: own, table: choice.table }]));
  const together = new Set(measured.map(({ table }) => table.measurement));
  if (together.size > 1) return uncalibrated('the panels were measured apart, so that their phases do not compare');
  const tables = measured.map(({ table }) => table);
  return {
    id: tables.map(tableId).join(' + '),
    about: `${tables.map(tableId).join(' + ')}, measured ${tables[0].measuredAt.slice(0, 16).replace('T', ' ')} UTC, to ${tables[0].accuracy.phaseDeg}° and ${tables[0].accuracy.gainDb} dB`,
    tables: tables.map((table) => ({ name: tableFileName(table), text: tableText(table) })),
    flaws: measured.flatMap(({ elements: own, table }) => flawsOf(table, own)),
    states: statesOfTables(rig, measured),
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

/** On hardware that nobody measured beams are aimed by states that it has not. */
export const calibrationEvents = (source: Source, { id, about }: ArrayCalibration): Omit<RigEvent, 'timeNs'>[] =>
  source !== 'hardware' || id !== NO_TABLE
    ? []
    : [
        {
          level: 'warning',
          code: 'uncalibrated',
          message: `Calibration: ${about}.`,
          action: '`beamrig calibrate` measures the array; until then beams are aimed as if every element were alike.',
        },
      ];

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
