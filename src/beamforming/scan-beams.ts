/**
 * Many beams one after the other, each until its reading has been had, and then the strongest of them: a scan. It measures them all at one place, where
 * its user stands; what one beam is like in other places is learnt by moving the user alone.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import type { Feature } from '../../firmware-protocol/messages.ts';
import type { Beam } from '../../core/signal/beam-contract.ts';
import { elementCount } from '../../core/signal/geometry.ts';
import type { Beamformer } from './beamformer.ts';
import { beamTowards, type ArrayAtHand, type SteerWish } from './hand-beams.ts';

/** One of the beams of a scan. */
export interface ScanStop {
  readonly name: string;
  /** Where it points, degrees; null where that is not known. */
  readonly azimuthDeg: number | null;
  readonly elevationDeg: number | null;
  readonly beam: Beam;
  /** What a panel must have to show it. */
  readonly takes?: readonly Feature[];
}

export interface ScanPoint extends Omit<ScanStop, 'beam' | 'takes'> {
  /** SINR of the user, dB; NaN where no reading was to be had. */
  readonly measuredDb: number;
  /** As expected over the channel that the beam was asked for. */
  readonly calculatedDb: number;
}

/** Angles from one to another. */
export interface ScanWish extends Omit<SteerWish, 'azimuthDeg'> {
  readonly fromDeg: number;
  readonly toDeg: number;
  readonly stepDeg: number;
}

export interface Scan extends Beamformer {
  /** Those that are done, in order. */
  readonly points: readonly ScanPoint[];
  readonly stops: readonly ScanStop[];
  readonly user: number;
}

export const isScan = (beamformer: Beamformer): beamformer is Scan => 'stops' in beamformer;

export const MOST_STOPS = 4096;
/** Cycles without a reading after which a beam is given up. */
const ATTEMPTS = 5;

/** The angles of a wish, both ends among them where the step fits. @throws {BeamrigError} 'argument' */
export function anglesOf({ fromDeg, toDeg, stepDeg }: Pick<ScanWish, 'fromDeg' | 'toDeg' | 'stepDeg'>): number[] {
  const count = Math.floor((toDeg - fromDeg) / stepDeg + 1e-9) + 1;
  if (stepDeg > 0 && count >= 1 && count <= MOST_STOPS) {
    return Array.from({ length: count }, (_, i) => Number((fromDeg + i * stepDeg).toFixed(9)));
  }
  throw new BeamrigError(
    'argument',
    `angles from ${fromDeg} to ${toDeg} in steps of ${stepDeg}: not allowed; allowed: rising, at most ${MOST_STOPS}`,
    {
      wayOut: 'Write them as -60:60:2, degrees.',
    },
  );
}

/** Beams towards angles. @throws {BeamrigError} 'argument' where the array cannot point there */
export const stopsTowards = (array: ArrayAtHand, wish: ScanWish): ScanStop[] => {
  const { elevationDeg, user } = wish;
  return stopsAt(
    array,
    anglesOf(wish).map((azimuthDeg) => ({ azimuthDeg, elevationDeg })),
    user,
    'azimuth',
  );
};

/**
 * @param namedBy the angle that is another one at each stop
 * @throws {BeamrigError} 'argument' where the array cannot point there
 */
export const stopsAt = (
  array: ArrayAtHand,
  places: readonly Omit<SteerWish, 'user'>[],
  user: number,
  namedBy: 'azimuth' | 'elevation',
): ScanStop[] =>
  places.map(({ azimuthDeg, elevationDeg }) => ({
    ...{ name: `${namedBy === 'azimuth' ? azimuthDeg : elevationDeg}°`, azimuthDeg, elevationDeg },
    beam: beamTowards(array, { azimuthDeg, elevationDeg, user }),
  }));

/** The N orthogonal beams of a Fourier transform, from left to right and, of a planar array, row by row: even in the sines of the angles. */
export function fourierStops(array: ArrayAtHand, user: number): ScanStop[] {
  const { geometry } = array;
  const [rows, columns] = geometry.kind === 'ula' ? [1, geometry.elements] : [geometry.rows, geometry.columns];
  const stops: ScanStop[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const up = sineOf(row, rows, geometry.spacingWavelengths);
      const across = sineOf(column, columns, geometry.spacingWavelengths);
      // Beyond what can be seen there is a beam that radiates to nowhere in front.
      const elevation = Math.asin(up);
      const sine = across / Math.cos(elevation);
      if (!(Math.abs(up) <= 1 && Math.abs(sine) <= 1)) continue;
      const [azimuthDeg, elevationDeg] = [degrees(Math.asin(sine)), degrees(elevation)];
      const name = geometry.kind === 'ula' ? `beam ${column}` : `beam ${row}, ${column}`;
      stops.push({ name, azimuthDeg, elevationDeg, beam: beamTowards(array, { azimuthDeg, elevationDeg, user }) });
    }
  }
  return stops;
}

/** u = (i − ⌊C/2⌋)/(C·d) */
const sineOf = (i: number, count: number, spacing: number): number => (i - Math.floor(count / 2)) / (count * spacing);
const degrees = (rad: number): number => Number(((rad * 180) / Math.PI).toFixed(9));

/** Each beam until it has been read, or could not be; then the strongest. */
export function scanning(array: ArrayAtHand, stops: readonly ScanStop[], user: number): Scan {
  if (stops.length === 0) throw new BeamrigError('argument', 'a scan of no beams', { wayOut: 'Give it some.' });
  const points: ScanPoint[] = [];
  let attempts = 0;
  let best = 0;
  return {
    id: 'scan',
    kind: 'by-hand',
    title: `scan of ${counted(stops.length, 'beam')}, with the stream of user ${user}`,
    dimensions: { elements: elementCount(array.geometry), rfChains: array.rfChains, users: array.users },
    takes: stops.flatMap(({ takes = [] }) => takes),
    points,
    stops,
    user,
    compute: async () => stops[points.length < stops.length ? points.length : best].beam,
    heard(beam, { measuredDb, predictedDb, isAway }) {
      // What is not there is waited for, and no beam is given up for it.
      if (isAway === true) return undefined;
      const stop = stops[points.length];
      // One of before: a cycle may be prepared while another is on the panel.
      if (points.length >= stops.length || stop.beam !== beam) return undefined;
      attempts++;
      if (measuredDb === undefined && attempts < ATTEMPTS) return undefined;
      attempts = 0;
      const { beam: _, takes: __, ...of } = stop;
      points.push({ ...of, measuredDb: measuredDb?.[user] ?? NaN, calculatedDb: predictedDb[user] });
      if (points.length < stops.length) return undefined;
      best = strongest(points);
      const { name, measuredDb: most } = points[best];
      return Number.isNaN(most)
        ? `The scan is done, and no beam of it could be measured.`
        : `The scan of ${counted(points.length, 'beam')} is done: strongest is ${name}, with ${most.toFixed(1)} dB at user ${user}; it stays.`;
    },
    close: async () => undefined,
  };
}

/** Index of the highest reading; 0 where there is none. */
export function strongest(points: readonly ScanPoint[]): number {
  let best = 0;
  points.forEach(({ measuredDb }, i) => {
    if (measuredDb > points[best].measuredDb || Number.isNaN(points[best].measuredDb)) best = i;
  });
  return best;
}
