/**
 * Beam tables as the makers of array kits have them: comma-separated, a row a beam that points somewhere, or a row a channel.
 *
 *   Mode,BeamID,BeamType,beam_db,beam_theta,beam_phi,ch,ch_sw,ch_db,ch_deg
 *   TX,9,0,8,40,0,,,,          BeamType 0: theta off the array's normal, phi around it from positive azimuth towards up, degrees
 *   TX,32,1,,,,9,0,10,100      BeamType 1: channel 9 (from 1) is on (ch_sw 0; 1 is off), its gain dB and its phase, degrees
 *
 * What a row leaves out is: on, the highest gain, 0 degrees. A table of N channels is for the elements, all RF chains of an element alike; one of N·M has
 * channel n·M + m + 1 for element n on chain m. Gains count beside one another; that of a whole beam (beam_db) is nothing that phases could show.
 *
 * Source: tmytek/tlkcore-examples, examples/Python/README.md, section FBS, and CustomBatchBeams.csv beside it.
 */
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { elementCount } from '../../core/signal/geometry.ts';
import { quantisePhases } from '../../core/signal/quantise.ts';
import { oneStream, steeringPhases } from '../../core/signal/steering.ts';
import { beamFileOf, type BeamArray, type BeamFile } from './beam-file.ts';

const COLUMNS = ['Mode', 'BeamID', 'BeamType', 'beam_db', 'beam_theta', 'beam_phi', 'ch', 'ch_sw', 'ch_db', 'ch_deg'] as const;
type Column = (typeof COLUMNS)[number];
type Row = Record<Column, string>;

const DEG = 180 / Math.PI;
/** Kits take whole degrees, which tell so many bits apart. */
const WHOLE_DEGREE_BITS = 7;

export interface ImportedBeams {
  beams: BeamFile[];
  /** Of the other mode. */
  skipped: number;
}

export interface ImportOptions {
  /** What messages call it. */
  name: string;
  mode: 'TX' | 'RX';
  /** Begins the names of the beams; default: the mode. */
  prefix?: string;
  /** Whose stream the beams carry. */
  user: number;
}

/** @throws {BeamrigError} 'beam-file' with line, column, value and what is allowed */
export function beamsOfTable(text: string, array: BeamArray, options: ImportOptions): ImportedBeams {
  const { name, mode, prefix = `${mode.toLowerCase()}-`, user } = options;
  const groups = new Map<string, { line: number; row: Row }[]>();
  let skipped = 0;
  const others = new Set<string>();
  for (const { line, row } of rowsOf(text, name)) {
    const of = row.Mode.toUpperCase();
    if (of !== 'TX' && of !== 'RX') throw wrong(name, line, 'Mode', row.Mode, 'TX or RX');
    const id = number(name, line, row, 'BeamID', { min: 0, max: 1e6, whole: true });
    if (of !== mode) {
      others.add(String(id));
      skipped = others.size;
      continue;
    }
    const group = groups.get(String(id)) ?? [];
    group.push({ line, row });
    groups.set(String(id), group);
  }
  const beams = Array.from(groups, ([id, rows]) => beamOfRows(id, rows, array, { name, mode, prefix, user }));
  return { beams, skipped };
}

function rowsOf(text: string, name: string): { line: number; row: Row }[] {
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as typeof records;
  } catch (error) {
    throw new BeamrigError('beam-file', `${name}: this is no comma-separated table: ${(error as Error).message}`, {
      wayOut: `Give a table with the columns ${COLUMNS.join(',')}.`,
      cause: error,
    });
  }
  const [head, ...body] = records;
  const places = COLUMNS.map((column) => head?.record.findIndex((cell) => cell.toLowerCase() === column.toLowerCase()) ?? -1);
  const unknown = (head?.record ?? []).filter((cell) => !COLUMNS.some((column) => column.toLowerCase() === cell.toLowerCase()));
  if (places[0] < 0 || places[1] < 0 || unknown.length > 0) {
    const why =
      unknown.length > 0 ? `unknown columns: ${unknown.slice(0, 5).join(', ')}` : 'the columns Mode and BeamID are missing';
    throw new BeamrigError('beam-file', `${name}: ${why}; allowed: ${COLUMNS.join(', ')}`, {
      wayOut: 'Give the table of an array kit, with its names of columns in the first line.',
    });
  }
  return body.flatMap(({ record, info }) => {
    if (record.every((cell) => cell === '')) return [];
    const row = Object.fromEntries(COLUMNS.map((column, i) => [column, places[i] < 0 ? '' : (record[places[i]] ?? '')])) as Row;
    return [{ line: info.lines, row }];
  });
}

function beamOfRows(
  id: string,
  rows: readonly { line: number; row: Row }[],
  array: BeamArray,
  { name, mode, prefix, user }: Required<ImportOptions>,
): BeamFile {
  const about = { name: `${prefix}${id}`, from: `beam ${id} (${mode}) of ${name}` };
  const digital = oneStream(array.rfChains, array.users, user);
  const [{ line, row }] = rows;
  const isAngle = row.BeamType === '0';
  const mixed = rows.find((other) => (other.row.BeamType === '0') !== isAngle);
  if (mixed !== undefined) throw wrong(name, mixed.line, 'BeamType', mixed.row.BeamType, `the same in all rows of beam ${id}`);
  if (isAngle) {
    if (rows.length > 1) throw wrong(name, rows[1].line, 'BeamID', id, 'one row for a beam that points somewhere');
    const direction = directionOf(
      number(name, line, row, 'beam_theta', { min: 0, max: 90, otherwise: 0 }),
      number(name, line, row, 'beam_phi', { min: -360, max: 360, otherwise: 0 }),
    );
    if (array.geometry.kind === 'ula' && Math.abs(direction.elevationDeg) > 1e-9) {
      throw wrong(name, line, 'beam_phi', row.beam_phi, '0 or 180: a line of elements cannot tell elevations apart');
    }
    const radians = { azimuthRad: direction.azimuthDeg / DEG, elevationRad: direction.elevationDeg / DEG };
    const words = quantisePhases(steeringPhases(array.geometry, radians, array.rfChains), array.phaseBits);
    return beamFileOf(array, { words, digital }, { ...about, direction });
  }
  const channels = channelsOf(id, rows, array, name);
  const words = quantisePhases(
    Float64Array.from(channels, ({ phaseDeg }) => phaseDeg / DEG),
    array.phaseBits,
  );
  const highest = Math.max(...channels.map(({ gainDb }) => gainDb ?? -Infinity));
  const gainDb = channels.map((channel) => (channel.gainDb === undefined ? 0 : Math.max(-200, channel.gainDb - highest)));
  return beamFileOf(
    array,
    { words, digital },
    {
      ...about,
      ...(channels.every(({ on }) => on) ? {} : { enabled: channels.map(({ on }) => (on ? 1 : 0)) }),
      ...(gainDb.every((db) => db === 0) ? {} : { gainDb }),
    },
  );
}

interface Channel {
  on: boolean;
  /** Undefined: the highest. */
  gainDb: number | undefined;
  phaseDeg: number;
}

/** By place n·M + m. */
function channelsOf(
  id: string,
  rows: readonly { line: number; row: Row }[],
  { geometry, rfChains }: BeamArray,
  name: string,
): Channel[] {
  const elements = elementCount(geometry);
  const places = elements * rfChains;
  const told = new Map<number, Channel>();
  for (const { line, row } of rows) {
    const channel = number(name, line, row, 'ch', { min: 1, max: places, whole: true });
    if (told.has(channel)) throw wrong(name, line, 'ch', row.ch, `each channel once in beam ${id}`);
    told.set(channel, {
      on: number(name, line, row, 'ch_sw', { min: 0, max: 1, whole: true, otherwise: 0 }) === 0,
      gainDb: row.ch_db === '' ? undefined : number(name, line, row, 'ch_db', { min: -200, max: 200 }),
      phaseDeg: number(name, line, row, 'ch_deg', { min: -3600, max: 3600, otherwise: 0 }),
    });
  }
  const byElement = Math.max(...told.keys()) <= elements;
  return Array.from({ length: places }, (_, place) => {
    const channel = byElement ? Math.floor(place / rfChains) + 1 : place + 1;
    return told.get(channel) ?? { on: true, gainDb: undefined, phaseDeg: 0 };
  });
}

function number(
  name: string,
  line: number,
  row: Row,
  column: Column,
  { min, max, whole = false, otherwise }: { min: number; max: number; whole?: boolean; otherwise?: number },
): number {
  const text = row[column];
  if (text === '' && otherwise !== undefined) return otherwise;
  const value = text === '' ? NaN : Number(text);
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw wrong(name, line, column, text, `${whole ? 'a whole number' : 'a number'} from ${min} to ${max}`);
}

const wrong = (name: string, line: number, column: Column, value: string, allowed: string): BeamrigError =>
  new BeamrigError(
    'beam-file',
    `${name}, line ${line}: ${column} ${value === '' ? 'is empty' : `'${value.slice(0, 40)}' is not allowed`}; allowed: ${allowed}`,
    {
      wayOut: 'Mend the line.',
    },
  );

/** u = sin θ·cos φ is towards positive azimuth, v = sin θ·sin φ up. */
function directionOf(thetaDeg: number, phiDeg: number): { azimuthDeg: number; elevationDeg: number } {
  const [sin, cos] = [Math.sin(thetaDeg / DEG), Math.cos(thetaDeg / DEG)];
  const elevation = Math.asin(clean(sin * Math.sin(phiDeg / DEG)));
  const azimuth = Math.atan2(clean(sin * Math.cos(phiDeg / DEG)), cos);
  return { azimuthDeg: tidy(azimuth * DEG), elevationDeg: tidy(elevation * DEG) };
}

/** sin 180° is 0. */
const clean = (value: number): number => (Math.abs(value) < 1e-12 ? 0 : value);
const tidy = (deg: number): number => Math.min(90, Math.max(-90, Number(deg.toFixed(9))));

function anglesOf({ azimuthDeg, elevationDeg }: { azimuthDeg: number; elevationDeg: number }): { theta: number; phi: number } {
  const u = Math.sin(azimuthDeg / DEG) * Math.cos(elevationDeg / DEG);
  const v = Math.sin(elevationDeg / DEG);
  const phi = Math.atan2(v, u) * DEG;
  return { theta: Math.asin(Math.min(1, Math.hypot(u, v))) * DEG, phi: (phi + 360) % 360 };
}

/**
 * Beams as a table, numbered from 1 in the order given.
 * @param angles write a beam as where it points, in whole degrees, where that is known
 */
export function tableOfBeams(beams: readonly BeamFile[], { angles, mode }: { angles: boolean; mode: 'TX' | 'RX' }): string {
  const rows = beams.flatMap((beam, i) => {
    const id = i + 1;
    const { direction } = beam;
    if (angles && direction !== undefined) {
      const { theta, phi } = anglesOf(direction);
      return [{ Mode: mode, BeamID: id, BeamType: 0, beam_theta: Math.round(theta), beam_phi: Math.round(phi) % 360 }];
    }
    return channelRows(beam).map((row) => ({ Mode: mode, BeamID: id, BeamType: 1, ...row }));
  });
  return stringify(rows, { header: true, columns: [...COLUMNS] });
}

function channelRows({
  geometry,
  rfChains,
  phaseBits,
  words,
  enabled,
  gainDb,
}: BeamFile): Partial<Record<Column, number | string>>[] {
  const elements = elementCount(geometry);
  const alike = (values: readonly number[] | undefined): boolean =>
    values?.every((value, place) => value === values[place - (place % rfChains)]) ?? true;
  const byElement = alike(words) && alike(enabled) && alike(gainDb);
  const step = byElement ? rfChains : 1;
  return Array.from({ length: (elements * rfChains) / step }, (_, channel) => {
    const place = channel * step;
    const degrees = (words[place] * 360) / 2 ** phaseBits;
    return {
      ch: channel + 1,
      ch_sw: enabled === undefined || enabled[place] === 1 ? 0 : 1,
      ch_db: gainDb === undefined ? '' : gainDb[place],
      ch_deg: phaseBits <= WHOLE_DEGREE_BITS ? Math.round(degrees) : Number(degrees.toFixed(4)),
    };
  });
}
