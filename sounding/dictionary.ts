/**
 * Directions from which a user may be heard: steering vectors on a grid of spatial frequencies, evenly spaced in u = sin(azimuth)·cos(elevation)
 * and, on a planar array, in v = sin(elevation), as far as they can be seen (u² + v² ≤ 1).
 *
 * How elements really respond comes in with the beams: a reading is hᴴ·f with f what the array shows, so that a beam of measured states sees
 * each direction as the hardware does.
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { zeros } from '../core/signal/complex-matrix.ts';
import type { ArrayGeometry } from '../core/signal/geometry.ts';
import { elementCount, sumOfSteeringVectors } from '../core/signal/geometry.ts';

/** Grid points an element along a line, and along each side of a plane, where there are as many as of both together. */
const LINE_OVERSAMPLING = 3;
const PLANE_OVERSAMPLING = 2;

export interface Direction {
  readonly azimuthRad: number;
  readonly elevationRad: number;
}

export interface Dictionary {
  readonly directions: readonly Direction[];
  /** G×N, row g the steering vector of direction g, entries of modulus 1. */
  readonly atoms: CMatrix;
}

/**
 * @param oversampling grid points an element of each side, > 0; default 3 on a line and 2 on a plane
 * @throws {BeamrigError} 'argument' where it is not above 0
 */
export function steeringDictionary(geometry: ArrayGeometry, oversampling = defaultOversampling(geometry)): Dictionary {
  if (!(oversampling > 0 && Number.isFinite(oversampling))) {
    throw new BeamrigError('argument', `the oversampling of the dictionary is ${oversampling}`, {
      wayOut: 'give a number above 0, such as 2',
    });
  }
  const directions = geometry.kind === 'ula' ? lineGrid(geometry, oversampling) : planeGrid(geometry, oversampling);
  const elements = elementCount(geometry);
  const atoms = zeros(directions.length, elements);
  directions.forEach((direction, g) => sumOfSteeringVectors(geometry, [{ ...direction, re: 1, im: 0 }], atoms, g * elements));
  return { directions, atoms };
}

const defaultOversampling = ({ kind }: ArrayGeometry): number => (kind === 'ula' ? LINE_OVERSAMPLING : PLANE_OVERSAMPLING);

function lineGrid({ elements, spacingWavelengths }: ArrayGeometry & { kind: 'ula' }, oversampling: number): Direction[] {
  return frequencies(elements, spacingWavelengths, oversampling).map((u) => ({ azimuthRad: Math.asin(u), elevationRad: 0 }));
}

function planeGrid({ rows, columns, spacingWavelengths }: ArrayGeometry & { kind: 'upa' }, oversampling: number): Direction[] {
  const across = frequencies(columns, spacingWavelengths, oversampling);
  return frequencies(rows, spacingWavelengths, oversampling).flatMap((v) =>
    across
      .filter((u) => u * u + v * v <= 1)
      .map((u) => ({ azimuthRad: Math.asin(Math.min(Math.max(u / Math.sqrt(1 - v * v), -1), 1)), elevationRad: Math.asin(v) })),
  );
}

/** Cell centres of [−1, 1], so that the two ends, which are one direction at half a wavelength, are not both there. */
function frequencies(elements: number, spacingWavelengths: number, oversampling: number): number[] {
  const count = Math.max(2, Math.ceil(oversampling * elements * 2 * spacingWavelengths));
  return Array.from({ length: count }, (_, g) => (2 * g + 1) / count - 1);
}
