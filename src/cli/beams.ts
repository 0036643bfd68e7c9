/**
 * `beamrig beams`: beams that are kept by name, in the folder that the rig file says: saved, listed, sent again, and taken from and into the tables of array
 * kits. A beam is words and digital weights; `src/config/beam-file.ts` has the file, `src/config/beam-table.ts` the tables.
 */
import { join } from 'node:path';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import type { Beam } from '../../core/signal/beam-contract.ts';
import { matmul, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { figuresOf, patternMetrics, type PatternFigures } from '../../core/signal/pattern-metrics.ts';
import { givenBeam } from '../../core/signal/realise-beam.ts';
import { beamTowards, directionOf, steered } from '../beamforming/hand-beams.ts';
import {
  analogOf,
  beamArrayOf,
  beamFileOf,
  beamMisfit,
  beamNames,
  beamPath,
  digitalOf,
  readBeamFile,
  readBeamFolder,
  writeBeamFile,
  type BeamFile,
} from '../config/beam-file.ts';
import { beamsOfTable, tableOfBeams } from '../config/beam-table.ts';
import { elementsOf, loadRigFile, type RigFile } from '../config/rig-file.ts';
import type { ArrayCalibration } from '../control/array-calibration.ts';
import { calibrationOffline, hasTables } from '../rig/calibration.ts';
import { beamfileBeam, beamfileBeamformer, featuresOf, madeByOthers, radiatingArray } from '../rig/hand-beam-files.ts';
import { NO_TABLE } from '../telemetry/cycle-record.ts';
import { KEPT_FILE, findKept } from '../telemetry/kept-beams.ts';
import { openRun } from '../telemetry/run-folder.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { arrayOf, requireBeamName, secondsOf, steerWish, type DirectionOptions } from './hand-arguments.ts';
import { keptBeams, usersOf } from './kept-beams.ts';
import { writeOutput } from './output-file.ts';
import { print, printError } from './output.ts';
import { printable } from '../../core/errors/printable.ts';
import { showBeam } from './shown-beam.ts';
import { table } from './table.ts';

const LARGEST_TABLE_BYTES = 64 * 2 ** 20;

export interface SaveOptions extends Omit<DirectionOptions, 'azimuth'> {
  azimuth?: string;
  run?: string;
  cycle?: string;
  force?: boolean;
  json?: boolean;
}

/** Towards a direction, by the tables of the panels where there are some, or what a run kept. */
export async function save(rigPath: string, name: string, options: SaveOptions): Promise<void> {
  requireBeamName(name);
  const { rig } = loadRigFile(rigPath);
  const { azimuth, run, cycle, force = false } = options;
  if ((azimuth === undefined) === (run === undefined)) {
    throw new BeamrigError('argument', 'a beam is saved from a direction or from a run, and one of them has to be given', {
      wayOut: 'Give --azimuth, or --run and --cycle.',
    });
  }
  const beam = azimuth === undefined ? await ofRun(rig, name, run ?? '', cycle) : towards(rig, name, { ...options, azimuth });
  const file = writeBeamFile(rig.beamFolder, beam, force);
  const { from, calibration } = beam;
  print(options.json === true ? JSON.stringify({ name, file, from, calibration }) : `Saved as ${file}`);
}

function towards(rig: RigFile, name: string, options: DirectionOptions): BeamFile {
  const array = arrayOf(rig);
  const wish = steerWish(array, options);
  const beam = beamTowards(array, wish);
  const calibration = calibrationOffline(rig);
  // As the beam is radiated when it is steered.
  const { words } = givenBeam(radiatingArray(rig), beam, 'phases', calibration.states(rig.array.phaseBits));
  const { azimuthDeg, elevationDeg } = wish;
  const isIdeal = calibration.id === NO_TABLE;
  const from = `${steered(array, wish).title}, by ${isIdeal ? 'ideal states' : 'the table of its panels'}`;
  if (isIdeal && hasTables(rig)) {
    printError(printable(`Calibration: ${calibration.about}. \`beamrig steer --save\` goes by the panels that answer.`));
  }
  const about = { name, from, calibration: calibration.id, direction: { azimuthDeg, elevationDeg } };
  return beamFileOf(beamArrayOf(rig), { words, digital: beam.digital }, about);
}

async function ofRun(rig: RigFile, name: string, folder: string, cycleText: string | undefined): Promise<BeamFile> {
  if (cycleText === undefined) throw new BeamrigError('argument', '--run needs a cycle of it', { wayOut: 'Give --cycle, too.' });
  const cycle = wholeNumber('--cycle', cycleText, { min: 0, max: Number.MAX_SAFE_INTEGER });
  const run = openRun(folder);
  const { found } = await findKept(join(run.folder, KEPT_FILE), cycle).catch(() => ({ found: undefined }));
  if (found?.beam === undefined) {
    throw new BeamrigError('run-folder', `${run.folder}: it has no phase words of cycle ${cycle}`, {
      wayOut: 'Set telemetry.keep: words or all in the rig file; runs from then on keep their beams.',
    });
  }
  const { elements, rfChains, users, phaseBits } = found;
  const array = beamArrayOf(rig);
  const of = { ...array, rfChains, users, phaseBits };
  const here = elementsOf(rig);
  const misfit = elements === here ? beamMisfit(of, array) : `elements ${elements}, not ${here}`;
  if (misfit !== undefined) {
    throw new BeamrigError('rig-file', `the beam is for another array than that of '${rig.name}': ${misfit}`, {
      wayOut: 'Give the rig file of an array like the one that the beam was kept on.',
    });
  }
  return beamFileOf(of, found.beam, { name, from: `cycle ${cycle} of ${run.manifest.run}` });
}

/** What they are like by the tables of the panels, where there are some. Exit code 1: one of them is damaged. */
export function list(rigPath: string, options: { json?: boolean }): void {
  const { rig } = loadRigFile(rigPath);
  const { beams, damaged } = readBeamFolder(rig.beamFolder);
  if (damaged.length > 0) process.exitCode = 1;
  if (options.json) {
    const whole = beams.map(({ words: _, digital: __, sha256: ___, ...beam }) => ({
      ...beam,
      fits: misfitOf(beam, rig) === undefined,
    }));
    print(
      JSON.stringify([...whole, ...damaged.map(({ name, error }) => ({ name, damaged: error.message, wayOut: error.wayOut }))]),
    );
    return;
  }
  if (beams.length === 0 && damaged.length === 0) {
    print(`No beam is kept in ${rig.beamFolder}. \`beamrig beams save\` and \`beamrig beams import\` put some there.`);
    return;
  }
  const calibration = calibrationOffline(rig);
  if (hasTables(rig)) printError(printable(`Calibration: ${calibration.about}.`));
  const rows = beams.map((beam) => [
    beam.name,
    pointsText(beam),
    ...figureCells(calculatedOf(beam, rig, calibration)),
    misfitOf(beam, rig) ?? 'yes',
    beam.from,
  ]);
  if (beams.length > 0) print(table(['beam', 'to, °', 'width, °', 'sidelobes, dB', 'EIRP, dB', 'fits', 'from'], rows));
  for (const { name, error } of damaged) print(printable(`${name}: damaged: ${error.message}. ${error.wayOut ?? ''}`));
}

const misfitOf = (
  beam: Pick<BeamFile, 'geometry' | 'rfChains' | 'connection' | 'phaseBits' | 'users'>,
  rig: RigFile,
): string | undefined => beamMisfit(beam, beamArrayOf(rig));

const pointsText = ({ direction, geometry }: BeamFile): string => {
  if (direction === undefined) return '–';
  return geometry.kind === 'ula' ? String(direction.azimuthDeg) : `${direction.azimuthDeg}, ${direction.elevationDeg}`;
};

/** For the states that the array of the rig is known to show; of a beam for another array for ideal ones. */
function calculatedOf(beam: BeamFile, rig: RigFile, calibration: ArrayCalibration): PatternFigures | undefined {
  const { geometry, words, direction } = beam;
  const isOfRig = misfitOf(beam, rig) === undefined;
  const precoder = isOfRig ? shownOf(beamfileBeam(beam, rig), rig, calibration) : matmul(analogOf(beam, words), digitalOf(beam));
  const metrics = patternMetrics(geometry, precoder, direction && directionOf(direction));
  return metrics && figuresOf(metrics);
}

function shownOf(beam: Beam, rig: RigFile, calibration: ArrayCalibration): CMatrix {
  const states = calibration.states(rig.array.phaseBits);
  const { analog, digital } = givenBeam(radiatingArray(rig), beam, beam.asGiven ?? 'phases', states);
  return matmul(analog, digital);
}

const figureCells = (figures: PatternFigures | undefined): string[] => {
  const one = (value: number | null | undefined): string => (value === null || value === undefined ? '–' : value.toFixed(1));
  return [one(figures?.beamwidthDeg.azimuth), one(figures?.sidelobeDb.azimuth), one(figures?.eirpOverElementDb)];
};

export interface SendOptions {
  fromMemory?: boolean;
  for?: string;
  cycles?: string;
  json?: boolean;
}

export async function send(rigPath: string, name: string, options: SendOptions): Promise<void> {
  const { rig } = loadRigFile(rigPath);
  const beam = readBeamFile(pathOf(rig, name));
  const chosen = beamfileBeamformer(beam, rig);
  await showBeam({
    ...{ rig, chosen, users: usersOf(beam), json: options.json ?? false },
    ...(options.fromMemory === true ? { fromMemory: [beamfileBeam(beam, rig)] } : {}),
    madeBy: beam.calibration,
    onShown: (_view, { calibration }) => {
      const other = madeByOthers([beam], calibration);
      if (other !== undefined) printError(printable(other));
    },
    ...(beam.direction === undefined ? {} : { direction: directionOf(beam.direction) }),
    ...(options.for === undefined ? {} : { seconds: secondsOf(options.for) }),
    ...(options.cycles === undefined ? {} : { cycles: wholeNumber('--cycles', options.cycles, { min: 1, max: 1e9 }) }),
  });
}

export interface ExportOptions {
  output?: string;
  force?: boolean;
  angles?: boolean;
  mode: string;
}

export function exportTable(rigPath: string, names: string[], options: ExportOptions): void {
  const { rig } = loadRigFile(rigPath);
  const mode = oneOf('--mode', options.mode, ['tx', 'rx']) === 'tx' ? 'TX' : 'RX';
  const beams = names.length === 0 ? keptBeams(rig) : names.map((name) => readBeamFile(pathOf(rig, name)));
  if (beams.length === 0) {
    throw new BeamrigError('beam-file', `no beam is kept in ${rig.beamFolder}`, {
      wayOut: 'Save some with `beamrig beams save`.',
    });
  }
  const text = tableOfBeams(beams, { angles: options.angles ?? false, mode });
  const numbered = beams.map(({ name }, i) => `${i + 1} ${name}`).join(', ');
  if (options.output === undefined) print(text.trimEnd());
  else writeOutput(options.output, text, options.force ?? false);
  printError(`${counted(beams.length, 'beam')}: ${numbered}.`);
  const flat = beams.filter(({ users, rfChains, digital }) => !isOneStream(users, rfChains, digital));
  if (flat.length > 0)
    printError(`A table has no digital weights: those of ${flat.map(({ name }) => name).join(', ')} are not in it.`);
}

/** All chains carry one stream alike. */
function isOneStream(users: number, rfChains: number, { re, im }: BeamFile['digital']): boolean {
  const user = re.findIndex((value) => value !== 0);
  if (user < 0 || user >= users || im.some((value) => value !== 0)) return false;
  return re.every((value, at) => (at % users === user ? value === re[user] : value === 0)) && re.length === users * rfChains;
}

export interface ImportOptions {
  prefix?: string;
  mode: string;
  user: string;
  force?: boolean;
  json?: boolean;
}

export function importTable(rigPath: string, file: string, options: ImportOptions): void {
  const { rig } = loadRigFile(rigPath);
  const mode = oneOf('--mode', options.mode, ['tx', 'rx']) === 'tx' ? 'TX' : 'RX';
  const user = wholeNumber('--user', options.user, { min: 0, max: rig.users.count - 1 });
  const { prefix } = options;
  if (prefix !== undefined && prefix !== '') requireBeamName(prefix);
  const read = readBoundedFile(file, { maxBytes: LARGEST_TABLE_BYTES });
  if (!read.ok)
    throw new BeamrigError('beam-file', `${file}: ${read.why}`, { wayOut: 'Give the path of a table.', cause: read.cause });
  const { beams, skipped } = beamsOfTable(read.bytes.toString('utf8'), beamArrayOf(rig), {
    ...{ name: file, mode, user },
    ...(prefix === undefined ? {} : { prefix }),
  });
  // All or none: half a table in the folder would be no table.
  const there = new Set(beamNames(rig.beamFolder));
  const taken = beams.filter(({ name }) => there.has(name)).map(({ name }) => name);
  if (taken.length > 0 && options.force !== true) {
    throw new BeamrigError('beam-file', `there are beams of these names already: ${taken.slice(0, 5).join(', ')}`, {
      wayOut: 'Give another --prefix, or --force to write over them.',
    });
  }
  for (const beam of beams) writeBeamFile(rig.beamFolder, beam, options.force ?? false);
  if (options.json === true) {
    const names = beams.map((beam) => ({ name: beam.name, takes: featuresOf([beam]) }));
    return print(JSON.stringify({ table: file, folder: rig.beamFolder, beams: names, skipped }));
  }
  print(`${counted(beams.length, 'beam')} of ${file} saved in ${rig.beamFolder}: ${beams.map(({ name }) => name).join(', ')}.`);
  if (skipped > 0) printError(`Left out: ${counted(skipped, 'beam')} of the other mode; --mode takes them.`);
  const settings = beams.filter(({ enabled, gainDb }) => enabled !== undefined || gainDb !== undefined);
  if (settings.length > 0) {
    printError(
      `With channels off or gains that differ, sent to panels with ${featuresOf(settings).join(' and ')} alone: ${settings.map(({ name }) => name).join(', ')}.`,
    );
  }
}

function pathOf(rig: RigFile, name: string): string {
  requireBeamName(name);
  return beamPath(rig.beamFolder, name);
}
