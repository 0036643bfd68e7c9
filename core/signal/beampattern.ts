/**
 * Where an array radiates, on a grid that is fine enough for it. A line of C elements d wavelengths apart has beams that are 1/(C·d) wide in
 * sin θ, so a grid of fixed steps misses the peaks of a long one; here the steps shrink with the array, and directions that matter (users)
 * are among the points exactly. Elements are ideal and isotropic.
 *
 * As a function of sin θ the power is a Fourier series with as many terms as the line has elements:
 *
 *   columns of X ─► zero-padded FFTs ─► Σ|·|²: power at steps of 1/(d·L)          (L ≥ 4·C: between two points a peak loses at most 0.23 dB)
 *                                          └─► inverse FFT ─► its C coefficients ─► power at any other direction, O(C) each
 */
import { counted } from '../errors/counted.ts';
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { CMatrix } from './complex-matrix.ts';
import { zeros } from './complex-matrix.ts';
import { fft } from './fft.ts';
import type { ArrayGeometry } from './geometry.ts';
import { elementCount } from './geometry.ts';

/** A cut through the pattern. */
export interface PatternCut {
  /** Radians, rising, −π/2 … π/2. */
  anglesRad: Float64Array;
  /** ‖a(θ)ᴴX‖², linear: 1 is what one isotropic element fed with power 1 radiates. */
  power: Float64Array;
  /** Of each direction that was asked for, its place in `anglesRad`. */
  places: number[];
}

const FEWEST_POINTS = 512;
const MOST_POINTS = 16_384;
/** Points in the width of a beam. */
const PER_BEAM = 4;
const ELEVATION_PER_BEAM = 8;
const FEWEST_ELEVATIONS = 181;

/**
 * Total power over azimuth in the horizontal plane, all streams together.
 * @param precoder N×K, X = A·D
 * @param towardsRad directions that must be among the points
 */
export function azimuthCut(geometry: ArrayGeometry, precoder: CMatrix, towardsRad: readonly number[]): PatternCut {
  const line = azimuthLine(geometry, precoder);
  const spacing = geometry.spacingWavelengths;
  const length = powerOfTwoFrom(Math.max(FEWEST_POINTS, PER_BEAM * line.rows));
  const spectrum = powerSpectrum(line, length);
  const at = seriesOf(spectrum, line.rows, spacing);

  const points = new Map<number, number>();
  const most = Math.ceil(spacing * length) - 1;
  // Of a line of very many wavelengths neighbouring points are one: the loudest of them stands for all.
  const together = Math.ceil((2 * most + 1) / MOST_POINTS);
  const powerAt = (k: number): number => spectrum[((k % length) + length) % length];
  for (let k = -most; k <= most; k += together) {
    let loudest = k;
    for (let other = k + 1; other < k + together && other <= most; other++) {
      if (powerAt(other) > powerAt(loudest)) loudest = other;
    }
    points.set(Math.asin(loudest / (spacing * length)), powerAt(loudest));
  }
  for (const angle of [-Math.PI / 2, Math.PI / 2, ...towardsRad]) points.set(angle, at(Math.sin(angle)));
  return cutOf(points, towardsRad);
}

/**
 * The same over elevation, in the upright plane at one azimuth, of a planar array.
 * @param towardsRad elevations that must be among the points
 */
export function elevationCut(
  geometry: ArrayGeometry & { kind: 'upa' },
  precoder: CMatrix,
  azimuthRad: number,
  towardsRad: readonly number[],
): PatternCut {
  const { rows, spacingWavelengths } = geometry;
  const steps = Math.max(FEWEST_ELEVATIONS, Math.ceil(ELEVATION_PER_BEAM * 2 * spacingWavelengths * rows)) - 1;
  const points = new Map<number, number>();
  for (let i = 0; i <= steps; i++) points.set(-Math.PI / 2 + (Math.PI * i) / steps, 0);
  for (const angle of towardsRad) points.set(angle, 0);
  for (const angle of points.keys()) points.set(angle, powerTowards(geometry, precoder, azimuthRad, angle));
  return cutOf(points, towardsRad);
}

/**
 * The line of elements that an array is over azimuth at one elevation: towards it the rows of a planar array differ in phase by a constant step.
 * @returns C×K
 */
export function azimuthLine(geometry: ArrayGeometry, precoder: CMatrix, elevationRad = 0): CMatrix {
  requireFitting(geometry, precoder);
  if (geometry.kind === 'ula') return precoder;
  const { rows, columns, spacingWavelengths } = geometry;
  return summedOverRows(precoder, rows, columns, -2 * Math.PI * spacingWavelengths * Math.sin(elevationRad));
}

/** ‖a(azimuth, elevation)ᴴX‖²: 1 is what one isotropic element fed with power 1 radiates. @param precoder N×K */
export function powerTowards(geometry: ArrayGeometry, precoder: CMatrix, azimuthRad: number, elevationRad = 0): number {
  requireFitting(geometry, precoder);
  const { spacingWavelengths } = geometry;
  const [rows, columns] = geometry.kind === 'ula' ? [1, geometry.elements] : [geometry.rows, geometry.columns];
  const turn = 2 * Math.PI * spacingWavelengths;
  const across = turnsOf(columns, -turn * Math.sin(azimuthRad) * Math.cos(elevationRad));
  return towards(precoder, columns, across, turnsOf(rows, -turn * Math.sin(elevationRad)));
}

function requireFitting(geometry: ArrayGeometry, precoder: CMatrix): void {
  const elements = elementCount(geometry);
  if (precoder.rows === elements) return;
  throw new BeamrigError('shape', `the array has ${counted(elements, 'element')}, the precoder ${counted(precoder.rows, 'row')}`);
}

function cutOf(points: ReadonlyMap<number, number>, towardsRad: readonly number[]): PatternCut {
  const anglesRad = Float64Array.from(points.keys()).sort();
  const places = towardsRad.map((angle) => anglesRad.indexOf(angle));
  return { anglesRad, power: anglesRad.map((angle) => Math.max(points.get(angle) ?? 0, 0)), places };
}

/** The line that a planar array is where its rows are in phase, as they are in the horizontal plane, or each `step` radians ahead of the one above. */
export function summedOverRows({ re, im, cols }: CMatrix, rows: number, columns: number, step = 0): CMatrix {
  const sum = zeros(columns, cols);
  const turns = turnsOf(rows, step);
  for (let row = 0; row < rows; row++) {
    const from = row * columns * cols;
    const [cos, sin] = [turns.re[row], turns.im[row]];
    for (let i = 0; i < columns * cols; i++) {
      sum.re[i] += cos * re[from + i] - sin * im[from + i];
      sum.im[i] += cos * im[from + i] + sin * re[from + i];
    }
  }
  return sum;
}

/** Σ over streams of |Σₙ x[n]·exp(−j2πkn/L)|², k = 0 … L − 1: the power towards sin θ = k/(d·L), which repeats itself every 1/d. */
export function powerSpectrum(line: CMatrix, length: number): Float64Array {
  const power = new Float64Array(length);
  const re = new Float64Array(length);
  const im = new Float64Array(length);
  for (let stream = 0; stream < line.cols; stream++) {
    re.fill(0);
    im.fill(0);
    for (let n = 0; n < line.rows; n++) {
      re[n] = line.re[n * line.cols + stream];
      im[n] = line.im[n * line.cols + stream];
    }
    fft(re, im);
    for (let k = 0; k < length; k++) power[k] += re[k] * re[k] + im[k] * im[k];
  }
  return power;
}

/** The power towards any sin θ, from the spectrum's Fourier coefficients. */
function seriesOf(spectrum: Float64Array, elements: number, spacing: number): (sine: number) => number {
  const { length } = spectrum;
  const re = spectrum.slice();
  const im = new Float64Array(length);
  fft(re, im, 'backward');
  return (sine) => {
    const step = -2 * Math.PI * spacing * sine;
    let sum = re[0];
    for (let lag = 1; lag < elements; lag++) sum += 2 * (re[lag] * Math.cos(lag * step) - im[lag] * Math.sin(lag * step));
    return sum / length;
  };
}

/** exp(j·step·n), n = 0 … count − 1. */
function turnsOf(count: number, step: number): { re: Float64Array; im: Float64Array } {
  const re = Float64Array.from({ length: count }, (_, n) => Math.cos(n * step));
  return { re, im: re.map((_, n) => Math.sin(n * step)) };
}

/** ‖aᴴX‖² where aᴴ is the product of what the columns and what the rows turn by. */
function towards({ re, im, rows: elements, cols }: CMatrix, columns: number, across: Turns, up: Turns): number {
  const sumRe = new Float64Array(cols);
  const sumIm = new Float64Array(cols);
  for (let n = 0; n < elements; n++) {
    const [column, row] = [n % columns, Math.floor(n / columns)];
    const ar = across.re[column] * up.re[row] - across.im[column] * up.im[row];
    const ai = across.re[column] * up.im[row] + across.im[column] * up.re[row];
    for (let k = 0, i = n * cols; k < cols; k++, i++) {
      sumRe[k] += ar * re[i] - ai * im[i];
      sumIm[k] += ar * im[i] + ai * re[i];
    }
  }
  let power = 0;
  for (let k = 0; k < cols; k++) power += sumRe[k] * sumRe[k] + sumIm[k] * sumIm[k];
  return power;
}

interface Turns {
  re: Float64Array;
  im: Float64Array;
}

const powerOfTwoFrom = (least: number): number => 2 ** Math.ceil(Math.log2(least));
