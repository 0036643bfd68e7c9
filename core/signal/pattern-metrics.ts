/**
 * What a beam is like, in the figures that an antenna is described by: where it points, how wide it is at −3 dB, how far its sidelobes are down, and
 * its EIRP beside that of one of its elements. Of the pattern ‖a(θ)ᴴX‖² of isotropic elements, all streams together; X = A·D has A as the states of
 * the elements show it.
 *
 * Over azimuth an array is a line of C elements (`azimuthLine`), and its power a function of u = sin(azimuth)·cos(elevation): an FFT of sixteen points a
 * beamwidth finds the lobes, the sum itself is asked where the answer lies between two points. Over elevation a planar array is asked point by point.
 *
 * Source: Balanis, Antenna Theory, 4th ed., sections 2.2 and 6.3 (half-power beamwidth, side lobe level).
 */
import { azimuthLine, powerSpectrum, powerTowards } from './beampattern.ts';
import type { CMatrix } from './complex-matrix.ts';
import { frobeniusNorm } from './complex-matrix.ts';
import type { ArrayGeometry } from './geometry.ts';
import { toDb } from './rate.ts';
import type { Direction } from './steering.ts';

export interface CutMetrics {
  readonly axis: 'azimuth' | 'elevation';
  /** Radians between the two points of half the peak's power; undefined where one of them is beyond ±90°. */
  readonly beamwidthRad: number | undefined;
  /** Power of the highest lobe beside the main one, over the peak's, linear; undefined where there is none. */
  readonly sidelobe: number | undefined;
}

export interface PatternMetrics {
  /** Where most is radiated. */
  readonly peak: Direction;
  /** Angle between where it points and where it was to, radians; undefined where nobody wanted it anywhere. */
  readonly pointingErrorRad: number | undefined;
  /**
   * ‖a(peak)ᴴX‖² over the mean power of an element, ‖X‖²_F/N: the EIRP over that of one element alone that is fed as the elements are; linear, N² at most.
   */
  readonly eirpOverElement: number;
  /** Over azimuth at the elevation of the peak; of a planar array then over elevation at its azimuth. */
  readonly cuts: readonly CutMetrics[];
}

const RAD = Math.PI / 180;
const POINTS_A_BEAM = 16;
const FEWEST_POINTS = 1024;
/** A planar array is looked at over azimuth and over elevation in turn; beams that point somewhere are found at once. */
const TURNS = 4;
const SAME_RAD = 1e-7;
/** Powers that differ by less are those of one flat top. */
const SAME_POWER = 1e-9;

/**
 * @param precoder X = A·D, N×K
 * @param wanted where it is to point; absent: a planar array is looked at from the middle
 * @returns undefined of a beam that radiates nothing
 */
export function patternMetrics(geometry: ArrayGeometry, precoder: CMatrix, wanted?: Direction): PatternMetrics | undefined {
  const elementPower = frobeniusNorm(precoder) ** 2 / precoder.rows;
  if (!(elementPower > 0)) return undefined;
  // A line of elements tells azimuths apart and nothing else.
  const to = wanted === undefined || geometry.kind === 'ula' ? { azimuthRad: wanted?.azimuthRad ?? 0, elevationRad: 0 } : wanted;
  let { azimuthRad, elevationRad } = to;
  let azimuth = peakOf(azimuthCurve(geometry, precoder, elevationRad), azimuthRad);
  let elevation: Peak | undefined;
  azimuthRad = azimuth.at;
  for (let turn = 0; geometry.kind === 'upa' && turn < TURNS; turn++) {
    elevation = peakOf(elevationCurve(geometry, precoder, azimuthRad), elevationRad);
    const moved = Math.abs(elevation.at - elevationRad);
    elevationRad = elevation.at;
    if (moved < SAME_RAD) break;
    azimuth = peakOf(azimuthCurve(geometry, precoder, elevationRad), azimuthRad);
    azimuthRad = azimuth.at;
  }
  const peak = { azimuthRad, elevationRad };
  return {
    peak,
    pointingErrorRad: wanted && angleBetween(peak, to),
    eirpOverElement: powerTowards(geometry, precoder, azimuthRad, elevationRad) / elementPower,
    cuts: [lobesOf('azimuth', azimuth), ...(elevation === undefined ? [] : [lobesOf('elevation', elevation)])],
  };
}

/** The same in the units of people; null where there is none. */
export interface PatternFigures {
  readonly peakAzimuthDeg: number;
  readonly peakElevationDeg: number;
  readonly pointingErrorDeg: number | null;
  readonly beamwidthDeg: { readonly azimuth: number | null; readonly elevation?: number | null };
  readonly sidelobeDb: { readonly azimuth: number | null; readonly elevation?: number | null };
  readonly eirpOverElementDb: number;
}

export function figuresOf({ peak, pointingErrorRad, eirpOverElement, cuts }: PatternMetrics): PatternFigures {
  const byAxis = (of: (cut: CutMetrics) => number | null): { azimuth: number | null; elevation?: number | null } => {
    const [azimuth, elevation] = cuts.map(of);
    return { azimuth, ...(elevation === undefined ? {} : { elevation }) };
  };
  return {
    peakAzimuthDeg: peak.azimuthRad / RAD,
    peakElevationDeg: peak.elevationRad / RAD,
    pointingErrorDeg: pointingErrorRad === undefined ? null : pointingErrorRad / RAD,
    beamwidthDeg: byAxis(({ beamwidthRad }) => (beamwidthRad === undefined ? null : beamwidthRad / RAD)),
    sidelobeDb: byAxis(({ sidelobe }) => (sidelobe === undefined ? null : toDb(sidelobe))),
    eirpOverElementDb: toDb(eirpOverElement),
  };
}

/** Of two directions seen from the array, radians. */
function angleBetween(a: Direction, b: Direction): number {
  const halfAzimuth = Math.sin((a.azimuthRad - b.azimuthRad) / 2);
  const halfElevation = Math.sin((a.elevationRad - b.elevationRad) / 2);
  const chord = halfElevation ** 2 + Math.cos(a.elevationRad) * Math.cos(b.elevationRad) * halfAzimuth ** 2;
  return 2 * Math.asin(Math.min(1, Math.sqrt(chord)));
}

/** Power over an angle, −π/2 … π/2, at points that are dense enough to see every lobe. */
interface Curve {
  readonly anglesRad: Float64Array;
  readonly power: Float64Array;
  readonly at: (angleRad: number) => number;
}

function azimuthCurve(geometry: ArrayGeometry, precoder: CMatrix, elevationRad: number): Curve {
  const line = azimuthLine(geometry, precoder, elevationRad);
  // Towards an elevation the columns of a planar array are nearer to one another.
  const spacing = geometry.spacingWavelengths * Math.cos(elevationRad);
  const length = 2 ** Math.ceil(Math.log2(Math.max(FEWEST_POINTS, POINTS_A_BEAM * line.rows)));
  const spectrum = powerSpectrum(line, length);
  const at = (angleRad: number): number => powerTowards(geometry, precoder, angleRad, elevationRad);
  const most = Math.max(0, Math.ceil(spacing * length) - 1);
  const anglesRad = new Float64Array(2 * most + 3);
  const power = new Float64Array(anglesRad.length);
  for (let k = -most; k <= most; k++) {
    anglesRad[k + most + 1] = most === 0 ? 0 : Math.asin(k / (spacing * length));
    power[k + most + 1] = spectrum[((k % length) + length) % length];
  }
  for (const [i, edge] of [[0, -Math.PI / 2] as const, [anglesRad.length - 1, Math.PI / 2] as const]) {
    anglesRad[i] = edge;
    power[i] = at(edge);
  }
  return { anglesRad, power, at };
}

function elevationCurve(geometry: ArrayGeometry & { kind: 'upa' }, precoder: CMatrix, azimuthRad: number): Curve {
  const { rows, columns, spacingWavelengths: spacing } = geometry;
  // Steered aside the columns, too, tell elevations apart.
  const wavelengths = spacing * (rows + columns * Math.abs(Math.sin(azimuthRad)));
  const steps = Math.max(FEWEST_POINTS, Math.ceil(2 * POINTS_A_BEAM * wavelengths));
  const at = (angleRad: number): number => powerTowards(geometry, precoder, azimuthRad, angleRad);
  const anglesRad = Float64Array.from({ length: steps + 1 }, (_, i) => -Math.PI / 2 + (Math.PI * i) / steps);
  return { anglesRad, power: anglesRad.map(at), at };
}

interface Peak {
  readonly curve: Curve;
  /** Of the point nearest to it. */
  readonly place: number;
  readonly at: number;
  readonly power: number;
}

/** @param near where the peak is said to be when the top is flat */
function peakOf(curve: Curve, near: number): Peak {
  const { anglesRad, power, at } = curve;
  let place = 0;
  for (let i = 1; i < power.length; i++) if (power[i] > power[place]) place = i;
  const [from, to] = [anglesRad[Math.max(place - 1, 0)], anglesRad[Math.min(place + 1, anglesRad.length - 1)]];
  const angle = highestBetween(at, from, to);
  const highest = Math.max(at(angle), power[place]);
  const wanted = at(near);
  if (wanted >= highest * (1 - SAME_POWER)) return { curve, place: placeOf(anglesRad, near), at: near, power: wanted };
  return { curve, place, at: angle, power: highest };
}

function placeOf(anglesRad: Float64Array, angle: number): number {
  let best = 0;
  for (let i = 1; i < anglesRad.length; i++) if (Math.abs(anglesRad[i] - angle) < Math.abs(anglesRad[best] - angle)) best = i;
  return best;
}

/** Golden section: between two points about a peak the power rises once and falls once. */
function highestBetween(at: (angle: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [from, to];
  let [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [atLeft, atRight] = [at(left), at(right)];
  while (high - low > SAME_RAD) {
    if (atLeft > atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - ratio * (high - low);
      atLeft = at(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + ratio * (high - low);
      atRight = at(right);
    }
  }
  return (low + high) / 2;
}

function lobesOf(axis: CutMetrics['axis'], peak: Peak): CutMetrics {
  const { power } = peak.curve;
  const [left, right] = [halfPower(peak, -1), halfPower(peak, 1)];
  const [first, last] = [footOf(peak, -1), footOf(peak, 1)];
  let highest = -Infinity;
  for (let i = 0; i < power.length; i++) if (i < first || i > last) highest = Math.max(highest, power[i]);
  return {
    axis,
    beamwidthRad: left === undefined || right === undefined ? undefined : right - left,
    sidelobe: highest === -Infinity ? undefined : Math.max(0, highest) / peak.power,
  };
}

/** Where the power has fallen to a half on one side; undefined beyond ±90°. */
function halfPower({ curve: { anglesRad, power, at }, place, power: most, at: top }: Peak, side: 1 | -1): number | undefined {
  let i = place;
  while (i >= 0 && i < power.length && power[i] > most / 2) i += side;
  if (i < 0 || i >= power.length) return undefined;
  let [inside, outside] = [i === place ? top : anglesRad[i - side], anglesRad[i]];
  if ((outside - inside) * side <= 0) inside = top;
  while (Math.abs(outside - inside) > SAME_RAD) {
    const middle = (inside + outside) / 2;
    if (at(middle) > most / 2) inside = middle;
    else outside = middle;
  }
  return (inside + outside) / 2;
}

/** The last point of the main lobe on one side: behind it the power rises again. */
function footOf({ curve: { power }, place }: Peak, side: 1 | -1): number {
  let i = place;
  while (power[i + side] !== undefined && power[i + side] <= power[i]) i += side;
  return i;
}
