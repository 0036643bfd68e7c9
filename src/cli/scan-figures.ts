/** What comes of a scan: how far measured and calculated are apart, as a table and as a picture. */
import { stringify } from 'csv-stringify/sync';
import { angleOn, type Axis } from './scan-cut.ts';
import type { ScanPoint } from '../beamforming/scan-beams.ts';
import { plotSvgFile } from '../../models/report/svg-file.ts';

/** Of points that are calculated to be at most so far below the highest. */
export const COMPARED_DB = 20;

export interface Agreement {
  points: number;
  /** Greatest |measured − calculated|, and its root mean square, dB; null without a point. */
  mostDb: number | null;
  rmsDb: number | null;
}

/** Where the pattern is above −20 dB of its highest, and a reading was had. */
export function agreementOf(points: readonly Pick<ScanPoint, 'measuredDb' | 'calculatedDb'>[]): Agreement {
  const apart = comparable(points).map(({ measuredDb, calculatedDb }) => Math.abs(measuredDb - calculatedDb));
  if (apart.length === 0) return { points: 0, mostDb: null, rmsDb: null };
  const rmsDb = Math.sqrt(apart.reduce((sum, db) => sum + db * db, 0) / apart.length);
  return { points: apart.length, mostDb: Math.max(...apart), rmsDb };
}

function comparable<P extends Pick<ScanPoint, 'measuredDb' | 'calculatedDb'>>(points: readonly P[]): P[] {
  const highest = Math.max(...points.map(({ calculatedDb }) => calculatedDb).filter(Number.isFinite));
  return points.filter(
    ({ measuredDb, calculatedDb }) =>
      Number.isFinite(measuredDb) && Number.isFinite(calculatedDb) && calculatedDb >= highest - COMPARED_DB,
  );
}

/** A calculated pattern whose level nobody knows, at the level of what was measured: moved by the median of what they are apart. */
export function levelled(points: readonly ScanPoint[]): { points: ScanPoint[]; byDb: number } {
  const apart = comparable(points)
    .map(({ measuredDb, calculatedDb }) => measuredDb - calculatedDb)
    .sort((a, b) => a - b);
  const byDb = apart.length === 0 ? 0 : apart[Math.floor(apart.length / 2)];
  return { points: points.map((point) => ({ ...point, calculatedDb: point.calculatedDb + byDb })), byDb };
}

/** @param lacking said in a last line, where some points are missing */
export function scanCsv(points: readonly ScanPoint[], lacking?: string): string {
  const cell = (value: number | null): string =>
    value === null || !Number.isFinite(value) ? '' : String(Number(value.toFixed(3)));
  const rows = points.map(({ name, azimuthDeg, elevationDeg, measuredDb, calculatedDb }) => [
    name,
    cell(azimuthDeg),
    cell(elevationDeg),
    cell(measuredDb),
    cell(calculatedDb),
  ]);
  const table = stringify([['beam', 'azimuth_deg', 'elevation_deg', 'measured_db', 'calculated_db'], ...rows]);
  return lacking === undefined ? table : `${table}# ${lacking}\n`;
}

/** @param about `of`: whose angle it is, that of the beams, or that of the receiver */
export function scanSvg(points: readonly ScanPoint[], { title, axis, of }: { title: string; axis: Axis; of: string }): string {
  const known = points.every((point) => angleOn(axis, point) !== null);
  const x = points.map((point, i) => (known ? (angleOn(axis, point) ?? i) : i));
  return plotSvgFile({
    title,
    x: { label: known ? `${axis} of ${of}, degrees` : 'beam' },
    y: { label: 'SINR, dB' },
    lines: [
      { label: 'calculated', x, y: points.map(({ calculatedDb }) => calculatedDb), dashed: true },
      { label: 'measured', x, y: points.map(({ measuredDb }) => measuredDb) },
    ],
  });
}

/** What a cut through a pattern is like, measured beside calculated; null where it is not known. */
export interface CutFigures {
  axis: Axis;
  peakDeg: Beside;
  /** Between the two points of half the power. */
  beamwidthDeg: Beside;
  /** The highest lobe beside the main one, below it. */
  sidelobeDb: Beside;
}

interface Beside {
  measured: number | null;
  calculated: number | null;
}

/** @param points of one beam, in the order of their angles */
export function cutFigures(points: readonly ScanPoint[], axis: Axis): CutFigures {
  const degrees = points.map((point) => angleOn(axis, point) ?? NaN);
  const curves = {
    measured: points.map(({ measuredDb }) => measuredDb),
    calculated: points.map(({ calculatedDb }) => calculatedDb),
  };
  // Readings have noise, which would be a foot of the main lobe anywhere: where it ends is calculated.
  const [first, last] = feetOf(curves.calculated);
  const each = (of: (db: readonly number[], peak: number) => number | null): Beside => {
    const value = (db: readonly number[]): number | null => {
      const peak = highestOf(db);
      return peak === undefined ? null : of(db, peak);
    };
    return { measured: value(curves.measured), calculated: value(curves.calculated) };
  };
  return {
    axis,
    peakDeg: each((_, peak) => degrees[peak]),
    beamwidthDeg: each((db, peak) => {
      const [left, right] = [halfPower(degrees, db, peak, -1), halfPower(degrees, db, peak, 1)];
      return left === undefined || right === undefined ? null : right - left;
    }),
    sidelobeDb: each((db, peak) => {
      const beside = db.filter((value, i) => (i < first || i > last) && Number.isFinite(value));
      return beside.length === 0 ? null : Math.max(...beside) - db[peak];
    }),
  };
}

function highestOf(db: readonly number[]): number | undefined {
  let best: number | undefined;
  db.forEach((value, i) => {
    if (Number.isFinite(value) && (best === undefined || value > db[best])) best = i;
  });
  return best;
}

/** Points at which the main lobe ends. */
function feetOf(db: readonly number[]): [number, number] {
  const peak = highestOf(db) ?? 0;
  const walk = (side: 1 | -1): number => {
    let i = peak;
    while (db[i + side] <= db[i]) i += side;
    return i;
  };
  return [walk(-1), walk(1)];
}

const HALF_DB = 10 * Math.log10(2);

/** Where the line between two points crosses half of the peak's power; undefined where none does. */
function halfPower(degrees: readonly number[], db: readonly number[], peak: number, side: 1 | -1): number | undefined {
  const half = db[peak] - HALF_DB;
  for (let i = peak; i + side >= 0 && i + side < db.length; i += side) {
    const [here, next] = [db[i], db[i + side]];
    if (!Number.isFinite(next)) return undefined;
    if (next <= half) return degrees[i] + ((here - half) / (here - next)) * (degrees[i + side] - degrees[i]);
  }
  return undefined;
}
