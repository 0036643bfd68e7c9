/** What comes of a scan: how far measured and calculated are apart, as a table and as a picture. */
import { stringify } from 'csv-stringify/sync';
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
  return points.filter(({ measuredDb, calculatedDb }) => Number.isFinite(measuredDb) && calculatedDb >= highest - COMPARED_DB);
}

/** A calculated pattern whose level nobody knows, at the level of what was measured: moved by the median of what they are apart. */
export function levelled(points: readonly ScanPoint[]): { points: ScanPoint[]; byDb: number } {
  const apart = comparable(points)
    .map(({ measuredDb, calculatedDb }) => measuredDb - calculatedDb)
    .sort((a, b) => a - b);
  const byDb = apart.length === 0 ? 0 : apart[Math.floor(apart.length / 2)];
  return { points: points.map((point) => ({ ...point, calculatedDb: point.calculatedDb + byDb })), byDb };
}

export function scanCsv(points: readonly ScanPoint[]): string {
  const cell = (value: number | null): string => (value === null || !Number.isFinite(value) ? '' : String(value));
  const rows = points.map(({ name, azimuthDeg, elevationDeg, measuredDb, calculatedDb }) => [
    name,
    cell(azimuthDeg),
    cell(elevationDeg),
    cell(measuredDb),
    cell(calculatedDb),
  ]);
  return stringify([['beam', 'azimuth_deg', 'elevation_deg', 'measured_db', 'calculated_db'], ...rows]);
}

/** @param of whose angle it is: that of the beams, or that of the receiver */
export function scanSvg(points: readonly ScanPoint[], title: string, of: string): string {
  const known = points.every(({ azimuthDeg }) => azimuthDeg !== null);
  const x = points.map(({ azimuthDeg }, i) => (known ? (azimuthDeg ?? i) : i));
  return plotSvgFile({
    title,
    x: { label: known ? `azimuth of ${of}, degrees` : 'beam' },
    y: { label: 'SINR, dB' },
    lines: [
      { label: 'calculated', x, y: points.map(({ calculatedDb }) => calculatedDb), dashed: true },
      { label: 'measured', x, y: points.map(({ measuredDb }) => measuredDb) },
    ],
  });
}
