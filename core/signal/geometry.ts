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
  const out = zeros(elementCount(geometry), 1);
  sumOfSteeringVectors(geometry, [{ azimuthRad, elevationRad, re: 1, im: 0 }], out, 0);
  return out;
}

/** A direction, and the complex weight of its steering vector in a sum. */
export interface WeightedDirection {
  azimuthRad: number;
  elevationRad: number;
  re: number;
  im: number;
}

/**
 * Σ w·a(azimuth, elevation) over some directions, into N entries of `into` from entry `at` on. Mirrored in both angles a steering vector is its
 * own conjugate.
 *
 * Along a row of elements a steering vector is a geometric sequence: around the middle of a run of elements the phase goes up and down in equal
 * steps, so that one table of turns a direction serves every run of every row, and each entry of it two elements. Sine and cosine are taken once
 * a run and not once an element, which is most of what a simulated channel costs; rounding stays near 1e-15 in so few steps.
 */
export function sumOfSteeringVectors(
  geometry: ArrayGeometry,
  directions: readonly WeightedDirection[],
  { re, im }: CMatrix,
  at: number,
): void {
  const columns = geometry.kind === 'ula' ? geometry.elements : geometry.columns;
  const rows = geometry.kind === 'ula' ? 1 : geometry.rows;
  const count = directions.length;
  const { alongRows, alongColumns, turnRe, turnIm, middleRe, middleIm } = prepareTurns(geometry, directions);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column += RUN) {
      const length = Math.min(RUN, columns - column);
      const half = (length + 1) >> 1;
      for (let d = 0; d < count; d++) {
        const phase = row * alongRows[d] + (column + half - 0.5) * alongColumns[d];
        const cos = Math.cos(phase);
        const sin = Math.sin(phase);
        middleRe[d] = directions[d].re * cos - directions[d].im * sin;
        middleIm[d] = directions[d].re * sin + directions[d].im * cos;
      }
      const first = at + row * columns + column;
      for (let i = 0; i < half; i += 2) {
        const further = i + 1 < half ? count : 0; // of an odd number the last turn stands in for the one it lacks
        let upRe = 0;
        let upIm = 0;
        let downRe = 0;
        let downIm = 0;
        let nextUpRe = 0;
        let nextUpIm = 0;
        let nextDownRe = 0;
        let nextDownIm = 0;
        for (let d = 0, turn = i * count; d < count; d++, turn++) {
          const atRe = middleRe[d];
          const atIm = middleIm[d];
          const reRe = atRe * turnRe[turn];
          const imIm = atIm * turnIm[turn];
          const reIm = atRe * turnIm[turn];
          const imRe = atIm * turnRe[turn];
          upRe += reRe - imIm;
          upIm += reIm + imRe;
          downRe += reRe + imIm;
          downIm += imRe - reIm;
          const nextReRe = atRe * turnRe[turn + further];
          const nextImIm = atIm * turnIm[turn + further];
          const nextReIm = atRe * turnIm[turn + further];
          const nextImRe = atIm * turnRe[turn + further];
          nextUpRe += nextReRe - nextImIm;
          nextUpIm += nextReIm + nextImRe;
          nextDownRe += nextReRe + nextImIm;
          nextDownIm += nextImRe - nextReIm;
        }
        const down = first + half - 1 - i;
        const up = first + half + i;
        re[down] = downRe;
        im[down] = downIm;
        if (up >= first + length) continue;
        re[up] = upRe;
        im[up] = upIm;
        if (further === 0) continue;
        re[down - 1] = nextDownRe;
        im[down - 1] = nextDownIm;
        if (up + 1 >= first + length) continue; // a run of an odd number has no such element
        re[up + 1] = nextUpRe;
        im[up + 1] = nextUpIm;
      }
    }
  }
}

/** Elements of a run. */
const RUN = 64;

/** By direction, and entry i of the turns, exp(j·(i + ½)·step), at i·directions + direction. */
interface Turns {
  /** How many directions there is room for. */
  room: number;
  alongRows: Float64Array;
  alongColumns: Float64Array;
  turnRe: Float64Array;
  turnIm: Float64Array;
  middleRe: Float64Array;
  middleIm: Float64Array;
}

const roomForTurns = (room: number): Turns => ({
  room,
  alongRows: new Float64Array(room),
  alongColumns: new Float64Array(room),
  turnRe: new Float64Array((room * RUN) / 2),
  turnIm: new Float64Array((room * RUN) / 2),
  middleRe: new Float64Array(room),
  middleIm: new Float64Array(room),
});
/** Kept from call to call: a scene comes here for every user in every cycle. */
let turns = roomForTurns(16);

/** Fills the turns, and the phase steps from row to row and from column to column. */
function prepareTurns(geometry: ArrayGeometry, directions: readonly WeightedDirection[]): Turns {
  const count = directions.length;
  if (count > turns.room) turns = roomForTurns(2 * count);
  const { alongRows, alongColumns, turnRe, turnIm } = turns;
  const columns = geometry.kind === 'ula' ? geometry.elements : geometry.columns;
  const half = (Math.min(RUN, columns) + 1) >> 1;
  const wavelength = 2 * Math.PI * geometry.spacingWavelengths;
  for (let d = 0; d < count; d++) {
    const { azimuthRad, elevationRad } = directions[d];
    alongRows[d] = wavelength * Math.sin(elevationRad);
    alongColumns[d] = wavelength * Math.sin(azimuthRad) * Math.cos(elevationRad);
    let re = Math.cos(alongColumns[d] / 2);
    let im = Math.sin(alongColumns[d] / 2);
    const stepRe = Math.cos(alongColumns[d]);
    const stepIm = Math.sin(alongColumns[d]);
    for (let i = 0, turn = d; i < half; i++, turn += count) {
      turnRe[turn] = re;
      turnIm[turn] = im;
      const next = stepRe * re - stepIm * im;
      im = stepRe * im + stepIm * re;
      re = next;
    }
  }
  return turns;
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

/** Which elements hang on each chain, where each has its own run: those of `connectionMask`; null where every chain reaches all. */
export function chainRuns(kind: 'full' | 'sub', elements: number, rfChains: number): { first: number; count: number }[] | null {
  if (kind === 'full') return null;
  const mask = connectionMask(kind, elements, rfChains);
  return Array.from({ length: rfChains }, (_, chain) => {
    const own = Array.from({ length: elements }, (_, n) => mask[n * rfChains + chain]);
    return { first: own.indexOf(1), count: own.reduce((sum, connected) => sum + connected, 0) };
  });
}
