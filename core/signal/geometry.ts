/**
 * Where the elements stand and how they are wired: line and planar arrays, steering vectors, element pattern, connection of elements to RF
 * chains. Azimuth is measured from broadside in the horizontal plane and is positive towards element 0, elevation from the horizon and positive
 * upwards, both in radians. A word turns a carrier forward. firmware-protocol/PROTOCOL.md section 1.5 has the drawing.
 */
import { counted } from '../errors/counted.ts';
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { CMatrix } from './complex-matrix.ts';
import { zeros } from './complex-matrix.ts';

export type ArrayGeometry =
  | { kind: 'ula'; elements: number; spacingWavelengths: number }
  /** Element (row, column) has index row·columns + column; row 0 is the top one, column 0 the left one seen from behind. */
  | { kind: 'upa'; rows: number; columns: number; spacingWavelengths: number };

/** Gain of one element towards a direction, dB relative to its broadside. */
export type ElementPattern = (azimuthRad: number, elevationRad: number) => number;

export function elementCount(geometry: ArrayGeometry): number {
  return geometry.kind === 'ula' ? geometry.elements : geometry.rows * geometry.columns;
}

/**
 * Steering vector with unit-modulus entries (no 1/√N): element n of a line array has phase 2π·d·n·sin(azimuth)·cos(elevation), so that at
 * half-wave spacing in the horizontal plane it is exp(jπ n sin θ); a row of a planar array adds 2π·d·row·sin(elevation).
 * @returns N×1
 */
export function steeringVector(geometry: ArrayGeometry, azimuthRad: number, elevationRad = 0): CMatrix {
  const columns = geometry.kind === 'ula' ? geometry.elements : geometry.columns;
  const rows = geometry.kind === 'ula' ? 1 : geometry.rows;
  const turn = 2 * Math.PI * geometry.spacingWavelengths;
  const alongColumns = turn * Math.sin(azimuthRad) * Math.cos(elevationRad);
  const alongRows = turn * Math.sin(elevationRad);
  const out = zeros(rows * columns, 1);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const phase = row * alongRows + column * alongColumns;
      out.re[row * columns + column] = Math.cos(phase);
      out.im[row * columns + column] = Math.sin(phase);
    }
  }
  return out;
}

/**
 * The cosine-power element: gain cosⁿ of the angle off broadside, as power, never below `floorDb` (the back of a real element is not dark).
 * A patch is near exponent 2.
 */
export function cosinePowerPattern(options: { exponent: number; floorDb: number }): ElementPattern {
  return (azimuthRad, elevationRad) => {
    const cosine = Math.cos(azimuthRad) * Math.cos(elevationRad);
    if (cosine <= 0) return options.floorDb;
    return Math.max(10 * options.exponent * Math.log10(cosine), options.floorDb);
  };
}

/**
 * Which element is wired to which chain, N·M of 0/1, row-major: `full` all ones; `sub` gives each chain its own run of neighbouring
 * elements, as equal as N and M allow.
 * @throws {BeamrigError} `argument` when a sub-connected array has fewer elements than chains
 */
export function connectionMask(kind: 'full' | 'sub', elements: number, rfChains: number): Uint8Array {
  const mask = new Uint8Array(elements * rfChains);
  if (kind === 'full') return mask.fill(1);
  if (elements < rfChains) {
    throw new BeamrigError(
      'argument',
      `${counted(elements, 'element')} cannot be shared out to ${counted(rfChains, 'RF chain')}`,
      {
        wayOut: 'give each chain at least one element',
      },
    );
  }
  for (let n = 0; n < elements; n++) mask[n * rfChains + Math.floor((n * rfChains) / elements)] = 1;
  return mask;
}
